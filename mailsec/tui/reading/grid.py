"""Tables with columns, where a page has real ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from mailsec.tui.reading.lines import Cover, Kind, Line, Paragraph, Span
from mailsec.tui.reading.wrapping import DEEPEST, NARROWEST, lay_out, wrap

__all__ = ["Grid"]

_GAP = 2
_LEAST = 6  # cells of a column


@dataclass(frozen=True, slots=True)
class Grid:
    """A table.

    Attributes:
        rows: its rows; each cell is one paragraph, which may be empty.
        quote: how deep it is quoted.
    """

    rows: tuple[tuple[Paragraph, ...], ...]
    quote: int = 0

    def lay_out(self, width: int, cover: Cover, part: str) -> Iterator[Line]:
        """The table in lines that fit: in columns where there is room for them, else cell by cell.

        Args:
            width: cells that a line may have, marks of quoting included.
            cover: who vouches for it.
            part: the section number of the part that it comes from.
        """
        room = max(NARROWEST - 2, width - 2 * min(self.quote, DEEPEST))
        columns = _widths(self.rows, room)
        for row in self.rows:
            if columns:
                yield from self._row(row, columns, cover, part)
            else:
                for cell in row:
                    if cell.text:
                        yield from lay_out(cell, width, cover, part)

    def _row(self, row: Sequence[Paragraph], columns: Sequence[int], cover: Cover, part: str) -> Iterator[Line]:
        pieces = [list(wrap(cell.text, wide)) for cell, wide in zip(row, columns, strict=False)]
        for number in range(max(map(len, pieces), default=1)):
            text, spans = "", []
            for cell, cuts, wide in zip(row, pieces, columns, strict=False):
                start, end = cuts[number] if number < len(cuts) else (0, 0)
                shown = cell.text[start:end]
                for span in cell.spans:
                    low, high = max(span.start, start), min(span.end, end)
                    if low < high:
                        at = len(text) - start
                        spans.append(Span(low + at, high + at, span.role, span.stop))
                text += shown + " " * (wide - cell_len(shown) + _GAP)
            yield Line(text.rstrip(" "), Kind.TEXT, self.quote, cover, part, tuple(spans))


def _widths(rows: Sequence[Sequence[Paragraph]], room: int) -> list[int]:
    """The widths of the columns; nothing where they have no room beside each other."""
    count = max(map(len, rows), default=0)
    wanted = [max((cell_len(row[n].text) for row in rows if n < len(row)), default=0) for n in range(count)]
    wanted = [max(1, one) for one in wanted]
    left = room - _GAP * (count - 1)
    if left < count * _LEAST and sum(wanted) > left:
        return []
    while sum(wanted) > left:
        widest = max(wanted)
        over = sum(wanted) - left
        second = max((one for one in wanted if one < widest), default=_LEAST)
        among = wanted.count(widest)
        step = max(1, min(widest - second, over // among))
        wanted = [one - step if one == widest else one for one in wanted]
    return wanted
