from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mailsec.crypto import PrivateIdentity, PrivateKey
from mailsec.crypto.issue import Issued, issue, make_authority, make_own
from mailsec.store.keys import FileKeyStore, Passwords

NOW = datetime.now(UTC).replace(microsecond=0)
START, END = NOW - timedelta(days=1), NOW + timedelta(days=30)
CHEAP = 1 << 10  # scrypt's cost in tests

Make = Callable[..., Issued]


@pytest.fixture(scope="session")
def authority() -> Issued:
    return make_authority("Test Authority", not_before=START, not_after=END, key=PrivateKey.generate("ec"))


@pytest.fixture
def make(authority: Issued) -> Make:
    """Issues a certificate of the test authority."""

    def make(*emails: str, own: bool = False, **more: Any) -> Issued:
        given = {"not_before": START, "not_after": END, "key": PrivateKey.generate("ec"), **more}
        return make_own(given.pop("key"), emails, **given) if own else issue(authority, *emails, **given)

    return make


def password(secret: str = "secret") -> Passwords:
    return Passwords("account", "the kept keys", ask=lambda _prompt: secret.encode())


@pytest.fixture
def opened(tmp_path: Path) -> Callable[..., FileKeyStore]:
    """Opens the same store anew, as another program would."""
    return lambda secret="secret": FileKeyStore(tmp_path / "keys", password(secret), cost=CHEAP)


def identity(issued: Issued) -> PrivateIdentity:
    return PrivateIdentity(issued.key, issued.certificates)
