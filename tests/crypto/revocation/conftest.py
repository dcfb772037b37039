from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailsec.crypto import Certificate, PathValidator, PrivateKey
from mailsec.crypto.issue import Issued, issue, make_authority
from mailsec.crypto.limits import REVOCATION_LIMITS, RevocationLimits
from mailsec.crypto.revocation import PathRevocation, RevocationChecker
from mailsec.errors import FetchError
from mailsec.hooks import Fetched

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
VALID: dict[str, Any] = {"not_before": NOW - 300 * DAY, "not_after": NOW + 300 * DAY}


@dataclass
class Documents:
    """A fetcher that has some documents, by URL, and counts what it is asked for."""

    documents: Mapping[str, bytes]
    asked: list[str] = field(default_factory=list)

    async def fetch(self, url: str, *, data: bytes | None = None, limit: int = 1 << 20) -> Fetched:
        self.asked.append(url)
        for known, octets in self.documents.items():
            if url == known or (known.endswith("*") and url.startswith(known[:-1])):
                assert len(octets) <= limit
                return Fetched(url, 200, "application/octet-stream", octets)
        raise FetchError(f"{url} is not there")


class Maker:
    """Makes authorities and leaves with the keys of the session, all of one curve."""

    def __init__(self, keys: Callable[..., PrivateKey]) -> None:
        self._keys = keys

    def root(self, name: str = "Root", number: int = 0, **options: Any) -> Issued:
        return make_authority(name, key=self._keys("ec", number), **{**VALID, **options})

    def mid(self, parent: Issued, name: str = "Mid", number: int = 1, **options: Any) -> Issued:
        return self.root(name, number, parent=parent, **options)

    def leaf(self, authority: Issued, *extra: Any, number: int = 2, **options: Any) -> Issued:
        key = self._keys("ec", number)
        return issue(authority, "alice@example.org", key=key, extra=extra, **{**VALID, **options})

    async def check(
        self,
        leaf: Issued,
        *,
        lists: Sequence[bytes] = (),
        documents: Mapping[str, bytes] | Documents | None = None,
        others: Sequence[Certificate] = (),
        at: datetime = NOW,
        limits: RevocationLimits = REVOCATION_LIMITS,
    ) -> PathRevocation:
        validator = PathValidator((*leaf.chain, *others), leaf.chain[-1:], at)
        result = validator.validate(leaf.certificate)
        assert result.failure is None, result.sentence
        fetcher = Documents(documents) if isinstance(documents, Mapping) else documents
        return await RevocationChecker(validator, fetcher, lists=lists, limits=limits).check(result)


@pytest.fixture(scope="session")
def maker(keys: Callable[..., PrivateKey]) -> Maker:
    return Maker(keys)
