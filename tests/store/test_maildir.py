"""Maildirs: names, flags, and other programs that deliver, rename and remove at the same time."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from mailsec.errors import InputError, StoreError, UsageError
from mailsec.store import Entry, Flags, Maildir, files
from mailsec.store import maildir as module

LETTER = b"Subject: x\n\ny\n"
S, F, T, R, NONE = Flags.SEEN, Flags.FLAGGED, Flags.TRASHED, Flags.REPLIED, Flags.NONE


@pytest.fixture
def box(tmp_path: Path) -> Maildir:
    return Maildir.create(tmp_path / "Maildir")


def put(box: Maildir, name: str, octets: bytes = LETTER) -> None:
    (box.path / name).write_bytes(octets)


def names(box: Maildir) -> list[str]:
    return sorted(
        str(file.relative_to(box.path)) for part in ("new", "cur", "tmp") for file in (box.path / part).iterdir()
    )


NAMES = [
    ("new/1.a.host", Entry("1.a.host", NONE, recent=True)),
    ("new/1.a.host:2,S", Entry("1.a.host", S, recent=True)),
    ("cur/1.a.host:2,", Entry("1.a.host", NONE)),
    ("cur/1.a.host", Entry("1.a.host", NONE)),
    ("cur/1.a.host:2,FS", Entry("1.a.host", S | F)),
    ("cur/1.a.host:2,DFPRST", Entry("1.a.host", Flags(63))),
    ("cur/1.a.host:2,SF", Entry("1.a.host", S | F)),  # not in order
    ("cur/1.a.host:2,Sab", Entry("1.a.host", S)),  # keywords, as Dovecot writes them
    ("cur/1.a.host:1,whatever", Entry("1.a.host", NONE)),  # the experimental info
    ("cur/1.a.host:", Entry("1.a.host", NONE)),
    ("cur/1.a,S=14,W=15.host:2,R", Entry("1.a,S=14,W=15.host", R)),
    ("cur/mail", Entry("mail", NONE)),
    ("cur/ü.host:2,S", Entry("ü.host", S)),
]


@pytest.mark.parametrize(("name", "entry"), NAMES, ids=[name for name, _ in NAMES])
def test_a_name_tells_key_and_flags(box: Maildir, name: str, entry: Entry) -> None:
    put(box, name)
    assert list(box.entries()) == [entry]
    assert box.read(entry.key) == LETTER


def test_a_name_that_is_no_text(box: Maildir) -> None:
    put(box, os.fsdecode(b"cur/1.\xff.host:2,S"))
    (entry,) = box.entries()
    assert os.fsencode(entry.key) == b"1.\xff.host"
    assert box.read(entry.key) == LETTER


def test_what_is_no_message_is_left_out(box: Maildir) -> None:
    put(box, "cur/.hidden")
    put(box, "tmp/1.a.host")
    (box.path / "cur" / "folder").mkdir()
    os.mkfifo(box.path / "new" / "pipe")
    assert list(box.entries()) == []


CHANGES = [
    ("new/1.a", S, NONE, "cur/1.a:2,S", S),
    ("new/1.a", NONE, NONE, "cur/1.a:2,", NONE),
    ("cur/1.a:2,S", F, NONE, "cur/1.a:2,FS", F | S),
    ("cur/1.a:2,FS", NONE, S, "cur/1.a:2,F", F),
    ("cur/1.a:2,FS", T | R, F, "cur/1.a:2,RST", R | S | T),
    ("cur/1.a:2,S", S, NONE, "cur/1.a:2,S", S),
    ("cur/1.a:2,S", S, S, "cur/1.a:2,", NONE),
    ("cur/1.a", NONE, NONE, "cur/1.a", NONE),
    ("cur/1.a", S, NONE, "cur/1.a:2,S", S),
    ("cur/1.a:2,Sbx", F, NONE, "cur/1.a:2,FSbx", F | S),
    ("cur/1.a:1,x", F, NONE, "cur/1.a:2,F", F),
]


@pytest.mark.parametrize(("name", "add", "remove", "after", "flags"), CHANGES)
def test_flags_are_changed_by_renaming(
    box: Maildir, name: str, add: Flags, remove: Flags, after: str, flags: Flags
) -> None:
    put(box, name)
    assert box.set_flags("1.a", add=add, remove=remove) == flags
    assert names(box) == [after]
    assert box.read("1.a") == LETTER


def test_a_delivered_message_is_new_and_its_owner_s_alone(box: Maildir) -> None:
    key = box.deliver(LETTER)
    (name,) = names(box)
    assert name == f"new/{key}"
    assert stat.S_IMODE((box.path / name).stat().st_mode) == 0o600
    assert list(box.entries()) == [Entry(key, NONE, recent=True)]
    assert box.read(key) == LETTER


def test_one_delivered_with_flags_is_in_cur(box: Maildir) -> None:
    key = box.deliver(memoryview(LETTER), S | Flags.DRAFT)
    assert names(box) == [f"cur/{key}:2,DS"]


def test_unique_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module.socket, "gethostname", lambda: "a/b:c")
    Maildir.create(tmp_path)
    box = Maildir(tmp_path, clock=lambda: 1700000000.25, token=lambda size: "7" * size)
    first, second = box.deliver(LETTER), box.deliver(LETTER)
    assert first != second
    assert first.startswith(f"1700000000.M250000P{os.getpid()}Q")
    assert first.endswith(r"R77777777.a\057b\072c")


def test_a_created_maildir_is_its_owner_s_alone(tmp_path: Path) -> None:
    box = Maildir.create(tmp_path / "a" / "b")
    assert stat.S_IMODE(box.path.stat().st_mode) == 0o700
    Maildir.create(box.path)  # once more does no harm
    assert sorted(part.name for part in box.path.iterdir()) == ["cur", "new", "tmp"]


def test_what_cannot_be_written_leaves_nothing(box: Maildir, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"cannot be written to .*: No space left on device"):
        box.deliver(LETTER)
    assert names(box) == []


def test_a_file_is_never_written_over(box: Maildir, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Maildir, "_unique", lambda _: "1.a")
    put(box, "new/1.a", b"other")
    with pytest.raises(StoreError, match="File exists"):
        box.deliver(LETTER)
    assert box.read("1.a") == b"other"
    assert names(box) == ["new/1.a"]
    put(box, "cur/1.b:2,")
    put(box, "cur/1.b:2,S", b"other")
    box.set_flags("1.b", add=S)
    assert {"cur/1.b:2,", "cur/1.b:2,S"} <= set(names(box))


def test_a_file_system_without_links(box: Maildir, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    key = box.deliver(LETTER)
    assert names(box) == [f"new/{key}"]


def test_a_message_that_another_program_renames_is_found_again(box: Maildir) -> None:
    key = box.deliver(LETTER)
    list(box.entries())
    (box.path / "new" / key).rename(box.path / "cur" / f"{key}:2,F")
    assert box.read(key) == LETTER
    (box.path / "cur" / f"{key}:2,F").rename(box.path / "cur" / f"{key}:2,FR")
    assert box.set_flags(key, add=S) == F | R | S
    (box.path / "cur" / f"{key}:2,FRS").rename(box.path / "cur" / f"{key}:2,")
    box.remove(key)
    assert names(box) == []


def test_a_message_that_is_renamed_again_and_again(box: Maildir, monkeypatch: pytest.MonkeyPatch) -> None:
    key = box.deliver(LETTER, S)
    scan, places = Maildir._scan, iter([":2,F", ":2,S", ":2,R"])

    def moving(self: Maildir) -> dict[str, str]:
        found = scan(self)
        if (place := next(places, None)) is not None:
            (file,) = (box.path / "cur").iterdir()
            file.rename(file.with_name(f"{key}{place}"))
        return found

    fresh = Maildir(box.path)
    monkeypatch.setattr(Maildir, "_scan", moving)
    assert fresh.read(key) == LETTER


def test_what_is_gone_is_named(box: Maildir) -> None:
    key = box.deliver(LETTER)
    (box.path / "new" / key).unlink()
    for use in (box.read, box.set_flags, box.remove):
        with pytest.raises(InputError, match=rf"the message {key} is no longer in"):
            use(key)


def test_two_files_with_one_unique_name_are_one_message(box: Maildir) -> None:
    put(box, "new/1.a")
    put(box, "cur/1.a:2,S")
    assert list(box.entries()) == [Entry("1.a", S)]


def test_a_large_message_is_mapped(box: Maildir) -> None:
    key = box.deliver(b"A: 1\n\n" + b"x" * files.MAPPED)
    assert bytes(box.read(key)[:6]) == b"A: 1\n\n"
    assert not isinstance(box.read(key), bytes)


def test_what_is_no_maildir(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no Maildir: it has no folder new"):
        list(Maildir(tmp_path).entries())
    with pytest.raises(UsageError, match="is no Maildir"):
        Maildir(tmp_path).deliver(LETTER)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="cannot be made"):
        Maildir.create(tmp_path / "file")
