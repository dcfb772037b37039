"""Our own signs for a terminal that shows no more than ASCII: each becomes one that it has, of the same width."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

__all__ = ["SIGNS", "AsciiFilter"]

SIGNS: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys("─━═╌╍┄┅┈┉▁▂▔–—", "-"),
        **dict.fromkeys("│┃║╎╏┆┇┊┋▌▐▏▎▍▕█▊", "|"),
        **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╯╰┏┓┗┛╔╗╚╝▖▗▘▝▙▛▜▟", "+"),
        **dict.fromkeys("▃▄▅▆▇▀", "="),
        **dict.fromkeys("•●◆■▣▤⬤", "*"),
        **dict.fromkeys("▸▶→⏎❯", ">"),
        **dict.fromkeys("◀←", "<"),
        **dict.fromkeys("▾▼↓", "v"),
        **dict.fromkeys("▴▲↑", "^"),
        "…": "~",
        "·": "-",
        "✓": "V",
        "✗": "X",
        "⌁": "@",
        "⚑": "F",
        "↩": "r",
        "◉": "o",
        "○": "o",
    }
)
"""For each sign that the client or its widgets draw, one of ASCII."""

_TABLE = str.maketrans(dict(SIGNS))


class AsciiFilter(LineFilter):
    """Draws every line in ASCII, as far as it is ours; letters of messages stay as they are."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same segments in ASCII."""
        del background
        return [
            segment
            if segment.text.isascii()
            else Segment(segment.text.translate(_TABLE), segment.style, segment.control)
            for segment in segments
        ]
