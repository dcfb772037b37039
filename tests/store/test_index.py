"""The index: what it takes from a mailbox, how it lists, and what it keeps."""

from __future__ import annotations

import os
import stat
import threading
from array import array
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsec.errors import InputError, StoreError
from mailsec.store import (
    Changes,
    Counts,
    Flags,
    Index,
    KeptVerdict,
    Listing,
    Maildir,
    Mbox,
    Order,
    parse_query,
    refresh,
)
from mailsec.store import listing as lists
from mailsec.store.refresh import BATCH, FIRST_BATCH

Letter = Callable[..., bytes]
VERDICT = KeptVerdict("failed", "alice@example.org", "No.", temporary=True, at=1_777_000_000, evidence="{}")


def subjects(index: Index, listing: Listing) -> list[str]:
    return [row.subject if row else "gone" for row in index.rows(listing.ids)]


# -- taking from a mailbox ---------------------------------------------------------------------------------


def test_what_is_new_is_read_and_nothing_twice(index: Index, box: Maildir, letter: Letter) -> None:
    box.deliver(letter(1, subject="first"), Flags.SEEN)
    box.deliver(letter(2, subject="second"))
    assert index.refresh(box) == Changes(added=2)
    assert not index.refresh(box)
    folder = index.folder(box.path)
    assert index.counts(folder) == Counts(total=2, unread=1)
    row, _ = index.rows(index.listing(folder).ids)
    assert row is not None
    assert (row.subject, row.author, row.recipients, row.date) == (
        "second",
        "alice@example.org",
        "bob@example.net",
        1777636802,
    )
    assert (row.flags, row.recent, row.level, row.depth, row.folder) == (Flags.NONE, True, None, 0, folder)
    assert index.place_of(row.id) == (folder, row.key)
    assert index.path_of(folder) == box.path


def test_what_other_programs_change_is_taken_over(index: Index, box: Maildir, letter: Letter) -> None:
    keys = [box.deliver(letter(number, subject=str(number))) for number in range(5)]
    index.refresh(box)
    folder = index.folder(box.path)
    before = dict(zip(subjects(index, index.listing(folder)), index.listing(folder).ids, strict=True))
    other = Maildir(box.path)
    other.remove(keys[0])
    other.set_flags(keys[1], add=Flags.SEEN | Flags.FLAGGED)
    other.set_flags(keys[2])  # only out of `new`
    other.deliver(letter(9, subject="9"))
    assert index.refresh(box) == Changes(added=1, removed=1, flagged=2)
    rows = {row.subject: row for row in index.rows(index.listing(folder).ids) if row}
    assert sorted(rows) == ["1", "2", "3", "4", "9"]
    assert {subject: rows[subject].id for subject in "1234"} == {subject: before[subject] for subject in "1234"}
    assert rows["9"].id > max(before.values())
    assert (rows["1"].flags, rows["1"].recent) == (Flags.SEEN | Flags.FLAGGED, False)
    assert [rows[subject].recent for subject in "2349"] == [False, True, True, True]
    assert index.counts(folder) == Counts(total=5, unread=4, flagged=1)


def test_numbers_are_never_used_again(index: Index, box: Maildir, letter: Letter) -> None:
    key = box.deliver(letter(1))
    index.refresh(box)
    (first,) = index.listing(index.folder(box.path)).ids
    box.remove(key)
    index.refresh(box)
    box.deliver(letter(2))
    index.refresh(box)
    (second,) = index.listing(index.folder(box.path)).ids
    assert second > first
    assert index.rows([first, second])[0] is None
    assert len(index.listing(None, parse_query("letter1"))) == 0
    assert len(index.listing(None, parse_query("letter2"))) == 1


def test_the_newest_are_read_first_and_soon(index: Index, box: Maildir, letter: Letter) -> None:
    for number in range(FIRST_BATCH + BATCH + 50):
        (box.path / "cur" / f"{1000 + number}.x:2,").write_bytes(letter(number % 3000, subject=str(number)))
    done: list[tuple[int, int]] = []
    total = FIRST_BATCH + BATCH + 50
    changes = index.refresh(box, progress=lambda *two: done.append(two), cancelled=lambda: len(done) == 2)
    assert done == [(0, total), (FIRST_BATCH, total)]
    assert changes == Changes(added=FIRST_BATCH)
    folder = index.folder(box.path)
    assert {int(subject) for subject in subjects(index, index.listing(folder))} == set(
        range(total - FIRST_BATCH, total)
    )
    assert index.refresh(box) == Changes(added=total - FIRST_BATCH)
    assert not index.refresh(box)
    assert len(index.listing(folder)) == total


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_a_pool_gives_the_same(
    tmp_path: Path, box: Maildir, letter: Letter, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refresh, "LARGE", 10_000)
    for number in range(300):
        box.deliver(
            letter(number, *([number - 1] if number % 3 else []), body="word " * (3_000 if number % 50 == 7 else 1))
        )
    (box.path / "new" / "9.gone").symlink_to(tmp_path / "gone")
    made = ThreadPoolExecutor(2) if kind == "threads" else ProcessPoolExecutor(2, mp_context=get_context("spawn"))
    with made as pool, Index(tmp_path / "a") as one, Index(tmp_path / "b") as other:
        assert one.refresh(box, pool=pool) == other.refresh(box) == Changes(added=300)
        folder = one.folder(box.path)
        assert other.folder(box.path) == folder
        assert one.listing(folder) == other.listing(folder)
        assert one.rows(one.listing(folder).ids) == other.rows(other.listing(folder).ids)


def test_what_cannot_be_read_is_tried_again(
    index: Index, box: Maildir, letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [box.deliver(letter(number)) for number in range(3)]
    reading = Maildir.read

    def refuse(self: Maildir, key: str) -> object:
        if key == keys[1]:
            raise InputError(f"{key} cannot be read: Permission denied")
        return reading(self, key)

    with monkeypatch.context() as patch:
        patch.setattr(Maildir, "read", refuse)
        assert index.refresh(box) == Changes(added=2, skipped=1)
        assert index.refresh(box) == Changes(skipped=1)
    assert index.refresh(box) == Changes(added=1)


def test_a_file_that_one_listing_misses_is_not_taken_for_gone(
    index: Index, box: Maildir, letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [box.deliver(letter(number)) for number in range(3)]
    index.refresh(box)
    scan, times = Maildir._scan, iter([True])

    def misses(self: Maildir) -> dict[str, str]:
        found = scan(self)
        if next(times, False):
            del found[keys[1]]
        return found

    monkeypatch.setattr(Maildir, "_scan", misses)
    assert not index.refresh(box)


def test_two_that_add_the_same_add_it_once(
    tmp_path: Path, box: Maildir, letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        box.deliver(letter(number, number - 1) if number else letter(0))
    entries = Maildir.entries

    def overtaken(self: Maildir) -> object:
        found = list(entries(self))
        with monkeypatch.context() as patch, Index(tmp_path / "index") as other:
            patch.setattr(Maildir, "entries", entries)
            other.refresh(Maildir(box.path))
        return iter(found)

    monkeypatch.setattr(Maildir, "entries", overtaken)
    with Index(tmp_path / "index") as index:
        index.refresh(box)
        listing = index.listing(index.folder(box.path))
        assert len(set(listing.ids)) == len(listing.ids) == 20
        assert list(listing.depths) == list(range(20))


def test_a_mailbox_that_is_gone(index: Index, box: Maildir, letter: Letter) -> None:
    box.deliver(letter(1))
    index.refresh(box)
    (box.path / "cur").rmdir()
    with pytest.raises(InputError, match="is no Maildir"):
        index.refresh(box)
    assert len(index.listing(index.folder(box.path))) == 1  # nothing is forgotten for that


def test_an_mbox_file_s_flags_are_kept_here(tmp_path: Path, index: Index, letter: Letter) -> None:
    box = Mbox(tmp_path / "inbox")
    for number in range(3):
        box.deliver(letter(number, subject=str(number)))
    assert index.refresh(box) == Changes(added=3)
    folder = index.folder(box.path)
    (last, *_) = index.listing(folder).ids
    assert index.change_flags(box, last, add=Flags.SEEN) == Flags.SEEN
    assert index.change_flags(box, last, add=Flags.FLAGGED) == Flags.SEEN | Flags.FLAGGED
    assert index.change_flags(box, last, remove=Flags.SEEN) == Flags.FLAGGED
    box.deliver(letter(3, subject="3"))
    assert index.refresh(box) == Changes(added=1)
    assert index.counts(folder) == Counts(total=4, unread=4, flagged=1)


# -- lists -------------------------------------------------------------------------------------------------


def test_orders(index: Index, box: Maildir) -> None:
    for name, subject, day, size in [("Zoe", "b", 3, 10), ("adam", "Re: a", 1, 30), ("Bob", "AW: Fwd: c", 2, 20)]:
        fields = f"From: {name} <x@example.org>\nSubject: {subject}\nDate: Fri, {day} May 2026 12:00:00 +0000"
        box.deliver(f"{fields}\n\n{'x' * size * 10}".encode())
    index.refresh(box)

    def authors(order: Order) -> str:
        return " ".join(row.author_name for row in index.rows(index.listing(None, order=order).ids) if row)

    assert authors(Order.DATE) == authors(Order.THREADS) == "Zoe Bob adam"
    assert authors(Order.AUTHOR) == "adam Bob Zoe"
    assert authors(Order.SUBJECT) == "adam Zoe Bob"
    assert authors(Order.SIZE) == "adam Bob Zoe"
    for order in Order:
        assert order.reverse.reverse is order
        if order is not Order.THREADS:
            assert authors(order.reverse).split() == authors(order).split()[::-1]


def test_threads_the_newest_first_and_top_down(index: Index, box: Maildir, letter: Letter) -> None:
    tree = [(1, ()), (2, (1,)), (3, (2,)), (4, ()), (5, (1,)), (6, (4,))]
    for number, references in tree:
        box.deliver(letter(number, *references, subject=str(number)))
    index.refresh(box)
    listing = index.listing(index.folder(box.path))
    assert subjects(index, listing) == ["4", "6", "1", "2", "3", "5"]
    assert list(listing.depths) == [0, 1, 0, 1, 2, 1]
    assert [row.depth for row in index.rows(listing.ids) if row] == list(listing.depths)
    assert [row.thread for row in index.rows(listing.ids) if row] == list(listing.threads)
    first, second = listing.threads[0], listing.threads[2]
    assert list(listing.threads) == [first] * 2 + [second] * 4
    assert subjects(index, listing.folded({second})) == ["4", "6", "1"]
    assert subjects(index, listing.folded((), all_closed=True)) == ["4", "1"]
    assert subjects(index, listing.folded({second}, all_closed=True)) == ["4", "1", "2", "3", "5"]
    assert listing.folded(()) is listing
    found = index.listing(None, parse_query("letter3 OR letter6"))
    assert (subjects(index, found), list(found.depths)) == (["6", "3"], [1, 2])
    flat = index.listing(None, order=Order.DATE)
    assert flat.folded((), all_closed=True) == flat


def test_many_hits_are_found_as_few_are(
    index: Index, tmp_path: Path, letter: Letter, monkeypatch: pytest.MonkeyPatch
) -> None:
    boxes = [Maildir.create(tmp_path / name) for name in "ab"]
    for box in boxes:
        for number in range(40):
            box.deliver(letter(number, *([number - 3] if number > 2 else []), subject="odd" if number % 2 else "even"))
        index.refresh(box)
    folder = index.folder(boxes[0].path)
    index.forget(index.listing(folder).ids[5:8])
    queries = [parse_query(text) for text in ("odd", "odd is:unread", "-odd", "odd OR letter4", "")]

    def found() -> list[Listing]:
        return [index.listing(place, query) for place in (folder, None) for query in queries]

    few = found()
    assert 15 < len(few[0]) < 20
    with monkeypatch.context() as patch:
        patch.setattr(lists, "_FEW", 0)
        assert found() == few
        index.refresh(boxes[0])  # after which the whole list is kept
        many = found()
    assert many == found()
    assert len(many[0]) == 20


def test_rows_come_in_the_order_asked_for(index: Index, box: Maildir, letter: Letter) -> None:
    for number in range(600):
        box.deliver(letter(number, subject=str(number)))
    index.refresh(box)
    ids = index.listing(None, order=Order.DATE_UP).ids
    rows = index.rows([*reversed(ids), 99_999, ids[0]])
    assert [row.subject if row else None for row in rows] == [*map(str, reversed(range(600))), None, "0"]
    assert index.rows([]) == []


def test_folders_are_apart(index: Index, tmp_path: Path, letter: Letter) -> None:
    boxes = [Maildir.create(tmp_path / name) for name in "ab"]
    for box in boxes:
        box.deliver(letter(1, subject=box.path.name))
        box.deliver(letter(2, 1, subject=box.path.name))
        index.refresh(box)
    assert [subjects(index, index.listing(index.folder(box.path))) for box in boxes] == [["a", "a"], ["b", "b"]]
    assert sorted(subjects(index, index.listing(None))) == ["a", "a", "b", "b"]
    assert len(index.listing(index.folder(boxes[0].path), parse_query("letter1"))) == 1
    assert index.counts(99) == Counts()
    with pytest.raises(InputError, match="no longer in the index"):
        index.path_of(99)


operations = st.lists(st.tuples(st.booleans(), st.integers(0, 15)), max_size=25)
trees = st.lists(st.lists(st.integers(0, 20), max_size=3), min_size=16, max_size=16)


@given(operations, trees)
def test_threads_stay_right_as_messages_come_and_go(
    tmp_path_factory: pytest.TempPathFactory, operations: list[tuple[bool, int]], trees: list[list[int]]
) -> None:
    top = tmp_path_factory.mktemp("threads")
    box = Maildir.create(top / "Maildir")

    def letter(number: int) -> bytes:
        mentions = " ".join(f"<{one}@x>" for one in trees[number])
        date = f"Fri, 1 May 2026 12:00:{number:02} +0000"
        fields = f"Subject: {number}\nMessage-ID: <{number}@x>\nReferences: {mentions}\nDate: {date}"
        return f"{fields}\n\n".encode()

    def shape(index: Index) -> list[list[tuple[str, int]]]:
        listing = index.listing(index.folder(box.path))
        assert sorted(listing.ids) == sorted(index.listing(None, order=Order.DATE).ids)
        threads: dict[int, list[tuple[str, int]]] = {}
        for subject, depth, thread in zip(subjects(index, listing), listing.depths, listing.threads, strict=True):
            threads.setdefault(thread, []).append((subject, depth))
        return sorted(threads.values())

    with Index(top / "index") as index, Index(top / "other") as other:
        for comes, number in operations:
            name = box.path / "cur" / f"{number}.x:2,"
            if comes:
                name.write_bytes(letter(number))
            else:
                name.unlink(missing_ok=True)
            index.refresh(box)
        other.refresh(box)
        assert shape(index) == shape(other)


# -- what is kept ------------------------------------------------------------------------------------------


def test_verdicts_are_kept_with_what_they_rest_on(tmp_path: Path, box: Maildir, letter: Letter) -> None:
    for number in range(3):
        box.deliver(letter(number))
    with Index(tmp_path / "index") as index:
        index.refresh(box)
        folder = index.folder(box.path)
        newest, middle, oldest = index.unjudged(folder)
        index.keep_verdict(middle, VERDICT)
        assert index.unjudged(folder) == array("q", [newest, oldest])
        index.keep_verdict(99_999, VERDICT)  # gone meanwhile
    with Index(tmp_path / "index") as index:
        assert index.verdict(middle) == VERDICT
        assert index.verdict(newest) is index.verdict(99_999) is None
        (row,) = index.rows([middle])
        assert row is not None
        assert row.level == "failed"
        assert index.counts(folder) == Counts(total=3, unread=3, warned=1)
        assert list(index.listing(folder, parse_query("verdict:failed")).ids) == [middle]
        index.forget([middle])
        assert index.verdict(middle) is None
        assert index.counts(folder) == Counts(total=2, unread=2)


def test_flags_are_changed_in_the_mailbox_and_here(index: Index, box: Maildir, letter: Letter) -> None:
    key = box.deliver(letter(1))
    index.refresh(box)
    (number,) = index.listing(None).ids
    Maildir(box.path).set_flags(key, add=Flags.REPLIED)  # which the index does not know yet
    assert index.change_flags(box, number, add=Flags.SEEN) == Flags.SEEN | Flags.REPLIED
    assert not index.refresh(box)
    index.set_flags(number, Flags.NONE)
    assert index.refresh(box) == Changes(flagged=1)


def test_what_is_forgotten_is_found_again_if_it_is_still_there(index: Index, box: Maildir, letter: Letter) -> None:
    key = box.deliver(letter(1))
    index.refresh(box)
    (number,) = index.listing(None).ids
    assert index.forget([number, number + 7]) == 1
    assert (len(index.listing(None)), index.forget([number])) == (0, 0)
    with pytest.raises(InputError, match="no longer there"):
        index.place_of(number)
    with pytest.raises(InputError, match="no longer there"):
        index.change_flags(box, number, add=Flags.SEEN)
    assert index.refresh(box) == Changes(added=1)
    box.remove(key)
    assert index.refresh(box) == Changes(removed=1)


def test_a_key_that_is_no_text(index: Index, box: Maildir, letter: Letter) -> None:
    (box.path / "cur" / os.fsdecode(b"1.\xff:2,")).write_bytes(letter(1))
    index.refresh(box)
    (row,) = index.rows(index.listing(None).ids)
    assert row is not None
    assert bytes(box.read(row.key)) == letter(1)
    assert not index.refresh(box)


def test_it_is_its_owner_s_alone(tmp_path: Path, box: Maildir, letter: Letter) -> None:
    box.deliver(letter(1))
    with Index(tmp_path / "data" / "index") as index:
        index.refresh(box)
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").iterdir()}
        assert set(modes.values()) == {0o600}
        assert {"index", "index-wal", "index.lock"} <= modes.keys()
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


def test_it_belongs_to_one_thread(index: Index) -> None:
    raised: list[BaseException] = []

    def use() -> None:
        try:
            index.counts(1)
        except StoreError as error:
            raised.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert "created in a thread" in str(raised[0])
