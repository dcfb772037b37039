"""A writer of DER (X.690), as small as CMS needs it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache

from mailsec.crypto.cms.tlv import (
    BOOLEAN,
    INTEGER,
    OBJECT_IDENTIFIER,
    OCTET_STRING,
    SEQUENCE,
    SET,
    Element,
)

_CONSTRUCTED = 0x20
NULL = b"\x05\x00"
"""A NULL."""

# Universal types that BER may send in pieces and DER may not (X.690 section 10.2).
_STRINGS = frozenset((OCTET_STRING, 0x0C, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x19, 0x1A, 0x1B, 0x1C, 0x1E))


def header(tag: int, length: int, *, constructed: bool = False) -> bytes:
    """Identifier and length octets in DER.

    Args:
        tag: a tag as `Element.tag` has it.
        length: how many content octets follow.
        constructed: whether these are elements.
    """
    first = (tag & 0xFF) | (_CONSTRUCTED if constructed else 0)
    number = tag >> 8
    rest = bytearray()
    while number:
        rest.insert(0, number & 0x7F | (0x80 if rest else 0))
        number >>= 7
    if length < 0x80:
        return bytes((first, *rest, length))
    size = length.to_bytes((length.bit_length() + 7) // 8)
    return bytes((first, *rest, 0x80 | len(size))) + size


def primitive(tag: int, octets: bytes | memoryview) -> bytes:
    """A primitive element."""
    return header(tag, len(octets)) + octets


def constructed(tag: int, *members: bytes) -> bytes:
    """A constructed element, such as an EXPLICIT context-specific one."""
    return b"".join((header(tag, sum(map(len, members)), constructed=True), *members))


def sequence(*members: bytes) -> bytes:
    """A SEQUENCE."""
    return constructed(SEQUENCE, *members)


def set_of(members: Iterable[bytes], tag: int = SET) -> bytes:
    """A SET OF, its members in the order that DER wants (X.690 section 11.6)."""
    return constructed(tag, *sorted(members))


def integer(value: int) -> bytes:
    """An INTEGER."""
    return primitive(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, signed=True))


def octet_string(octets: bytes) -> bytes:
    """An OCTET STRING."""
    return primitive(OCTET_STRING, octets)


@lru_cache(maxsize=256)
def oid(dotted: str) -> bytes:
    """An OBJECT IDENTIFIER from its dotted form."""
    top, second, *arcs = map(int, dotted.split("."))
    octets = bytearray()
    for arc in (top * 40 + second, *arcs):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        octets += bytes(reversed(groups))
    return primitive(OBJECT_IDENTIFIER, bytes(octets))


def time(moment: datetime) -> bytes:
    """A Time: UTCTime from 1950 to 2049, else GeneralizedTime (RFC 5652 section 11.3)."""
    moment = moment.astimezone(UTC)
    if 1950 <= moment.year < 2050:
        return primitive(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())
    return primitive(0x18, f"{moment.year:04}{moment:%m%d%H%M%S}Z".encode())


def normalize(element: Element, tag: int | None = None, *, sort: bool = True) -> bytes:
    """Writes an element that was received as BER again as DER.

    What only the type's definition could tell (DEFAULT values, the order of IMPLICIT sets) is left as it is.

    Args:
        element: the element.
        tag: another tag to write it with.
        sort: whether the members of this SET OF are sorted. Those of sets within always are.

    Raises:
        CMSError: its contents are malformed.
        LimitError: it nests too deep, by the limit that it was read with.
    """
    written = element.tag if tag is None else tag
    if not element.constructed:
        contents = element.contents
        if written == BOOLEAN and len(contents) == 1 and contents[0]:
            return primitive(written, b"\xff")
        return primitive(written, contents)
    if written in _STRINGS:
        # The pieces of a character string are OCTET STRINGs or of its own type (X.690 section 8.23.6).
        pieces = next(element.children(), None)
        return primitive(written, b"".join(element.segments(pieces.tag if pieces else None)))
    # The reader limits how deep this goes. BIT STRINGs in pieces do not occur in what CMS wants in DER.
    members = [normalize(child) for child in element.children()]
    if written == SET and sort:
        members.sort()
    return constructed(written, *members)


__all__ = [
    "NULL",
    "constructed",
    "header",
    "integer",
    "normalize",
    "octet_string",
    "oid",
    "primitive",
    "sequence",
    "set_of",
    "time",
]
