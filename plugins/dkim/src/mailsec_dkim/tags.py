"""Tag lists: `name=value` pairs with semicolons between them (RFC 6376 section 3.2)."""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from typing import Final

from mailsec_dkim.limits import FIELD_TAGS

__all__ = [
    "FWS",
    "TagError",
    "decode_base64",
    "decode_qp_section",
    "find_signature_value",
    "parse_tags",
    "split_colons",
]

FWS: Final = b" \t\r\n"
"""The octets of folding white space (RFC 6376 section 2.8), which may stand around every token."""

_NAME: Final = re.compile(rb"[A-Za-z][A-Za-z0-9_]*\Z")
# Printable US-ASCII, or UTF-8 (RFC 8616 section 4), and white space.
_OCTETS: Final = bytes((*b"\t\n\r", *range(0x20, 0x7F), *range(0x80, 0x100)))
_USUAL: Final = {
    name.encode(): name
    for name in ("v", "a", "b", "bh", "c", "d", "h", "i", "l", "q", "s", "t", "x", "z", "k", "n", "p")
}
_QP_SECTION: Final = re.compile(rb"=([0-9A-F]{2})")


class TagError(ValueError):
    """A tag list or a value in it breaks the syntax; the text says how."""


def parse_tags(octets: bytes) -> dict[str, bytes]:
    """Parses a tag list (RFC 6376 section 3.2).

    Args:
        octets: the list as received, folding kept; one line end at its very end is allowed.

    Returns:
        The values by name, in their order, without the white space around them; folding inside them is kept.

    Raises:
        TagError: it breaks the syntax, or a tag stands in it twice, which invalidates the whole list.
    """
    if octets.translate(None, _OCTETS) or not _is_folded(octets):
        raise TagError("octets that a tag list cannot have")
    specs = octets.split(b";", FIELD_TAGS + 1)
    if len(specs) > FIELD_TAGS + 1:
        raise TagError(f"more than {FIELD_TAGS} tags")
    if len(specs) > 1 and not specs[-1].strip(FWS):
        specs.pop()  # the semicolon after the last tag is optional
    tags: dict[str, bytes] = {}
    for spec in specs:
        name, equals, value = spec.partition(b"=")
        name = name.strip(FWS)
        if not equals:
            raise TagError("a tag without a value" if name else "an empty tag")
        key = _USUAL.get(name)
        if key is None:
            if not _NAME.match(name):
                raise TagError("something that is no tag name")
            key = name.decode("ascii")
        if key in tags:
            raise TagError(f"{key}= stands there twice")
        tags[key] = value.strip(FWS)
    return tags


def _is_folded(octets: bytes) -> bool:
    """Whether line ends, CRLF or LF, stand only where they fold the list or end it all."""
    folds = octets.count(b"\n ") + octets.count(b"\n\t") + octets.endswith(b"\n")
    return octets.count(b"\n") == folds and octets.count(b"\r") == octets.count(b"\r\n")


def find_signature_value(octets: bytes) -> tuple[int, int]:
    """Finds the value of b= with all white space around it (RFC 6376 section 3.7).

    Args:
        octets: a tag list that `parse_tags` takes and that has the tag.

    Returns:
        The offsets of the octet after `=` and of the `;` or the end of the list.
    """
    end = len(octets)
    while end >= 0:  # it is the last tag mostly
        start = octets.rfind(b";", 0, end) + 1
        name, equals, _ = octets[start:end].partition(b"=")
        if equals and name.strip(FWS) == b"b":
            return start + len(name) + 1, end
        end = start - 1
    raise ValueError("there is no b= in the list")


def decode_base64(value: bytes) -> bytes:
    """Decodes a base64string, which may have white space anywhere (RFC 6376 section 2.10).

    Raises:
        TagError: it is no base64: other octets, wrong padding, or a length that cannot be.
    """
    try:
        return a2b_base64(value.translate(None, FWS), strict_mode=True)
    except Base64Error:
        raise TagError("base64 that is malformed") from None


def decode_qp_section(value: bytes) -> bytes:
    """Decodes a dkim-quoted-printable value (RFC 6376 section 2.11).

    White space is left out, and `=XX` stands for an octet.

    Raises:
        TagError: an `=` that two upper-case hexadecimal digits do not follow.
    """
    value = value.translate(None, FWS)
    if b"=" not in value:
        return value
    if value.count(b"=") != len(_QP_SECTION.findall(value)):
        raise TagError("quoted-printable that is malformed")
    return _QP_SECTION.sub(lambda match: bytes((int(match[1], 16),)), value)


def split_colons(value: bytes) -> list[bytes]:
    """Splits a value at its colons and takes the white space around each piece off (as in h=, q=, s=, t=)."""
    return [piece.strip(FWS) for piece in value.split(b":")]
