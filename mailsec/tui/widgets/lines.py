"""A list of one-line rows that draws only those that are seen, however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeAlias

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mailsec.tui.reading.wrapping import wrap

__all__ = ["LineList", "Piece"]

Piece: TypeAlias = tuple[str, str]
"""A safe text, and the names of its component classes with blanks between them; empty for plain."""

MARGIN = 2
"""Rows that stay in sight above and below the selection."""

BAR_STEPS = 8
"""Places of a scroll bar's end within a cell."""

KEPT = 1024
"""Rows that are kept as they were drawn, at most."""


class LineList(ScrollView, can_focus=True):
    """Rows of one line each, one of them selected.

    Subclasses say how many rows there are (`set_count`) and what stands in each (`pieces`).
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"line--cursor", "line--dim", "line--strong", "line--accent"}
    DEFAULT_CSS = """
    LineList {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        scrollbar-color: $panel;
        scrollbar-color-hover: $primary;
        background: $background;
        & > .line--cursor { background: $panel; }
        & > .line--dim { color: $text-muted; }
        & > .line--strong { text-style: bold; }
        & > .line--accent { color: $primary; }
        &:focus > .line--cursor { background: $primary 30%; }
    }
    """

    cursor: reactive[int] = reactive(0, repaint=False)
    """The selected row; 0 where there is none."""

    class Moved(Message):
        """Another row was selected."""

        def __init__(self, lines: LineList) -> None:
            super().__init__()
            self.lines = lines

        @property
        def control(self) -> LineList:
            """The list."""
            return self.lines

    class Chosen(Moved):
        """The selected row was clicked a second time."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._count = 0
        self._said = ""
        self._styles: dict[str, Style] = {}
        self._strips: dict[tuple[int, bool, tuple[Piece, ...]], Strip] = {}
        self._rows_drawn: dict[int, Strip] = {}

    # -- for subclasses ------------------------------------------------------------------------------------

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """What stands in a row.

        Args:
            index: the row.
            width: how many cells it has; what is longer is cut.
        """
        raise NotImplementedError

    def can_select(self, index: int) -> bool:
        """Whether a row can be selected: a heading cannot."""
        del index
        return True

    def set_count(self, count: int, cursor: int, top: int | None = None) -> None:
        """Says how many rows there are.

        Args:
            count: how many.
            cursor: the row that is selected from now on.
            top: the row at the top; as it was where `None`.
        """
        self._count = count
        self.virtual_size = Size(0, count)
        self.cursor = max(0, min(cursor, count - 1))
        if top is not None:
            self.scroll_to(y=max(0, top), animate=False, force=True, immediate=True)
        self.keep_in_sight()
        self.refresh()

    def say(self, sentence: str) -> None:
        """Says what stands there while there are no rows.

        Args:
            sentence: safe to show.
        """
        if sentence != self._said:
            self._said = sentence
            self.refresh()

    # -- moving --------------------------------------------------------------------------------------------

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self._count

    @property
    def top(self) -> int:
        """The row at the top."""
        return round(self.scroll_offset.y)

    @property
    def page(self) -> int:
        """How many rows are seen."""
        return max(1, self.scrollable_content_region.height)

    def move(self, by: int) -> None:
        """Moves the selection by so many rows, past what cannot be selected."""
        self.select(self.cursor + by, 1 if by > 0 else -1)

    def select(self, index: int, step: int = 1) -> None:
        """Selects a row, or the next in the direction of `step` that can be selected."""
        index = max(0, min(index, self._count - 1))
        start = index
        while 0 <= index < self._count and not self.can_select(index):
            index += step
        if not 0 <= index < self._count:
            index = start
            while 0 <= index < self._count and not self.can_select(index):
                index -= step
        if 0 <= index < self._count and index != self.cursor:
            before, self.cursor = self.cursor, index
            self.keep_in_sight()
            self.refresh_line(before)
            self.refresh_line(index)
            self.post_message(self.Moved(self))

    def keep_in_sight(self) -> None:
        """Scrolls so far that the selection is seen with a few rows around it."""
        page, margin = self.page, min(MARGIN, (self.page - 1) // 2)
        top = self.top
        wanted = min(top, self.cursor - margin)
        wanted = max(wanted, self.cursor + margin - page + 1)
        wanted = max(0, min(wanted, self._count - page))
        if wanted != top:
            self.scroll_to(y=wanted, animate=False, force=True, immediate=True)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scrolls; the bar moves where it looks different then, since it takes longer to draw than the rows."""
        if self.show_vertical_scrollbar:
            step = self._count / (self.page * BAR_STEPS)
            ends = step <= 1 or new_value >= self.max_scroll_y
            self.vertical_scrollbar.position = new_value if ends else new_value // step * step
        if round(old_value) != round(new_value):
            self.refresh(self.size.region)

    def on_resize(self) -> None:
        """Keeps the selection in sight."""
        self.keep_in_sight()

    def on_click(self, event: events.Click) -> None:
        """Selects the row under the mouse; a second click chooses it."""
        index = self.top + event.y
        if index >= self._count or not self.can_select(index):
            return
        if index == self.cursor:
            self.post_message(self.Chosen(self))
        else:
            self.select(index)

    # -- drawing -------------------------------------------------------------------------------------------

    def notify_style_update(self) -> None:
        """Forgets the colours, since the theme may have changed."""
        self._forget()
        super().notify_style_update()

    def _forget(self) -> None:
        self._styles.clear()
        self._strips.clear()
        self._rows_drawn.clear()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draws the lines of a region of what is seen."""
        if self.styles.gutter or crop.column_span != (0, self.size.width):
            return super().render_lines(crop)
        # what Textual would draw around the lines is nothing here, and would make each of them anew
        _, background = self.background_colors
        if len(self._rows_drawn) > KEPT or len(self._strips) > KEPT:
            self._rows_drawn.clear()
            self._strips.clear()
        strips = [self.render_line(y) for y in crop.line_range]
        for each in self.get_line_filters():
            strips = [strip.apply_filter(each, background) for strip in strips]
        return strips

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> LineList:
        """Draws anew; with regions, which scrolling names too, the rows are as they were."""
        if not regions:
            self._rows_drawn.clear()
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def refresh_line(self, y: int) -> None:
        """Draws a row anew."""
        self._rows_drawn.pop(y, None)
        super().refresh_line(y)

    def render_line(self, y: int) -> Strip:
        """Draws one line of what is seen."""
        width = self.scrollable_content_region.width
        index = y + self.top
        if index >= self._count:
            return self._saying(y, width, self._base(selected=False))
        strip = self._rows_drawn.get(index)
        if strip is None or strip.cell_length != width:
            strip = self._rows_drawn[index] = self._row(index, width)
        return strip

    def _row(self, index: int, width: int) -> Strip:
        """Draws a row, or takes it as it was drawn before: Textual keeps with a strip what it makes of it."""
        pieces = tuple(self.pieces(index, width))
        selected = index == self.cursor
        strip = self._strips.get((width, selected, pieces))
        if strip is None:
            strip = self._strips[width, selected, pieces] = self._strip(width, self._base(selected=selected), pieces)
        return strip

    def _strip(self, width: int, base: Style, pieces: Sequence[Piece]) -> Strip:
        segments: list[Segment] = []
        for text, names in pieces:
            style = base + self._style(names) if names else base
            if segments and segments[-1].style == style:  # fewer pieces are drawn sooner
                segments[-1] = Segment(segments[-1].text + text, style)
            elif text:
                segments.append(Segment(text, style))
        return Strip(segments).adjust_cell_length(width, base)

    def _saying(self, y: int, width: int, base: Style) -> Strip:
        """A line of an empty list: the sentence, set in a little."""
        if self._count or not self._said or y < 1 or width < 8:
            return Strip.blank(width, base)
        lines = list(wrap(self._said, width - 4))
        if y > len(lines):
            return Strip.blank(width, base)
        start, end = lines[y - 1]
        text = Segment(f"  {self._said[start:end]}", base + self._style("line--dim"))
        return Strip([text]).adjust_cell_length(width, base)

    def _base(self, *, selected: bool) -> Style:
        """The style of a row before its pieces have theirs."""
        key = "selected row" if selected else "row"
        if key not in self._styles:
            style = self.rich_style
            self._styles[key] = style + self.get_component_rich_style("line--cursor") if selected else style
        return self._styles[key]

    def _style(self, names: str) -> Style:
        """The style of a piece: it never brings a background of its own."""
        if names not in self._styles:
            found = [self.get_component_rich_style(name) for name in names.split()]
            plain = self.rich_style.color
            # the first that has a colour of its own decides it
            colour = next((one.color for one in found if one.color != plain), plain)
            self._styles[names] = Style.combine([*(one.without_color for one in found), Style(color=colour)])
        return self._styles[names]

    def watch_has_focus(self, _has_focus: bool) -> None:
        """Draws the selection in its other colour."""
        super().watch_has_focus(_has_focus)
        self._forget()
        self.refresh()
