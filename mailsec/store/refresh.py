"""Bringing the index up to what a mailbox holds, in batches, so that an end at any moment loses the last one only."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import TypeVar

from mailsec.errors import InputError
from mailsec.store.database import Database
from mailsec.store.summary import Summary, summarize, summarize_all
from mailsec.store.types import Entry, Mailbox
from mailsec.store.writing import add_messages, remove_messages

__all__ = ["Changes", "refresh_folder"]

_T = TypeVar("_T")

FIRST_BATCH = 100
"""Messages of the first batch, so that there is soon something to see."""

BATCH = 1_000
"""Messages of the batches after it."""

TASK = 50
"""Messages that a task of a pool summarizes."""

AHEAD = 8
"""Tasks that a pool may be ahead of the writing."""

LARGE = 1 << 20
"""Octets from which on a message is summarized in this process, rather than sent to another."""


@dataclass(frozen=True, slots=True)
class Changes:
    """What a refresh has changed.

    Attributes:
        added: messages that are new.
        removed: messages that are gone.
        flagged: messages whose flags another program has changed.
        unread: messages that could not be read; the next refresh tries again.
    """

    added: int = 0
    removed: int = 0
    flagged: int = 0
    unread: int = 0

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.flagged)


def refresh_folder(
    database: Database,
    folder: int,
    mailbox: Mailbox,
    *,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
    pool: Executor | None,
) -> Changes:
    """Compares what a mailbox lists with what the index has, and reads what is new, the newest first.

    Args:
        database: the index.
        folder: the number of the folder.
        mailbox: the folder.
        progress: takes how many of the new messages are done, and how many there are.
        cancelled: whether to stop after the batch at hand.
        pool: looks messages over on other cores; `None` to do it here.

    Raises:
        InputError: the mailbox cannot be listed.
        StoreError: the index cannot be written.
    """
    # The index is asked before the mailbox: what another process adds in between is not taken for gone.
    known = {
        os.fsdecode(key): (number, flags, recent)
        for number, key, flags, recent in database.rows(
            "SELECT id, key, flags, recent FROM message WHERE folder = ?", (folder,)
        )
    }
    listed = {entry.key: entry for entry in mailbox.entries()}
    gone = [key for key in known if key not in listed]
    if gone:
        # A file that was renamed while its folder was listed may be missed once, but not a second time.
        again = {entry.key: entry for entry in mailbox.entries()}
        listed |= {key: again[key] for key in gone if key in again}
        gone = [key for key in gone if key not in again]
    removed = 0
    for some in _batches(gone):
        with database.writing() as connection:
            removed += remove_messages(connection, [known[key][0] for key in some])
    flagged = _refresh_flags(database, known, listed) if mailbox.keeps_flags else 0
    new = sorted((key for key in listed if key not in known), key=_age, reverse=True)
    added, unread, done = 0, 0, 0
    progress(0, len(new))
    waiting: list[tuple[Entry, Summary]] = []
    for key, summary in _summaries(mailbox, new, pool):
        done += 1
        if summary is None:
            unread += 1
        else:
            waiting.append((listed[key], summary))
        if len(waiting) >= (BATCH if done > FIRST_BATCH else FIRST_BATCH):
            with database.writing() as connection:
                added += add_messages(connection, folder, waiting)
            waiting = []
            progress(done, len(new))
            if cancelled():
                break
    if waiting:
        with database.writing() as connection:
            added += add_messages(connection, folder, waiting)
        progress(done, len(new))
    return Changes(added, removed, flagged, unread)


def _refresh_flags(database: Database, known: dict[str, tuple[int, int, int]], listed: dict[str, Entry]) -> int:
    changed = [
        (int(entry.flags), int(entry.recent), known[key][0])
        for key, entry in listed.items()
        if key in known and known[key][1:] != (entry.flags, entry.recent)
    ]
    for some in _batches(changed):
        with database.writing() as connection:
            connection.executemany("UPDATE message SET flags = ?, recent = ? WHERE id = ?", some)
    return len(changed)


def _age(key: str) -> tuple[int, str]:
    """What sorts keys by age: a Maildir's begin with seconds, an mbox file's with an offset."""
    digits = key.partition(".")[0]
    return (int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else 0, key)


def _batches(all_: Sequence[_T]) -> Iterator[Sequence[_T]]:
    return (all_[at : at + BATCH] for at in range(0, len(all_), BATCH))


def _summaries(mailbox: Mailbox, keys: Sequence[str], pool: Executor | None) -> Iterator[tuple[str, Summary | None]]:
    """By key what stands in each message, in order; nothing where it cannot be read."""
    if pool is None:
        for key in keys:
            octets = _read(mailbox, key)
            yield key, None if octets is None else summarize(octets)
        return
    tasks: deque[_Task] = deque()
    try:
        for at in range(0, len(keys), TASK):
            tasks.append(_Task(mailbox, keys[at : at + TASK], pool))
            if len(tasks) >= AHEAD:
                yield from tasks.popleft().results()
        while tasks:
            yield from tasks.popleft().results()
    finally:
        for task in tasks:
            task.future.cancel()


def _read(mailbox: Mailbox, key: str) -> bytes | memoryview | None:
    try:
        octets = mailbox.read(key)
    except InputError:
        return None
    return octets if isinstance(octets, bytes) else memoryview(octets)


class _Task:
    """Some messages that a pool looks over; large ones are looked over here, when their turn comes."""

    def __init__(self, mailbox: Mailbox, keys: Sequence[str], pool: Executor) -> None:
        self._mailbox = mailbox
        self._keys = keys
        self._sent: list[str] = []
        sent = []
        for key in keys:
            octets = _read(mailbox, key)
            if octets is not None and len(octets) < LARGE:
                self._sent.append(key)
                sent.append(bytes(octets))
        self.future: Future[list[Summary]] = pool.submit(summarize_all, sent)

    def results(self) -> Iterator[tuple[str, Summary | None]]:
        ready = dict(zip(self._sent, self.future.result(), strict=True))
        for key in self._keys:
            if key in ready:
                yield key, ready[key]
            else:
                octets = _read(self._mailbox, key)
                yield key, None if octets is None else summarize(octets)
