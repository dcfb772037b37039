"""The list of the keys: a row for each, under headings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import ClassVar, TypeAlias

from mailsec.tui.cells import fit
from mailsec.tui.marks import MARKS
from mailsec.tui.screens.keys.entries import HEADINGS, Entry
from mailsec.tui.widgets.lines import LineList, Piece

__all__ = ["KeyList"]

_PERIOD = 22  # cells of "valid until 2027-05-01"
_KIND = 16  # cells of "RSA of 3072 bits"
_ROOMY = 62  # cells from which there is room for the kind of key
_WIDE = 92  # cells from which there is room for where it comes from


@dataclass(frozen=True, slots=True)
class _Line:
    """A line that is no entry."""

    text: str
    name: str


_Row: TypeAlias = _Line | Entry


class KeyList(LineList):
    """Shows entries."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"key--verified", "key--unauthenticated", "key--warning"}
    DEFAULT_CSS = """
    KeyList {
        & > .key--verified { color: $level-verified; text-style: bold; }
        & > .key--unauthenticated { color: $level-unauthenticated; }
        & > .key--warning { color: $level-warning; text-style: bold; }
    }
    """

    def __init__(self, *, glyphs: bool) -> None:
        super().__init__(id="key-list")
        self._glyphs = glyphs
        self._rows: list[_Row] = []
        self._now: datetime | None = None

    @property
    def current(self) -> Entry | None:
        """The selected entry; `None` where there is none."""
        row = self._rows[self.cursor] if self._rows else None
        return row if isinstance(row, Entry) else None

    def show(self, entries: Sequence[Entry], now: datetime, *, narrowed: bool) -> None:
        """Shows entries; the selection stays with what it was on, as far as that is still there.

        Args:
            entries: the entries, section by section.
            now: the time.
            narrowed: whether some were left out: then empty sections are too.
        """
        before, at = self.current, self.cursor
        self._now = now
        self._rows = []
        found = {section: list(some) for section, some in groupby(entries, key=lambda one: one.section)}
        for section, (heading, advice) in HEADINGS.items():
            some = found.get(section, [])
            if not some and (narrowed or not advice):
                continue
            if self._rows:
                self._rows.append(_Line("", ""))
            self._rows.append(_Line(f" {heading}", "line--accent line--strong"))
            self._rows += some or [_Line(f"   {advice}", "line--dim")]
        if not self._rows:
            self._rows = [_Line(" nothing has this in it", "line--dim")]
        chosen = next((n for n, row in enumerate(self._rows) if isinstance(row, Entry) and _same(row, before)), at)
        self.set_count(len(self._rows), min(chosen, len(self._rows) - 1), 0 if before is None else None)
        if self.current is None:
            first = next((n for n, row in enumerate(self._rows) if isinstance(row, Entry)), 0)
            below = next((n for n, row in enumerate(self._rows) if n >= chosen and isinstance(row, Entry)), first)
            self.select(below)
        self.refresh()

    def can_select(self, index: int) -> bool:
        """Entries can be selected."""
        return isinstance(self._rows[index], Entry)

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        """Mark, whose it is, kind of key, when it is valid, where it comes from."""
        row = self._rows[index]
        if isinstance(row, _Line):
            return [(fit(row.text, width), row.name)]
        assert self._now is not None
        mark = MARKS[row.level(self._now)]
        return self._columns(row, self._now, mark.glyph if self._glyphs else mark.letter, width)

    def _columns(self, row: Entry, now: datetime, sign: str, cells: int) -> Sequence[Piece]:
        level = row.level(now)
        rest = cells - 3 - _PERIOD - 2
        kind = _KIND + 2 if cells >= _ROOMY else 0
        origin = (rest - kind) // 2 if cells >= _WIDE else 0
        who = max(0, rest - kind - origin)
        late = "key--warning" if level == "warning" else "line--dim"
        pieces = [(f" {sign} ", f"key--{level}"), (fit(row.who, who), ""), ("  ", "")]
        pieces.append((fit(row.period(now), _PERIOD), late))
        if kind:
            pieces += [("  ", ""), (fit(row.kind(), _KIND), "line--dim")]
        if origin:
            pieces += [("  ", ""), (fit(row.origin, origin - 2), "line--dim")]
        return pieces


def _same(one: Entry, other: Entry | None) -> bool:
    if other is None or one.section != other.section:
        return False
    return (one.who, one.certificate) == (other.who, other.certificate)
