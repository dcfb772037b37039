"""Building the payload of a message whose header is protected with its content (RFC 9788 section 5)."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from mailsec.errors import UsageError
from mailsec.message.compose import text
from mailsec.message.confidentiality import PolicyName, outside
from mailsec.message.header import HeaderField
from mailsec.message.lines import crlf_pieces, to_crlf
from mailsec.message.message import Message, parse
from mailsec.message.part import Part
from mailsec.message.protection import find_payload, is_layer, is_structural

__all__ = ["Unprotected", "plain_entity", "protected_entity"]

# What servers write, or what is not meant to be read by recipients: its writer cannot vouch for it.
_NOT_THE_WRITERS: Final = frozenset(
    {"received", "return-path", "delivered-to", "dkim-signature", "authentication-results", "bcc", "hp-outer"}
)
# What a reader is shown (RFC 9787 section 1.1.2), and what the policies hide besides.
_FACING: Final = ("subject", "from", "to", "cc", "date", "reply-to", "sender", "comments", "keywords")
_BODY: Final = re.compile(r"<body\b[^>]*>", re.IGNORECASE)
_LONG_TEXT: Final = 1 << 20
"""How long a text is at the top of which anybody looks for fields."""
_DISPLAY: Final = "header-protection-legacy-display"


@dataclass(frozen=True, slots=True)
class Unprotected:
    """A message taken apart for protection.

    Attributes:
        header: the fields that stand outside, with CRLF line ends and without those that say how the body is read.
        inner: the header section of the entity that is to be signed or encrypted, with CRLF line ends.
        body: the body of that entity, in pieces that are made when they are asked for: a large one is not copied.
    """

    header: bytes
    inner: bytes
    body: tuple[bytes | memoryview, ...]

    def pieces(self) -> Iterator[bytes | memoryview]:
        """The entity with CRLF line ends, in pieces."""
        yield self.inner + b"\r\n"
        for piece in self.body:
            yield from crlf_pieces(piece)

    @property
    def entity(self) -> bytes:
        """The entity in one piece."""
        return b"".join(self.pieces())


def plain_entity(message: Message) -> Unprotected:
    """Takes a message apart so that its content alone is protected.

    Args:
        message: the message.
    """
    header = b"".join(_ended(field.raw) for field in message.header if not is_structural(field))
    return Unprotected(header, b"".join(_structural(message)), (message.body,))


def protected_entity(
    message: Message,
    *,
    encrypted: bool,
    policy: PolicyName = "baseline",
    hidden: frozenset[str] = frozenset(),
    legacy_display: bool = True,
) -> Unprotected:
    """Takes a message apart so that its header fields are protected too (RFC 9788 section 5.2.1).

    Args:
        message: the message.
        encrypted: whether it will be encrypted, signed or not.
        policy: which fields an encrypted message keeps from being read on the way.
        hidden: names, in lower case, of more such fields; a reply names what was confidential in what it answers.
        legacy_display: whether these fields are written at the top of the text too, for programs that can decrypt and
            know no protected header fields.

    Raises:
        UsageError: the message is protected already, or so malformed that what comes out would not be read alike.
    """
    if is_layer(message.root):
        raise UsageError("the message is signed or encrypted already, so its header cannot be protected with it")
    intent = "cipher" if encrypted else "clear"
    fields = [field for field in message.header if not is_structural(field) and field.key not in _NOT_THE_WRITERS]
    others = [field.raw for field in message.header if field.key in _NOT_THE_WRITERS and field.key != "hp-outer"]
    if not encrypted:
        written = [field.raw for field in fields]
        inner: list[bytes] = []
        body: tuple[bytes | memoryview, ...] = (message.body,)
    else:
        shown = [(field, outside(field, policy, hidden)) for field in fields]
        written = [one for _, one in shown if one is not None]
        inner = [_hp_outer(one) for one in written]
        secret = [field for field, one in shown if one != field.raw and field.key in _FACING]
        message, body = _with_display(message, secret) if legacy_display and secret else (message, (message.body,))
    section = b"".join((*(_ended(field.raw) for field in fields), *map(_ended, inner), *_structural(message, intent)))
    made = find_payload(parse(section + b"\r\n").root, message.header)
    if made is None or made.intent != intent or made.root.content_type != message.root.content_type:
        raise UsageError("the message's Content-Type is malformed, so its header cannot be protected with it")
    return Unprotected(to_crlf(b"".join(map(_ended, (*others, *written)))), section, body)


def _hp_outer(field: bytes) -> bytes:
    name, _, value = field.partition(b":")
    return b"HP-Outer: %b: %b" % (name.rstrip(), value.lstrip(b" \t"))


def _structural(message: Message, intent: str = "") -> Iterator[bytes]:
    """The fields that say how the content is read, the parameter hp among them where it is wanted."""
    kinds = message.header.all("content-type")
    if not kinds:
        yield b"Content-Type: text/plain; charset=us-ascii" + _parameter("hp", intent)
    for field in message.header:
        if field.key == "content-type" and field.index == kinds[-1].index:
            yield field.raw.rstrip(b" \t\r\n;") + _parameter("hp", intent)
        elif is_structural(field) and field.key != "mime-version":
            yield _ended(field.raw)


def _parameter(name: str, value: str) -> bytes:
    return f';\r\n {name}="{value}"\r\n'.encode() if value else b"\r\n"


def _ended(field: bytes) -> bytes:
    return to_crlf(field if field.endswith((b"\n", b"\r")) else field + b"\r\n")


# -- Legacy Display Elements (sections 5.2.2 to 5.2.5) -------------------------------------------------------


def _with_display(message: Message, fields: Sequence[HeaderField]) -> tuple[Message, tuple[bytes | memoryview, ...]]:
    """The message with fields at the top of its text, in each form that the text has, and its body in pieces."""
    lines = [f"{field.name}: {' '.join(field.value.split())}" for field in fields]
    parts = [part for part in _main_parts(message.root) if len(part.octets) <= _LONG_TEXT]
    if parts and parts[0] is message.root:  # whose header section changes too
        message = parse(b"".join((message.envelope_line, _displayed(message.root, lines))))
        return message, (message.body,)
    octets = message.octets
    at = len(octets) - len(message.body)
    pieces: list[bytes | memoryview] = []
    for part in parts:
        start, end = part.span
        pieces += [octets[at:start], _displayed(part, lines)]
        at = end
    return message, (*pieces, octets[at:])


def _main_parts(part: Part) -> Iterator[Part]:
    """The leaves that are the message's text (RFC 9787 section 7.1), in document order."""
    if part.is_multipart:
        if part.media.subtype == "alternative":
            for child in part.children:
                yield from _main_parts(child)
        elif part.media.subtype in {"mixed", "related"} and part.children:
            yield from _main_parts(part.children[0])
    elif part.content_type in {"text/plain", "text/html"} and part.disposition != "attachment":
        yield part


def _displayed(part: Part, lines: Sequence[str]) -> bytes:
    subtype = part.media.subtype
    if subtype == "plain":
        content = "\n".join((*lines, "", part.text))
    else:
        element = f'<div class="{_DISPLAY}">\n<pre>{html.escape(chr(10).join(lines), quote=False)}</pre></div>\n'
        at = found.end() if (found := _BODY.search(part.text)) else 0
        content = f"{part.text[:at]}\n{element}{part.text[at:]}"
    params = {name: value for name, value in part.media.params.items() if name != "charset"}
    made = text(content, subtype, params={**params, "hp-legacy-display": "1"})
    kept = [
        _ended(field.raw) for field in part.header if field.key not in {"content-type", "content-transfer-encoding"}
    ]
    return b"".join((*kept, *made.fields, b"\r\n", made.body))
