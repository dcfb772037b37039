"""An mbox file as a mailbox: keys, appending under locks, and other programs that append and rewrite."""

from __future__ import annotations

import fcntl
import mailbox
import os
import stat
import tempfile
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsec.errors import BusyError, InputError, StoreError, UsageError
from mailsec.store import Flags, Mbox, mboxfile
from mailsec.store.mbox import split_mbox

FROM = b"From alice@example.org Fri Jul  8 12:08:34 2011\n"
A, B, C = b"A: 1\n\nx\n", b"A: 2\n\ny\n", b"A: 3\n\nz\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "inbox"
    file.write_bytes(FROM + A + b"\n" + FROM + B + b"\n")
    return file


def messages(box: Mbox) -> list[bytes]:
    return [bytes(box.read(entry.key)) for entry in box.entries()]


def test_its_messages_by_key(file: Path) -> None:
    box = Mbox(file)
    first, second = (entry.key for entry in box.entries())
    assert first.startswith("0.")
    assert second.startswith(f"{len(FROM + A) + 1}.")
    assert bytes(Mbox(file).read(second)) == B  # without listing them first
    assert messages(box) == [A, B]


WHOLE = [
    FROM + A, FROM + A + b"\n", FROM, FROM + b"\n" + FROM, FROM + A + b"\n" + FROM + B,
    FROM + b"A: 1\n\n>From x\n>>From y\n\n" + FROM + B, (FROM + A + b"\n" + FROM + B).replace(b"\n", b"\r\n"),
    FROM + b"A: 1\n\nFrom now on\n\nFrom then on\n",
]  # fmt: skip


@pytest.mark.parametrize("whole", WHOLE)
@pytest.mark.parametrize("step", [1100, 1 << 20])
def test_it_has_the_messages_that_the_splitter_finds(
    tmp_path: Path, whole: bytes, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mboxfile, "STEP", step)
    (tmp_path / "box").write_bytes(whole)
    assert messages(Mbox(tmp_path / "box")) == [bytes(message) for message in split_mbox(whole)]


@given(st.lists(st.integers(0, 3000), min_size=1, max_size=6), st.booleans(), st.integers(0, 2000))
def test_pieces_of_any_size_find_every_message(sizes: list[int], crlf: bool, offset: int) -> None:
    line_end = b"\r\n" if crlf else b"\n"
    start = FROM.removesuffix(b"\n") + line_end
    whole = b"".join(start + b"A: 1" + 2 * line_end + b"x" * size + 2 * line_end for size in sizes)
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(mboxfile, "STEP", 1100 + offset)
        path = Path(folder) / "box"
        path.write_bytes(whole)
        assert messages(Mbox(path)) == [bytes(message) for message in split_mbox(whole)]


def test_where_it_was_appended_to_only_the_new_end_is_read(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with file.open("ab") as stream:
        stream.write(FROM + b"B: 1\n\n" + b"x" * 100_000 + b"\n\n" + FROM + C + b"\n")
    box = Mbox(file)
    keys = [entry.key for entry in box.entries()]
    read: list[int] = []
    reading = mboxfile._Reader.read
    monkeypatch.setattr(
        mboxfile._Reader, "read", lambda self, begin, end: read.append(end - begin) or reading(self, begin, end)
    )
    with file.open("ab") as stream:
        stream.write(FROM + A + b"\n")
    after = [entry.key for entry in box.entries()]
    assert (after[:-1], len(after)) == (keys, len(keys) + 1)
    assert sum(read) < 20_000
    assert bytes(box.read(after[-1])) == A


def test_a_separator_of_which_only_half_was_written(file: Path) -> None:
    box = Mbox(file)
    whole = file.read_bytes()
    added = FROM + C + b"\n"
    for cut in range(len(added) + 1):
        file.write_bytes(whole + added[:cut])
        found = messages(box)
        assert found[:1] == [A]
        assert found == [bytes(message) for message in split_mbox(whole + added[:cut])]


def test_a_message_keeps_its_key_when_others_are_appended(file: Path) -> None:
    file.write_bytes(FROM + A.removesuffix(b"\n"))  # without a line end even
    box = Mbox(file)
    (first,) = box.entries()
    box.deliver(B)
    assert next(Mbox(file).entries()) == first


def test_one_that_was_rewritten_is_read_again(file: Path) -> None:
    box = Mbox(file)
    first, second = box.entries()
    file.write_bytes(FROM + B + b"\n")
    assert messages(box) == [B]
    with pytest.raises(InputError, match=f"the message {second.key} is no longer in"):
        box.read(second.key)
    with pytest.raises(InputError, match=f"the message {first.key} is no longer in"):
        box.read(first.key)  # another begins where it began


DELIVERED = [
    ("as it is", b"A: 1\n\nx\n", b"A: 1\n\nx\n"),
    ("without a line end at its end", b"A: 1\n\nx", b"A: 1\n\nx\n"),
    ("lines that look like separators", b"A: 1\n\nFrom x\n>From y\n From z\n", b"A: 1\n\nFrom x\n>From y\n From z\n"),
    ("a separator in full", b"A: 1\n\nx\n\n" + FROM + b"\ny\n", b"A: 1\n\nx\n\n" + FROM + b"\ny\n"),
    ("CRLF", b"A: 1\r\n\r\nx\r\n", b"A: 1\r\n\r\nx\r\n"),
    ("CRLF without a line end at its end", b"A: 1\r\n\r\nx", b"A: 1\r\n\r\nx\r\n"),
    ("blank lines at its end", b"A: 1\n\nx\n\n\n", b"A: 1\n\nx\n\n\n"),
    ("empty", b"", b""),
]


@pytest.mark.parametrize(("octets", "wanted"), [c[1:] for c in DELIVERED], ids=[c[0] for c in DELIVERED])
def test_what_is_delivered_comes_out_again(file: Path, octets: bytes, wanted: bytes) -> None:
    box = Mbox(file, clock=lambda: 1310126914)
    key = box.deliver(octets)
    box.deliver(C)
    assert bytes(box.read(key)) == wanted
    assert messages(box) == [A, B, wanted, C]
    assert [entry.key for entry in box.entries()][2] == key
    assert b"From MAILER-DAEMON Fri Jul  8 12:08:34 2011\n" in file.read_bytes()


def test_python_s_mailbox_reads_what_was_delivered(tmp_path: Path) -> None:
    box = Mbox(tmp_path / "new")
    for octets in (A, B, C):
        box.deliver(octets)
    with closing(mailbox.mbox(tmp_path / "new")) as peer:
        assert [message["A"] for message in peer] == ["1", "2", "3"]
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new"]


@given(st.lists(st.text("aF>rom :\r\n", max_size=60).map(str.encode), min_size=1, max_size=4))
def test_whatever_is_delivered_nothing_is_lost_and_nothing_becomes_two(octets: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        box = Mbox(Path(folder) / "box")
        keys = [box.deliver(one) for one in octets]
        assert [entry.key for entry in box.entries()] == keys
        for key, one in zip(keys, octets, strict=True):
            assert bytes(box.read(key)).rstrip(b"\r\n") == one.rstrip(b"\r\n")


def test_what_cannot_be_written_leaves_the_file_as_it_was(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = file.read_bytes()
    write = os.pwrite

    def fills(descriptor: int, octets: bytes, at: int) -> int:
        if at >= len(before) + 10:
            raise OSError(28, "No space left on device")
        return write(descriptor, bytes(octets)[:10], at)

    monkeypatch.setattr(os, "pwrite", fills)
    with pytest.raises(StoreError, match=r"cannot be written to .*: No space left on device"):
        Mbox(file).deliver(C)
    assert file.read_bytes() == before
    assert not file.with_name("inbox.lock").exists()


@pytest.mark.parametrize("how", ["dot", "flock"])
def test_a_locked_file_is_waited_for(file: Path, how: str) -> None:
    lock = file.with_name("inbox.lock")
    waited: list[float] = []

    def release(pause: float) -> None:
        waited.append(pause)
        if len(waited) == 3:
            lock.unlink(missing_ok=True)
            fcntl.flock(holder, fcntl.LOCK_UN)

    with file.open("rb") as holder:
        if how == "dot":
            lock.touch()
        else:
            fcntl.flock(holder, fcntl.LOCK_EX)
        Mbox(file, sleep=release).deliver(C)
    assert len(waited) == 3
    assert messages(Mbox(file)) == [A, B, C]


def test_but_not_for_ever(file: Path) -> None:
    before = file.read_bytes()
    file.with_name("inbox.lock").touch()
    with pytest.raises(BusyError, match=r"still locked by another program after 0 s \(.*inbox\.lock is there\)"):
        Mbox(file, patience=0).deliver(C)
    assert file.read_bytes() == before
    assert file.with_name("inbox.lock").exists()  # it is not ours


def test_without_leave_to_make_a_lock_beside_it(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opening = os.open

    def refuse(path: object, *arguments: int) -> int:
        if str(path).endswith(".lock"):
            raise PermissionError(13, "Permission denied")
        return opening(path, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", refuse)
    Mbox(file).deliver(C)
    assert messages(Mbox(file)) == [A, B, C]


def test_what_an_mbox_file_does_not_do(file: Path, tmp_path: Path) -> None:
    box = Mbox(file)
    (entry, _) = box.entries()
    with pytest.raises(UsageError, match="an mbox file, from which mailsec removes nothing"):
        box.remove(entry.key)
    assert not box.keeps_flags
    assert box.set_flags(entry.key, add=Flags.SEEN) == Flags.SEEN
    (tmp_path / "text").write_text("no mail\n")
    with pytest.raises(UsageError, match="is no mbox file"):
        Mbox(tmp_path / "text").deliver(A)
    with pytest.raises(InputError, match="is no mbox file"):
        Mbox(tmp_path / "text").entries()
    with pytest.raises(InputError, match="No such file"):
        Mbox(tmp_path / "gone").entries()
    with pytest.raises(InputError, match="no longer in"):
        box.read("nonsense")


def test_an_empty_file_has_no_messages(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    assert list(Mbox(tmp_path / "empty").entries()) == []
