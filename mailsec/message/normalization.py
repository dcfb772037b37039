"""Unicode normalization (UAX 15) for comparing foreign text, without the work that hostile text can make of it.

Normalization sorts the combining marks after a letter, in time that grows with the square of their number. No
language has more than a few: the Stream-Safe Text Format (UAX 15 section 13) allows thirty in a row.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["nfkc"]

_ROW = 30


def nfkc(text: str) -> str:
    """A text in normalization form KC; of a row of combining marks only the first thirty are kept.

    Args:
        text: any text.
    """
    if text.isascii():
        return text
    marks = "".join(character for character in set(text) if _is_mark(character))
    if marks:
        text = re.sub(f"([{re.escape(marks)}]{{{_ROW}}})[{re.escape(marks)}]+", r"\1", text)
    return unicodedata.normalize("NFKC", text)


def _is_mark(character: str) -> bool:
    """Whether a character is a combining mark or decomposes into some."""
    return any(map(unicodedata.combining, unicodedata.normalize("NFKD", character)))
