"""Tables of a page: those with columns that belong together, and those that only place things on a screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from mailsec.tui.reading.grid import Grid
from mailsec.tui.reading.lines import Kind, Paragraph, Span

__all__ = ["Table"]

_CELL = 60  # characters of a cell in a table with columns
_JOINED = 70  # characters of a row that is put on one line
_COLUMNS = 10

Cell: TypeAlias = "list[Paragraph | Grid]"


class Table:
    """A table that is open.

    Args:
        quote: how deep it is quoted.
        gap: whether a blank line goes before it.
        presentation: whether it says of itself that it is for layout only.

    Attributes:
        rows: the cells of its rows so far.
    """

    __slots__ = ("_presentation", "_quote", "gap", "rows")

    def __init__(self, quote: int, *, gap: bool, presentation: bool) -> None:
        self.gap = gap
        self.rows: list[list[Cell]] = []
        self._quote = quote
        self._presentation = presentation

    def blocks(self) -> Iterator[Paragraph | Grid]:
        """What is shown: columns where they belong together, else the cells one after the other."""
        rows = [row for row in self.rows if any(row)]
        if not self._presentation and _is_data(rows):
            count = max(map(len, rows))
            yield Grid(tuple(tuple(_filled(row, count)) for row in rows), self._quote)
            return
        for row in rows:
            joined = _joined([cell for cell in row if cell])
            if joined is not None:
                yield joined
            else:
                for cell in row:
                    apart = any(isinstance(one, Grid) or one.first or one.kind is Kind.HEADING for one in cell)
                    if apart or len(cell) > 1:
                        yield Paragraph("")
                    yield from cell
                    if apart or len(cell) > 1:
                        yield Paragraph("")


def _filled(row: list[Cell], count: int) -> Iterator[Paragraph]:
    """The only paragraph of each cell, and empty ones for cells that are missing."""
    for cell in row:
        yield cell[0] if cell and isinstance(cell[0], Paragraph) else Paragraph("")
    for _ in range(count - len(row)):
        yield Paragraph("")


def _is_short(cell: Cell, most: int) -> bool:
    return not cell or (
        len(cell) == 1 and isinstance(cell[0], Paragraph) and not cell[0].first and len(cell[0].text) <= most
    )


def _is_data(rows: list[list[Cell]]) -> bool:
    """Whether a table has columns that belong together, and is no frame for a layout."""
    return (
        len(rows) > 1
        and 1 < max(map(len, rows)) <= _COLUMNS
        and sum(len(row) > 1 for row in rows) > 1
        and all(_is_short(cell, _CELL) for row in rows for cell in row)
    )


def _joined(cells: list[Cell]) -> Paragraph | None:
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
