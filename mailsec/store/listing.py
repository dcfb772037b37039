"""Lists of messages as numbers alone: which ones, in which order, how deep in which thread."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailsec.store.database import Database
    from mailsec.store.query import Query

__all__ = ["Listing", "Order", "find_listing"]


class Order(Enum):
    """How a list is sorted. The value is the columns of `message` that sort it."""

    THREADS = "threads"
    """The thread with the newest message first; in a thread a message stands above those that answer it."""

    DATE = "m.date DESC, m.id DESC"
    DATE_UP = "m.date, m.id"
    AUTHOR = "m.author_order, m.date, m.id"
    AUTHOR_DOWN = "m.author_order DESC, m.date DESC, m.id DESC"
    SUBJECT = "m.subject_order, m.date, m.id"
    SUBJECT_DOWN = "m.subject_order DESC, m.date DESC, m.id DESC"
    SIZE = "m.size DESC, m.id DESC"
    SIZE_UP = "m.size, m.id"

    @property
    def reverse(self) -> Order:
        """The same, the other way round; threads have no other way."""
        return _REVERSE.get(self, self)


_PAIRS = (
    (Order.DATE, Order.DATE_UP),
    (Order.AUTHOR, Order.AUTHOR_DOWN),
    (Order.SUBJECT, Order.SUBJECT_DOWN),
    (Order.SIZE, Order.SIZE_UP),
)
_REVERSE = {**dict(_PAIRS), **{down: up for up, down in _PAIRS}}


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of messages.

    Attributes:
        ids: their numbers, from the top (typecode `q`).
        depths: how deep each stands in its thread; 0 in a list that is not in threads (typecode `H`).
        threads: the numbers of their threads, whose rows stand side by side; in a list that is not in threads
            every message stands for itself, by its own number (typecode `q`).
    """

    ids: array[int]
    depths: array[int]
    threads: array[int]

    def __len__(self) -> int:
        return len(self.ids)

    def folded(self, closed: Collection[int], *, all_closed: bool = False) -> Listing:
        """The list with only the first row of each closed thread.

        Args:
            closed: the numbers of the threads that are closed; with `all_closed` of those that are not.
            all_closed: whether threads are closed that are not named.
        """
        if not closed and not all_closed:
            return self
        ids, depths, threads = array("q"), array("H"), array("q")
        before = 0
        for number, depth, thread in zip(self.ids, self.depths, self.threads, strict=True):
            if thread != before or (thread in closed) is all_closed:
                ids.append(number)
                depths.append(depth)
                threads.append(thread)
            before = thread
        return Listing(ids, depths, threads)


def find_listing(database: Database, folder: int | None, query: Query | None, order: Order) -> Listing:
    """Finds a list of messages.

    Args:
        database: the index.
        folder: the number of a folder; `None` for all.
        query: what the messages must be like; `None` for all.
        order: how they are sorted.

    Raises:
        StoreError: the index cannot be read.
    """
    if order is not Order.THREADS:
        where, parameters = _where(folder, query)
        found = database.rows(f"SELECT m.id FROM message m WHERE {where} ORDER BY {order.value}", parameters)  # noqa: S608
        ids = array("q", chain.from_iterable(found))
        return Listing(ids, array("H", bytes(2 * len(ids))), ids)
    if query is None:
        return _whole_threads(database, folder)
    return _found_in_threads(database, folder, query)


def _where(folder: int | None, query: Query | None) -> tuple[str, tuple[object, ...]]:
    conditions: list[str] = []
    parameters: list[object] = []
    if folder is not None:
        # Where words are searched for, it is they that are to be looked up first; a plus rules an index out.
        conditions.append("+m.folder = ?" if query is not None and query.condition.words else "m.folder = ?")
        parameters.append(folder)
    if query is not None:
        conditions.append(f"({query.condition.sql})")
        parameters.extend(query.condition.parameters)
    return " AND ".join(conditions) or "1", tuple(parameters)


def _whole_threads(database: Database, folder: int | None) -> Listing:
    """All threads. A message that is alone in its thread, as most are, stands in an index by itself."""
    where, parameters = ("1", ()) if folder is None else ("folder = ?", (folder,))
    newest = database.rows(
        f"SELECT id, alone FROM thread WHERE {where} ORDER BY newest DESC, id DESC",  # noqa: S608
        parameters,
    )
    several = {
        number: (members, depths)
        for number, members, depths in database.rows(
            f"SELECT id, members, depths FROM thread WHERE {where} AND alone = 0",  # noqa: S608
            parameters,
        )
    }
    ids, depths, threads = array("q"), array("H"), array("q")
    for number, alone in newest:
        if alone:
            ids.append(alone)
            depths.append(0)
            threads.append(number)
        elif number in several:  # not yet there when the second question was asked, else
            members, depth = several[number]
            ids.frombytes(members)
            depths.frombytes(depth)
            threads.extend(array("q", (number,)) * (len(members) // 8))
    return Listing(ids, depths, threads)


def _found_in_threads(database: Database, folder: int | None, query: Query) -> Listing:
    """Those messages that a query finds, in the order and at the depth that they have in their threads."""
    where, parameters = _where(folder, query)
    found = database.rows(f"SELECT m.id, m.thread FROM message m WHERE {where}", parameters)  # noqa: S608
    hits = {number for number, _ in found}
    ids, depths, threads = array("q"), array("H"), array("q")
    for number, members, depth in _threads(database, sorted({thread for _, thread in found})):
        for member, deep in zip(array("q", members), array("H", depth), strict=True):
            if member in hits:
                ids.append(member)
                depths.append(deep)
                threads.append(number)
    return Listing(ids, depths, threads)


def _threads(database: Database, numbers: Sequence[int]) -> list[tuple[int, bytes, bytes]]:
    """Some threads, the newest first."""
    found: list[tuple[int, int, bytes, bytes]] = []
    for at in range(0, len(numbers), _AT_ONCE):
        some = numbers[at : at + _AT_ONCE]
        marks = ",".join("?" * len(some))
        found += database.rows(f"SELECT newest, id, members, depths FROM thread WHERE id IN ({marks})", some)  # noqa: S608
    found.sort(reverse=True)
    return [(number, members, depths) for _, number, members, depths in found]


_AT_ONCE = 500
