"""Foreign text in columns: safe, cut and filled by the cells that a terminal gives it."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from textual.content import Content

from mailsec.message.safe import safe_text

__all__ = ["LONGEST", "clean", "content", "fit", "width"]

LONGEST = 1024
"""Characters of a foreign text that a single line looks at; no terminal is as wide."""


def clean(text: str) -> str:
    """A foreign text on one line, safe to show, without blanks at its ends."""
    return safe_text(text[:LONGEST]).strip()


def content(text: str) -> Content:
    """A foreign text for a widget: never markup."""
    return Content(clean(text))


def width(text: str) -> int:
    """The cells that a safe text takes."""
    return len(text) if text.isascii() else cell_len(text)


def fit(text: str, cells: int, *, right: bool = False) -> str:
    """A safe text in exactly so many cells: filled with blanks, or cut with an ellipsis.

    Args:
        text: the text, on one line.
        cells: how many cells; none give an empty text.
        right: whether blanks come before it.
    """
    if cells <= 0:
        return ""
    taken = width(text)
    if taken > cells:
        cut = set_cell_size(text, cells - 1).rstrip(" ")
        return cut + "…" + " " * (cells - 1 - width(cut))
    blanks = " " * (cells - taken)
    return blanks + text if right else text + blanks
