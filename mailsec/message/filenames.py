"""Names for files that a message suggests: what is left of one when it can do no harm (RFC 2183 section 5)."""

from __future__ import annotations

import unicodedata

__all__ = ["NAME_OCTETS", "numbered_name", "safe_file_name"]

NAME_OCTETS = 255
"""How many octets a file name may have on the usual file systems."""

_ROOM = 12  # octets kept free for " (1234)"
_EXTENSION = 40  # octets; what is longer is no extension
_INSTEAD = str.maketrans(dict.fromkeys('/\\:*?"<>|', "_"))
_RESERVED = frozenset(
    (
        "con",
        "prn",
        "aux",
        "nul",
        "conin$",
        "conout$",
        *(f"{stem}{n}" for stem in ("com", "lpt") for n in "0123456789¹²³"),
    )
)
_NOT_SHOWN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


def safe_file_name(name: str, instead: str = "attachment") -> str:
    """Gives a name under which a file can be written whatever a sender suggested.

    It has no folders in it, does not begin with a dot, a dash or a blank, holds no controls and nothing that turns
    the direction of writing or cannot be seen, is no name that some system keeps for itself, and has room for a
    number within 255 octets of UTF-8. Its extension is kept.

    Args:
        name: any text.
        instead: the name where nothing is left; it must be safe itself.
    """
    name = unicodedata.normalize("NFC", name[: 16 * NAME_OCTETS])
    name = name.replace("\\", "/").rstrip("/. ").rpartition("/")[2]
    shown = "".join(" " if one.isspace() else one for one in name if one.isspace() or not _is_hidden(one))
    words = " ".join(shown.translate(_INSTEAD).split(" ")).strip()
    while "  " in words:
        words = words.replace("  ", " ")
    words = words.lstrip(".-~ ").rstrip(". ")
    if not words.strip("_"):
        return instead
    if words.partition(".")[0].strip().lower() in _RESERVED:
        words = f"_{words}"
    return _shortened(words)


def numbered_name(name: str, number: int) -> str:
    """A name beside one that is taken: `report (2).pdf`.

    Args:
        name: a name that `safe_file_name` gave.
        number: 2 or more.
    """
    stem, extension = _split(name)
    return f"{stem} ({number}){extension}"


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) in _NOT_SHOWN or (
        unicodedata.combining(character) > 0 and character > "\u0fff"
    )


def _split(name: str) -> tuple[str, str]:
    stem, dot, extension = name.rpartition(".")
    if not stem or not extension or len(extension.encode()) > _EXTENSION:
        return name, ""
    return stem, dot + extension


def _shortened(name: str) -> str:
    room = NAME_OCTETS - _ROOM
    if len(name.encode()) <= room:
        return name
    stem, extension = _split(name)
    octets = stem.encode()[: room - len(extension.encode())]
    return octets.decode("utf-8", "ignore").rstrip(". ") + extension
