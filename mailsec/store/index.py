"""The index: one SQLite file for all folders, with what lists, threads and searches need.

It holds nothing that cannot be made again from the mailboxes, save the verdicts that are kept and the flags of mbox
files. Any number of processes use it at once; each has its own `Index`.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from types import TracebackType

from mailsec.errors import InputError
from mailsec.store.database import PATIENCE, Database
from mailsec.store.listing import Listing, Order, find_listing
from mailsec.store.query import LEVELS, Query
from mailsec.store.refresh import Changes, refresh_folder
from mailsec.store.types import Flags, KeptVerdict, Mailbox, Row
from mailsec.store.writing import remove_messages

__all__ = ["Counts", "Index"]

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Counts:
    """How many messages a folder has.

    Attributes:
        total: all.
        unread: those that nobody has read.
        flagged: those that are flagged.
        warned: those whose verdict is a warning or a failure.
    """

    total: int = 0
    unread: int = 0
    flagged: int = 0
    warned: int = 0


class Index:
    """The index. It belongs to the thread that opened it; opening another is cheap.

    Args:
        path: its file, which is made where it is not there, readable by its owner alone. A damaged one, one of
            another program and one of a later version are set aside and made anew.
        tell: takes a sentence for the user when that happens, or when the index is locked and waited for.
        patience: seconds that a locked index is waited for.

    Raises:
        BusyError: another program holds it locked for too long.
        StoreError: it cannot be opened or made.
    """

    def __init__(
        self, path: Path, *, tell: Callable[[str], None] = lambda _sentence: None, patience: float = PATIENCE
    ) -> None:
        self._database = Database(path, tell, patience)

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes it."""
        self._database.close()

    # -- folders -------------------------------------------------------------------------------------------

    def folder(self, path: Path) -> int:
        """The number of a folder, which gets one where it has none.

        Args:
            path: where it lies.

        Raises:
            BusyError: the index is locked for too long; all methods may raise it.
            StoreError: the index cannot be used; all methods may raise it.
        """
        name = os.fsencode(path.absolute())
        while not (found := self._database.rows("SELECT id FROM folder WHERE path = ?", (name,))):
            with self._database.writing() as connection:
                connection.execute("INSERT OR IGNORE INTO folder (path) VALUES (?)", (name,))
        return int(found[0][0])

    def counts(self, folder: int) -> Counts:
        """How many messages a folder has.

        Args:
            folder: its number.
        """
        rows = self._database.rows(
            "SELECT flags, level, count(*) FROM message WHERE folder = ? GROUP BY flags, level", (folder,)
        )
        return Counts(
            sum(count for _, _, count in rows),
            sum(count for flags, _, count in rows if not flags & Flags.SEEN),
            sum(count for flags, _, count in rows if flags & Flags.FLAGGED),
            sum(count for _, level, count in rows if level is not None and LEVELS[level] in ("warning", "failed")),
        )

    def refresh(
        self,
        mailbox: Mailbox,
        *,
        progress: Callable[[int, int], None] = lambda _done, _total: None,
        cancelled: Callable[[], bool] = lambda: False,
        pool: Executor | None = None,
    ) -> Changes:
        """Brings a folder up to what its mailbox holds. What is new is read, the newest first.

        Args:
            mailbox: the mailbox.
            progress: takes how many of the new messages are done, and how many there are.
            cancelled: whether to stop after the batch at hand; what is left is done the next time.
            pool: threads or processes that look messages over; without one it is done here.

        Raises:
            InputError: the mailbox cannot be listed.
        """
        return refresh_folder(
            self._database,
            self.folder(mailbox.path),
            mailbox,
            progress=progress,
            cancelled=cancelled,
            pool=pool,
        )

    # -- lists ---------------------------------------------------------------------------------------------

    def listing(self, folder: int | None, query: Query | None = None, *, order: Order = Order.THREADS) -> Listing:
        """A list of messages, as numbers alone.

        Args:
            folder: the number of a folder; `None` for all.
            query: what the messages must be like; `None` for all.
            order: how they are sorted.
        """
        return find_listing(self._database, folder, query, order)

    def rows(self, ids: Sequence[int]) -> list[Row | None]:
        """The rows of some messages, in the order asked for; `None` for those that are gone.

        Args:
            ids: the numbers of the messages.
        """
        found: dict[int, Row] = {}
        for at in range(0, len(ids), _AT_ONCE):
            some = list(ids[at : at + _AT_ONCE])
            marks = ",".join("?" * len(some))
            rows = self._database.rows(
                "SELECT m.id, m.folder, m.key, m.flags, m.recent, m.date, d.author_name, d.author, d.recipients,"  # noqa: S608
                " d.subject, m.size, m.attachments, m.thread, m.level"
                f" FROM message m JOIN detail d ON d.id = m.id WHERE m.id IN ({marks})",
                some,
            )
            depths = self._depths({row[12] for row in rows})
            for number, folder, key, flags, recent, date, *texts, size, attachments, thread, level in rows:
                author_name, author, recipients, subject = texts
                found[number] = Row(
                    id=number,
                    folder=folder,
                    key=os.fsdecode(key),
                    flags=Flags(flags),
                    recent=bool(recent),
                    date=date,
                    author_name=author_name,
                    author=author,
                    recipients=recipients,
                    subject=subject,
                    size=size,
                    attachments=attachments,
                    thread=thread,
                    depth=depths.get(number, 0),
                    level=None if level is None else LEVELS[level],
                )
        return [found.get(number) for number in ids]

    def _depths(self, threads: Collection[int]) -> dict[int, int]:
        """By message how deep it stands, for the threads that have more than one."""
        marks = ",".join("?" * len(threads))
        depths: dict[int, int] = {}
        for members, deep in self._database.rows(
            f"SELECT members, depths FROM thread WHERE alone = 0 AND id IN ({marks})",  # noqa: S608
            tuple(threads),
        ):
            depths.update(zip(array("q", members), array("H", deep), strict=True))
        return depths

    def place_of(self, number: int) -> tuple[int, str]:
        """The number of a message's folder, and its key there.

        Args:
            number: the number of the message.

        Raises:
            InputError: it is gone.
        """
        found = self._database.rows("SELECT folder, key FROM message WHERE id = ?", (number,))
        if not found:
            raise InputError("the message is no longer there")
        return int(found[0][0]), os.fsdecode(found[0][1])

    def path_of(self, folder: int) -> Path:
        """Where a folder lies.

        Args:
            folder: its number.

        Raises:
            InputError: there is none with this number.
        """
        found = self._database.rows("SELECT path FROM folder WHERE id = ?", (folder,))
        if not found:
            raise InputError("the folder is no longer in the index")
        return Path(os.fsdecode(found[0][0]))

    # -- changes -------------------------------------------------------------------------------------------

    def change_flags(
        self, mailbox: Mailbox, number: int, *, add: Flags = Flags.NONE, remove: Flags = Flags.NONE
    ) -> Flags:
        """Changes the flags of a message in its mailbox and here, and gives those that hold now.

        Args:
            mailbox: the mailbox of its folder.
            number: the number of the message.
            add: the flags to set.
            remove: the flags to take off.

        Raises:
            InputError: it is gone.
            StoreError: the mailbox cannot be changed.
        """
        _, key = self.place_of(number)
        if mailbox.keeps_flags:
            flags = mailbox.set_flags(key, add=add, remove=remove)
            self.set_flags(number, flags)
            return flags
        with self._database.writing() as connection:
            before = connection.execute("SELECT flags FROM message WHERE id = ?", (number,)).fetchone()
            flags = (Flags(0 if before is None else before[0]) | add) & ~remove
            connection.execute("UPDATE message SET flags = ?, recent = 0 WHERE id = ?", (int(flags), number))
        return flags

    def set_flags(self, number: int, flags: Flags) -> None:
        """Takes down the flags of a message, of which a program now has taken notice.

        Args:
            number: the number of the message.
            flags: those that its mailbox has now.
        """
        with self._database.writing() as connection:
            connection.execute("UPDATE message SET flags = ?, recent = 0 WHERE id = ?", (int(flags), number))

    def forget(self, ids: Iterable[int]) -> int:
        """Takes messages out of the index, such as those that were just removed; gives how many were there.

        Args:
            ids: the numbers of the messages.
        """
        with self._database.writing() as connection:
            return remove_messages(connection, tuple(ids))

    # -- verdicts ------------------------------------------------------------------------------------------

    def keep_verdict(self, number: int, verdict: KeptVerdict) -> None:
        """Keeps the verdict on a message; one that is gone meanwhile has none.

        Args:
            number: the number of the message.
            verdict: the verdict.
        """
        with self._database.writing() as connection:
            level = LEVELS.index(verdict.level)
            if connection.execute("UPDATE message SET level = ? WHERE id = ?", (level, number)).rowcount:
                connection.execute(
                    "INSERT OR REPLACE INTO verdict VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        *(number, verdict.identity, verdict.sentence, int(verdict.temporary), verdict.at),
                        verdict.evidence,
                    ),
                )

    def verdict(self, number: int) -> KeptVerdict | None:
        """The verdict that is kept on a message.

        Args:
            number: the number of the message.
        """
        found = self._database.rows(
            "SELECT m.level, v.identity, v.sentence, v.temporary, v.at, v.evidence"
            " FROM message m JOIN verdict v ON v.id = m.id WHERE m.id = ?",
            (number,),
        )
        if not found:
            return None
        level, identity, sentence, temporary, at, evidence = found[0]
        return KeptVerdict(LEVELS[level], identity, sentence, bool(temporary), at, evidence)

    def unjudged(self, folder: int) -> array[int]:
        """The messages of a folder on which there is no verdict, the newest first.

        Args:
            folder: the number of the folder.
        """
        found = self._database.rows(
            "SELECT id FROM message WHERE folder = ? AND level IS NULL ORDER BY date DESC, id DESC", (folder,)
        )
        return array("q", chain.from_iterable(found))
