"""A screen as text: what each cell shows, and below each line in what style, with the styles named at the end.

It is a fraction of a drawing's size, and what changed can be read in a comparison.
"""

from __future__ import annotations

import re
import string
from typing import Any

from rich.cells import cell_len
from rich.style import Style
from textual._context import visible_screen_stack
from textual.app import App
from textual.strip import Strip

__all__ = ["lines_of", "picture"]

_CHANGING = re.compile(r"[0-9a-f]{8,}|(?:[0-9A-F]{4} ){3,}[0-9A-F]{4}|\d+(?:\.\d+)? kB")
"""Fingerprints and sizes of keys that are made anew for each run."""

_LETTERS = string.ascii_letters + string.digits


def lines_of(app: App[Any]) -> list[str]:
    """What is on the screen, line by line."""
    return ["".join(segment.text for segment in strip) for strip in _strips(app)]


def picture(app: App[Any]) -> str:
    """The screen as text with its styles; a dot stands for the style that most cells have."""
    rows: list[tuple[str, list[tuple[str, int]]]] = []
    cells: dict[str, int] = {}
    for strip in _strips(app):
        runs = []
        for segment in strip:
            style, length = _name(segment.style), cell_len(segment.text)
            runs.append((style, length))
            cells[style] = cells.get(style, 0) + length
        rows.append(("".join(segment.text for segment in strip), runs))
    usual = max(cells, key=lambda style: cells[style])
    letters = dict(zip((one for one in cells if one != usual), _LETTERS, strict=False))
    letters[usual] = "."
    drawn = []
    for text, runs in rows:
        styles = "".join(letters.get(style, "?") * length for style, length in runs)
        drawn.append(_CHANGING.sub(_stable, text).rstrip())
        if styles.strip("."):
            drawn.append("    \u00a6" + styles.rstrip("."))
    return "\n".join([*drawn, "", *(f"{letter} {style}" for style, letter in letters.items())])


def _strips(app: App[Any]) -> list[Strip]:
    """What is on the screen, with what shines through from the screens behind it."""
    visible_screen_stack.set(app._background_screens)
    return app.screen._compositor.render_strips()


def _stable(found: re.Match[str]) -> str:
    return re.sub(r"[0-9]" if found[0].endswith("kB") else r"[0-9a-fA-F]", "0", found[0])


def _name(style: Style | None) -> str:
    """A style in words, without what only programs see."""
    if style is None:
        return "plain"
    colour = f"{style.color.name if style.color else '-'} on {style.bgcolor.name if style.bgcolor else '-'}"
    words = [word for word in ("bold", "dim", "italic", "underline", "strike", "reverse") if getattr(style, word)]
    return " ".join([colour, *words])
