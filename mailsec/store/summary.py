"""What the index keeps of a message: a few header fields, and the words to search. Pure, in linear time."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from mailsec.message import HeaderSection, Limits, Mailbox, Message, Part, mailboxes, parse, parse_addresses, parse_date
from mailsec.message.buffer import Octets
from mailsec.message.charsets import decode_charset, decode_unknown
from mailsec.message.transfer import decode_transfer

__all__ = ["LIMITS", "PARSING", "Summary", "SummaryLimits", "summarize", "summarize_all"]


@dataclass(frozen=True, slots=True)
class SummaryLimits:
    """How much of a message goes into the index.

    Attributes:
        name: characters of a name or an address.
        recipients: characters of all recipients together.
        subject: characters of the subject.
        identifier: octets of a Message-ID; a longer one counts as none.
        references: how many Message-IDs of References or In-Reply-To, the last ones.
        field: characters of a header field, or of all attachments' names, that can be searched.
        part_octets: octets of a text part, as received, that are read for searching.
        text: characters of the text that can be searched, all parts together.
        walked: how many parts are looked at.
    """

    name: int = 200
    recipients: int = 500
    subject: int = 500
    identifier: int = 500
    references: int = 30
    field: int = 4_000
    part_octets: int = 1 << 20
    text: int = 1 << 18
    walked: int = 300


LIMITS = SummaryLimits()
"""The limits that are in force."""

PARSING = Limits(
    depth=20,
    parts=1_000,
    stray_delimiters=10_000,
    header_octets=1 << 18,
    header_fields=1_000,
    parameters=50,
    addresses=100,
)
"""How far a message is taken apart for the index; less far than for reading it."""

_IDENTIFIER = re.compile(rb"<([^<>\s]{1,500})>")
_SIGNATURES = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"})
_HIDDEN = re.compile(r"<(!--|style\b|script\b)", re.IGNORECASE)
_SHOWN_AGAIN = {
    "!--": re.compile("-->"),
    "style": re.compile(r"</style[^<>]*>?", re.IGNORECASE),
    "script": re.compile(r"</script[^<>]*>?", re.IGNORECASE),
}
_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True)
class Summary:
    """What the index keeps of a message. All texts are foreign: `safe_text` before they are shown.

    Attributes:
        message_id: its Message-ID without the angle brackets; empty without one.
        references: the Message-IDs in References, else in In-Reply-To, the nearest last.
        author_name: the display name of the first author.
        author: the address of the first author.
        recipients: the display names or addresses in To, joined by a comma.
        subject: the subject, decoded.
        date: its Date, else that of its topmost Received field, in seconds since the epoch; 0 with neither.
        size: octets.
        attachments: how many attachments it has.
        authors_words: names and addresses in From, Sender and Reply-To, for searching.
        recipients_words: names and addresses in To, Cc and Bcc, for searching.
        attachments_words: the attachments' names, for searching.
        body_words: the text, for searching.
    """

    message_id: str
    references: tuple[str, ...]
    author_name: str
    author: str
    recipients: str
    subject: str
    date: int
    size: int
    attachments: int
    authors_words: str
    recipients_words: str
    attachments_words: str
    body_words: str


def summarize(octets: Octets) -> Summary:
    """Looks a message over for the index. It never fails, whatever the octets are.

    Args:
        octets: the message.
    """
    message = parse(octets, PARSING)
    header = message.header
    authors, to = _people(header, b"from"), _people(header, b"to")
    identifiers = _identifiers(header, b"message-id")
    references = _identifiers(header, b"references") or _identifiers(header, b"in-reply-to")
    attachments, names, text = _content(message)
    return Summary(
        identifiers[-1] if identifiers else "",
        tuple(references[-LIMITS.references :]),
        _clean(authors[0].display_name if authors else "", LIMITS.name),
        _clean(authors[0].address if authors else "", LIMITS.name),
        _clean(", ".join([one.display_name or one.address for one in to]), LIMITS.recipients),
        _clean(message.subject, LIMITS.subject),
        _date(message),
        len(message),
        attachments,
        _clean(_words([*authors, *_people(header, b"sender"), *_people(header, b"reply-to")]), LIMITS.field),
        _clean(_words([*to, *_people(header, b"cc"), *_people(header, b"bcc")]), LIMITS.field),
        _clean(names, LIMITS.field),
        _clean(text, LIMITS.text),
    )


def summarize_all(messages: Sequence[Octets]) -> list[Summary]:
    """Looks several messages over, as one task of a process pool.

    Args:
        messages: the messages.
    """
    return [summarize(octets) for octets in messages]


def _clean(text: str, most: int) -> str:
    """Text that SQLite takes: no NUL, no halves of surrogate pairs."""
    text = text[:most]
    if "\0" in text:
        text = text.replace("\0", " ")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-8", "replace").decode()
    return text


def _identifiers(header: HeaderSection, key: bytes) -> list[str]:
    """The Message-IDs in all fields of a name (RFC 5322 section 3.6.4)."""
    indexes = header.indexes(key)
    if not indexes:
        return []
    return [found.decode("latin-1") for value in header.raw_values(indexes) for found in _IDENTIFIER.findall(value)]


def _people(header: HeaderSection, key: bytes) -> Sequence[Mailbox]:
    """The mailboxes in all fields of a name."""
    indexes = header.indexes(key)
    if not indexes:
        return ()
    return [mailbox for value in header.raw_values(indexes) for mailbox in mailboxes(parse_addresses(value, PARSING))]


def _words(people: Sequence[Mailbox]) -> str:
    """Names and addresses, each once."""
    found: dict[str, None] = {}
    for mailbox in people:
        found[mailbox.display_name] = found[mailbox.address] = None
    return " ".join(found)


def _date(message: Message) -> int:
    when = message.date
    if when is None and (received := message.header.first("received")) is not None:
        when = parse_date(received.raw_value.rpartition(b";")[2])  # RFC 5321 section 4.4
    return 0 if when is None else max(0, int(when.timestamp()))


def _content(message: Message) -> tuple[int, str, str]:
    """How many attachments there are, their names, and the text."""
    attachments, names, texts, left = 0, [], [], LIMITS.text
    for number, part in enumerate(message.walk()):
        if number >= LIMITS.walked:
            break
        if part.is_multipart:
            continue
        if _is_attachment(part):
            attachments += 1
            names.append(part.filename or "")
        elif part.media.type == "text" and left > 0 and not _has_plain_twin(part):
            text = _text(part)
            texts.append(text[:left])
            left -= len(text)
    return attachments, " ".join(names), "\n".join(texts)


def _is_attachment(part: Part) -> bool:
    """Whether a reader would say that it is attached."""
    disposition = part.disposition
    if disposition == "attachment":
        return part.content_type not in _SIGNATURES
    if part.is_message:
        return False
    parent = part.parent
    if part.media.type == "text":
        return part.filename is not None
    if part.content_type in _SIGNATURES:
        return False
    related = parent is not None and parent.content_type == "multipart/related"
    return not (related and part.content_id)


def _has_plain_twin(part: Part) -> bool:
    """Whether it is an alternative to plain text with something in it."""
    parent = part.parent
    if part.media.subtype != "html" or parent is None or parent.content_type != "multipart/alternative":
        return False
    return any(twin.content_type == "text/plain" and len(twin.body) > 20 for twin in parent.children)


def _text(part: Part) -> str:
    octets = decode_transfer(bytes(part.body[: LIMITS.part_octets]), part.encoding)
    charset = part.media.params.get("charset")
    text = decode_unknown(octets) if charset is None else decode_charset(octets, charset)[0]
    return _without_tags(text) if part.media.subtype in ("html", "xhtml", "xml") else text


def _without_tags(text: str) -> str:
    """The words of HTML, for searching only: crude, and in linear time."""
    pieces, at = [], 0
    while match := _HIDDEN.search(text, at):
        pieces.append(text[at : match.start()])
        end = _SHOWN_AGAIN[match[1].lower()].search(text, match.end())
        at = len(text) if end is None else end.end()
    pieces.append(text[at:])
    shown = _TAG.sub(" ", " ".join(pieces))
    return html.unescape(shown) if "&" in shown else shown
