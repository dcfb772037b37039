"""Text on a terminal: widths that count wide characters, and colour that only repeats what words say."""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TextIO

__all__ = ["Screen", "fit", "fit_address", "screen_of", "width", "wrap"]

_WIDE = frozenset("WF")
_NO_WIDTH = frozenset(("Mn", "Me", "Cf"))


def width(text: str) -> int:
    """The columns that a text takes on a terminal (Unicode Standard Annex 11)."""
    if text.isascii():
        return len(text)
    return sum(map(_columns, text))


def _columns(character: str) -> int:
    if unicodedata.category(character) in _NO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in _WIDE else 1


def fit(text: str, columns: int) -> str:
    """A text in exactly so many columns: filled with blanks, or cut with an ellipsis."""
    taken = width(text)
    if taken <= columns:
        return text + " " * (columns - taken)
    cut = _start(text, columns - 1) + "…"
    return cut + " " * (columns - width(cut))


def fit_address(address: str, columns: int) -> str:
    """An address in exactly so many columns.

    What is too long is cut in the middle of the local part, since the domain tells whose the address is; of a domain
    that is too long by itself the end is kept.

    Args:
        address: an address, safe to show.
        columns: how many columns.
    """
    if width(address) <= columns:
        return fit(address, columns)
    local, at, domain = address.rpartition("@")
    room = columns - width(at + domain) - 1  # for the local part without its ellipsis
    if not at or room < 0:
        return fit("…" + _end(address, columns - 1), columns)
    end = _end(local, room // 2)
    return fit(f"{_start(local, room - width(end))}…{end}{at}{domain}", columns)


def _start(text: str, columns: int) -> str:
    """As much of the start of a text as has room in so many columns."""
    for place, character in enumerate(text):
        columns -= _columns(character)
        if columns < 0:
            return text[:place]
    return text


def _end(text: str, columns: int) -> str:
    """As much of the end of a text as has room in so many columns."""
    return _start(text[::-1], columns)[::-1]


def wrap(text: str, columns: int) -> list[str]:
    """A text in lines of at most so many columns, broken at blanks; a longer word gets a line that is too long."""
    lines: list[str] = []
    line = ""
    for word in text.split():
        if line and width(line) + 1 + width(word) > columns:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line] if line else lines or [""]


@dataclass(frozen=True, slots=True)
class Screen:
    """What the output can show.

    Attributes:
        columns: its width; `None` where nobody looks (a file, a pipe), so that nothing is cut or wrapped.
        colour: whether colour is wanted.
    """

    columns: int | None = None
    colour: bool = False

    def paint(self, text: str, code: str) -> str:
        """A text in a colour, where colour is wanted.

        Args:
            text: text that is safe to show.
            code: the parameters of an SGR sequence (ECMA-48 section 8.3.117); empty for none.
        """
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and code else text


def screen_of(stream: TextIO | None = None, environ: Mapping[str, str] = os.environ) -> Screen:
    """Finds out what an output can show.

    Args:
        stream: the output; standard output if `None`, which may be closed.
        environ: the environment: `NO_COLOR` (not empty) and `TERM=dumb` switch colour off.
    """
    stream = stream or sys.stdout
    try:
        terminal = stream is not None and stream.isatty()
    except ValueError:  # it is closed
        terminal = False
    if not terminal:
        return Screen()
    colour = not environ.get("NO_COLOR") and environ.get("TERM") != "dumb"
    return Screen(max(40, shutil.get_terminal_size().columns), colour)
