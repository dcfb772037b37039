"""What the tests of the index share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailsec.store import Flags, Index, Maildir


@pytest.fixture
def box(tmp_path: Path) -> Maildir:
    return Maildir.create(tmp_path / "Maildir")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    with Index(tmp_path / "index.sqlite") as index:
        yield index


@pytest.fixture
def letter() -> Callable[..., bytes]:
    def make(number: int, *references: int, subject: str = "x", day: int = 1, body: str = "") -> bytes:
        mentions = f"References: {' '.join(f'<{one}@x>' for one in references)}\n" if references else ""
        return (
            f"From: alice@example.org\nTo: bob@example.net\nSubject: {subject}\nMessage-ID: <{number}@x>\n{mentions}"
            f"Date: Fri, {day:02} May 2026 12:{number // 60:02}:{number % 60:02} +0000\n\n{body or f'letter{number}'}\n"
        ).encode()

    return make


@pytest.fixture
def seen() -> Flags:
    return Flags.SEEN
