"""The mail behind the screen: folders, lists, and changes that can be taken back.

Everything here blocks and belongs to one thread; `mailsec.tui.desk` gives it one.
"""

from __future__ import annotations

import mmap
from array import array
from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from mailsec.errors import InputError, MailsecError, UsageError
from mailsec.message.safe import safe_text
from mailsec.store import Counts, Index, Listing, Order, Place, parse_query
from mailsec.store.types import Flags, KeptVerdict, Mailbox
from mailsec.tui.background.mailboxes import open_mailbox
from mailsec.tui.shown import Shown

__all__ = ["SEARCHES", "Done", "Folding", "Letter", "Mail", "View"]

SEARCHES: Mapping[str, str] = MappingProxyType({"unread": "is:unread", "failed": "verdict:failed"})
"""The saved searches that are always there."""

_DELETED = parse_query("is:deleted")

UNDO = 100
"""Changes that can be taken back."""


@dataclass(frozen=True, slots=True)
class View:
    """What the list is to show.

    Attributes:
        folder: the folder; `None` for all.
        query: the search, in the words of `mailsec.store.query`; empty for none.
        order: the order.
    """

    folder: Path | None
    query: str = ""
    order: Order = Order.THREADS


@dataclass(frozen=True, slots=True)
class Folding:
    """Which threads are folded to one row.

    Attributes:
        all_closed: whether all are, but for those in `threads`.
        threads: the threads that are folded; where all are, those that are not.
    """

    all_closed: bool = False
    threads: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that was read.

    Attributes:
        id: its number.
        octets: its octets.
        file: where it came from.
        kept: the verdict that is kept for it.
    """

    id: int
    octets: bytes | memoryview | mmap.mmap
    file: str
    kept: KeptVerdict | None


@dataclass(frozen=True, slots=True)
class Done:
    """What was done.

    Attributes:
        sentence: what to tell; empty for nothing.
        messages: the messages that look different now.
        folders: the folders whose messages have come or gone.
    """

    sentence: str
    messages: tuple[int, ...] = ()
    folders: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class _Flagged:
    what: str
    before: tuple[tuple[int, Flags, Flags], ...]  # message, added, removed


@dataclass(frozen=True, slots=True)
class _Moved:
    what: str
    moves: tuple[tuple[Path, Path, str, Flags], ...]  # from, to, the key there, flags


@dataclass(frozen=True, slots=True)
class _Copied:
    what: str
    copies: tuple[tuple[Path, str], ...]


class Mail:
    """The folders with their index.

    Args:
        index: the index; it belongs to this thread.
        places: the folders.
    """

    def __init__(self, index: Index, places: Sequence[Place]) -> None:
        self._index = index
        self.places = {place.path: place for place in places}
        self._numbers = {place.path: index.folder(place.path) for place in places}
        self._paths = {number: path for path, number in self._numbers.items()}
        self._boxes: dict[Path, Mailbox] = {}
        self._changes: deque[_Flagged | _Moved | _Copied] = deque(maxlen=UNDO)

    def close(self) -> None:
        """Closes the index."""
        self._index.close()

    # -- looking -------------------------------------------------------------------------------------------

    def counts(self) -> dict[Path, Counts]:
        """How many messages each folder has, and how many are unread."""
        return {path: self._index.counts(number) for path, number in self._numbers.items()}

    def found(self, searches: Mapping[str, str]) -> dict[str, int]:
        """How many messages each saved search finds; none where it cannot be understood."""
        numbers: dict[str, int] = {}
        for name, text in searches.items():
            try:
                numbers[name] = len(self._index.listing(None, parse_query(text)).ids)
            except UsageError:
                numbers[name] = 0
        return numbers

    def unjudged(self, folder: Path) -> int:
        """How many messages of a folder have no verdict."""
        return len(self._index.unjudged(self._numbers[folder]))

    def list(self, view: View, folding: Folding) -> Shown:
        """The messages to show.

        Raises:
            UsageError: the search cannot be understood.
        """
        listing = self._listing(view)
        if not folding.all_closed and not folding.threads:
            return Shown(listing.ids, listing.depths, listing.threads)
        sizes = Counter(listing.threads)
        closed = sizes.keys() - folding.threads if folding.all_closed else sizes.keys() & folding.threads
        short = listing.folded(folding.threads, all_closed=folding.all_closed)
        return Shown(short.ids, short.depths, short.threads, {one: sizes[one] for one in closed})

    def matching(self, view: View, query: str) -> frozenset[int]:
        """The messages of a view that a further search finds.

        Raises:
            UsageError: the search cannot be understood.
        """
        folder = None if view.folder is None else self._numbers[view.folder]
        return frozenset(self._index.listing(folder, parse_query(query)).ids).intersection(self._listing(view).ids)

    def next_unread(self, view: View, after: int | None) -> int | None:
        """The first unread message of a view below another one, or from its top on."""
        unread = self.matching(view, "is:unread")
        ids = self._listing(view).ids
        start = ids.index(after) + 1 if after is not None and after in ids else 0
        return next((one for one in (*ids[start:], *ids[:start]) if one in unread), None)

    def read(self, message: int) -> Letter:
        """A message with the verdict that is kept for it.

        Raises:
            InputError: it is gone, or cannot be read.
        """
        path, key = self._place(message)
        octets = self._box(path).read(key)
        return Letter(message, octets, f"{path}:{key}", self._index.verdict(message))

    def _listing(self, view: View) -> Listing:
        query = parse_query(view.query) if view.query else None
        folder = None if view.folder is None else self._numbers[view.folder]
        listing = self._index.listing(folder, query, order=view.order)
        if "is:deleted" in view.query or view.folder == self.with_role("trash") is not None:
            return listing
        return _without(listing, frozenset(self._index.listing(folder, _DELETED).ids))

    def _place(self, message: int) -> tuple[Path, str]:
        number, key = self._index.place_of(message)
        if number not in self._paths:
            raise InputError("the folder of this message is no longer configured")
        return self._paths[number], key

    def _box(self, path: Path) -> Mailbox:
        if path not in self._boxes:
            self._boxes[path] = open_mailbox(self.places[path])
        return self._boxes[path]

    # -- changing ------------------------------------------------------------------------------------------

    def set_flags(self, messages: Sequence[int], add: Flags, remove: Flags, what: str, *, undo: bool = True) -> Done:
        """Changes the flags of messages.

        Args:
            messages: the messages; those that are gone are passed over.
            add: flags to set.
            remove: flags to take away.
            what: what was done, as words before the number of messages, such as `"flagged"`.
            undo: whether it can be taken back.
        """
        changed: list[tuple[int, Flags, Flags]] = []
        for message in messages:
            row = self._index.rows([message])[0]
            if row is None or (row.flags | add) & ~remove == row.flags:
                continue
            now = self._change_flags(message, add, remove)
            changed.append((message, now & ~row.flags, row.flags & ~now))
        if not changed:
            return Done("")
        if undo:
            self._changes.append(_Flagged(what, tuple(changed)))
        return Done(f"{_messages(len(changed))} {what}", tuple(one[0] for one in changed))

    def _change_flags(self, message: int, add: Flags, remove: Flags) -> Flags:
        return self._index.change_flags(self._box(self._place(message)[0]), message, add=add, remove=remove)

    def move(self, messages: Sequence[int], target: Path, what: str = "") -> Done:
        """Moves messages to another folder; each is there before it is gone here.

        Raises:
            UsageError: they lie in an mbox file, which messages cannot be taken out of.
        """
        moved: list[tuple[Path, Path, str, Flags]] = []
        gone: list[int] = []
        what = what or f"moved to {self._name(target)}"
        try:
            for message in messages:
                path, key = self._place(message)
                if path == target:
                    continue
                self._refuse_mbox(path)
                row = self._index.rows([message])[0]
                flags = Flags.NONE if row is None else row.flags & ~Flags.TRASHED
                new = self._box(target).deliver(self._octets(path, key), flags)
                moved.append((path, target, new, flags))
                self._box(path).remove(key)
                gone.append(message)
        finally:
            if gone:
                self._index.forget(gone)
            if moved:
                self._changes.append(_Moved(what, tuple(moved)))
        if not moved:
            return Done("")
        return Done(f"{_messages(len(moved))} {what}", tuple(gone), _folders(moved))

    def copy(self, messages: Sequence[int], target: Path) -> Done:
        """Copies messages to another folder."""
        copies: list[tuple[Path, str]] = []
        what = f"copied to {self._name(target)}"
        for message in messages:
            path, key = self._place(message)
            row = self._index.rows([message])[0]
            flags = Flags.NONE if row is None else row.flags
            copies.append((target, self._box(target).deliver(self._octets(path, key), flags)))
        if copies:
            self._changes.append(_Copied(what, tuple(copies)))
        return Done(f"{_messages(len(copies))} {what}", (), (target,))

    def delete(self, messages: Sequence[int]) -> Done:
        """Moves messages to the trash; in the trash, and where there is none, they get the flag of what is to go.

        Nothing is removed for good here.
        """
        trash = self.with_role("trash")
        outside = [one for one in messages if trash is None or self._place(one)[0] != trash]
        if trash is None or not outside:
            for message in messages:
                self._refuse_mbox(self._place(message)[0])
            return self.set_flags(messages, Flags.TRASHED, Flags.NONE, "marked as deleted")
        return self.move(outside, trash, f"moved to {self._name(trash)}")

    def with_role(self, role: str) -> Path | None:
        """The first folder with a role, such as `"trash"`; `None` where there is none."""
        return next((path for path, place in self.places.items() if place.role == role), None)

    def undo(self) -> Done:
        """Takes the last change back.

        Raises:
            MailsecError: another program was quicker, so that it cannot be; what could be taken back was.
        """
        if not self._changes:
            return Done("there is nothing to take back")
        change = self._changes.pop()
        if isinstance(change, _Flagged):
            for message, added, removed in change.before:
                if self._index.rows([message])[0] is not None:
                    self._change_flags(message, removed, added)
            return Done(f"taken back: {change.what}", tuple(one[0] for one in change.before))
        if isinstance(change, _Copied):
            for path, key in change.copies:
                self._box(path).remove(key)
            return Done(f"taken back: {change.what}", (), tuple({path for path, _ in change.copies}))
        missing = 0
        for source, target, key, flags in change.moves:
            try:
                self._box(source).deliver(self._octets(target, key), flags)
                self._box(target).remove(key)
            except InputError:
                missing += 1
        if missing:
            raise MailsecError(f"{_messages(missing)} cannot be moved back: another program moved or removed them")
        return Done(f"taken back: {change.what}", (), _folders(change.moves))

    def keep_verdict(self, message: int, verdict: KeptVerdict) -> None:
        """Keeps a verdict."""
        self._index.keep_verdict(message, verdict)

    def _octets(self, path: Path, key: str) -> bytes | memoryview:
        octets = self._box(path).read(key)
        return octets if isinstance(octets, bytes | memoryview) else memoryview(octets)

    def _name(self, path: Path) -> str:
        return safe_text(self.places[path].name)

    def _refuse_mbox(self, path: Path) -> None:
        if self.places[path].kind != "maildir":
            raise UsageError(f"{self._name(path)} is an mbox file, which messages cannot be taken out of; copy them")


def _without(listing: Listing, hidden: Set[int]) -> Listing:
    """A list without some messages."""
    if not hidden:
        return listing
    kept = [at for at, number in enumerate(listing.ids) if number not in hidden]
    columns = (listing.ids, listing.depths, listing.threads)
    return Listing(*(array(column.typecode, [column[at] for at in kept]) for column in columns))


def _folders(moves: Iterable[tuple[Path, Path, str, Flags]]) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(path for move in moves for path in move[:2]))


def _messages(number: int) -> str:
    return "1 message" if number == 1 else f"{number:,} messages".replace(",", " ")
