"""What the store costs those who only read messages."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mailsec import store


def test_reading_messages_needs_no_database() -> None:
    script = (
        "import sys, mailsec.store; mailsec.store.read_path;"
        "print(*{'sqlite3', 'mailsec.message', 'mailsec.store.index', 'concurrent.futures'} & set(sys.modules))"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == []


@pytest.mark.parametrize("name", store.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(store, name) is not None


def test_others_are_not() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        store.nothing  # noqa: B018
