"""A folder's stamp differs after every change that another program makes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mailsec.store import Flags, Maildir
from mailsec.tui.watch import stamp


@pytest.mark.parametrize(
    "change",
    [
        lambda box, key: box.deliver(b"Subject: new\r\n\r\n"),
        lambda box, key: box.remove(key),
        lambda box, key: box.set_flags(key, add=Flags.SEEN),
    ],
    ids=["delivered", "removed", "read"],
)
def test_maildirs(tmp_path: Path, change: Callable[[Maildir, str], object]) -> None:
    box = Maildir.create(tmp_path / "Maildir")
    key = box.deliver(b"Subject: one\r\n\r\n")
    before = stamp(box.path)
    assert stamp(box.path) == before
    change(box, key)
    assert stamp(box.path) != before


def test_mbox_files(tmp_path: Path) -> None:
    file = tmp_path / "mbox"
    file.write_text("From a\n\n")
    before = stamp(file)
    with file.open("a") as stream:
        stream.write("From b\n\n")
    assert stamp(file) != before


def test_nothing_at_all(tmp_path: Path) -> None:
    assert stamp(tmp_path / "nothing") == stamp(tmp_path / "nothing")
