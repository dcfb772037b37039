"""The text of a message on the screen: only the lines that are seen are laid out and drawn."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Size
from textual.message import Message as Event
from textual.reactive import Reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mailsec.tui.reading.lines import Cover, Kind, Line, Role, Stop
from mailsec.tui.reading.wrapping import DEEPEST
from mailsec.tui.styles import Styles

if TYPE_CHECKING:
    from mailsec.tui.reading.document import Document

__all__ = ["MARGIN", "BodyView", "margin_glyph"]

MARGIN = 2
"""Cells beside the text: the coverage, and a blank."""

_GLYPHS = {Cover.AUTHOR: "▌", Cover.DOMAIN: "┊", Cover.NOBODY: " "}
_LETTERS = {Cover.AUTHOR: "|", Cover.DOMAIN: ":", Cover.NOBODY: " "}
_RIGHT = 1  # a blank cell between the text and the scroll bar
_WIDEST = 100  # cells of a line; longer ones are hard to read
_PLACE = "stop"


def margin_glyph(cover: Cover, *, glyphs: bool) -> str:
    """What stands in the margin for a coverage; a letter of ASCII where glyphs are not wanted."""
    return (_GLYPHS if glyphs else _LETTERS)[cover]


class BodyView(ScrollView):
    """Shows a document.

    Args:
        glyphs: whether signs beyond ASCII may be used.
    """

    can_focus = True
    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "body--author",
        "body--domain",
        "body--quote",
        "body--link",
        "body--chosen",
        "body--deceptive",
        "body--heading",
        "body--dim",
        "body--notice",
        "body--field",
    }
    DEFAULT_CSS = """
    BodyView {
        background: $background;
        color: $foreground;
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        scrollbar-color: $panel;
        overflow: hidden scroll;
        &> .body--author { color: $cover-author; text-style: bold; }
        &> .body--domain { color: $cover-domain; }
        &> .body--quote { color: $quote; }
        &> .body--link { color: $link; text-style: underline; }
        &> .body--chosen { color: $background; background: $primary; text-style: bold; }
        &> .body--deceptive { color: $level-warning; text-style: bold underline; }
        &> .body--heading { text-style: bold; }
        &> .body--dim { color: $quote; }
        &> .body--notice { color: $quote; text-style: italic; }
        &> .body--field { color: $quote; }
    }
    """

    virtual_size: Reactive[Size] = Reactive(Size(0, 0))
    """As `Widget` has it, but its change lays nothing out again: the scroll bar is always there."""

    class Chosen(Event):
        """Something in the text was clicked.

        Attributes:
            what: what it is.
        """

        def __init__(self, what: Stop) -> None:
            super().__init__()
            self.what = what

    class Resized(Event):
        """There is another room for the text."""

    def __init__(self, *, glyphs: bool = True) -> None:
        super().__init__()
        self._styles = Styles(self)
        self._glyphs = glyphs
        self._document: Document | None = None
        self._chosen: tuple[int, int] | None = None

    # -- what is shown

    @property
    def text_width(self) -> int:
        """Cells that a line of text may have now."""
        width = self.size.width or self.app.size.width
        return max(1, min(width - MARGIN - _RIGHT, _WIDEST))

    @property
    def chosen(self) -> Stop | None:
        """What is chosen in the text."""
        if self._document is None or self._chosen is None:
            return None
        return self._document.stop(self._chosen)

    def present(self, document: Document | None, *, keep_place: bool = False) -> None:
        """Shows a document from its top, or from where the reader is.

        Args:
            document: what is shown; `None` for nothing.
            keep_place: whether the reader stays where they are, for the same message in another form.
        """
        before = self._document
        place = before.place(self._top) if before is not None and keep_place else None
        self._document = document
        self._chosen = None
        if document is not None and document.width != self.text_width and self.size.width:
            document = self._document = document.widened(self.text_width)
        self._resized()
        top = 0
        if document is not None and place is not None and before is not None:
            top = self._top if document.height == before.height else document.line_at(place)
        self._go(top)
        self.refresh()

    def laid_out_anew(self) -> None:
        """Shows the same document after something in it changed; the reader stays where they are."""
        if self._document is not None:
            chosen = self._chosen
            self.present(self._document.widened(self.text_width), keep_place=True)
            self._chosen = chosen

    def on_resize(self, event: events.Resize) -> None:
        """Lays the text out for the new width; the reader stays where they are."""
        del event
        self.post_message(self.Resized())
        document = self._document
        if document is None or document.width == self.text_width:
            return
        place = document.place(self._top)
        self._document = document.widened(self.text_width)
        self._resized()
        self._go(self._document.line_at(place))
        self.refresh()

    # -- moving

    @property
    def _top(self) -> int:
        return round(self.scroll_y)

    def move(self, lines: int) -> None:
        """Moves by lines, down where they are more than none."""
        if self._document is None:
            return
        page = max(1, self.size.height)
        top = self._document.settle(self._top, max(0, -lines), page + max(0, lines))
        self._resized()
        self._go(top + lines)

    def move_to_end(self) -> None:
        """Moves to the last line."""
        if self._document is None:
            return
        page = max(1, self.size.height)
        for before in (0, page):  # how high the last block is must be known first
            self._document.settle(self._document.height - 1, before, 1)
        self._resized()
        self._go(self._document.height - page)

    def move_to_start(self) -> None:
        """Moves to the first line."""
        self._go(0)

    def choose_next(self, *, forward: bool = True) -> Stop | None:
        """Chooses the next link or attachment, or the one before; `None` where there is no other."""
        document = self._document
        if document is None:
            return None
        found = document.next_stop(self._seen(self._chosen), self._top, forward=forward)
        if found is None:
            return None
        self._chosen = found
        first, last = document.stop_lines(found)
        self._resized()
        page = max(1, self.size.height)
        if first < self._top:
            self._go(max(0, first - 1))
        elif last > self._top + page:
            self._go(min(first, last - page + 1))
        self.refresh()
        return document.stop(found)

    def _seen(self, place: tuple[int, int] | None) -> tuple[int, int] | None:
        """A place that is on the screen; from another one begins anew."""
        if place is None or self._document is None:
            return None
        first, last = self._document.stop_lines(place)
        return place if last > self._top and first < self._top + max(1, self.size.height) else None

    def _go(self, top: int) -> None:
        self.scroll_to(y=max(0, top), animate=False, force=True, immediate=True)

    def _resized(self) -> None:
        height = 0 if self._document is None else self._document.height
        if self.virtual_size.height != height:
            self.virtual_size = Size(0, height)

    def watch_virtual_size(self, size: Size) -> None:
        """Tells the scroll bar."""
        self.vertical_scrollbar.window_virtual_size = size.height

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Lays out what comes into view by the scroll bar or the wheel."""
        if self._document is not None:
            self._document.settle(self._top, 0, max(1, self.size.height))
            self._resized()
        super().watch_scroll_y(old_value, new_value)

    def on_click(self, event: events.Click) -> None:
        """Chooses what was clicked."""
        place = event.style.meta.get(_PLACE)
        if place is None or self._document is None:
            return
        self._chosen = (int(place[0]), int(place[1]))
        self.refresh()
        event.stop()
        self.post_message(self.Chosen(self._document.stop(self._chosen)))

    # -- drawing

    def notify_style_update(self) -> None:
        """Forgets the styles, since the theme may have changed."""
        self._styles.clear()
        super().notify_style_update()

    def render_line(self, y: int) -> Strip:
        """Draws one line of the screen."""
        width = self.size.width
        number = self._top + y
        if self._document is None or number >= self._document.height:
            return Strip.blank(width, self._styles.base)
        line = self._document.line(number)
        segments = [self._margin(line), Segment(" ", self._styles.base), *self._quotes(line)]
        if line.kind is Kind.RULE:
            rule = ("─" if self._glyphs else "-") * max(1, self._document.width - 2 * min(line.quote, DEEPEST))
            segments.append(Segment(rule, self._styles.of("body--dim")))
        elif line.halves[0]:
            upper, lower = line.halves
            columns, frame = len(upper) // 3, self._styles.of("body--dim")
            segments += [
                Segment(line.text[:1], frame),
                *_cells(upper, lower, self._styles.base),
                Segment(line.text[columns + 1 :], frame),
            ]
        else:
            segments += self._text(number, line)
        return Strip(segments).adjust_cell_length(width, self._styles.base)

    def _margin(self, line: Line) -> Segment:
        names = {Cover.AUTHOR: "body--author", Cover.DOMAIN: "body--domain"}
        return Segment(margin_glyph(line.cover, glyphs=self._glyphs), self._styles.of(names.get(line.cover, "")))

    def _quotes(self, line: Line) -> Iterator[Segment]:
        if line.quote:
            yield Segment(("│ " if self._glyphs else "> ") * min(line.quote, DEEPEST), self._styles.of("body--quote"))

    def _text(self, number: int, line: Line) -> Iterator[Segment]:
        plain = self._line_style(line)
        at = 0
        for span in line.spans:
            if span.start > at:
                yield Segment(line.text[at : span.start], plain)
            style = plain + self._role_style(span.role)
            if span.stop >= 0 and self._document is not None:
                place = self._document.stop_of(number, span.stop)
                if place == self._chosen:
                    style = self._styles.of("body--chosen")
                style += Style(meta={_PLACE: list(place)})
            yield Segment(line.text[span.start : span.end], style)
            at = span.end
        if at < len(line.text):
            yield Segment(line.text[at:], plain)

    def _line_style(self, line: Line) -> Style:
        if line.quote and line.kind is Kind.TEXT:
            return self._styles.of("body--quote")
        names = {
            Kind.HEADING: "body--heading",
            Kind.SIGNATURE: "body--dim",
            Kind.FOLD: "body--dim",
            Kind.TARGET: "body--dim",
            Kind.PICTURE: "body--dim",
            Kind.NOTICE: "body--notice",
        }
        return self._styles.of(names.get(line.kind, ""))

    def _role_style(self, role: Role) -> Style:
        names = {Role.LINK: "body--link", Role.DECEPTIVE: "body--deceptive", Role.STRONG: "body--heading"}
        return self._styles.component(names.get(role, "body--field"))


@lru_cache(maxsize=512)
def _cells(upper: bytes, lower: bytes, base: Style) -> tuple[Segment, ...]:
    """The cells of a line of a picture: the letter is always ours, and only its colours come from the picture."""
    found: list[Segment] = []
    before = None
    for at in range(0, len(upper), 3):
        both = upper[at : at + 3], lower[at : at + 3]
        if both == before:
            found[-1] = Segment(found[-1].text + "▀", found[-1].style)
            continue
        before = both
        ground = Color.from_rgb(*both[1]) if both[1] else base.bgcolor
        found.append(Segment("▀", Style(color=Color.from_rgb(*both[0]), bgcolor=ground)))
    return tuple(found)
