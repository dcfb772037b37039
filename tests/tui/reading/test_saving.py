"""Saving: a safe name, beside what is there, whole or not at all, for its owner only."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mailsec.errors import InputError
from mailsec.tui.reading.saving import folder_from, save_new


def test_a_file_is_written_for_its_owner_only(tmp_path: Path) -> None:
    file = save_new(tmp_path, "../a.txt", b"octets")
    assert file == tmp_path / "a.txt"
    assert file.read_bytes() == b"octets"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"mine")
    (tmp_path / "a (2).txt").symlink_to(tmp_path / "nowhere")
    files = [save_new(tmp_path, "a.txt", b"theirs") for _ in range(2)]
    assert [file.name for file in files] == ["a (3).txt", "a (4).txt"]
    assert (tmp_path / "a.txt").read_bytes() == b"mine"
    assert not (tmp_path / "nowhere").exists()


def test_without_links_it_is_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*more: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    (tmp_path / "a.txt").write_bytes(b"mine")
    file = save_new(tmp_path, "a.txt", b"theirs")
    assert file.name == "a (2).txt"
    assert file.read_bytes() == b"theirs"
    assert (tmp_path / "a.txt").read_bytes() == b"mine"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a (2).txt", "a.txt"]


def test_a_disk_that_is_full_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InputError, match=r"a\.txt cannot be written: No space left on device\."):
        save_new(tmp_path, "a.txt", b"octets")
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_taken_for_the_part_is_no_way_in(tmp_path: Path) -> None:
    (tmp_path / ".mailsec-x.part").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError):
        save_new(tmp_path, "a.txt", b"octets", token=lambda: "x")
    assert not (tmp_path / "elsewhere").exists()


def test_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "file").write_bytes(b"")
    assert folder_from("~") == tmp_path
    assert folder_from(f" {tmp_path} ") == tmp_path
    for text in ("~/file", "~/nowhere", "a\0b", "~nobody-of-this-name/x"):
        with pytest.raises(InputError, match=r"\.$"):
            folder_from(text)
