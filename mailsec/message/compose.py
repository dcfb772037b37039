"""Messages written: well-formed MIME with CRLF line ends (RFC 5322, RFC 2045, RFC 2046).

Small builders make entities, `multipart` puts them together, `write_message` sets the header section on top:

    body = multipart("alternative", text("Grüße"), text("<p>Grüße</p>", "html"))
    octets = write_message([("From", "Ada <ada@example.org>"), ("Subject", "Grüße")], body)

`Draft` does the same for an ordinary letter. Nothing here reads a clock or a source of randomness: the same
input gives the same octets.
"""

from __future__ import annotations

import binascii
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Literal

from mailsec.errors import UsageError
from mailsec.message.addresses import Mailbox, mailboxes, parse_addresses
from mailsec.message.edits import Insert
from mailsec.message.folding import fold, write_addresses, write_parameters, write_text
from mailsec.message.lines import to_crlf

__all__ = ["Draft", "Entity", "attachment", "image", "multipart", "nested", "text", "write_message"]

Encoding = Literal["7bit", "8bit", "quoted-printable", "base64"]

_ADDRESS_FIELDS = frozenset(
    {"from", "sender", "reply-to", "to", "cc", "bcc"}
    | {"resent-from", "resent-sender", "resent-to", "resent-cc", "resent-bcc", "disposition-notification-to"}
)
_IDENTIFIER_FIELDS = frozenset({"message-id", "in-reply-to", "references", "content-id", "resent-message-id"})


@dataclass(frozen=True, slots=True)
class Entity:
    """A MIME entity that is ready to be put into a message or another entity.

    Attributes:
        fields: its header fields, each folded and with its line end.
        body: its body, encoded, with CRLF line ends.
        eight_bit: whether the body holds octets over 127.
    """

    fields: tuple[bytes, ...]
    body: bytes
    eight_bit: bool = False

    def __bytes__(self) -> bytes:
        return b"".join((*self.fields, b"\r\n", self.body))


def text(
    content: str,
    subtype: str = "plain",
    *,
    encoding: Encoding | None = None,
    params: Mapping[str, str] | None = None,
    charset: str = "utf-8",
) -> Entity:
    """Writes a text part.

    Args:
        content: the text, with any line ends.
        subtype: such as `"plain"` or `"html"`.
        encoding: the Content-Transfer-Encoding; by default 7bit where that is safe for signatures (RFC 8551
            section 3.1.3), else quoted-printable or base64, whichever is shorter.
        params: further parameters of Content-Type, such as `{"format": "flowed"}`.
        charset: a charset that Python knows and that has all the characters.

    Raises:
        UsageError: the text does not fit the charset or the encoding.
    """
    lines = content.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\r\n")
    try:
        octets = lines.encode(charset)
    except (UnicodeEncodeError, LookupError) as error:
        raise UsageError(f"the text cannot be written in {charset}") from error
    if encoding is None:
        encoding = _choose(octets)
    plain = encoding in ("7bit", "8bit")
    if plain and not (_short_lines(octets) and b"\0" not in octets and (encoding == "8bit" or octets.isascii())):
        raise UsageError(f"the text cannot be sent as {encoding}")
    if octets.isascii() and charset == "utf-8":
        charset = "us-ascii"
    content_type = write_parameters(f"text/{subtype}", {"charset": charset, **(params or {})})
    body = octets if plain else _ENCODERS[encoding](octets)
    return Entity(
        (fold("Content-Type", content_type), fold("Content-Transfer-Encoding", [encoding])),
        body,
        encoding == "8bit" and not octets.isascii(),
    )


def _short_lines(octets: bytes) -> bool:
    return max(map(len, octets.split(b"\r\n"))) <= 998


def _choose(octets: bytes) -> Encoding:
    fragile = any(
        mark in b"\n" + octets + b"\r\n" for mark in (b"\nFrom ", b" \r\n", b"\t\r\n", b"\n.\r\n", b"\0", b"\n-- \r\n")
    )
    if octets.isascii() and not fragile and _short_lines(octets):
        return "7bit"
    escaped = octets.translate(None, bytes(octet for octet in range(32, 127) if octet != 61) + b"\r\n\t")
    return "quoted-printable" if len(escaped) * 6 <= len(octets) else "base64"


def _quoted_printable(octets: bytes) -> bytes:
    encoded = to_crlf(binascii.b2a_qp(octets, istext=True))
    encoded = (b"\n" + encoded).replace(b"\nFrom ", b"\n=46rom ")  # mbox files would mangle it
    return encoded[1:]


def _base64(octets: bytes) -> bytes:
    return b"".join(
        binascii.b2a_base64(octets[at : at + 57], newline=False) + b"\r\n" for at in range(0, len(octets), 57)
    )


_ENCODERS = {"quoted-printable": _quoted_printable, "base64": _base64}


def attachment(
    content: bytes,
    filename: str | None = None,
    content_type: str = "application/octet-stream",
    *,
    params: Mapping[str, str] | None = None,
) -> Entity:
    """Writes an attachment in base64.

    Args:
        content: its octets.
        filename: its file name in any script (RFC 2231).
        content_type: its media type.
        params: parameters of Content-Type.
    """
    names = {} if filename is None else {"filename": filename}
    return Entity(
        (
            fold("Content-Type", write_parameters(content_type, params or {})),
            fold("Content-Transfer-Encoding", ["base64"]),
            fold("Content-Disposition", write_parameters("attachment", names)),
        ),
        _base64(content),
    )


def image(content: bytes, content_id: str, subtype: str = "png", filename: str | None = None) -> Entity:
    """Writes an image that HTML beside it names as `cid:CONTENT_ID` (RFC 2392).

    Args:
        content: its octets.
        content_id: the identifier without angle brackets.
        subtype: such as `"png"`.
        filename: its file name.
    """
    names = {} if filename is None else {"filename": filename}
    return Entity(
        (
            fold("Content-Type", [f"image/{subtype}"]),
            fold("Content-Transfer-Encoding", ["base64"]),
            fold("Content-Disposition", write_parameters("inline", names)),
            fold("Content-ID", [f"<{content_id}>"]),
        ),
        _base64(content),
    )


def nested(message: bytes, filename: str | None = None) -> Entity:
    """Writes a message as a message/rfc822 part (RFC 2046 section 5.2.1).

    Args:
        message: its octets; line ends become CRLF.
        filename: its file name; with one it is an attachment.
    """
    octets = to_crlf(message)
    fields = [fold("Content-Type", ["message/rfc822"])]
    eight_bit = not octets.isascii()
    if eight_bit:
        fields.append(fold("Content-Transfer-Encoding", ["8bit"]))
    if filename is not None:
        fields.append(fold("Content-Disposition", write_parameters("attachment", {"filename": filename})))
    return Entity(tuple(fields), octets, eight_bit)


def multipart(
    subtype: str,
    *parts: Entity,
    boundaries: Iterator[str] | None = None,
    params: Mapping[str, str] | None = None,
    preamble: str = "",
) -> Entity:
    """Puts entities together (RFC 2046 section 5.1).

    Args:
        subtype: such as `"mixed"`, `"alternative"`, `"related"` or `"signed"`.
        parts: at least one entity.
        boundaries: where boundaries come from; by default they are derived from the parts, which thus cannot
            hold them.
        params: parameters of Content-Type besides the boundary.
        preamble: what stands before the first part, for readers without MIME.

    Raises:
        UsageError: there is no part, or the boundaries are used up.
    """
    if not parts:
        raise UsageError("a multipart needs at least one part")
    octets = [bytes(part) for part in parts]
    for boundary in boundaries if boundaries is not None else _derived(octets):
        delimiter = b"--" + boundary.encode("ascii")
        if not any(delimiter in entity for entity in octets):
            break
    else:
        raise UsageError("no boundary is left that does not occur in a part")
    eight_bit = any(part.eight_bit for part in parts)
    fields = [fold("Content-Type", write_parameters(f"multipart/{subtype}", {**(params or {}), "boundary": boundary}))]
    if eight_bit:
        fields.append(fold("Content-Transfer-Encoding", ["8bit"]))
    body = [to_crlf(preamble.encode()) + b"\r\n" if preamble else b""]
    body += [part for entity in octets for part in (delimiter, b"\r\n", entity, b"\r\n")]
    return Entity(tuple(fields), b"".join((*body, delimiter, b"--\r\n")), eight_bit)


def _derived(octets: Sequence[bytes]) -> Iterator[str]:
    digest = hashlib.sha256()
    for entity in octets:
        digest.update(len(entity).to_bytes(8) + entity)
    yield f"=_{digest.hexdigest()[:32]}"  # "=_" never occurs in quoted-printable or base64


def write_message(fields: Iterable[tuple[str, str | bytes]], entity: Entity) -> bytes:
    """Writes a message.

    Args:
        fields: name and value of header fields, in order. Address fields are taken apart and written anew; other
            text is folded, and encoded where it is not ASCII; octets are written as they are.
        entity: the content, whose fields follow after `MIME-Version`.

    Raises:
        UsageError: a name or a value would not give one header field.
    """
    written = [_write_field(name, value) for name, value in fields]
    return b"".join((*written, fold("MIME-Version", ["1.0"]), *entity.fields, b"\r\n", entity.body))


def _write_field(name: str, value: str | bytes) -> bytes:
    if isinstance(value, bytes):
        return Insert(name.encode("ascii", "replace") + b": " + value + b"\r\n").field
    if "\r" in value or "\n" in value:
        raise UsageError(f"the header field {name} holds a line end or NUL")
    if name.lower() in _ADDRESS_FIELDS:
        addresses = parse_addresses(value)
        for mailbox in mailboxes(addresses):
            if not mailbox.valid:
                raise UsageError(f"{mailbox.address!r} in the field {name} is no address")
        return fold(name, write_addresses(addresses))
    if name.lower() in _IDENTIFIER_FIELDS:
        return fold(name, [f" {word}" for word in value.split()])
    return fold(name, write_text(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An ordinary letter.

    Attributes:
        author: the From field, such as `"Ada Lovelace <ada@example.org>"`.
        to: the To field.
        subject: the subject, any text.
        date: the Date field, aware.
        message_id: the Message-ID with its angle brackets.
        plain: the text; `None` for a letter without one.
        html: the same as HTML, for an alternative.
        images: inline images that the HTML names, made by `image`.
        attachments: further entities, made by `attachment` or `nested`.
        cc: the Cc field.
        fields: further header fields.
    """

    author: str | Mailbox
    to: str = ""
    subject: str = ""
    date: datetime
    message_id: str
    plain: str | None = ""
    html: str | None = None
    images: tuple[Entity, ...] = ()
    attachments: tuple[Entity, ...] = ()
    cc: str = ""
    fields: tuple[tuple[str, str | bytes], ...] = field(default=())

    def entity(self, boundaries: Iterator[str] | None = None) -> Entity:
        """The content as one entity.

        Args:
            boundaries: where boundaries come from; see `multipart`.
        """
        shown = [] if self.plain is None and self.html is not None else [text(self.plain or "")]
        if self.html is not None:
            page = text(self.html, "html")
            if self.images:
                page = multipart("related", page, *self.images, boundaries=boundaries, params={"type": "text/html"})
            shown.append(page)
        body = shown[0] if len(shown) == 1 else multipart("alternative", *shown, boundaries=boundaries)
        return multipart("mixed", body, *self.attachments, boundaries=boundaries) if self.attachments else body

    def compose(self, boundaries: Iterator[str] | None = None) -> bytes:
        """The octets of the message.

        Args:
            boundaries: where boundaries come from; see `multipart`.

        Raises:
            UsageError: a field would not stay one field.
        """
        if isinstance(self.author, Mailbox):
            author = fold("From", write_addresses([self.author]))
        else:
            author = _write_field("From", self.author)
        head = [author]
        head += [_write_field(name, value) for name, value in (("To", self.to), ("Cc", self.cc)) if value]
        head.append(_write_field("Subject", self.subject))
        head.append(fold("Date", [format_datetime(self.date)]))
        head.append(_write_field("Message-ID", self.message_id))
        return b"".join(head) + write_message(self.fields, self.entity(boundaries))
