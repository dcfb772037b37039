"""Content-Type and Content-Disposition: a value and its parameters (RFC 2045 section 5.1, RFC 2183, RFC 2231)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import unquote_to_bytes

from mailsec.message.charsets import decode_charset, decode_unknown
from mailsec.message.comments import Comments
from mailsec.message.defects import DefectKind
from mailsec.message.limits import LIMITS, Limits
from mailsec.message.words import decode_words, unfold

__all__ = ["ContentType", "Parameters", "parse_content_type", "parse_parameters"]

_TYPE = re.compile(r"([!#-'*+.0-9A-Z^-~-]+)/([!#-'*+.0-9A-Z^-~-]+),?\Z")
_NAME = re.compile(r"[^\s=;\"()\x00-\x20]+")
_QUOTED = re.compile(r'"([^"\\]*+(?>(?:\\.[^"\\]*+)*))"?', re.DOTALL)
_WORD = re.compile(r"\(?[^ \t\r\n;(]*")  # just what is no space there; an open parenthesis is a character like others
_LOOSE = re.compile(r"[^;]*")  # what stands for a value without quotes: to the next semicolon, for leniency
_SECTION = re.compile(r"(.+?)(?:\*(0|[1-9][0-9]{0,4}))?(\*)?\Z", re.DOTALL)
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


def _empty() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Parameters:
    """A value with parameters.

    Attributes:
        value: the value before the first semicolon, in lower case, without comments.
        params: the parameters decoded (RFC 2231), their names in lower case.
        raw: the parameters before any decoding of charsets, as ISO 8859-1 octet for octet.
        defects: what is irregular in them.
    """

    value: str
    params: Mapping[str, str] = field(default_factory=_empty)
    raw: Mapping[str, str] = field(default_factory=_empty)
    defects: tuple[DefectKind, ...] = ()


@dataclass(frozen=True, slots=True)
class ContentType:
    """A media type (RFC 2045 section 5).

    Attributes:
        type: the top-level type in lower case.
        subtype: the subtype in lower case.
        params: the parameters decoded (RFC 2231), their names in lower case.
        boundary: the boundary parameter's octets as received; `None` without one.
        defects: what is irregular in the field.
    """

    type: str
    subtype: str
    params: Mapping[str, str] = field(default_factory=_empty)
    boundary: bytes | None = None
    defects: tuple[DefectKind, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return f"{self.type}/{self.subtype}"


def parse_parameters(value: bytes, limits: Limits = LIMITS) -> Parameters:
    """Parses a field body that is a value and parameters.

    Continuations and charsets of RFC 2231 are decoded, and encoded words too, where RFC 2047 section 5 forbids
    them and mail programs send them all the same. Where a parameter occurs twice, the first counts; where it
    occurs plain and in the form of RFC 2231, the latter.

    Args:
        value: the field body as received.
        limits: how many parameters are read.
    """
    text = unfold(value).decode("latin-1")
    comments = Comments(text, limits.comment_depth)
    end, words = 0, []
    while (at := comments.skip(end)) < len(text) and text[at] != ";":
        end = _WORD.match(text, at).end()  # type: ignore[union-attr]
        words.append(text[at:end])
    first, end = "".join(words).lower(), at
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    defects: list[DefectKind] = []
    at, count = end, 0
    while at < len(text):
        count += 1
        if count > limits.parameters:
            defects.append(DefectKind.PARAMETER)
            break
        at = comments.skip(at + 1)
        name_match = _NAME.match(text, at)
        if name_match is None:
            if at < len(text) and text[at] != ";":
                defects.append(DefectKind.PARAMETER)
            at = _next_semicolon(text, at)
            continue
        at = comments.skip(name_match.end())
        if not text.startswith("=", at):
            defects.append(DefectKind.PARAMETER)
            at = _next_semicolon(text, at)
            continue
        at = comments.skip(at + 1)
        content, at, fine = _value(comments, at)
        if not fine:
            defects.append(DefectKind.PARAMETER)
        section = _SECTION.match(name_match[0].lower())
        assert section is not None  # a name has at least one character
        name, number, extended = section[1], section[2], section[3] is not None
        if number is None and not extended:
            if name in plain:
                defects.append(DefectKind.DUPLICATE_PARAMETER)
            plain.setdefault(name, content)
            continue
        numbered = pieces.setdefault(name, {})
        key = -1 if number is None else int(number)  # name*=… stands alone
        if key in numbered:
            defects.append(DefectKind.DUPLICATE_PARAMETER)
        numbered.setdefault(key, (content, extended))
    params: dict[str, str] = {}
    for name, content in plain.items():
        raw = content.encode("latin-1")
        params[name] = decode_words(content if raw.isascii() else decode_unknown(raw))
    for name, numbered in pieces.items():
        joined = _join(numbered)
        if joined is None:
            defects.append(DefectKind.PARAMETER)
            continue
        if name in plain:
            defects.append(DefectKind.DUPLICATE_PARAMETER)
        params[name], plain[name] = joined
    return Parameters(first, MappingProxyType(params), MappingProxyType(plain), tuple(dict.fromkeys(defects)))


def _next_semicolon(text: str, at: int) -> int:
    at = text.find(";", at)
    return len(text) if at < 0 else at


def _value(comments: Comments, at: int) -> tuple[str, int, bool]:
    """A parameter's value, the offset of the semicolon after it, and whether it was well-formed."""
    text = comments.text
    quoted = _QUOTED.match(text, at)
    if quoted is not None:
        end = comments.skip(quoted.end())
        fine = quoted[0].endswith('"') and len(quoted[0]) > 1 and (end == len(text) or text[end] == ";")
        return _QUOTED_PAIR.sub(r"\1", quoted[1]), _next_semicolon(text, end), fine
    loose = _LOOSE.match(text, at)
    assert loose is not None  # it matches the empty string
    content = loose[0].partition("(")[0].rstrip(" \t\r\n")
    return content, loose.end(), bool(content)


def _join(numbered: dict[int, tuple[str, bool]]) -> tuple[str, str] | None:
    """Decodes and joins the sections of one parameter (RFC 2231 sections 3 and 4); also gives them undecoded."""
    if -1 in numbered:
        numbered = {0: numbered[-1]}
    if 0 not in numbered:
        return None
    charset, octets, index = "", [], 0
    while index in numbered:
        content, extended = numbered[index]
        if extended and index == 0:
            parts = content.split("'", 2)
            if len(parts) == 3:
                charset, _, content = parts
        octets.append(unquote_to_bytes(content.encode("latin-1")) if extended else content.encode("latin-1"))
        index += 1
    joined = b"".join(octets)
    text = decode_charset(joined, charset)[0] if charset else decode_words(decode_unknown(joined))
    return text, joined.decode("latin-1")


def parse_content_type(value: bytes | None, default: str = "text/plain", limits: Limits = LIMITS) -> ContentType:
    """Parses a Content-Type field body; without one that can be read, the default counts (RFC 2045 section 5.2).

    Args:
        value: the field body as received; `None` where there is no field.
        default: the type that counts then: `"message/rfc822"` in a multipart/digest (RFC 2046 section 5.1.5).
        limits: how many parameters are read.
    """
    if value is None:
        kind, _, subtype = default.partition("/")
        return ContentType(kind, subtype)
    parsed = parse_parameters(value, limits)
    match = _TYPE.match(parsed.value)
    defects = parsed.defects
    if match is None:
        kind, subtype, defects = "text", "plain", (*defects, DefectKind.CONTENT_TYPE)
    else:
        kind, subtype = match[1], match[2]
    raw = parsed.raw.get("boundary")
    boundary = None if raw is None else raw.encode("latin-1")
    return ContentType(kind, subtype, parsed.params, boundary, defects)
