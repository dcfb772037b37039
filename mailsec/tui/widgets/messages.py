"""The list of messages: rows are fetched when they are seen, and the selection sticks to its message."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Sequence
from typing import ClassVar

from mailsec.store.types import Row
from mailsec.tui.shown import Shown
from mailsec.tui.widgets.lines import LineList, Piece
from mailsec.tui.widgets.rows import Glyphs, row_pieces, thread_lines

__all__ = ["MessageList"]

KEPT = 4096
"""Rows that are kept at most."""


class MessageList(LineList):
    """The messages of a folder or of a search.

    Args:
        fetch: gives the rows of messages in the order asked, `None` for what is gone; drawing waits
            for it.
        date: makes a short date of seconds since the epoch.
        glyphs: the signs.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "level-verified",
        "level-authenticated",
        "level-unauthenticated",
        "level-warning",
        "level-failed",
        "row--trashed",
    }
    DEFAULT_CSS = """
    MessageList {
        & > .level-verified { color: $level-verified; }
        & > .level-authenticated { color: $level-authenticated; }
        & > .level-unauthenticated { color: $level-unauthenticated; }
        & > .level-warning { color: $level-warning; }
        & > .level-failed { color: $level-failed; }
        & > .row--trashed { color: $text-muted; text-style: strike; }
    }
    """

    def __init__(
        self,
        fetch: Callable[[Sequence[int]], Sequence[Row | None]],
        *,
        date: Callable[[int], str],
        glyphs: Glyphs,
        id: str | None = None,  # noqa: A002 - Textual's name
    ) -> None:
        super().__init__(id=id)
        self._fetch = fetch
        self._date = date
        self._glyphs = glyphs
        self._rows: dict[int, Row | None] = {}
        self._shown = Shown()
        self.marked: set[int] = set()
        self.outgoing = False

    # -- what is shown -------------------------------------------------------------------------------------

    @property
    def shown(self) -> Shown:
        """What is shown."""
        return self._shown

    @property
    def current(self) -> int | None:
        """The selected message."""
        return self._shown.ids[self.cursor] if self.count else None

    def row(self, message: int) -> Row | None:
        """The row of a message; `None` where it is gone."""
        if message not in self._rows:
            self._load([message])
        return self._rows[message]

    def show(self, shown: Shown, select: int | None = None) -> None:
        """Shows other messages, or the same after a change.

        The selection stays at its message, and that at its place on the screen; where it is gone, the next one that
        is still there is selected.

        Args:
            shown: what to show.
            select: the message to select, instead of the selected one.
        """
        before, self._shown = self._shown, shown
        self._rows.clear()
        top, cursor = self.top, self.cursor
        place = _find(shown.ids, select) if select is not None else None
        if place is None and before.ids:
            place = _survivor(before.ids, cursor, shown.ids)
        if place is None:
            self.set_count(len(shown.ids), 0, 0)
        else:
            self.set_count(len(shown.ids), place, place - (cursor - top))

    def refresh_rows(self, messages: Collection[int] | None = None) -> None:
        """Fetches rows again when they are next seen.

        Args:
            messages: those that have changed; all if `None`.
        """
        if messages is None:
            self._rows.clear()
            self.refresh()
            return
        for message in messages:
            self._rows.pop(message, None)
        changed = set(messages)
        top = self.top
        for index, message in enumerate(self._shown.ids[top : top + self.page], top):
            if message in changed:  # all that is not seen is drawn when it is
                self.refresh_line(index)

    def set_marks(self, messages: Collection[int]) -> None:
        """Marks these messages and no others."""
        self.marked = set(messages)
        self.refresh()

    def targets(self) -> tuple[int, ...]:
        """What an action takes: the marked messages in their order, else the selected one."""
        if self.marked:
            return tuple(one for one in self._shown.ids if one in self.marked)
        return () if self.current is None else (self.current,)

    def thread_of(self, index: int) -> tuple[int, ...]:
        """The messages shown in the thread of a row."""
        threads, ids = self._shown.threads, self._shown.ids
        start = end = index
        while start and threads[start - 1] == threads[index]:
            start -= 1
        while end < self.count and threads[end] == threads[index]:
            end += 1
        return tuple(ids[start:end])

    # -- drawing -------------------------------------------------------------------------------------------

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """A message's row."""
        shown = self._shown
        message = shown.ids[index]
        if message not in self._rows:
            page = self.page
            self._load(shown.ids[max(0, index - page // 2) : index + page])
        row = self._rows.get(message)
        if row is None:
            return [("       (gone: another program removed it)", "line--dim")]
        folded = shown.folded.get(shown.threads[index], 1) - 1
        lines = "" if shown.folded and folded else thread_lines(shown.depths, shown.threads, index, self._glyphs)
        return row_pieces(
            row,
            width,
            lines=lines,
            date=self._date,
            glyphs=self._glyphs,
            selected=index == self.cursor,
            marked=message in self.marked,
            outgoing=self.outgoing,
            folded=folded,
        )

    def _load(self, messages: Sequence[int]) -> None:
        if len(self._rows) > KEPT:
            self._rows.clear()
        wanted = [one for one in messages if one not in self._rows]
        self._rows.update(zip(wanted, self._fetch(wanted), strict=True))


def _find(ids: array[int], message: int) -> int | None:
    try:
        return ids.index(message)
    except ValueError:
        return None


NEAR = 64


def _survivor(before: array[int], cursor: int, now: array[int]) -> int | None:
    """Where the selected message is now, or the nearest one after it, or before it, that is still there."""
    if (place := _find(now, before[cursor])) is not None:
        return place
    known = set(now)
    for message in (*before[cursor + 1 :], *reversed(before[max(0, cursor - NEAR) : cursor])):
        if message in known:
            return _find(now, message)
    return None
