"""How a level is shown: a mark that does not rely on colour, a word, and the colour that repeats them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["MARKS", "UNJUDGED", "Mark"]


@dataclass(frozen=True, slots=True)
class Mark:
    """How one level is shown.

    Attributes:
        glyph: one column; for terminals whose encoding has it.
        letter: the same in ASCII.
        word: the level as a heading.
        variable: the name of the theme's variable with its colour, without the dollar sign.
    """

    glyph: str
    letter: str
    word: str
    variable: str


MARKS: Mapping[str, Mark] = MappingProxyType(
    {
        "verified": Mark("✓", "V", "Verified", "level-verified"),
        "authenticated": Mark("~", "A", "Authenticated", "level-authenticated"),
        "unauthenticated": Mark("·", "-", "Nobody vouches for it", "level-unauthenticated"),
        "warning": Mark("!", "!", "Warning", "level-warning"),
        "failed": Mark("✗", "X", "Failed", "level-failed"),
    }
)
"""The marks by level."""

UNJUDGED = Mark(" ", " ", "Not checked yet", "level-unauthenticated")
"""What stands in the place of a mark while nobody has judged the message."""
