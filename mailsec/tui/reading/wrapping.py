"""Wrapping by terminal cells, where letters may be wide, combine, or have no width at all."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len, split_graphemes

from mailsec.tui.reading.lines import Cover, Line, Paragraph, Span

__all__ = ["DEEPEST", "NARROWEST", "cut", "lay_out", "pad", "wrap"]

NARROWEST = 8
"""Cells that a line may have at least; in less nothing is laid out."""

DEEPEST = 6
"""How many marks of quoting stand before a line at most."""


def lay_out(paragraph: Paragraph, width: int, cover: Cover, part: str) -> Iterator[Line]:
    """A paragraph in lines that fit.

    Args:
        paragraph: the paragraph.
        width: cells that a line may have with its marks of quoting, at least `NARROWEST`.
        cover: who vouches for it.
        part: the section number of the part that it comes from.
    """
    text, kind, quote = paragraph.text, paragraph.kind, paragraph.quote
    room = max(NARROWEST - 2, width - 2 * min(quote, DEEPEST))
    if not paragraph.first and len(text) <= room and text.isascii():
        yield Line(text, kind, quote, cover, part, paragraph.spans)
        return
    before = paragraph.first
    inner = room - cell_len(before)
    if inner < NARROWEST // 2:
        before, inner = "", room
        rest = ""
    else:
        rest = paragraph.rest
    for start, end in wrap(text, inner):
        spans = tuple(_moved(paragraph.spans, start, end, len(before))) if paragraph.spans else ()
        yield Line(before + text[start:end], kind, quote, cover, part, spans)
        before = rest


def wrap(text: str, width: int) -> Iterator[tuple[int, int]]:
    """Where a text is cut into lines: at blanks where there are any, between wide letters, else anywhere.

    The blanks at a cut belong to no line. There is one line at least.

    Args:
        text: safe text on one line.
        width: cells that a line may have; 2 or more.
    """
    if text.isascii():
        yield from _wrap_ascii(text, width)
        return
    if cell_len(text) <= width:
        yield 0, len(text)
        return
    start = breakable = used = since = 0  # `since`: cells after the place where the line could be cut
    for low, high, cells in split_graphemes(text)[0]:
        blank = text[low] == " "
        if used + cells > width and low > start:
            if blank:
                yield start, low
                start, used, since = high, 0, 0
                breakable = start
                continue
            if breakable > start:
                yield start, start + len(text[start:breakable].rstrip(" "))
                start, used = breakable, since
            else:
                yield start, low
                start, used, since = low, 0, 0
                breakable = start
        if blank and low == start and low > 0 and used == 0 and breakable == start:
            start = breakable = high  # blanks after a cut
            continue
        used += cells
        since += cells
        if blank or cells == 2:
            breakable, since = high, 0
    if start < len(text) or start == 0:
        yield start, len(text)


def _wrap_ascii(text: str, width: int) -> Iterator[tuple[int, int]]:
    start, size = 0, len(text)
    while size - start > width:
        at = text.rfind(" ", start, start + width + 1)
        if at <= start or not text[start:at].strip(" "):
            yield start, start + width
            start += width
        else:
            yield start, at
            start = at + 1
        while start < size and text[start] == " ":
            start += 1
    if start < size or start == 0:
        yield start, size


def _moved(spans: tuple[Span, ...], start: int, end: int, offset: int) -> Iterator[Span]:
    """Those parts of spans that lie in a cut of their text."""
    for span in spans:
        low, high = max(span.start, start), min(span.end, end)
        if low < high:
            yield Span(low - start + offset, high - start + offset, span.role, span.stop)


def cut(text: str, width: int) -> str:
    """A text in at most so many cells, with an ellipsis where it was cut."""
    if cell_len(text) <= width:
        return text
    used = end = 0
    for _, high, cells in split_graphemes(text[: 16 * width + 64])[0]:
        if used + cells > width - 1:
            break
        used, end = used + cells, high
    return text[:end] + "…" if width > 0 else ""


def pad(text: str, width: int) -> str:
    """A text in exactly so many cells."""
    text = cut(text, width)
    return text + " " * (width - cell_len(text))
