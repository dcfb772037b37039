"""An outline that folds: lines under each other, wrapped to the width, with a place that the reader is at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message as Event
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mailsec.tui.reading.wrapping import cut, wrap

__all__ = ["Item", "Outline"]

_DEEPEST = 10  # steps to the right that are drawn
_NARROW = 20  # cells below which lines are cut instead of wrapped


@dataclass(frozen=True, slots=True)
class Item:
    """A line with what stands under it.

    Attributes:
        text: safe to show.
        sign: what stands before the text; safe to show.
        name: the component class in which the sign is drawn; empty for none.
        children: what stands under it.
        closed: whether it is folded at first.
        value: whatever the owner wants back when it is chosen.
    """

    text: str
    sign: str = ""
    name: str = ""
    children: tuple[Item, ...] = ()
    closed: bool = False
    value: object = None


@dataclass(frozen=True, slots=True)
class _Row:
    item: int
    text: str
    first: bool


class Outline(ScrollView):
    """Shows items.

    Args:
        items: the items.
        glyphs: whether signs beyond ASCII may be used.
    """

    can_focus = True
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "next", "down", show=False),
        Binding("k,up", "previous", "up", show=False),
        Binding("l,right", "open", "unfold", show=False),
        Binding("h,left", "close", "fold", show=False),
        Binding("space", "fold", "fold", show=False),
        Binding("enter", "choose", "choose", show=False),
        Binding("pagedown,ctrl+d", "page(1)", "page down", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "page up", show=False),
        Binding("home,g", "edge(0)", "first", show=False),
        Binding("end,G", "edge(1)", "last", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "outline--pass",
        "outline--fail",
        "outline--warning",
        "outline--none",
        "outline--author",
        "outline--domain",
        "outline--cursor",
        "outline--dim",
    }
    DEFAULT_CSS = """
    Outline {
        background: $background;
        color: $foreground;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-color: $panel;
        overflow-x: hidden;
        &> .outline--pass { color: $level-verified; text-style: bold; }
        &> .outline--fail { color: $level-failed; text-style: bold; }
        &> .outline--warning { color: $level-warning; text-style: bold; }
        &> .outline--none { color: $level-unauthenticated; }
        &> .outline--author { color: $cover-author; text-style: bold; }
        &> .outline--domain { color: $cover-domain; }
        &> .outline--cursor { background: $panel; text-style: bold; }
        &> .outline--dim { color: $quote; }
    }
    """

    class Chosen(Event):
        """The reader chose an item.

        Attributes:
            item: the item.
        """

        def __init__(self, item: Item) -> None:
            super().__init__()
            self.item = item

    def __init__(self, items: Iterable[Item], *, glyphs: bool = True) -> None:
        super().__init__()
        self._glyphs = glyphs
        self._rows: list[_Row] = []
        self._starts: dict[int, tuple[int, int]] = {}
        self._laid_out = 0
        self._take(items)

    def _take(self, items: Iterable[Item]) -> None:
        self._items: list[Item] = []
        self._depths: list[int] = []
        self._ends: list[int] = []  # the item after the last under each
        self._add(list(items))
        self._folded = {number for number, item in enumerate(self._items) if item.closed}
        self._cursor = 0

    def show(self, items: Iterable[Item]) -> None:
        """Shows other items.

        Args:
            items: the items.
        """
        self._take(items)
        self._lay_out()
        self.scroll_to(y=0, animate=False, force=True, immediate=True)

    def _add(self, items: Sequence[Item]) -> None:
        waiting: list[tuple[Item | None, int]] = [(item, 0) for item in reversed(items)]
        open_items: list[int] = []
        while waiting:
            item, depth = waiting.pop()
            if item is None:
                self._ends[open_items.pop()] = len(self._items)
                continue
            open_items.append(len(self._items))
            self._items.append(item)
            self._depths.append(depth)
            self._ends.append(0)
            waiting.append((None, depth))
            waiting.extend((child, depth + 1) for child in reversed(item.children))

    @property
    def chosen(self) -> Item | None:
        """The item that the reader is at."""
        return self._items[self._cursor] if self._items else None

    # -- moving

    def action_next(self) -> None:
        """Moves to the next item."""
        self._move(1)

    def action_previous(self) -> None:
        """Moves to the item before."""
        self._move(-1)

    def action_page(self, direction: int) -> None:
        """Moves by a screen."""
        self._move(direction * max(1, self.size.height - 1))

    def action_edge(self, last: int) -> None:
        """Moves to the first or the last item."""
        self._move(len(self._items) if last else -len(self._items))

    def action_open(self) -> None:
        """Unfolds what stands under an item."""
        self._fold(closed=False)

    def action_close(self) -> None:
        """Folds what stands under an item; where nothing does, moves to what it stands under."""
        item = self._cursor
        if item in self._folded or not self._items[item : item + 1] or not self._items[item].children:
            above = [n for n in range(item) if self._ends[n] > item]
            if above:
                self._cursor = above[-1]
                self._show_cursor()
            return
        self._fold(closed=True)

    def action_fold(self) -> None:
        """Folds or unfolds."""
        self._fold(closed=self._cursor not in self._folded)

    def action_choose(self) -> None:
        """Chooses an item; one without a value folds or unfolds."""
        item = self.chosen
        if item is None:
            return
        if item.value is None:
            self.action_fold()
        else:
            self.post_message(self.Chosen(item))

    def _fold(self, *, closed: bool) -> None:
        if not self._items or not self._items[self._cursor].children:
            return
        (self._folded.add if closed else self._folded.discard)(self._cursor)
        self._lay_out()
        self._show_cursor()

    def _move(self, steps: int) -> None:
        seen = self._seen()
        if not seen:
            return
        at = seen.index(self._cursor) if self._cursor in seen else 0
        self._cursor = seen[min(max(at + steps, 0), len(seen) - 1)]
        self._show_cursor()

    def _show_cursor(self) -> None:
        self._ensure()
        first, last = self._starts.get(self._cursor, (0, 1))
        top, page = round(self.scroll_y), max(1, self.size.height)
        if first < top:
            self.scroll_to(y=first, animate=False, force=True, immediate=True)
        elif last > top + page:
            self.scroll_to(y=min(first, last - page), animate=False, force=True, immediate=True)
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        """Moves to what was clicked, and chooses it at the second click."""
        row = round(self.scroll_y) + event.y
        if row < len(self._rows):
            again = self._cursor == self._rows[row].item
            self._cursor = self._rows[row].item
            self._show_cursor()
            if again:
                self.action_choose()

    # -- drawing

    def on_resize(self) -> None:
        """Lays the lines out for the new width."""
        self._ensure()

    def _seen(self) -> list[int]:
        """The items that are not folded away."""
        found, number = [], 0
        while number < len(self._items):
            found.append(number)
            number = self._ends[number] if number in self._folded else number + 1
        return found

    def _ensure(self) -> None:
        if self._laid_out != self.size.width:
            self._lay_out()

    def _lay_out(self) -> None:
        width = self._laid_out = self.size.width
        self._rows, self._starts = [], {}
        for number in self._seen():
            start = len(self._rows)
            room = width - self._indent(number) - 1
            text = self._items[number].text
            if room < _NARROW:
                self._rows.append(_Row(number, cut(text, max(1, room)), first=True))
            else:
                for at, (low, high) in enumerate(wrap(text, room)):
                    self._rows.append(_Row(number, text[low:high], at == 0))
            self._starts[number] = (start, len(self._rows))
        self.virtual_size = Size(0, len(self._rows))
        self.refresh()

    def _indent(self, number: int) -> int:
        item = self._items[number]
        return 2 * min(self._depths[number], _DEEPEST) + 3 + (2 if item.sign else 0)

    def render_line(self, y: int) -> Strip:
        """Draws one line."""
        self._ensure()
        base, width = self.rich_style, self.size.width
        at = round(self.scroll_y) + y
        if at >= len(self._rows):
            return Strip.blank(width, base)
        row = self._rows[at]
        item = self._items[row.item]
        if row.item == self._cursor:
            base += self.get_component_rich_style("outline--cursor", partial=True)
        dim = base + self.get_component_rich_style("outline--dim", partial=True)
        indent = 2 * min(self._depths[row.item], _DEEPEST)
        if not row.first:
            segments = [Segment(" " * self._indent(row.item), base)]
        else:
            segments = [Segment(" " * (indent + 1), base), Segment(self._fold_sign(row.item), dim)]
            if item.sign:
                style = base + self.get_component_rich_style(item.name, partial=True) if item.name else base
                segments += [Segment(item.sign, style), Segment(" ", base)]
        segments.append(Segment(row.text, base))
        return Strip(segments).adjust_cell_length(width, base)

    def _fold_sign(self, number: int) -> str:
        if not self._items[number].children:
            return "  "
        closed = number in self._folded
        if not self._glyphs:
            return "+ " if closed else "- "
        return "▸ " if closed else "▾ "
