"""Widgets that lay out their own lines for whatever width they get."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar, TypeAlias

from rich.segment import Segment
from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from mailsec.tui.reading.wrapping import wrap

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

    def __init__(self) -> None:
        super().__init__()
        self._drawn: tuple[int, list[Row]] | None = None

    def rows(self, width: int) -> Iterable[Row]:
        """Its lines for a width in cells; a subclass gives them."""
        raise NotImplementedError

    def changed(self) -> None:
        """To be called when `rows` would give others."""
        self._drawn = None
        self.refresh(layout=True)

    def _rows(self, width: int) -> list[Row]:
        if self._drawn is None or self._drawn[0] != width:
            self._drawn = (width, list(self.rows(width)) if width > 0 else [])
        return self._drawn[1]

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as there are."""
        del container, viewport
        return len(self._rows(width))

    def render_line(self, y: int) -> Strip:
        """Draws one line."""
        width, base = self.size.width, self.rich_style
        rows = self._rows(width)
        if y >= len(rows):
            return Strip.blank(width, base)
        segments = [
            Segment(text, base + self.get_component_rich_style(name, partial=True) if name else base)
            for text, name in rows[y]
        ]
        return Strip(segments).adjust_cell_length(width, base)


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
