"""The Authentication-Results header field (RFC 8601): read, written, removed where forged, believed where earned."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from mailsec.errors import LimitError, UsageError
from mailsec.hooks.types import AuthResult, Result
from mailsec.message.comments import Comments, strip_comments
from mailsec.message.domains import same_domain
from mailsec.message.edits import Delete
from mailsec.message.header import HeaderField, HeaderSection
from mailsec.message.normalization import nfkc

__all__ = ["AuthenticationResults", "Property", "ResInfo", "forged", "parse", "trusted", "write"]

NAME = "authentication-results"
FIELD_OCTETS = 1 << 16
"""How many octets of a field are read; a longer one is malformed."""

VALUE_LENGTH = 400
"""How many characters of one value are written."""

RESULTS = 50
"""How many results one field carries."""

_LINE = 78
_TOKEN = re.compile(r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~\u0080-\U0010ffff]+")  # RFC 2045 section 5.1, RFC 6532
_QUOTED = re.compile(r'"((?>(?:[^"\\]|\\.)*))"', re.DOTALL)
_KEYWORD = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?")
_PROPERTY = re.compile(r"[A-Za-z0-9_:-]+(?:\.[A-Za-z0-9_:-]+)*")
_PVALUE = re.compile(r'[^\s;()"\\]+')
_AT_DOMAIN = re.compile(r"@[^\s;()\"\\]+")
_DIGITS = re.compile(r"[0-9]{1,9}")
_SPACES = re.compile(r"\r?\n(?=[ \t])")
_PLAIN_VALUE = re.compile(r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+\Z")
_PLAIN_ADDRESS = re.compile(r"[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]*@[A-Za-z0-9.-]+\Z")
_IGNORED = re.compile(r"[\x00-\x20\x7f\"\\]+")
_ADDRESS_LITERAL = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f:.]{2,45})\]", re.IGNORECASE)
_FROM = re.compile(r"\s*from\s", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Property:
    """What a result was found by (RFC 8601 section 2.3).

    Attributes:
        ptype: such as `"smtp"` or `"header"`, in lower case.
        name: such as `"mailfrom"` or `"d"`, in lower case.
        value: the value; foreign text.
    """

    ptype: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class ResInfo:
    """The result of one method.

    Attributes:
        method: in lower case.
        result: in lower case; it need not be one that we know.
        reason: foreign text; empty without one.
        properties: in their order.
        version: of the method; mostly `None`.
    """

    method: str
    result: str
    reason: str = ""
    properties: tuple[Property, ...] = ()
    version: int | None = None

    def as_result(self) -> AuthResult | None:
        """The same as an `AuthResult`; `None` for a result code that we do not know."""
        try:
            properties = {f"{one.ptype}.{one.name}": one.value for one in self.properties}
            return AuthResult(self.method, Result(self.result), self.reason, properties=properties)
        except ValueError:
            return None


@dataclass(frozen=True, slots=True)
class AuthenticationResults:
    """What one Authentication-Results field says.

    Attributes:
        authserv_id: who says it (RFC 8601 section 2.5).
        results: empty where the field says `none`.
        version: of the field's syntax; mostly `None`, which means 1.
    """

    authserv_id: str
    results: tuple[ResInfo, ...] = ()
    version: int | None = None


class _Malformed(Exception):
    """The field does not follow RFC 8601 section 2.2."""


class _Reader:
    """Reads a field from left to right."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._comments = Comments(text)

    def skip(self) -> None:
        """Goes over white space and comments (RFC 5322 section 3.2.2)."""
        self.at = self._comments.skip(self.at)

    def at_end(self) -> bool:
        self.skip()
        return self.at == len(self.text)

    def take(self, character: str) -> bool:
        """Goes over white space, comments and a character, if it is there."""
        self.skip()
        if not self.text.startswith(character, self.at):
            return False
        self.at += len(character)
        return True

    def match(self, pattern: re.Pattern[str]) -> str:
        """Goes over white space, comments and what matches; empty where nothing does."""
        self.skip()
        found = pattern.match(self.text, self.at)
        if found is None:
            return ""
        self.at = found.end()
        return found[0]

    def expect(self, pattern: re.Pattern[str]) -> str:
        found = self.match(pattern)
        if not found:
            raise _Malformed
        return found

    def value(self, pattern: re.Pattern[str] = _TOKEN) -> str:
        """A token or a quoted string, without the quotes."""
        self.skip()
        if not self.text.startswith('"', self.at):
            return self.expect(pattern)
        found = _QUOTED.match(self.text, self.at)
        if found is None:
            raise _Malformed
        self.at = found.end()
        if pattern is _PVALUE and (domain := _AT_DOMAIN.match(self.text, self.at)):
            self.at = domain.end()
            return found[0] + domain[0]  # an address with a quoted local part stays one
        return re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL)


def parse(value: bytes | str) -> AuthenticationResults | None:
    """Reads the value of an Authentication-Results field (RFC 8601 section 2.2).

    Beyond the letter of it this takes what real servers write: a semicolon at the end, values with characters
    that should have been quoted, and words such as `action=none`, which it leaves out.

    Args:
        value: what follows the colon, as received.

    Returns:
        What it says; `None` where it is malformed.
    """
    if len(value) > FIELD_OCTETS:
        return None
    try:
        reader = _Reader(_text(value))
        authserv_id, version = _head(reader)
        results: list[ResInfo] = []
        while not reader.at_end():
            if not reader.take(";"):
                return None
            if reader.at_end():
                break
            if (info := _resinfo(reader)) is None:
                if results or not reader.at_end():
                    return None
            else:
                results.append(info)
    except _Malformed:
        return None
    return AuthenticationResults(authserv_id, tuple(results), version)


def _head(reader: _Reader) -> tuple[str, int | None]:
    """The authserv-id and the version; what follows must be a semicolon or the end."""
    authserv_id = reader.value()
    start = reader.at
    digits = reader.match(_DIGITS)
    if not reader.at_end() and not reader.text.startswith(";", reader.at):
        raise _Malformed
    if digits and reader.text.startswith(digits, start):
        raise _Malformed  # nothing stands between the two
    return authserv_id, int(digits) if digits else None


def _resinfo(reader: _Reader) -> ResInfo | None:
    """One result; `None` for the word `none` that stands for no result."""
    method = reader.expect(_KEYWORD).lower()
    version = None
    if reader.take("/"):
        version = int(reader.expect(_DIGITS))
    if not reader.take("="):
        if method == "none" and version is None:
            return None
        raise _Malformed
    result = reader.expect(_KEYWORD).lower()
    reason = ""
    properties: list[Property] = []
    while not reader.at_end() and not reader.text.startswith(";", reader.at):
        word = reader.expect(_KEYWORD).lower()
        if reader.take("."):
            name = reader.expect(_PROPERTY).lower()
            if not reader.take("="):
                raise _Malformed
            properties.append(Property(word, name, reader.value(_PVALUE)))
        elif reader.take("="):
            value = reader.value(_PVALUE)
            if word == "reason":
                reason = value
        else:
            raise _Malformed
    return ResInfo(method, result, reason, tuple(properties), version)


def _text(value: bytes | str) -> str:
    """The value unfolded, as text; octets that are no UTF-8 stay distinct."""
    text = value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value
    return _SPACES.sub("", text).rstrip("\r\n")


# -- writing -------------------------------------------------------------------------------------------------


def write(authserv_id: str, results: Iterable[AuthResult | ResInfo]) -> bytes:
    """Writes an Authentication-Results field, whole, folded, with its CRLF.

    Whatever a message brought into a value stays inside that value: control characters become spaces,
    characters that are not ASCII become `?`, overlong values are cut, and all else is quoted where it must be.

    Args:
        authserv_id: the name under which our server writes.
        results: what to say; none at all is written as `none` (RFC 8601 section 2.2).

    Raises:
        UsageError: the authserv-id is empty or holds what a header field cannot.
    """
    if not authserv_id or not authserv_id.isascii() or not authserv_id.isprintable() or len(authserv_id) > VALUE_LENGTH:
        raise UsageError(f"{authserv_id!r} cannot be an authserv-id")
    infos = [_info(one) if isinstance(one, AuthResult) else one for one in results]
    left_out = len(infos) - RESULTS
    name = authserv_id if _PLAIN_VALUE.match(authserv_id) else _quote(authserv_id)
    pieces = ["Authentication-Results:", f"{name};"]
    if not infos:
        pieces.append("none")
    for number, info in enumerate(infos[:RESULTS], 1):
        words = _words(info)
        if number < min(len(infos), RESULTS):
            words[-1] += ";"
        pieces += ["\n", *words]
    if left_out > 0:
        pieces.append(f"({left_out} more left out)")
    return _fold(pieces)


def _info(result: AuthResult) -> ResInfo:
    properties = []
    for name, value in result.properties.items():
        ptype, _, rest = name.partition(".")
        properties.append(Property(ptype, rest, value))
    return ResInfo(result.method, str(result.result), result.reason, tuple(properties))


def _words(info: ResInfo) -> list[str]:
    """One result as words that a fold may stand between."""
    method = info.method if info.version is None else f"{info.method}/{info.version}"
    if not _KEYWORD.fullmatch(info.method) or not _KEYWORD.fullmatch(info.result):
        raise UsageError(f"{info.method!r}={info.result!r} cannot be written as a result")
    words = [f"{method}={info.result}"]
    if info.reason:
        words += _breakable(f"reason={_quote(info.reason)}")
    for one in info.properties:
        if not _KEYWORD.fullmatch(one.ptype) or not _PROPERTY.fullmatch(one.name):
            raise UsageError(f"{one.ptype!r}.{one.name!r} cannot be written as a property")
        words += _breakable(f"{one.ptype}.{one.name}={_value(one.value)}")
    return words


def _clean(text: str) -> str:
    """A value that no header field minds, in printable ASCII."""
    text = text if len(text) <= VALUE_LENGTH else text[: VALUE_LENGTH - 3] + "..."
    return "".join(one if " " <= one <= "~" else "?" if one > "\x7f" else " " for one in text)


def _quote(text: str) -> str:
    escaped = _clean(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _value(text: str) -> str:
    """A value as a token or address where it is one, else quoted."""
    plain = _PLAIN_VALUE.match(text) or _PLAIN_ADDRESS.match(text)
    return text if plain and len(text) <= VALUE_LENGTH else _quote(text)


def _breakable(word: str) -> list[str]:
    """A word, taken apart before spaces inside quotes, where folding keeps them (RFC 5322 section 3.2.2)."""
    if len(word) < _LINE - 2:
        return [word]
    return re.split(r"(?<=[^ ]) (?= *[^ ])", word)


def _fold(pieces: Sequence[str]) -> bytes:
    """Joins words into lines of fewer than 78 characters where they allow it; a line feed asks for a new line."""
    lines = [pieces[0]]
    for piece in pieces[1:]:
        if piece == "\n":
            lines.append("")
        elif lines[-1] and len(lines[-1]) + len(piece) + 1 >= _LINE:
            lines.append(f" {piece}")
        else:
            lines[-1] += f" {piece}"
    return "\r\n".join(lines).encode("ascii") + b"\r\n"


# -- removing and believing ----------------------------------------------------------------------------------


def forged(header: HeaderSection, authserv_id: str) -> tuple[Delete, ...]:
    """The edits that take out every field that claims to be ours (RFC 8601 section 5).

    A malformed field goes too where somebody more lenient could read our name in it.

    Args:
        header: the header section as received from outside.
        authserv_id: the name under which our own server writes.

    Returns:
        Deletions from the last field to the first, so that they are right one by one as well.

    Raises:
        LimitError: the header section is over the limits of the parser, so that some fields were not seen.
    """
    seen = header[-1].span[1] - header.base if len(header) else 0
    if seen < len(header.octets):
        raise LimitError("the header section is too long to look through for forged fields")
    found = (field.index for field in header.all(NAME) if _could_be_ours(field, authserv_id))
    return tuple(Delete(index) for index in sorted(found, reverse=True))


def _could_be_ours(field: HeaderField, authserv_id: str) -> bool:
    return any(_claims(text, authserv_id) for text in (_text(field.raw_value), field.value))


def _claims(text: str, authserv_id: str) -> bool:
    """Whether a field's value names us as its author, or is malformed and names us anywhere."""
    ours = _reduce(authserv_id)
    reader = _Reader(text[:FIELD_OCTETS])
    try:
        name, _ = _head(reader)
        if len(text) > FIELD_OCTETS:
            raise _Malformed
    except _Malformed:
        return ours in _reduce(text) or ours in _reduce(strip_comments(text))
    if _PLAIN_VALUE.match(name):
        return _reduce(name) == ours or same_domain(name, authserv_id)
    return ours in _reduce(name) or same_domain(name, authserv_id)  # it needed quotes, or is not ASCII


def _reduce(text: str) -> str:
    """A text as the most lenient reader could compare it."""
    return _IGNORED.sub("", nfkc(text)).casefold().removesuffix(".")


def trusted(
    header: HeaderSection, authserv_id: str, networks: Collection[str] = ("127.0.0.0/8", "::1/128")
) -> tuple[AuthenticationResults, ...]:
    """What our own server has said: fields with its name above the first Received field from outside.

    A Received field is from inside only where every address literal in it (RFC 5321 section 4.4, TCP-info) lies in
    the networks given, and where it holds one, or where it has no `from` clause at all: names in it are the
    client's own words. Nothing below the first other one is believed, whatever it says.

    Args:
        header: the header section of a message as our server delivered it.
        authserv_id: the name that our server writes, and strips from what comes in.
        networks: the networks of our own servers, in CIDR notation.

    Raises:
        UsageError: a network cannot be read.
    """
    try:
        inside = [ipaddress.ip_network(one) for one in networks]
    except ValueError as error:
        raise UsageError(str(error)) from error
    found: list[AuthenticationResults] = []
    for field in header:
        if field.key == "received" and not _from_inside(field, inside):
            break
        if field.key == NAME:
            said = parse(field.raw_value)
            if said is not None and same_domain(said.authserv_id, authserv_id) and said.version in {None, 1}:
                found.append(said)
    return tuple(found)


def _from_inside(field: HeaderField, inside: Sequence[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    text = field.raw_value[:FIELD_OCTETS].decode("latin-1")
    if not _FROM.match(text):
        return True
    literals = _ADDRESS_LITERAL.findall(text)
    try:
        addresses = [ipaddress.ip_address(one) for one in literals]
    except ValueError:
        return False
    return bool(addresses) and all(any(one in network for network in inside) for one in addresses)
