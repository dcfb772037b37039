"""Passwords from commands, and private keys from files."""

from __future__ import annotations

import pytest

from mailsec.errors import UsageError
from mailsec.store import identities
from mailsec.store.identities import password_from


@pytest.mark.parametrize(
    ("command", "password"),
    [
        ("echo secret", b"secret"),
        ("printf 'secret\\r\\nsecond line\\n'", b"secret"),
        ("printf 'no line end'", b"no line end"),
        ("printf ' a b '", b" a b "),
        ("sleep 5 >/dev/null & echo left behind", b"left behind"),
    ],
)
def test_the_first_line_is_the_password(command: str, password: bytes) -> None:
    assert password_from(command) == password


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("exit 3", "failed with exit status 3"),
        ("echo secret; exit 3", "failed with exit status 3"),
        ("kill -TERM $$", "was ended by signal 15"),
        ("true", "printed nothing"),
        ("echo", "printed nothing"),
        ("yes", "printed more than"),
        ("a\0b", "cannot be run"),
    ],
)
def test_a_command_that_gives_none(command: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        password_from(command)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("command", ["exec sleep 9", "sleep 9; echo late", "exec >&-; sleep 9", "sleep 9 & echo x"])
def test_a_command_that_hangs_is_given_up(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(identities, "PASSWORD_SECONDS", 0.2)
    with pytest.raises(UsageError, match="did not end"):
        password_from(command)
