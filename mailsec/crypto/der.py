"""A strict reader for the Distinguished Encoding Rules (ITU-T X.690 section 10), as keys and certificates need it.

It works with offsets into one `bytes` object, copies nothing and never recurses: whoever reads a structure
goes down by the levels that the structure has.

`mailsec.crypto.cms.tlv` reads BER, which CMS may be in (RFC 5652 section 3): elements of indefinite length, strings in
segments, contents of any size in buffers that are not copied, with a budget of its own and errors for callers. None
of that is allowed in keys and certificates, whose signed octets must have one reading, and a path reads thousands of
their elements; so there are two readers, one that refuses and one that endures. What writes DER is one,
`mailsec.crypto.cms.encode`.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "BIT_STRING",
    "BOOLEAN",
    "INTEGER",
    "NULL",
    "OCTET_STRING",
    "OID",
    "SEQUENCE",
    "SET",
    "DERError",
    "bit_string",
    "children",
    "expect",
    "integer",
    "oid_text",
    "read",
    "text",
    "time",
]

BOOLEAN: Final = 0x01
INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
NULL: Final = 0x05
OID: Final = 0x06
SEQUENCE: Final = 0x30
SET: Final = 0x31

_LONG_FORM = 0x80
_HIGH_TAG = 0x1F
_LENGTH_OCTETS = 4
_OID_OCTETS = 64
_STRINGS: Final = {
    0x0C: "utf-8",  # UTF8String
    0x12: "ascii",  # NumericString
    0x13: "ascii",  # PrintableString
    0x14: "latin-1",  # TeletexString (T.61): what everybody who used it meant
    0x16: "ascii",  # IA5String
    0x1A: "ascii",  # VisibleString
    0x1C: "utf-32-be",  # UniversalString
    0x1E: "utf-16-be",  # BMPString
}


class DERError(ValueError):
    """The octets are not DER, or not of the structure expected; never leaves `mailsec.crypto`."""


def read(octets: bytes, at: int, end: int) -> tuple[int, int, int]:
    """Reads one tag and length.

    Args:
        octets: the encoding.
        at: where the element starts.
        end: where the surrounding element ends; nothing is read beyond.

    Returns:
        The tag octet, and where the content starts and stops.

    Raises:
        DERError: it is cut off, of indefinite or not minimal length, or has a tag of several octets.
    """
    start = at + 2
    if start > end:
        raise DERError("it ends too early")
    tag = octets[at]
    if tag & _HIGH_TAG == _HIGH_TAG:
        raise DERError("it has a tag of several octets")
    length = octets[at + 1]
    if length >= _LONG_FORM:
        count = length - _LONG_FORM
        if not 0 < count <= _LENGTH_OCTETS:
            raise DERError("it has a length of an unusable form")
        start += count
        if start > end:
            raise DERError("it ends too early")
        length = int.from_bytes(octets[at + 2 : start], "big")
        if length < _LONG_FORM or length >> (8 * (count - 1)) == 0:
            raise DERError("a length is not as short as it can be")
    stop = start + length
    if stop > end:
        raise DERError("it ends too early")
    return tag, start, stop


def expect(octets: bytes, at: int, end: int, tag: int) -> tuple[int, int]:
    """Reads one element that must have this tag; gives the start and stop of its content."""
    found, start, stop = read(octets, at, end)
    if found != tag:
        raise DERError(f"tag {found:#04x} stands where {tag:#04x} is expected")
    return start, stop


def children(octets: bytes, start: int, stop: int) -> Iterator[tuple[int, int, int, int]]:
    """Goes through the elements in a content: tag, where the element starts, its content's start and stop."""
    at = start
    while at < stop:
        tag, inner, end = read(octets, at, stop)
        yield tag, at, inner, end
        at = end


def integer(octets: bytes, start: int, stop: int) -> int:
    """The value of an INTEGER's content; not minimal ones are taken, as real certificates have them."""
    if start == stop:
        raise DERError("an INTEGER is empty")
    return int.from_bytes(octets[start:stop], "big", signed=True)


def oid_text(octets: bytes, start: int, stop: int) -> str:
    """The value of an OBJECT IDENTIFIER's content, dotted."""
    if not start < stop <= start + _OID_OCTETS or octets[stop - 1] & _LONG_FORM:
        raise DERError("an OBJECT IDENTIFIER is malformed")
    arcs: list[int] = []
    arc = 0
    for octet in octets[start:stop]:
        arc = arc << 7 | octet & 0x7F
        if not octet & _LONG_FORM:
            arcs.append(arc)
            arc = 0
    first = min(arcs[0] // 40, 2)
    return ".".join(map(str, (first, arcs[0] - 40 * first, *arcs[1:])))


def bit_string(octets: bytes, start: int, stop: int) -> bytes:
    """The octets of a BIT STRING's content that has no unused bits (keys, signatures)."""
    if start == stop or octets[start] != 0:
        raise DERError("a BIT STRING does not consist of whole octets")
    return octets[start + 1 : stop]


def text(octets: bytes, tag: int, start: int, stop: int) -> str | None:
    """The text of a string of any ASN.1 type, what cannot be decoded shown as U+FFFD; `None` if it is no string."""
    codec = _STRINGS.get(tag)
    return None if codec is None else octets[start:stop].decode(codec, "replace")


def time(octets: bytes, tag: int, start: int, stop: int) -> datetime:
    """The value of a UTCTime or GeneralizedTime (RFC 5280 section 4.1.2.5); seconds may be missing, as in old ones."""
    digits = octets[start:stop]
    if digits[-1:] != b"Z" or not digits[:-1].isdigit():
        raise DERError("a time is malformed")
    figures = digits[:-1].decode("ascii")
    if tag == 0x17:
        figures = ("20" if figures[:2] < "50" else "19") + figures
    elif tag != 0x18:
        raise DERError("a time is of an unknown type")
    if len(figures) not in {12, 14}:
        raise DERError("a time is malformed")
    try:
        month, day, hour, minute, *second = (int(figures[at : at + 2]) for at in range(4, len(figures), 2))
        return datetime(int(figures[:4]), month, day, hour, minute, second[0] if second else 0, tzinfo=UTC)
    except ValueError:
        raise DERError("a time is malformed") from None
