"""A message as lines to be read: what `choose` gives, laid out for a width, a block at a time when it is looked at.

A block is a few screens of content. How many lines it has is estimated until somebody looks at it; `settle` lays out
what is about to be seen, and says where the reader's place has moved to, so that nothing moves under their eyes.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from itertools import accumulate
from typing import TYPE_CHECKING

from mailsec.tui.reading.blocks import Block, Fixed, blocks_of_part, make_blocks
from mailsec.tui.reading.choosing import Page, Piece, Words, choose
from mailsec.tui.reading.coverage import Margin
from mailsec.tui.reading.lines import Cover, Kind, Line, Paragraph, Stop
from mailsec.tui.reading.pictures import Pictures
from mailsec.tui.reading.wrapping import NARROWEST

if TYPE_CHECKING:
    from mailsec.message import Message, Part
    from mailsec.pipeline import Report

__all__ = ["Document", "Weight", "make_document", "make_part_document", "notice_document", "weight"]

_KEPT = 48  # blocks whose lines are kept
_AT_ONCE = 400  # lines that are laid out when the document is made, so that most heights are true from the start
_HURRIED = 1 << 16  # octets of a text that are taken where there is hurry
_SEARCHED = 256  # blocks that are searched for the next link
_NO_LINE = Line("")


def make_document(
    message: Message,
    report: Report | None,
    *,
    width: int,
    html: bool = False,
    fold_quotes: bool = True,
    headers: bool = False,
    glyphs: bool = True,
    hurry: bool = False,
    clock: Callable[[], float] = time.monotonic,
    pictures: Pictures | None = None,
) -> Document:
    """Makes the document of a message.

    Args:
        message: the message in transit.
        report: what a check of it found; without one nothing is covered and nothing opened.
        width: cells that a line may have.
        html: whether HTML is shown where there is plain text too.
        fold_quotes: whether longer quotes are folded into a line.
        headers: whether all header fields stand before the text.
        glyphs: whether signs beyond ASCII may be used.
        hurry: whether only the beginning of each text is wanted, at once.
        clock: tells the time in seconds, for pages that take too long.
        pictures: what is known of the message's pictures; where they are never shown, `None`.
    """
    pieces = choose(message, report, html=html)
    most = _HURRIED if hurry else None
    margin = Margin(report)
    blocks = make_blocks(
        message,
        pieces,
        margin,
        fold=fold_quotes,
        headers=headers,
        glyphs=glyphs,
        most=most,
        clock=clock,
        pictures=pictures,
    )
    return Document(tuple(blocks), width)


def notice_document(sentence: str, width: int) -> Document:
    """A document that only says something.

    Args:
        sentence: safe to show.
        width: cells that a line may have.
    """
    return Document((Fixed((Paragraph(sentence, Kind.NOTICE),)),), width)


def make_part_document(part: Part, cover: Cover, width: int) -> Document:
    """Makes the document of one part by itself: text as text, a page as a page, anything else as octets.

    Args:
        part: the part.
        cover: who vouches for it.
        width: cells that a line may have.
    """
    return Document(tuple(blocks_of_part(part, cover)), width)


class Weight(IntEnum):
    """How long it takes to make a document."""

    LIGHT = 0  # no time that anybody would notice
    SOME = 1  # so long that it is done beside the keyboard
    HEAVY = 2  # so long that the beginning is to be shown first


def weight(pieces: Sequence[Piece]) -> Weight:
    """How long it takes to make the document of these pieces: pages are read whole, and so are encoded texts."""
    found = Weight.LIGHT
    for one in pieces:
        if isinstance(one, Page) or (isinstance(one, Words) and len(one.part.body) > _HURRIED):
            found = max(found, Weight.HEAVY if len(one.part.body) > _HURRIED else Weight.SOME)
    return found


class Document:
    """Blocks laid out for a width.

    Args:
        blocks: what is shown, in order.
        width: cells that a line may have.
    """

    def __init__(self, blocks: Sequence[Block], width: int) -> None:
        self._blocks = blocks
        self._width = max(NARROWEST, width)
        self._lines: OrderedDict[int, tuple[Line, ...]] = OrderedDict()
        self._heights = [block.estimate(self._width) for block in blocks]
        self._known = bytearray(len(blocks))
        self._starts: list[int] | None = None
        left = _AT_ONCE
        for number in range(len(blocks)):
            left -= len(self._lines_of(number))
            if left < 0:
                break

    @property
    def width(self) -> int:
        """Cells that a line may have."""
        return self._width

    @property
    def height(self) -> int:
        """How many lines there are, as far as is known."""
        return self._bounds()[-1]

    def line(self, number: int) -> Line:
        """A line; an empty one where there is none.

        Args:
            number: counted from 0.
        """
        block, row = self._find(number)
        if block < 0:
            return _NO_LINE
        lines = self._lines_of(block)
        return lines[row] if row < len(lines) else _NO_LINE

    def lines(self) -> Iterator[Line]:
        """All lines from the first on."""
        for number in range(len(self._blocks)):
            yield from self._lines_of(number)

    def settle(self, top: int, before: int, after: int) -> int:
        """Lays out what is about to be seen.

        Args:
            top: the line at the top of the screen.
            before: how many lines before it are wanted.
            after: how many lines from it on.

        Returns:
            Where the line that was at `top` is now.
        """
        block, row = self._find(min(max(top, 0), max(0, self.height - 1)))
        if block < 0:
            return 0
        row = min(row, max(0, len(self._lines_of(block)) - 1))
        below, left = block + 1, after - (self._heights[block] - row)
        while left > 0 and below < len(self._blocks):
            left -= len(self._lines_of(below))
            below += 1
        above, left = block - 1, before - row
        while left > 0 and above >= 0:
            left -= len(self._lines_of(above))
            above -= 1
        return self._bounds()[block] + row

    def place(self, line: int) -> tuple[int, float]:
        """Where a line stands, in a way that holds for other widths too."""
        block, row = self._find(line)
        return (0, 0.0) if block < 0 else (block, row / max(1, self._heights[block]))

    def line_at(self, place: tuple[int, float]) -> int:
        """The line at a place that a document of the same blocks gave."""
        block, part = place
        if block >= len(self._blocks):
            return max(0, self.height - 1)
        self._lines_of(block)
        return self._bounds()[block] + int(part * self._heights[block])

    def widened(self, width: int) -> Document:
        """The same for another width."""
        return Document(self._blocks, width)

    # -- what can be chosen

    def stop(self, place: tuple[int, int]) -> Stop:
        """What can be chosen at a place that `next_stop` gave."""
        return self._blocks[place[0]].stops[place[1]]

    def stop_lines(self, place: tuple[int, int]) -> tuple[int, int]:
        """The first line of something that can be chosen, and the line after its last."""
        block, stop = place
        rows = [row for row, line in enumerate(self._lines_of(block)) if any(one.stop == stop for one in line.spans)]
        start = self._bounds()[block]
        if not rows:
            return start, start + 1
        last = rows[0]
        while last + 1 in rows:
            last += 1
        return start + rows[0], start + last + 1

    def next_stop(self, after: tuple[int, int] | None, top: int, *, forward: bool = True) -> tuple[int, int] | None:
        """The next thing that can be chosen, or the one before.

        Args:
            after: the place that is chosen now; `None` to begin at `top`.
            top: the line from which on to look.
            forward: whether the next is wanted.

        Returns:
            A place; `None` where there is no other within reach.
        """
        if not self._blocks:
            return None
        step = 1 if forward else -1
        if after is None:
            block, row = self._find(top)
            order = self._order(block, row if forward else -1, None if forward else row)
        else:
            block, order = after[0], self._order(after[0], -1, None)
            at = order.index(after[1]) if after[1] in order else -1
            order = order[at + 1 :] if forward else order[: max(at, 0)]
        for _ in range(_SEARCHED):
            if order:
                return block, order[0 if forward else -1]
            block += step
            if not 0 <= block < len(self._blocks):
                return None
            order = self._order(block, -1, None)
        return None

    def stop_of(self, line: int, span: int) -> tuple[int, int]:
        """The place of what a span of a line belongs to."""
        return self._find(line)[0], span

    def _order(self, block: int, first: int, last: int | None) -> list[int]:
        """The stops of a block in the order of its lines, each once, of the rows from `first` to before `last`."""
        if block < 0:
            return []
        rows = self._lines_of(block)[max(first, 0) : last]
        return list(dict.fromkeys(span.stop for line in rows for span in line.spans if span.stop >= 0))

    # -- heights

    def _lines_of(self, number: int) -> tuple[Line, ...]:
        lines = self._lines.get(number)
        if lines is not None:
            self._lines.move_to_end(number)
            return lines
        lines = self._lines[number] = self._blocks[number].lay_out(self._width)
        if len(self._lines) > _KEPT:
            self._lines.popitem(last=False)
        if not self._known[number] or self._heights[number] != len(lines):
            self._known[number] = 1
            if self._heights[number] != len(lines):
                self._heights[number] = len(lines)
                self._starts = None
        return lines

    def _bounds(self) -> list[int]:
        if self._starts is None:
            self._starts = list(accumulate(self._heights, initial=0))
        return self._starts

    def _find(self, line: int) -> tuple[int, int]:
        """The block of a line and the row in it; -1 where there is none."""
        starts = self._bounds()
        if not 0 <= line < starts[-1]:
            return -1, 0
        block = bisect_right(starts, line) - 1
        return block, line - starts[block]
