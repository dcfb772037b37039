"""What the elements of a page mean to a reader of text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from mailsec.message import safe_text
from mailsec.tui.reading.grid import Grid
from mailsec.tui.reading.hosts import claimed_host
from mailsec.tui.reading.lines import Kind, Link, Paragraph, Role, Span

__all__ = ["Markup", "TooMuch"]

DEPTH = 400
"""How deep elements may nest."""

EVENTS = 100_000
"""How many tags and texts a page may have."""

LINKS = 2_000
"""How many links of a page can be chosen."""

_URL = 8_000  # characters of a target; a longer one is no link
_PARAGRAPH = 1 << 16  # characters; a longer one is divided
_CELL = 60  # characters of a cell in a table with columns
_JOINED = 70  # characters of a row that is put on one line
_COLUMNS = 10
_SKIPPED = frozenset(
    [
        "head",
        "script",
        "style",
        "title",
        "template",
        "noscript",
        "object",
        "embed",
        "iframe",
        "audio",
        "video",
        "canvas",
        "svg",
        "math",
    ]
)
_SKIPPED |= frozenset(["select", "textarea", "datalist", "map"])
_GAPS = frozenset(["p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre", "table", "ul", "ol", "dl", "hr"])
_BLOCKS = _GAPS | frozenset(
    [
        "div",
        "section",
        "article",
        "header",
        "footer",
        "main",
        "nav",
        "aside",
        "address",
        "center",
        "li",
        "dt",
        "dd",
        "tr",
        "td",
        "th",
        "form",
        "fieldset",
        "caption",
        "figure",
        "figcaption",
        "body",
        "html",
        "tbody",
        "thead",
        "tfoot",
        "details",
        "summary",
    ]
)
_STRONG = frozenset(("b", "strong"))
_HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
_SCHEMES = ("http:", "https:", "mailto:", "ftp:", "tel:")
_BLANKS = re.compile(r"[ \t\n\r\f]+")
_GONE = re.compile(
    r"display\s*:\s*none|mso-hide\s*:\s*all|opacity\s*:\s*0?\.?0+\s*(?:;|!|\Z)|max-height\s*:\s*0(?:px)?\s*(?:;|!|\Z)"
)
_FONT_SIZE = re.compile(r"(?:\A|[;\s])font(?:-size)?\s*:\s*(0(?:\.0*)?(?:[a-z%]+)?(?=\s*(?:;|!|\Z)))?")
_VISIBILITY = re.compile(r"visibility\s*:\s*(\w+)")
_UNSEEN = str.maketrans(dict.fromkeys("\u200b\ufeff\xad\u2060"))


class TooMuch(Exception):
    """A page goes over a limit; the text says which."""


class _Frame:
    """An element that is open."""

    __slots__ = (
        "gone",
        "href",
        "indent",
        "link_start",
        "link_text",
        "number",
        "pre",
        "quote",
        "skipped",
        "tag",
        "tiny",
        "unseen",
    )

    def __init__(self, tag: str, above: _Frame | None) -> None:
        self.tag = tag
        self.skipped: bool = above is not None and above.skipped
        self.gone: bool = above is not None and above.gone
        self.tiny: bool = above is not None and above.tiny
        self.unseen: bool = above is not None and above.unseen
        self.pre: bool = above is not None and above.pre
        self.quote: int = 0 if above is None else above.quote
        self.indent: str = "" if above is None else above.indent
        self.number = 0  # of the last item of a list; -1 where items have none
        self.href = ""
        self.link_start = 0  # where it begins in the paragraph, in letters
        self.link_text = 0  # the same in pieces

    @property
    def shown(self) -> bool:
        return not (self.skipped or self.gone or self.tiny or self.unseen)


class _Table:
    """A table that is open."""

    __slots__ = ("gap", "presentation", "quote", "rows")

    def __init__(self, quote: int, *, gap: bool, presentation: bool) -> None:
        self.gap = gap  # whether a blank line goes before it
        self.rows: list[list[list[Paragraph | Grid]]] = []
        self.quote = quote
        self.presentation = presentation


class Markup:
    """Takes the events of a parser.

    Args:
        deadline: when it must be done, on the clock.
        clock: tells the time.

    Attributes:
        blocks: what is shown.
        links: what can be chosen, each target once.
        numbered: the indexes of the links that have a number in the text.
        shown_urls: the targets, safe to show.
        hidden: how many letters a style hides.
        pictures: how many pictures lie elsewhere.
    """

    def __init__(self, deadline: float, clock: Callable[[], float]) -> None:
        self.blocks: list[Paragraph | Grid] = []
        self.links: list[Link] = []
        self.numbered: list[int] = []
        self.shown_urls: list[str] = []
        self.hidden = 0
        self.pictures = 0
        self._by_target: dict[Link, int] = {}
        self._by_number: set[int] = set()
        self._deadline, self._clock = deadline, clock
        self._events = 0
        self._frames: list[_Frame] = []
        self._tables: list[_Table] = []
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
        frame = _Frame(tag, above)
        self._frames.append(frame)
        if tag in _SKIPPED:
            frame.skipped = True
            return
        _apply_style(frame, attributes)
        if tag in _BLOCKS:
            self._flush()
            self._gap = self._gap or tag in _GAPS
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
            self._tables.append(_Table(frame.quote, gap=self._gap, presentation=presentation))
        elif tag == "tr" and self._tables:
            self._tables[-1].rows.append([])
        elif tag in {"td", "th"} and self._tables:
            self._outs.append(self.blocks)
            self.blocks = []
            self._gap = False
        if tag in _STRONG or tag in _HEADINGS:
            frame.link_start = self._length

    def end(self, tag: str) -> None:
        """An element ends."""
        self._count()
        if not self._frames:
            return
        frame = self._frames[-1]
        if tag == "a" and frame.href:
            self._end_link(frame)
        elif tag in _STRONG and frame.shown and self._length > frame.link_start:
            self._span(frame.link_start, self._length, Role.STRONG)
        if tag in _BLOCKS:
            self._flush()
        if tag in {"td", "th"} and self._tables and self._outs:
            cell, self.blocks = self.blocks, self._outs.pop()
            table = self._tables[-1]
            if not table.rows:
                table.rows.append([])
            table.rows[-1].append(cell)
        elif tag == "table" and self._tables:
            self._end_table(self._tables.pop())
        self._gap = self._gap or tag in _GAPS
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
            heading = any(one.tag in _HEADINGS for one in self._frames[-3:])
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
            self.blocks.append(Paragraph("", quote=block.quote and _quote_of(self.blocks[-1])))
        self._gap = False
        if block == Paragraph("") and (not self.blocks or self.blocks[-1] == block):
            return
        self.blocks.append(block)

    # -- elements

    def _begin_item(self, frame: _Frame, above: _Frame | None) -> None:
        mark = "• "
        if above is not None and above.tag == "ol":
            above.number += 1
            mark = f"{above.number}. "
        outer = frame.indent
        frame.indent = outer + " " * len(mark)
        self._mark = outer + mark

    def _picture(self, frame: _Frame, attributes: Mapping[str, str]) -> None:
        if not frame.shown:
            return
        source = attributes.get("src", "").strip()
        inside = source.lower().startswith(("cid:", "data:"))
        words = " ".join(attributes.get("alt", "").split())[:200]
        if not inside and source:
            self.pictures += 1
        if words:
            self._write(f"[{words}]")
        elif inside or (any(one.href for one in self._frames) and not _is_dot(attributes)):
            self._write("[picture]")

    def _end_link(self, frame: _Frame) -> None:
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
        if number not in self._by_number:
            self._by_number.add(number)
            self.numbered.append(number)
        blank = " " if text.endswith(" ") else ""
        at = self._length
        self._write(f"[{number + 1}{'!' if link.claims else ''}]{blank}")
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

    def _end_table(self, table: _Table) -> None:
        rows = [row for row in table.rows if any(row)]
        self._gap = table.gap
        if not table.presentation and _is_data(rows):
            count = max(map(len, rows))
            cells = tuple(
                tuple(
                    cell[0] if cell and isinstance(cell[0], Paragraph) else Paragraph("")
                    for cell in _filled(row, count)
                )
                for row in rows
            )
            self._add(Grid(cells, table.quote))
            return
        for row in rows:
            if (joined := _joined([cell for cell in row if cell])) is not None:
                self._add(joined)
                continue
            for cell in row:
                for block in cell:
                    self._add(block)


def _quote_of(block: Paragraph | Grid) -> int:
    return block.quote


def _filled(row: list[list[Paragraph | Grid]], count: int) -> Iterator[list[Paragraph | Grid]]:
    yield from row
    for _ in range(count - len(row)):
        yield []


def _is_short(cell: list[Paragraph | Grid], most: int) -> bool:
    return not cell or (
        len(cell) == 1 and isinstance(cell[0], Paragraph) and not cell[0].first and len(cell[0].text) <= most
    )


def _is_data(rows: list[list[list[Paragraph | Grid]]]) -> bool:
    """Whether a table has columns that belong together, and is no frame for a layout."""
    return (
        len(rows) > 1
        and 1 < max(map(len, rows)) <= _COLUMNS
        and sum(len(row) > 1 for row in rows) > 1
        and all(_is_short(cell, _CELL) for row in rows for cell in row)
    )


def _joined(cells: list[list[Paragraph | Grid]]) -> Paragraph | None:
    """A row of short cells on one line; `None` where they are not short."""
    found = [cell[0] for cell in cells if _is_short(cell, _JOINED)]
    if len(found) < len(cells) or len(cells) < 2:
        return None
    text, spans = "", []
    for one in found:
        if isinstance(one, Grid):
            return None
        at = len(text)
        spans += [Span(span.start + at, span.end + at, span.role, span.stop) for span in one.spans]
        text += one.text + "  "
    text = text.rstrip(" ")
    first = found[0]
    return Paragraph(text, Kind.TEXT, first.quote, spans=tuple(spans)) if len(text) <= _JOINED else None


def _apply_style(frame: _Frame, attributes: Mapping[str, str]) -> None:
    if "hidden" in attributes:
        frame.gone = True
    style = attributes.get("style")
    if not style:
        return
    style = re.sub(r"/\*.{0,200}?\*/", "", style[:4_000].lower())
    if _GONE.search(style):
        frame.gone = True
    for match in _FONT_SIZE.finditer(style):
        frame.tiny = match[1] is not None
    for match in _VISIBILITY.finditer(style):
        frame.unseen = match[1] in {"hidden", "collapse"}


def _is_dot(attributes: Mapping[str, str]) -> bool:
    """Whether a picture has the size of those that only tell that a message was read."""
    return attributes.get("width", "").strip() in {"0", "1", "2"} or attributes.get("height", "").strip() in {
        "0",
        "1",
        "2",
    }
