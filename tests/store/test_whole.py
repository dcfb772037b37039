"""Files appear whole or not at all, for their owner alone, and never in the place of another."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mailsec.store.whole import write_whole


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


@pytest.fixture(params=["links", "no links, own names", "no links"])
def unique(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the names are nobody else's; twice on a file system without links."""

    def refuse(*more: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    if request.param != "links":
        monkeypatch.setattr(os, "link", refuse)
    return request.param == "no links, own names"


def test_a_file_is_written(tmp_path: Path, *, unique: bool) -> None:
    assert write_whole(b"octets", tmp_path / "scratch", [tmp_path / "a"], unique=unique) == tmp_path / "a"
    assert (tmp_path / "a").read_bytes() == b"octets"
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o600
    assert names(tmp_path) == ["a"]


def test_it_gets_the_first_name_that_is_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a").write_bytes(b"mine")
    Path("b").symlink_to("nowhere")
    assert write_whole(b"octets", "scratch", ["a", "b", "c", "d"]) == "c"
    assert Path("a").read_bytes() == b"mine"
    assert names(tmp_path) == ["a", "b", "c"]


def test_all_names_are_taken(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        write_whole(b"octets", tmp_path / "scratch", [tmp_path / "a"])
    assert names(tmp_path) == ["a"]


def test_the_scratch_file_is_taken(tmp_path: Path) -> None:
    (tmp_path / "scratch").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        write_whole(b"octets", tmp_path / "scratch", [tmp_path / "a"])
    assert names(tmp_path) == ["scratch"]


def test_a_disk_that_is_full_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, unique: bool) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(b"octets", tmp_path / "scratch", [tmp_path / "a"], unique=unique)
    assert names(tmp_path) == []
