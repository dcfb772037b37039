"""Widgets that lay out their own lines for whatever width they get."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, TypeAlias

from rich.segment import Segment
from textual.geometry import Size
from textual.reactive import Reactive
from textual.strip import Strip
from textual.widget import Widget

from mailsec.tui.reading.wrapping import wrap
from mailsec.tui.styles import Styles

__all__ = ["Drawn", "Row", "hanging"]

Row: TypeAlias = tuple[tuple[str, str], ...]
"""One line: pieces of safe text, each with the component class it is drawn in; empty for the widget's own."""


class Drawn(Widget):
    """A region that is as high as its lines. Its texts are drawn as they are and never read as markup."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = set()
    DEFAULT_CSS = """
    Drawn { width: 1fr; height: auto; }
    """

    virtual_size: Reactive[Size] = Reactive(Size(0, 0))
    """As `Widget` has it, but its change lays nothing out again: what is never scrolled has just been laid out."""

    def __init__(self) -> None:
        super().__init__()
        self._styles = Styles(self)
        self._drawn: tuple[int, list[Row]] | None = None

    def rows(self, width: int) -> Iterable[Row]:
        """Its lines for a width in cells; a subclass gives them."""
        raise NotImplementedError

    def changed(self) -> None:
        """To be called when `rows` would give others."""
        before, self._drawn = self._drawn, None
        same_height = before is not None and before[0] and len(self._rows(before[0])) == len(before[1])
        self.refresh(layout=not same_height)  # all that is seen is laid out anew, which takes far longer than drawing

    def _rows(self, width: int) -> list[Row]:
        if self._drawn is None or self._drawn[0] != width:
            self._drawn = (width, list(self.rows(width)) if width > 0 else [])
        return self._drawn[1]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as there are."""
        del container, viewport
        return len(self._rows(width))

    def notify_style_update(self) -> None:
        """Forgets the styles, since the theme may have changed."""
        self._styles.clear()
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        """Draws one line."""
        width = self.size.width
        rows = self._rows(width)
        if y >= len(rows):
            return Strip.blank(width, self._styles.base)
        segments = [Segment(text, self._styles.of(name)) for text, name in rows[y]]
        return Strip(segments).adjust_cell_length(width, self._styles.base)


def hanging(text: str, width: int, first: Row, indent: int, name: str = "") -> Iterator[Row]:
    """A text in lines under each other, after what stands before the first.

    Args:
        text: safe text.
        width: cells that a line may have.
        first: what stands before the first line; `indent` cells.
        indent: how far the others are moved in.
        name: the component class of the text.
    """
    room = max(8, width - indent)
    for number, (start, end) in enumerate(wrap(text, room)):
        before = first if number == 0 else ((" " * indent, ""),)
        yield (*before, (text[start:end], name))
