"""Files and folders as a sequence of messages."""

from __future__ import annotations

import io
import mmap
import os
from pathlib import Path

import pytest

from mailsec.errors import InputError, LimitError, UsageError
from mailsec.store import files, read_path, read_stream

FROM = b"From alice@example.org Fri Jul  8 12:08:34 2011\n"


def names(top: Path, path: Path) -> list[str]:
    return [stored.name.removeprefix(f"{top}/") for stored in read_path(path)]


def test_a_file_is_a_message_whatever_its_name(tmp_path: Path) -> None:
    file = tmp_path / "letter"
    file.write_bytes(b"A: 1\n\nx")
    (stored,) = read_path(file)
    assert (stored.name, stored.octets()) == (str(file), b"A: 1\n\nx")


def test_an_empty_file_is_an_empty_message(tmp_path: Path) -> None:
    (tmp_path / "empty.eml").touch()
    assert [stored.octets() for stored in read_path(tmp_path / "empty.eml")] == [b""]


def test_a_large_file_is_mapped(tmp_path: Path) -> None:
    file = tmp_path / "large.eml"
    file.write_bytes(b"A: 1\n\n" + b"x" * files.MAPPED)
    (stored,) = read_path(file)
    octets = stored.octets()
    assert isinstance(octets, mmap.mmap)
    assert octets[:] == file.read_bytes()


def test_an_mbox_file_is_its_messages(tmp_path: Path) -> None:
    file = tmp_path / "inbox"
    file.write_bytes(FROM + b"A: 1\n\nx\n\n" + FROM + b"A: 2\n\ny\n")
    assert [(s.name, bytes(s.octets())) for s in read_path(file)] == [
        (f"{file}:1", b"A: 1\n\nx\n"),
        (f"{file}:2", b"A: 2\n\ny\n"),
    ]


@pytest.fixture
def maildir(tmp_path: Path) -> Path:
    for part in ("cur", "new", "tmp", ".Sent/cur", ".Sent/new", ".Sent/tmp"):
        (tmp_path / "Maildir" / part).mkdir(parents=True)
    for name in ("cur/1002.b.host:2,S", "new/1001.a.host", "new/1003.c.host", "tmp/1000.z.host", "cur/.hidden",
                 "dovecot.index", ".Sent/cur/1001.s.host:2,S"):  # fmt: skip
        (tmp_path / "Maildir" / name).write_bytes(b"A: 1\n\n")
    return tmp_path / "Maildir"


def test_a_maildir_in_the_order_of_delivery_with_its_folders(tmp_path: Path, maildir: Path) -> None:
    assert names(tmp_path, maildir) == [
        "Maildir/new/1001.a.host",
        "Maildir/cur/1002.b.host:2,S",
        "Maildir/new/1003.c.host",
        "Maildir/.Sent/cur/1001.s.host:2,S",
    ]


def test_an_empty_maildir_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "cur").mkdir()
    (tmp_path / "new").mkdir()
    assert list(read_path(tmp_path)) == []


def test_a_plain_folder_by_name_with_all_that_is_in_it(tmp_path: Path, maildir: Path) -> None:
    for name in ("b.eml", "a.EML", "note.txt", "sub/c.eml", "sub/deep/d.eml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"A: 1\n\n")
    (tmp_path / "z.mbox").write_bytes(FROM + b"A: 1\n\n\n" + FROM + b"A: 2\n\n\n")
    assert names(tmp_path, tmp_path) == [
        "a.EML", "b.eml", "z.mbox:1", "z.mbox:2",
        "Maildir/new/1001.a.host", "Maildir/cur/1002.b.host:2,S", "Maildir/new/1003.c.host",
        "Maildir/.Sent/cur/1001.s.host:2,S", "sub/c.eml", "sub/deep/d.eml",
    ]  # fmt: skip


def test_a_symbolic_link_to_a_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_bytes(b"")
    (tmp_path / "self").symlink_to(tmp_path)
    assert names(tmp_path, tmp_path) == ["a.eml"]


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such file or folder"):
        list(read_path(tmp_path / "missing"))
    with pytest.raises(UsageError, match="neither a Maildir nor a folder with messages"):
        list(read_path(tmp_path))
    with pytest.raises(InputError, match="cannot be read"):
        list(read_path(Path("a\0b")))


def test_one_that_cannot_be_read_does_not_cost_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.eml").symlink_to(tmp_path / "gone")
    (tmp_path / "b.eml").write_bytes(b"A: 1\n\n")
    broken, good = read_path(tmp_path)
    with pytest.raises(InputError, match=r"a\.eml cannot be read: No such file"):
        broken.octets()
    assert good.octets() == b"A: 1\n\n"


def test_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "a.eml").touch()
    monkeypatch.setattr(Path, "open", refuse)  # root may read everything
    with pytest.raises(InputError, match=r"a\.eml cannot be read: Permission denied"):
        list(read_path(tmp_path / "a.eml"))


def test_a_folder_without_permission_does_not_cost_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a/1.eml", "b/2.eml", "c/3.eml", "d/cur/4", "d/new/5"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"A: 1\n\n")
    scandir = os.scandir

    def refuse(path: str) -> object:  # root may read everything
        if str(path) in (str(tmp_path / "b"), str(tmp_path / "d/new")):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = {stored.name.removeprefix(f"{tmp_path}/"): stored for stored in read_path(tmp_path)}
    assert list(found) == ["a/1.eml", "b", "c/3.eml", "d/cur/4", "d/new"]
    for name in ("b", "d/new"):
        with pytest.raises(InputError, match=f"{name} cannot be read: Permission denied"):
            found[name].octets()


def test_a_folder_alone_without_permission_is_no_empty_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str) -> object:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refuse)
    (stored,) = read_path(tmp_path)
    with pytest.raises(InputError, match="cannot be read: Permission denied"):
        stored.octets()


def test_a_maildir_that_may_not_be_looked_into(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # a folder that can be listed but not searched: its names are known and nothing more
    def refuse(path: Path, **_: object) -> object:
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "a.eml").touch()
    monkeypatch.setattr(Path, "is_dir", refuse)
    assert names(tmp_path, tmp_path) == ["a.eml"]


def test_what_never_ends_is_left_out_of_a_folder(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.eml")
    (tmp_path / "folder.eml").mkdir()
    (tmp_path / "a.eml").touch()
    assert names(tmp_path, tmp_path) == ["a.eml"]


def test_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [s.octets() for s in read_stream(io.BytesIO(b"A: 1\n\n"), "-")] == [b"A: 1\n\n"]
    assert [s.name for s in read_stream(io.BytesIO(FROM + b"A: 1\n\n\n" + FROM), "-")] == ["-:1", "-:2"]
    monkeypatch.setattr(files, "MAX_STREAM", 5)
    with pytest.raises(LimitError, match="more than 5 octets"):
        list(read_stream(io.BytesIO(b"A: 1\n\n"), "-"))


def test_a_pipe_is_read_with_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_STREAM", 1000)
    with pytest.raises(LimitError, match="more than 1000 octets"):
        list(read_path(Path("/dev/zero")))
