"""Tag lists: `name=value` pairs with semicolons between them (RFC 6376 section 3.2)."""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from typing import TYPE_CHECKING, Final, NamedTuple

from mailsec_dkim.limits import FIELD_TAGS

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["FWS", "Tag", "TagError", "decode_base64", "decode_qp_section", "parse_tags", "split_colons"]

FWS: Final = b" \t\r\n"
"""The octets of folding white space (RFC 6376 section 2.8), which may stand around every token."""

_NAME: Final = re.compile(rb"[A-Za-z][A-Za-z0-9_]*\Z")
# Printable US-ASCII, or UTF-8 (RFC 8616 section 4), with white space inside; a line end only where it folds.
_VALUE: Final = re.compile(rb"(?:[!-~\x80-\xff \t]|\r?\n(?=[ \t]))*+\Z")
_BASE64: Final = re.compile(rb"[A-Za-z0-9+/]*+={0,2}\Z")
_QP_SECTION: Final = re.compile(rb"=([0-9A-F]{2})")
_WHITE: Final = re.compile(rb"[ \t\r\n]+")


class TagError(ValueError):
    """A tag list or a value in it breaks the syntax; the text says how."""


class Tag(NamedTuple):
    """The value of a tag, without the white space around it, and where all between `=` and `;` stands.

    Attributes:
        value: the value as received, folding inside it kept.
        start: offset of the octet after `=` in the tag list.
        end: offset of the `;` or of the end of the list.
    """

    value: bytes
    start: int
    end: int


def parse_tags(octets: bytes) -> Mapping[str, Tag]:
    """Parses a tag list (RFC 6376 section 3.2).

    Args:
        octets: the list as received, folding kept; one line end at its very end is allowed.

    Returns:
        The tags by name, in their order.

    Raises:
        TagError: it breaks the syntax, or a tag stands in it twice, which invalidates the whole list.
    """
    specs = octets.split(b";", FIELD_TAGS + 1)
    if len(specs) > FIELD_TAGS + 1:
        raise TagError(f"more than {FIELD_TAGS} tags")
    if len(specs) > 1 and not specs[-1].strip(FWS):
        specs.pop()  # the semicolon after the last tag is optional
    tags: dict[str, Tag] = {}
    at = 0
    last = len(specs) - 1
    for index, spec in enumerate(specs):
        name, equals, value = spec.partition(b"=")
        start = at + len(name) + 1
        at += len(spec) + 1
        if not equals:
            raise TagError("a tag without a value" if spec.strip(FWS) else "an empty tag")
        if not _VALUE.match(value if index < last else value.rstrip(b"\r\n")):
            raise TagError("octets that a tag value cannot have")
        bare = name.strip(FWS)
        if not _NAME.match(bare):
            raise TagError("something that is no tag name")
        key = bare.decode("ascii")
        if key in tags:
            raise TagError(f"{key}= stands there twice")
        tags[key] = Tag(value.strip(FWS), start, at - 1)
    return tags


def decode_base64(value: bytes) -> bytes:
    """Decodes a base64string, which may have white space anywhere (RFC 6376 section 2.10).

    Raises:
        TagError: it is no base64: other octets, wrong padding, or a length that cannot be.
    """
    if not _BASE64.match(value):
        value = _WHITE.sub(b"", value)
        if not _BASE64.match(value):
            raise TagError("octets that base64 does not have")
    try:
        return a2b_base64(value, strict_mode=True)
    except Base64Error:
        raise TagError("base64 that is cut off or wrongly padded") from None


def decode_qp_section(value: bytes) -> bytes:
    """Decodes a dkim-quoted-printable value (RFC 6376 section 2.11).

    White space is left out, and `=XX` stands for an octet.

    Raises:
        TagError: an `=` that two upper-case hexadecimal digits do not follow.
    """
    if any(octet in value for octet in FWS):
        value = _WHITE.sub(b"", value)
    if b"=" not in value:
        return value
    if value.count(b"=") != len(_QP_SECTION.findall(value)):
        raise TagError("quoted-printable that is malformed")
    return _QP_SECTION.sub(lambda match: bytes((int(match[1], 16),)), value)


def split_colons(value: bytes) -> list[bytes]:
    """Splits a value at its colons and takes the white space around each piece off (as in h=, q=, s=, t=)."""
    return [piece.strip(FWS) for piece in value.split(b":")]
