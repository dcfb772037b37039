"""Blocks of a document: each can be laid out by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mailsec.message import safe_text
from mailsec.tui.reading import choosing
from mailsec.tui.reading.grid import Grid
from mailsec.tui.reading.lines import Attached, Cover, Kind, Line, Paragraph, Role, Span, Stop
from mailsec.tui.reading.page import LIMIT, PageText, read_page
from mailsec.tui.reading.pictures import OfPicture, Pictures, attachment, is_picture
from mailsec.tui.reading.plain import Words, folded
from mailsec.tui.reading.wrapping import lay_out

if TYPE_CHECKING:
    from mailsec.message import Message, Part
    from mailsec.tui.reading.choosing import Piece
    from mailsec.tui.reading.coverage import Margin

__all__ = ["Block", "Fixed", "blocks_of_part", "make_blocks"]

_PAGE = 4 * LIMIT  # octets of a page that are decoded
_PER_BLOCK = 150  # paragraphs of a page that make a block
_OCTETS = 1 << 12  # octets in hexadecimal that make a block
_FIELD = 4_000  # characters of a header field that are shown


class Block(Protocol):
    """A few screens of content."""

    @property
    def stops(self) -> Sequence[Stop]:
        """What can be chosen in it; complete once it has been laid out."""
        ...

    def estimate(self, width: int) -> int:
        """How many lines it will have, more or less."""
        ...

    def lay_out(self, width: int) -> tuple[Line, ...]:
        """Its lines."""
        ...


@dataclass(frozen=True, slots=True)
class Fixed:
    """A block whose paragraphs are known.

    Attributes:
        paragraphs: what is in it.
        cover: who vouches for it.
        part: the section number of the part that it comes from.
        stops: what can be chosen in it.
    """

    paragraphs: Sequence[Paragraph | Grid]
    cover: Cover = Cover.NOBODY
    part: str = ""
    stops: Sequence[Stop] = ()

    def estimate(self, width: int) -> int:
        """As many lines as paragraphs."""
        del width
        return len(self.paragraphs)

    def lay_out(self, width: int) -> tuple[Line, ...]:
        """Its lines."""
        return _lines(self.paragraphs, width, self.cover, self.part)


class OfText:
    """A block of a text, which is decoded when it is laid out."""

    __slots__ = ("_cover", "_end", "_fold", "_part", "_start", "_words", "stops")

    def __init__(self, words: Words, span: tuple[int, int], cover: Cover, part: str, *, fold: bool) -> None:
        self._words = words
        self._start, self._end = span
        self._cover = cover
        self._part = part
        self._fold = fold
        self.stops: Sequence[Stop] = ()

    def estimate(self, width: int) -> int:
        return max(1, (self._end - self._start) // min(width, 40))

    def lay_out(self, width: int) -> tuple[Line, ...]:
        paragraphs, self.stops = self._words.paragraphs(self._start, self._end, fold=self._fold)
        return _lines(paragraphs, width, self._cover, self._part)


def _lines(paragraphs: Iterable[Paragraph | Grid], width: int, cover: Cover, part: str) -> tuple[Line, ...]:
    found: list[Line] = []
    for one in paragraphs:
        if isinstance(one, Grid):
            found += one.lay_out(width, cover, part)
        else:
            found += lay_out(one, width, cover, part)
    return tuple(found)


class OfOctets:
    """A block of octets that are no text, in hexadecimal."""

    __slots__ = ("_cover", "_octets", "_part", "_start", "stops")

    def __init__(self, octets: bytes, start: int, cover: Cover, part: str) -> None:
        self._octets = octets
        self._start = start
        self._cover = cover
        self._part = part
        self.stops: Sequence[Stop] = ()

    def estimate(self, width: int) -> int:
        """One line for as many octets as have room on it."""
        return -(-len(self._octets[self._start : self._start + _OCTETS]) // _octets_a_line(width))

    def lay_out(self, width: int) -> tuple[Line, ...]:
        """Offset, octets in hexadecimal, and what is ASCII among them."""
        step = _octets_a_line(width)
        end = min(self._start + _OCTETS, len(self._octets))
        found = []
        for at in range(self._start, end, step):
            piece = self._octets[at : min(at + step, end)]
            shown = "".join(chr(one) if 0x20 <= one < 0x7F else "." for one in piece)
            text = f"{at:08x}  {piece.hex(' '):<{3 * step - 1}}  {shown}"
            found.append(Line(text[:width], Kind.TEXT, 0, self._cover, self._part))
        return tuple(found)


def _octets_a_line(width: int) -> int:
    return next((step for step in (32, 16, 8, 4) if 11 + 4 * step <= width), 2)


def blocks_of_part(part: Part, cover: Cover) -> Iterator[Block]:
    """The blocks of one part by itself.

    Args:
        part: the part.
        cover: who vouches for it.
    """
    if part.is_multipart or part.media.type in {"text", "message"}:
        if part.content_type == "text/html":
            yield from _page(part, cover, fold=False)
            return
        words = Words(part)
        for span in words.spans(0, len(words)):
            yield OfText(words, span, cover, part.path, fold=False)
        return
    octets = part.content
    for start in range(0, len(octets), _OCTETS):
        yield OfOctets(octets, start, cover, part.path)


def make_blocks(
    message: Message,
    pieces: Iterable[Piece],
    margin: Margin,
    *,
    fold: bool,
    headers: bool = False,
    glyphs: bool = True,
    most: int | None = None,
    clock: Callable[[], float] = time.monotonic,
    pictures: Pictures | None = None,
) -> list[Block]:
    """Makes the blocks of a message; pages are read here, texts later.

    Args:
        message: the message in transit.
        pieces: what is shown of it.
        margin: who vouches for what.
        fold: whether longer quotes are folded.
        headers: whether all header fields stand before.
        glyphs: whether signs beyond ASCII may be used.
        most: octets that are taken of each text, in its transfer encoding; all if `None`.
        clock: tells the time in seconds, for what may take long.
        pictures: what is known of the message's pictures; where they are never shown, `None`.
    """
    blocks: list[Block] = list(_fields(message, margin)) if headers else []
    before: Piece | None = None
    for piece in pieces:
        if pictures is not None and isinstance(piece, choosing.AttachedPart) and is_picture(piece.part):
            found: list[Block] = [OfPicture(piece.part, margin.of_part(piece.layer, piece.part), pictures)]
        else:
            found = list(_of(piece, margin, fold=fold, glyphs=glyphs, most=most, clock=clock))
        if found and blocks and not (isinstance(piece, choosing.AttachedPart) and type(before) is type(piece)):
            blocks.append(Fixed((Paragraph(""),), _least(margin, before, piece)))
        blocks += found
        before = piece
    return blocks


def _least(margin: Margin, *pieces: Piece | None) -> Cover:
    """What covers the blank line between two pieces: what covers both, so that the margin does not break in it."""
    covers = [
        Cover.NOBODY if one is None or isinstance(one, choosing.Said) else margin.of_part(one.layer, one.part)
        for one in pieces
    ]
    return min(covers, default=Cover.NOBODY)


def _of(
    piece: Piece, margin: Margin, *, fold: bool, glyphs: bool, most: int | None, clock: Callable[[], float]
) -> Iterator[Block]:
    if isinstance(piece, choosing.Said):
        yield Fixed((Paragraph(piece.sentence, Kind.NOTICE),))
    elif isinstance(piece, choosing.Words):
        yield from _text(piece, margin, fold=fold, most=most)
    elif isinstance(piece, choosing.Page):
        cover = margin.of_part(piece.layer, piece.part)
        yield from _page(piece.part, cover, fold=fold, most=most, clock=clock, copies=piece.copies)
    elif isinstance(piece, choosing.AttachedPart):
        cover = margin.of_part(piece.layer, piece.part)
        yield Fixed((attachment(piece.part, glyphs=glyphs),), cover, piece.part.path, (Attached(piece.part),))
    elif isinstance(piece, choosing.Enclosed):
        cover = margin.of_part(piece.layer, piece.part)
        head = list(_heading(piece.message))
        yield Fixed([Paragraph("", Kind.RULE), *head], cover, piece.part.path)
    else:
        cover = margin.of_part(piece.layer, piece.part)
        yield Fixed((Paragraph("", Kind.RULE),), cover, piece.part.path)


def _text(piece: choosing.Words, margin: Margin, *, fold: bool, most: int | None) -> Iterator[Block]:
    part, words = piece.part, Words(piece.part, most)
    if not words.direct:
        pieces = [(0, len(words), margin.of_part(piece.layer, part))]
    else:
        pieces = _at_lines(list(margin.pieces(piece.layer, part)), words)
    begin = words.after_copies() if piece.copies else 0
    for start, end, cover in pieces:
        start = max(start, begin)  # noqa: PLW2901
        for span in words.spans(start, end):
            yield OfText(words, span, cover, part.path, fold=fold)


def _at_lines(pieces: list[tuple[int, int, Cover]], words: Words) -> list[tuple[int, int, Cover]]:
    """Pieces that are cut between lines: a line counts as covered only where all of it is."""
    found: list[tuple[int, int, Cover]] = []
    start = 0
    for (_, end, cover), after in zip(pieces, [*(one[2] for one in pieces[1:]), Cover.NOBODY], strict=True):
        end = min(end, len(words))  # noqa: PLW2901
        line = words.line_start(end)
        stop = end
        if line < end < len(words):
            stop = line if cover > after else words.line_end(end)
        if start < stop:
            found.append((start, stop, cover))
            start = stop
    return found


def _page(
    part: Part,
    cover: Cover,
    *,
    fold: bool,
    most: int | None = None,
    clock: Callable[[], float] = time.monotonic,
    copies: bool = False,
) -> Iterator[Block]:
    words = Words(part, _PAGE if most is None else most)
    page: PageText = read_page(words.text(0, len(words)), clock=clock, copies=copies)
    paragraphs = folded(page.blocks) if fold else page.blocks
    for start in range(0, len(paragraphs), _PER_BLOCK):
        yield Fixed(paragraphs[start : start + _PER_BLOCK], cover, part.path, page.links)
    said = page.notices or ([] if paragraphs else ["This page has no text."])
    if said:
        blank = [Paragraph("")] if paragraphs else []
        yield Fixed([*blank, *(Paragraph(one, Kind.NOTICE) for one in said)])


def _heading(message: Message) -> Iterator[Paragraph]:
    """The fields of a message inside this one that a reader wants to see."""
    for name in ("From", "To", "Date", "Subject"):
        field = message.header.last(name)
        if field is not None:
            yield _field(name, field.value)
    yield Paragraph("")


def _field(name: str, value: str) -> Paragraph:
    label = f"{name}: "
    text = safe_text(value if len(value) <= _FIELD else value[: _FIELD - 1] + "…").strip()
    return Paragraph(label + text, Kind.FIELD, spans=(Span(0, len(label), Role.LABEL),))


def _fields(message: Message, margin: Margin) -> Iterator[Block]:
    """All header fields, as they were received."""
    for field in message.header:
        name = safe_text(field.name)[:80] or "(no name)"
        yield Fixed((_field(name, field.value),), margin.of_field(field))
