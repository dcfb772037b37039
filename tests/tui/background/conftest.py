"""A Maildir with many messages, an index of it, and plugins in a folder on the path of processes."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import count, islice
from pathlib import Path

import pytest

from mailsec.store import Index, Maildir, Place

Fill = Callable[[int], "list[str]"]
Install = Callable[[str], None]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    Maildir.create(tmp_path / "mail")
    return Place("mail", tmp_path / "mail", "maildir", 0, "inbox")


@pytest.fixture
def index_path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "index"


@pytest.fixture
def fill(place: Place) -> Fill:
    """Lays some messages into the Maildir and gives their keys; without waiting for the disk, as a delivery would."""
    numbers = count()

    def fill(how_many: int) -> list[str]:
        keys = []
        for number in islice(numbers, how_many):
            key = f"{1_777_000_000 + number}.M{number}.here"
            text = (
                f"From: a{number}@example.org\r\nSubject: Letter {number}\r\nMessage-ID: <{number}@example.org>\r\n"
                f"Date: Fri, 1 May 2026 12:{number // 60 % 60:02}:{number % 60:02} +0000\r\n\r\nText {number}\r\n"
            )
            (place.path / "new" / key).write_bytes(text.encode())
            keys.append(key)
        return keys

    return fill


@pytest.fixture
def indexed(fill: Fill, place: Place, index_path: Path) -> Fill:
    """Delivers some messages and indexes them."""

    def indexed(how_many: int) -> list[str]:
        keys = fill(how_many)
        with Index(index_path) as index:
            index.refresh(Maildir(place.path))
        return keys

    return indexed


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Installs a plugin for the processes that are started from now on; its module is given."""

    def install(code: str) -> None:
        folder = tmp_path / "site"
        info = folder / "acting-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acting\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[mailsec]\nacting = acting\n")
        (folder / "acting.py").write_text(code)
        before = os.environ.get("PYTHONPATH")
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(folder), *([before] if before else [])]))

    return install
