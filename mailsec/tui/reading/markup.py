"""What the elements of a page mean to a reader of text."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from mailsec.message import safe_text
from mailsec.tui.reading.elements import BLOCKS, GAPS, HEADINGS, STRONG, Frame, is_dot
from mailsec.tui.reading.grid import Grid
from mailsec.tui.reading.hosts import claimed_host
from mailsec.tui.reading.lines import Kind, Link, Paragraph, Role, Span
from mailsec.tui.reading.tables import Table

__all__ = ["Markup", "TooMuch"]

DEPTH = 400
"""How deep elements may nest."""

EVENTS = 100_000
"""How many tags and texts a page may have."""

LINKS = 2_000
"""How many links of a page can be chosen."""

_URL = 8_000  # characters of a target; a longer one is no link
_PARAGRAPH = 1 << 16  # characters; a longer one is divided
_SCHEMES = ("http:", "https:", "mailto:", "ftp:", "tel:")
_BLANKS = re.compile(r"[ \t\n\r\f]+")
_UNSEEN = str.maketrans(dict.fromkeys("\u200b\ufeff\xad\u2060"))


_COPIES = "header-protection-legacy-display"  # RFC 9788 section 5.2.3


class TooMuch(Exception):
    """A page goes over a limit; the text says which."""


class Markup:
    """Takes the events of a parser.

    Args:
        deadline: when it must be done, on the clock.
        clock: tells the time.
        copies: whether copies of header fields are left out, of which the page says that they are there.

    Attributes:
        blocks: what is shown.
        links: what can be chosen, each target once.
        numbered: the indexes of the links that have a number in the text.
        shown_urls: the targets, safe to show.
        hidden: how many letters a style hides.
        pictures: how many pictures lie elsewhere.
    """

    def __init__(self, deadline: float, clock: Callable[[], float], *, copies: bool = False) -> None:
        self._copies = copies
        self.blocks: list[Paragraph | Grid] = []
        self.links: list[Link] = []
        self.numbered: list[int] = []
        self.shown_urls: list[str] = []
        self.hidden = 0
        self.pictures = 0
        self._by_target: dict[Link, int] = {}
        self._printed: dict[int, int] = {}
        self._deadline, self._clock = deadline, clock
        self._events = 0
        self._frames: list[Frame] = []
        self._tables: list[Table] = []
        self._outs: list[list[Paragraph | Grid]] = []  # where the blocks around the open cells go
        self._text: list[str] = []
        self._length = 0
        self._blank = True  # whether the paragraph ends in a blank, or is empty
        self._spans: list[Span] = []
        self._mark = ""  # of the list item that begins
        self._gap = False

    # -- events, named as lxml wants them

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        """An element begins."""
        self._count()
        above = self._frames[-1] if self._frames else None
        if len(self._frames) >= DEPTH:
            raise TooMuch("it is nested too deep")
        frame = Frame(tag, above, attributes)
        if self._copies and tag == "div" and _COPIES in attributes.get("class", "").split():
            frame.skipped = True
        self._frames.append(frame)
        if frame.skipped:
            return
        if tag in BLOCKS:
            self._flush()
            self._gap = self._gap or tag in GAPS
        if tag == "pre":
            frame.pre = True
        elif tag == "blockquote":
            frame.quote += 1
        elif tag in {"ul", "ol", "menu"}:
            frame.number = 0 if tag == "ol" else -1
            self._gap = self._gap and not (above is not None and above.indent)
        elif tag == "li":
            self._begin_item(frame, above)
        elif tag == "dd":
            frame.indent += "  "
        elif tag == "a":
            frame.href = attributes.get("href", "").strip()
            frame.link_start, frame.link_text = self._length, len(self._text)
        elif tag == "br":
            self._flush(empty=True)
        elif tag == "hr" and frame.shown:
            self._add(Paragraph("", Kind.RULE, frame.quote))
        elif tag == "img":
            self._picture(frame, attributes)
        elif tag == "table":
            presentation = attributes.get("role") == "presentation"
            self._tables.append(Table(frame.quote, gap=self._gap, presentation=presentation))
        elif tag == "tr" and self._tables:
            self._tables[-1].rows.append([])
        elif tag in {"td", "th"} and self._tables:
            self._outs.append(self.blocks)
            self.blocks = []
            self._gap = False
        if tag in STRONG or tag in HEADINGS:
            frame.link_start = self._length

    def end(self, tag: str) -> None:
        """An element ends."""
        self._count()
        if not self._frames:
            return
        frame = self._frames[-1]
        if tag == "a" and frame.href:
            self._end_link(frame)
        elif tag in STRONG and frame.shown and self._length > frame.link_start:
            self._span(frame.link_start, self._length, Role.STRONG)
        if tag in BLOCKS:
            self._flush()
        if tag in {"td", "th"} and self._tables and self._outs:
            cell, self.blocks = self.blocks, self._outs.pop()
            table = self._tables[-1]
            if not table.rows:
                table.rows.append([])
            table.rows[-1].append(cell)
        elif tag == "table" and self._tables:
            self._end_table(self._tables.pop())
        self._gap = self._gap or tag in GAPS
        self._frames.pop()

    def data(self, text: str) -> None:
        """Text, maybe not all that stands together."""
        self._count()
        if not self._frames or (frame := self._frames[-1]).skipped:
            return
        if not frame.shown:
            self.hidden += sum(map(str.isalnum, text))
            return
        if frame.pre:
            lines = text.replace("\r\n", "\n").split("\n")
            for line in lines[:-1]:
                self._write(line.expandtabs(8))
                self._flush(empty=True)
            self._write(lines[-1].expandtabs(8))
            return
        text = _BLANKS.sub(" ", text)
        self._write(text[1:] if self._blank and text.startswith(" ") else text)

    def comment(self, text: str) -> None:
        """Comments say nothing to a reader."""

    def pi(self, target: str, data: str | None = None) -> None:
        """Neither do processing instructions."""

    def close(self) -> None:
        """The page is at its end; `finish` does the rest."""

    def finish(self) -> None:
        """Ends what is still open."""
        self._flush()
        while self._tables:
            while self._outs:
                cell, self.blocks = self.blocks, self._outs.pop()
                self.blocks.extend(cell)
            self._end_table(self._tables.pop())
        while self.blocks and self.blocks[-1] == Paragraph(""):
            self.blocks.pop()

    # -- text

    def _count(self) -> None:
        self._events += 1
        if self._events > EVENTS:
            raise TooMuch("it has too many pieces")
        if not self._events % 256 and self._clock() > self._deadline:
            raise TooMuch("to read it takes too long")

    def _write(self, text: str) -> None:
        if not text.isascii():
            text = text.translate(_UNSEEN)
        if not text:
            return
        self._blank = text.endswith(" ")
        text = safe_text(text)
        self._text.append(text)
        self._length += len(text)
        if self._length > _PARAGRAPH:
            self._flush()

    def _span(self, start: int, end: int, role: Role, stop: int = -1) -> None:
        """Adds a span; what lies in one that is there already is left out."""
        if self._spans and self._spans[-1].end > start:
            return
        if start < end:
            self._spans.append(Span(start, end, role, stop))

    def _flush(self, *, empty: bool = False) -> None:
        """Ends a paragraph; an empty one counts only where a line end was asked for."""
        text = "".join(self._text).rstrip(" ")
        if text or empty:
            frame = self._frames[-1] if self._frames else None
            spans: tuple[Span, ...] = tuple(one for one in self._spans if one.end <= len(text))
            joined = safe_text(text)
            if joined != text:  # marks that combine were divided among elements
                text, spans = joined, ()
            heading = any(one.tag in HEADINGS for one in self._frames[-3:])
            indent = "" if frame is None else frame.indent
            first = self._mark or indent
            quote = 0 if frame is None else frame.quote
            if text or not self._gap:
                self._add(Paragraph(text, Kind.HEADING if heading else Kind.TEXT, quote, first, indent, spans))
            self._mark = ""
        self._text, self._spans = [], []
        self._length, self._blank = 0, True
        for one in self._frames:
            one.link_start = one.link_text = 0

    def _add(self, block: Paragraph | Grid) -> None:
        if self._gap and self.blocks and self.blocks[-1] != Paragraph(""):
            self.blocks.append(Paragraph("", quote=block.quote and self.blocks[-1].quote))
        self._gap = False
        if block == Paragraph("") and (not self.blocks or self.blocks[-1] == block):
            return
        self.blocks.append(block)

    # -- elements

    def _begin_item(self, frame: Frame, above: Frame | None) -> None:
        mark = "• "
        if above is not None and above.tag == "ol":
            above.number += 1
            mark = f"{above.number}. "
        outer = frame.indent
        frame.indent = outer + " " * len(mark)
        self._mark = outer + mark

    def _picture(self, frame: Frame, attributes: Mapping[str, str]) -> None:
        if not frame.shown:
            return
        source = attributes.get("src", "").strip()
        inside = source.lower().startswith(("cid:", "data:"))
        words = " ".join(attributes.get("alt", "").split())[:200]
        if not inside and source:
            self.pictures += 1
        if words:
            self._write(f"[{words}]")
        elif inside or (any(one.href for one in self._frames) and not is_dot(attributes)):
            self._write("[picture]")

    def _end_link(self, frame: Frame) -> None:
        text = "".join(self._text[frame.link_text :])
        url = frame.href
        if not text.strip() or not url.lower().startswith(_SCHEMES) or len(url) > _URL:
            return
        number = self._number(Link(url, claimed_host(text.strip(), url)))
        if number < 0:
            return
        link, shown = self.links[number], self.shown_urls[number]
        start = frame.link_start + len(text) - len(text.lstrip(" "))
        role = Role.DECEPTIVE if link.claims else Role.LINK
        while self._spans and self._spans[-1].end > start:
            self._spans.pop()
        self._span(start, self._length, role, number)
        if text.strip() in {shown, shown.removeprefix("mailto:")}:
            return
        if number not in self._printed:
            self.numbered.append(number)
            self._printed[number] = len(self.numbered)
        blank = " " if text.endswith(" ") else ""
        at = self._length
        self._write(f"[{self._printed[number]}{'!' if link.claims else ''}]{blank}")
        self._span(at, self._length - len(blank), role, number)

    def _number(self, link: Link) -> int:
        number = self._by_target.get(link)
        if number is None:
            if len(self.links) >= LINKS:
                return -1
            number = self._by_target[link] = len(self.links)
            self.links.append(link)
            self.shown_urls.append(safe_text(link.url))
        return number

    def _end_table(self, table: Table) -> None:
        self._gap = table.gap
        for block in table.blocks():
            self._add(block)
