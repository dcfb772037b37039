"""The one way by which foreign text gets onto a screen.

What a message says is text, never control codes: no escape sequence reaches the terminal, nothing turns the
direction of what stands beside it, nothing hides, and nothing grows over other lines.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from mailsec.message.limits import LIMITS

__all__ = ["safe_text"]

REPLACEMENT = "\ufffd"

# Letters and marks that show nothing, and that Unicode still counts as printable.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\U00016fe4\U0001d159")

# A joiner or non-joiner stays where a script needs it: between Arabic letters, after an Indic or Khmer sign and
# before a letter, between emoji (Unicode 15 section 23.2, UTS 51, RFC 5892 appendix A). Never two in a row.
_ARABIC = "\u0620-\u065f\u066e-\u06d3\u06d5-\u06ef\u06fa-\u06ff\u0710-\u074a\u0750-\u077f\u08a0-\u08ff"
_INDIC = "\u0900-\u0963\u0971-\u09e3\u09f0-\u0ddf\u0f40-\u0fbc\u1000-\u103f\u1050-\u109f\u1780-\u17d3"
_EMOJI = "\u2194-\u21aa\u231a-\u23ff\u25aa-\u27bf\u2934-\u2b55\U0001f000-\U0001faff"
_KEPT_JOINER = (
    rf"(?<=[{_ARABIC}])[\u200c\u200d](?=[{_ARABIC}])"
    rf"|(?<=[{_INDIC}])[\u200c\u200d](?=[{_INDIC}])"
    rf"|(?<=[{_EMOJI}\ufe0f])\u200d(?=[{_EMOJI}])"
)
# One variation selector stays after what it can change: emoji and text style, ideographs, Mongolian letters.
_KEPT_SELECTOR = (
    rf"(?<=[#*0-9\xa9\xae\u203c\u2049\u2122\u2139\u24c2\u3030\u303d\u3297\u3299{_EMOJI}])[\ufe0e\ufe0f]"
    r"|(?<=[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff])[\U000e0100-\U000e01ef]"
    r"|(?<=[\u1820-\u18aa])[\u180b-\u180d]"
)
_JOINERS = frozenset("\u200c\u200d")


def _is_selector(character: str) -> bool:
    return (
        "\ufe00" <= character <= "\ufe0f"
        or "\U000e0100" <= character <= "\U000e01ef"
        or "\u180b" <= character <= "\u180d"
        or character == "\u180f"
    )


@lru_cache(maxsize=4096)
def _shown(character: str) -> str:
    """What stands for a character: itself where it is harmless."""
    if _is_selector(character) or character in _INVISIBLE:
        return REPLACEMENT
    if character.isprintable():
        return character
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)  # control pictures: what is there is seen, and does nothing
    if code == 0x7F:
        return "\u2421"
    if character == "\xad":
        return "\u2010"  # a soft hyphen is seen as a hyphen: nobody hides it in a name
    category = unicodedata.category(character)
    if category == "Zs":
        return "\u3000" if character == "\u3000" else " "
    if category == "Cn" and (0x1F000 <= code <= 0x1FAFF or 0x20000 <= code <= 0x3FFFD) and code & 0xFFFE != 0xFFFE:
        return character  # emoji and ideographs that are newer than this Python
    return REPLACEMENT


@lru_cache(maxsize=4096)
def _is_mark(character: str) -> bool:
    return character > "\u02ff" and unicodedata.category(character)[0] == "M"


def safe_text(text: str, *, multiline: bool = False) -> str:
    r"""Makes foreign text safe to show on a terminal.

    Control characters of C0 become control pictures (``\x1b`` becomes U+241B), so that no escape sequence is left;
    C1, all controls of writing direction, zero-width, tag and private characters, lone surrogates, stray joiners
    and variation selectors become U+FFFD, a row of them one. More than eight combining marks in a row are cut.
    Joiners and selectors stay where a script or an emoji needs them. What is already safe comes back unchanged.

    Args:
        text: any text.
        multiline: whether line ends and tabs stay (as LF and tab); otherwise they become spaces.
    """
    if text.isascii() and text.isprintable():
        return text
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    characters = set(text)
    table: dict[int, str] = {}
    for character in characters:
        shown = _shown(character)
        if shown != character:
            table[ord(character)] = shown
    for line_end in "\n\u2028\u2029":
        if line_end in characters:
            table[ord(line_end)] = "\n" if multiline else " "
    if "\t" in characters:
        table[9] = "\t" if multiline else " "
    if table:
        if not characters.isdisjoint(_JOINERS) or any(map(_is_selector, characters)):
            text = _translate_around_kept(text, table)
        else:
            text = text.translate(table)
        if REPLACEMENT in text:
            text = re.sub(REPLACEMENT + "{2,}", REPLACEMENT, text)
    marks = [character for character in characters if _is_mark(character)]
    if marks:
        row = f"[{''.join(marks)}\u200c\u200d]"
        text = re.sub(f"({row}{{{LIMITS.marks}}}){row}+", rf"\1{REPLACEMENT}", text)
    return text


def _translate_around_kept(text: str, table: dict[int, str]) -> str:
    """Translates a text except for the joiners and selectors that stay."""
    # compiled when first needed, and kept by `re`: to compile so large classes takes milliseconds
    kept = {match.start() for pattern in (_KEPT_JOINER, _KEPT_SELECTOR) for match in re.finditer(pattern, text)}
    out: list[str] = []
    start = 0
    for at in sorted(kept):
        out += (text[start:at].translate(table), text[at])
        start = at + 1
    out.append(text[start:].translate(table))
    return "".join(out)
