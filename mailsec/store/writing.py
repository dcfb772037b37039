"""What is written when messages come and go: their rows, their words, their threads. All within one transaction."""

from __future__ import annotations

import os
import re
import sqlite3
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import islice
from typing import TypeVar

from mailsec.store.summary import Summary
from mailsec.store.threads import Node, Thread, arrange
from mailsec.store.types import Entry

__all__ = ["add_messages", "remove_messages"]

_T = TypeVar("_T")

_AT_ONCE = 500
_ORDER = 32  # characters that sorting by author or subject looks at
_REPLY = re.compile(r"\A(?:\s*(?:re|aw|fwd?|wg|sv|vs|antw)(?:\[\d{1,3}\])?\s*:)+", re.IGNORECASE)


def add_messages(connection: sqlite3.Connection, folder: int, messages: Sequence[tuple[Entry, Summary]]) -> int:
    """Adds messages of a folder, save those that another process has added meanwhile.

    Args:
        connection: the index, in a transaction.
        folder: the number of the folder.
        messages: what the folder says of each, and what stands in it.

    Returns:
        How many were added.
    """
    keys = [os.fsencode(entry.key) for entry, _ in messages]
    known = {
        key
        for some in _some(keys)
        for (key,) in connection.execute(
            f"SELECT key FROM message WHERE folder = ? AND key IN ({_marks(some)})",  # noqa: S608
            (folder, *some),
        )
    }
    new = [(key, *message) for key, message in zip(keys, messages, strict=True) if key not in known]
    first = _next_number(connection, "message")
    nodes = [
        Node(number, summary.date, _hash(summary.message_id), tuple(map(_hash, summary.references)))
        for number, (_, _, summary) in enumerate(new, first)
    ]
    numbered = list(enumerate(new, first))
    threads = _place(connection, folder, nodes)
    connection.executemany(
        "INSERT INTO message (id, folder, key, flags, recent, date, size, attachments, thread, author_order,"
        " subject_order) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                *(number, folder, key, int(entry.flags), int(entry.recent), summary.date, summary.size),
                *(summary.attachments, threads[number], *_orders(summary)),
            )
            for number, (key, entry, summary) in numbered
        ),
    )
    connection.executemany(
        "INSERT INTO detail VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                *(node.number, summary.author_name, summary.author, summary.recipients, summary.subject),
                *(node.date, node.own, array("q", node.references).tobytes()),
            )
            for node, (_, _, summary) in zip(nodes, new, strict=True)
        ),
    )
    connection.executemany(
        "INSERT INTO words (rowid, subject, authors, recipients, attachments, body) VALUES (?, ?, ?, ?, ?, ?)",
        (
            (
                *(number, summary.subject, summary.authors_words, summary.recipients_words),
                *(summary.attachments_words, summary.body_words),
            )
            for number, (_, _, summary) in numbered
        ),
    )
    return len(new)


def remove_messages(connection: sqlite3.Connection, numbers: Collection[int]) -> int:
    """Removes messages, and takes apart the threads that they held together.

    Args:
        connection: the index, in a transaction.
        numbers: their numbers; what is not there is none of them.

    Returns:
        How many were removed.
    """
    gone: dict[int, set[int]] = {}  # by folder
    count = 0
    for some in _some(numbers):
        marks = _marks(some)
        for folder, thread in connection.execute(f"SELECT folder, thread FROM message WHERE id IN ({marks})", some):  # noqa: S608
            gone.setdefault(folder, set()).add(thread)
            count += 1
    lost = set(numbers)
    for folder, threads in gone.items():
        nodes, homes = _members(connection, threads)
        hashes = {mentioned for node in nodes for mentioned in _mentioned(node)}
        connection.executemany("DELETE FROM link WHERE folder = ? AND hash = ?", ((folder, one) for one in hashes))
        left = [node for node in nodes if node.number not in lost]
        _write_threads(connection, folder, left, homes, touched=threads, linked={})
    for table in ("message", "detail", "verdict"):
        connection.executemany(f"DELETE FROM {table} WHERE id = ?", ((number,) for number in numbers))  # noqa: S608
    return count


# -- threads -----------------------------------------------------------------------------------------------


def _place(connection: sqlite3.Connection, folder: int, new: Sequence[Node]) -> dict[int, int]:
    """Gives new messages their places in threads, and tells the thread of each."""
    hashes = {mentioned for node in new for mentioned in _mentioned(node)}
    linked = {
        mentioned: thread
        for some in _some(hashes)
        for mentioned, thread in connection.execute(
            f"SELECT hash, thread FROM link WHERE folder = ? AND hash IN ({_marks(some)})",  # noqa: S608
            (folder, *some),
        )
    }
    touched = set(linked.values())
    nodes, homes = _members(connection, touched)
    return _write_threads(connection, folder, [*nodes, *new], homes, touched=touched, linked=linked)


def _members(connection: sqlite3.Connection, threads: Collection[int]) -> tuple[list[Node], dict[int, int]]:
    """The messages of some threads, and by message the thread in which it is."""
    homes: dict[int, int] = {}
    for some in _some(threads):
        for thread, members in connection.execute(
            f"SELECT id, members FROM thread WHERE id IN ({_marks(some)})",  # noqa: S608
            some,
        ):
            homes.update(dict.fromkeys(array("q", members), thread))
    nodes = [
        Node(number, date, own, array("q", mentions))
        for some in _some(homes)
        for number, date, own, mentions in connection.execute(
            f"SELECT id, date, own, mentions FROM detail WHERE id IN ({_marks(some)})",  # noqa: S608
            some,
        )
    ]
    return nodes, homes


def _write_threads(
    connection: sqlite3.Connection,
    folder: int,
    nodes: Sequence[Node],
    homes: Mapping[int, int],
    *,
    touched: Collection[int],
    linked: Mapping[int, int],
) -> dict[int, int]:
    """Arranges messages and writes their threads.

    Args:
        connection: the index, in a transaction.
        folder: the number of the folder.
        nodes: all messages that the threads will have.
        homes: by message the thread in which it was.
        touched: the threads in which any of them was.
        linked: by what stands for a Message-ID the thread to which it was said to lead, as far as it still is.

    Returns:
        By message the thread in which it is.
    """
    by_number = {node.number: node for node in nodes}
    threads = _numbered(connection, arrange(nodes), homes)
    connection.executemany("DELETE FROM thread WHERE id = ?", ((one,) for one in touched if one not in threads))
    connection.executemany(
        "INSERT OR REPLACE INTO thread (id, folder, newest, alone, members, depths) VALUES (?, ?, ?, ?, ?, ?)",
        (
            (
                *(number, folder, thread.newest, thread.members[0] if len(thread.members) == 1 else 0),
                *(thread.members.tobytes(), thread.depths.tobytes()),
            )
            for number, thread in threads.items()
        ),
    )
    places = {member: number for number, thread in threads.items() for member in thread.members}
    moved = [(number, member) for member, number in places.items() if homes.get(member, number) != number]
    connection.executemany("UPDATE message SET thread = ? WHERE id = ?", moved)
    links = {
        mentioned: number
        for member, number in places.items()
        if not linked or homes.get(member) != number
        for mentioned in _mentioned(by_number[member])
        if linked.get(mentioned) != number
    }
    connection.executemany(
        "INSERT OR REPLACE INTO link VALUES (?, ?, ?)", ((folder, mentioned, at) for mentioned, at in links.items())
    )
    return places


def _numbered(connection: sqlite3.Connection, threads: Sequence[Thread], homes: Mapping[int, int]) -> dict[int, Thread]:
    """Gives threads their numbers: that of most of its messages, if no larger thread has it, else a new one."""
    numbered: dict[int, Thread] = {}
    following = _next_number(connection, "thread")
    for thread in sorted(threads, key=lambda thread: -len(thread.members)):
        came = Counter(homes[member] for member in thread.members if member in homes) if homes else Counter()
        number = next((one for one, _ in came.most_common() if one not in numbered), None)
        if number is None:
            number, following = following, following + 1
        numbered[number] = thread
    return numbered


def _mentioned(node: Node) -> Iterator[int]:
    if node.own:
        yield node.own
    yield from node.references


# -- helpers -----------------------------------------------------------------------------------------------


def _hash(message_id: str) -> int:
    """What stands for a Message-ID: 63 bits, never 0 unless there is none.

    Who makes two that are the same brings two threads together, which he can do by mentioning them too.
    """
    if not message_id:
        return 0
    digest = blake2b(message_id.encode("utf-8", "replace"), digest_size=8).digest()
    return int.from_bytes(digest) >> 1 or 1


def _orders(summary: Summary) -> tuple[str, str]:
    """What sorts a message by its author and by its subject, without the words that replies put before it."""
    author = (summary.author_name or summary.author).casefold()[:_ORDER]
    return author, _REPLY.sub("", summary.subject[: 4 * _ORDER], count=1).strip().casefold()[:_ORDER]


def _next_number(connection: sqlite3.Connection, table: str) -> int:
    """The number after all that the rows of a table ever had."""
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (table,)).fetchone()
    return 1 if found is None else int(found[0]) + 1


def _some(all_: Iterable[_T]) -> Iterator[list[_T]]:
    """All, in lists that are not longer than one question may name."""
    left = iter(all_)
    while some := list(islice(left, _AT_ONCE)):
        yield some


def _marks(some: Sequence[object]) -> str:
    return ",".join("?" * len(some))
