"""The folders with what is unread in each, and the saved searches beneath them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mailsec.tui.cells import clean, fit, width
from mailsec.tui.widgets.lines import LineList, Piece
from mailsec.tui.widgets.rows import Glyphs

__all__ = ["FolderPane", "Heading", "Saved", "Seen"]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading between folders."""

    title: str


@dataclass(frozen=True, slots=True)
class Seen:
    """A folder.

    Attributes:
        path: where it lies.
        name: its name; foreign text.
        depth: how deep it lies in other folders.
        unread: how many messages of it are unread.
        total: how many there are.
    """

    path: Path
    name: str
    depth: int = 0
    unread: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved search over all folders.

    Attributes:
        name: its name.
        query: what it looks for.
        found: how many it finds.
    """

    name: str
    query: str
    found: int = 0


Item = Heading | Seen | Saved


class FolderPane(LineList):
    """The folders.

    Args:
        glyphs: the signs.
    """

    def __init__(self, *, glyphs: Glyphs, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._glyphs = glyphs
        self._items: tuple[Item, ...] = ()
        self.viewed: Path | str | None = None
        """The folder, or the name of the saved search, whose messages are listed."""

    @property
    def items(self) -> tuple[Item, ...]:
        """The rows."""
        return self._items

    @property
    def current(self) -> Seen | Saved | None:
        """What is selected."""
        item = self._items[self.cursor] if self._items else None
        return None if isinstance(item, Heading) else item

    def show(self, items: Sequence[Item]) -> None:
        """Shows folders; the selection stays at its folder."""
        selected = self.current
        self._items = tuple(items)
        place = next((at for at, one in enumerate(items) if selected is not None and _same(one, selected)), None)
        if place is None:
            place = next((at for at, one in enumerate(items) if not isinstance(one, Heading)), 0)
        self.set_count(len(items), place)

    def view(self, viewed: Path | str | None) -> None:
        """Says whose messages are listed, and selects it."""
        self.viewed = viewed
        for at, item in enumerate(self._items):
            if _identity(item) == viewed:
                self.cursor = at
                self.keep_in_sight()
        self.refresh()

    def can_select(self, index: int) -> bool:
        """Headings are passed over."""
        return not isinstance(self._items[index], Heading)

    def pieces(self, index: int, width_: int) -> Sequence[Piece]:
        """A folder with what is unread in it."""
        item = self._items[index]
        if isinstance(item, Heading):
            return [(fit(f" {clean(item.title)}", width_), "line--dim")]
        number = item.unread if isinstance(item, Seen) else item.found
        count = str(number) if number else ""
        here = _identity(item) == self.viewed
        indent = "  " * min(item.depth, 4) if isinstance(item, Seen) else ""
        name = fit(indent + clean(item.name), width_ - 3 - width(count) - 1)
        kind = ("line--accent " if here else "") + ("line--strong" if number or here else "")
        return [
            (self._glyphs.cursor if index == self.cursor else " ", "line--accent"),
            (self._glyphs.bar if here else " ", "line--accent"),
            (name, kind),
            (f" {count} ", "line--dim" if not number else "line--strong"),
        ]


def _identity(item: Item) -> Path | str | None:
    return item.path if isinstance(item, Seen) else item.name if isinstance(item, Saved) else None


def _same(one: Item, other: Item) -> bool:
    return type(one) is type(other) and _identity(one) == _identity(other)
