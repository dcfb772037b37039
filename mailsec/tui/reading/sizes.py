"""How large parts are, without decoding them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailsec.message import Part

__all__ = ["part_size", "size_text"]

_EXACT = 1 << 16  # octets up to which a part is decoded to know


def part_size(part: Part) -> int:
    """The octets of a part's content; those of a large one in base64 are reckoned from its lines of 76 letters."""
    octets = len(part.body)
    if part.encoding in {"7bit", "8bit", "binary"} or part.is_multipart:
        return octets
    if octets <= _EXACT:
        return len(part.content)
    return octets * 57 // 78 if part.encoding == "base64" else octets


def size_text(octets: int) -> str:
    """A size in a few letters: `812 B`, `1.2 kB`, `37 MB`."""
    if octets < 1000:
        return f"{octets} B"
    size = float(octets)
    for unit in ("kB", "MB", "GB"):
        size /= 1000
        if size < 999.5:
            return f"{size:.1f} {unit}" if size < 9.95 else f"{size:.0f} {unit}"
    return f"{size / 1000:.0f} TB"
