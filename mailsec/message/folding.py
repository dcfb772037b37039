"""Header fields written: encoded words, quoting, parameters and folding (RFC 5322, RFC 2047, RFC 2231)."""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Mapping
from urllib.parse import quote

from mailsec.errors import UsageError
from mailsec.message.addresses import Group, Mailbox

__all__ = ["fold", "write_addresses", "write_parameters", "write_text"]

_LINE = 78  # RFC 5322 section 2.1.1
_WORD = 75  # RFC 2047 section 2
_LONGEST = 900  # a word that is longer would break the limit of 998 octets
_FIELD_NAME = re.compile(r"[!-9;-~]+\Z")
_PIECE = re.compile(r"[ \t]*[^ \t]+")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/?^_`{|}~-]+)*\Z")
_TOKEN = re.compile(r"[A-Za-z0-9!#$&+.^_`{|}~-]+\Z")


def fold(name: str, pieces: Iterable[str]) -> bytes:
    """Writes a header field, folded between its pieces.

    Args:
        name: the field name.
        pieces: parts of the field body; each after the first starts with the white space before it, at which
            the line may be broken.

    Raises:
        UsageError: the name is no field name, or the body holds a line end or NUL: it would not stay one field.
    """
    if not _FIELD_NAME.match(name):
        raise UsageError(f"{name!r} is no name of a header field")
    lines, line = [], f"{name}:"
    for index, piece in enumerate(pieces):
        if any(character in piece for character in "\r\n\0"):
            raise UsageError(f"the header field {name} holds a line end or NUL")
        text = piece if index else f" {piece.lstrip()}"
        if index and len(line.encode()) + len(text.encode()) > _LINE and text.strip():
            lines.append(line)
            line = text
        else:
            line += text
    lines.append(line.rstrip() if line.strip() else line)
    return "\r\n".join(lines).encode("utf-8", "replace") + b"\r\n"


def write_text(text: str) -> list[str]:
    """Writes unstructured text as pieces for `fold`: as it is where it is ASCII, else as encoded words.

    Args:
        text: any text.
    """
    pieces: list[str] = []
    waiting = ""
    for piece in _PIECE.findall(text.strip(" \t")):
        if not piece.isascii() or "=?" in piece or len(piece) > _LONGEST or not piece.replace("\t", " ").isprintable():
            waiting += piece
            continue
        if waiting:
            pieces += encoded_words(waiting, first=not pieces)
            waiting = ""
        pieces.append(piece)
    if waiting:
        pieces += encoded_words(waiting, first=not pieces)
    return pieces


def encoded_words(text: str, *, first: bool = False) -> list[str]:
    """Writes text as encoded words in UTF-8, none longer than 75 characters and none with half a character.

    Args:
        text: the text; the first character of white space before it stands outside the words.
        first: whether nothing stands before it.
    """
    if text[:1] in (" ", "\t"):
        text = text[1:]
    octets = text.encode("utf-8", "replace")
    letters = sum(48 <= octet <= 57 or 65 <= octet <= 90 or 97 <= octet <= 122 or octet == 32 for octet in octets)
    use_base64 = letters * 3 < len(octets) * 2
    words: list[str] = []
    chunk = b""
    for character in text:
        longer = chunk + character.encode("utf-8", "replace")
        if chunk and len(_encoded_word(longer, use_base64=use_base64)) > _WORD:
            words.append(_encoded_word(chunk, use_base64=use_base64))
            longer = character.encode("utf-8", "replace")
        chunk = longer
    words.append(_encoded_word(chunk, use_base64=use_base64))
    return [word if first and not index else f" {word}" for index, word in enumerate(words)]


def _encoded_word(octets: bytes, *, use_base64: bool) -> str:
    if use_base64:
        return f"=?utf-8?b?{binascii.b2a_base64(octets, newline=False).decode()}?="
    # only what is allowed in a phrase too (RFC 2047 section 5 (3))
    encoded = quote(octets, safe="!*+/ ").replace("~", "%7E").replace(".", "%2E").replace("_", "%5F")
    return f"=?utf-8?q?{encoded.replace('%', '=').replace('-', '=2D').replace(' ', '_')}?="


def write_addresses(addresses: Iterable[Mailbox | Group]) -> list[str]:
    """Writes addresses as pieces for `fold`, display names quoted or encoded where they must be.

    Args:
        addresses: mailboxes and groups; their names decoded.
    """
    pieces: list[str] = []
    for address in addresses:
        if isinstance(address, Group):
            members = write_addresses(address.mailboxes)
            written = [*_write_phrase(address.name, first=not pieces)]
            written[-1] += ":"
            written += [f" {piece.lstrip()}" for piece in members]
            written[-1] += ";"
        elif address.display_name:
            written = [*_write_phrase(address.display_name, first=not pieces), f" <{address.address}>"]
        else:
            written = [f" {address.address}"]
        if pieces:
            pieces[-1] += ","
        pieces += written
    return pieces


def _write_phrase(text: str, *, first: bool) -> list[str]:
    if not text.isascii() or "=?" in text or not text.isprintable():
        return encoded_words(f" {text}", first=first)
    if not _ATOMS.match(text):
        text = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return [piece if index else f" {piece}" for index, piece in enumerate(_PIECE.findall(text))]


def write_parameters(value: str, params: Mapping[str, str]) -> list[str]:
    """Writes a value with parameters as pieces for `fold`; what is not ASCII or too long as RFC 2231 has it.

    Args:
        value: such as `"text/plain"`.
        params: the parameters by name.
    """
    pieces = [value]
    for name, content in params.items():
        for written in _write_parameter(name, content):
            pieces[-1] += ";"
            pieces.append(f" {written}")
    return pieces


def _write_parameter(name: str, content: str) -> list[str]:
    room = _LINE - len(name) - 12
    if content.isascii() and content.isprintable() and "=?" not in content:
        if len(content) <= room or name == "boundary":
            return [f"{name}={_quoted(content)}"]
        parts = [content[at : at + room // 2] for at in range(0, len(content), room // 2)]
        return [f"{name}*{index}={_quoted(part)}" for index, part in enumerate(parts)]
    encoded = "utf-8''" + quote(content.encode("utf-8", "replace"), safe="!#$&+^`{}|~")
    if len(encoded) <= room:
        return [f"{name}*={encoded}"]
    parts = []
    while encoded:
        cut = min(room, len(encoded))
        while cut < len(encoded) and "%" in encoded[cut - 2 : cut]:  # an escape stays whole
            cut -= 1
        parts.append(encoded[:cut])
        encoded = encoded[cut:]
    return [f"{name}*{index}*={part}" for index, part in enumerate(parts)]


def _quoted(text: str) -> str:
    if _TOKEN.match(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
