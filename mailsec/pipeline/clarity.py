"""Whether a message can be read in one way only.

Mail programs disagree about what is malformed: some take a header line without a colon for the start of the body,
some take a bare CR for a line end, some count the first of two Content-Type fields. Whoever changes a message on
its way uses that to show something that a signature does not cover. So where a message can be read in several
ways, nobody is said to have signed the whole of it.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from mailsec.message.addresses import mailboxes
from mailsec.message.comments import strip_comments

if TYPE_CHECKING:
    from mailsec.message import HeaderSection, Message, Part

__all__ = ["BESIDE", "READING", "author_doubt", "envelope_doubt", "header_doubt", "opened_doubt", "parts_doubt"]

BESIDE: Final = "something else stands beside it"

READING: Final = ("mime-version", "content-type", "content-transfer-encoding")
"""The header fields that say how the body is read: whoever changes one shows the same octets as something else."""

_NAME: Final = re.compile(rb"[!-9;-~]+\Z")
# A header section as it should be, in which nothing can hide; this is what nearly all are.
_REGULAR: Final = re.compile(rb"(?>(?:[!-9;-~]++:[^\r\n\0]*+(?>(?:\r?\n[ \t][^\r\n\0]*+)*)(?:\r?\n|\Z))*)\Z")
# The line before a message in an mbox (RFC 4155), with nothing in it that could be a message to its reader.
_ENVELOPE: Final = re.compile(
    rb"From \S+ +[A-Z][a-z]{2} +[A-Z][a-z]{2} +[0-9]{1,2} [0-9:]{4,8}"
    rb"(?: [A-Z]{1,5}| [+-][0-9]{4})* [0-9]{4}[ \t]*\r?\n\Z"
)
_BARE_CR: Final = re.compile(rb"\r(?!\n)")
_LETTERS: Final = re.compile(rb"[^a-z]+")
_HIDDEN_FROM: Final = re.compile(rb"[\r\0][ \t]*from[ \t]*:", re.IGNORECASE)
_TOO_LONG: Final = "its header section is too long to be read whole"
_BODY_FORMAT: Final = ("content-type", "content-transfer-encoding")
# Parameters that everybody reads alike: no comments, no escapes, nothing of RFC 2231.
_PLAIN_PARAMETERS: Final = re.compile(
    rb"""(?:\s*;\s*[A-Za-z0-9-]+=(?:"[^"\\\x00-\x08\x80-\xff]*"|[^\s;:"\\()<>@,?=\[\]\x00-\x08\x80-\xff]+))*\s*;?\s*\Z"""
)
_WHITE_LINE: Final = re.compile(rb"\n[ \t]+\r?(?:\n|\Z)")
# A quoted string, and an address in angle brackets, closed or not.
_QUOTED: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_BRACKETS: Final = re.compile(r"<[^<>]*>?")
_STRAY: Final = re.compile(r"[()>\[\]\\\r\0]")
_SEPARATORS: Final = re.compile(r"[\s,;:<>]+")
_UNENCODED: Final = frozenset({"7bit", "8bit", "binary"})


def author_doubt(header: HeaderSection) -> str:
    """Why other programs may read another From field; empty where they cannot.

    Args:
        header: the header section of the message in transit.
    """
    if _is_cut(header):
        return _TOO_LONG
    if _names_another(header):
        return "another address stands there beside the one in angle brackets"
    if _REGULAR.match(header.fields_octets):
        return ""
    if _HIDDEN_FROM.search(header.fields_octets):
        return "a From field is hidden in its header section"
    for field in header:
        key = field.raw_name.lower()
        if b"fro" in key and key.strip(b" \t") != b"from" and _LETTERS.sub(b"", key) == b"from":
            return "the name of a From field is malformed"
    return ""


def header_doubt(header: HeaderSection, covered: Collection[int] = ()) -> str:
    """Why other programs may end the header section elsewhere or read the body otherwise; empty where they cannot.

    Args:
        header: a header section.
        covered: the indexes of the fields that the signature covers: its maker has put them as they are.
    """
    if _is_cut(header):
        return _TOO_LONG
    if header.line_end == b"\r":
        return "its lines end in CR alone"
    for field in () if _REGULAR.match(header.fields_octets) else header:
        # Relaxed canonicalization takes white space before the colon away (RFC 6376 section 3.4.2): it is not covered.
        if field.index in covered and not field.raw_name.endswith((b" ", b"\t")):
            continue
        if not _NAME.match(field.raw_name):
            return "a header line is malformed, and may be taken for the start of the body"
        raw = field.raw
        if b"\0" in raw or (b"\r" in raw and _BARE_CR.search(raw)):
            return "a header field holds a NUL or a CR that ends no line"
    for name in _BODY_FORMAT:
        fields = header.all(name)
        if len(fields) > 1 and any(field.index not in covered for field in fields):
            return f"it has {len(fields)} fields that say how its body is read ({fields[0].name})"
    return ""


def parts_doubt(message: Message) -> str:
    """Why the header sections of its parts may have been made to end elsewhere; empty where they were not.

    Relaxed canonicalization takes white space at the end of a line away (RFC 6376 section 3.4.4): whoever puts some
    into the blank line before a part's text makes it a continuation line, and the text a part of the header section,
    and no signature notices.

    Args:
        message: a message whose body octets are signed by a domain.
    """
    waiting = [message.root]
    while waiting:
        part = waiting.pop()
        if part.parent is not None and _WHITE_LINE.search(part.header.octets):
            return "a line of white space may be taken for the end of a part's header section"
        if part.is_multipart:
            waiting.extend(part.children)
        elif part.is_message and part.encoding in _UNENCODED and part.message is not None:
            waiting.append(part.message.root)  # one in base64 would not be the same to a signature
    return ""


def envelope_doubt(line: bytes) -> str:
    """Why the line before a header section may be taken for the start of the body; empty where it cannot.

    Args:
        line: what stands before the header section; mostly nothing.
    """
    if not line or _ENVELOPE.match(line):
        return ""
    return "the line before its header section may be taken for the start of the body"


def opened_doubt(part: Part) -> str:
    """Why other programs may show more than what was protected in a part; empty where they cannot.

    Args:
        part: the part that was opened, which should be all there is to see.
    """
    if part.parent is not None:
        return BESIDE
    if not _is_plain(part, parameters=part.is_multipart):
        return "its Content-Type can be read in several ways"
    if not part.is_multipart:
        return header_doubt(part.header)
    # A multipart/signed of three parts shows its third beside what is signed (RFC 1847 section 2.1 wants two).
    if len(part.children) != 2:
        return BESIDE
    if part.encoding not in _UNENCODED:
        return "a multipart is in a transfer encoding, which none may have"
    first, second = part.children
    if not _is_plain(second):
        return "the Content-Type of its signature can be read in several ways"
    # What starts a line and looks like a delimiter may be one to others, after a bare CR or the closing one too.
    start, end = part.body_span
    octets, base = part.octets, part.span[0]
    around = (b"\n", octets[start - base : first.span[0] - base], octets[first.span[1] - base : end - base])
    lines = b"".join(around).replace(b"\r", b"\n")
    delimiter = b"\n--" + (part.media.boundary or b"").rstrip(b" \t")
    if lines.count(delimiter) > 3:
        return "lines outside of what is signed may divide it in another way"
    return header_doubt(part.header) or header_doubt(second.header)


def _names_another(header: HeaderSection) -> bool:
    """Whether From has an address for a display name, without quotes, or one that stray signs make an address.

    Python's email takes `bank@bank.example <mallory@example.com>` for a message from the bank.
    """
    field = header.first("from")
    if field is None or b"<" not in field.raw_value or field.raw_value.count(b"@") < 2:
        return False
    value = field.raw_value.decode("utf-8", "replace").replace("\r\n", "")
    text = _BRACKETS.sub(" ", _QUOTED.sub(" ", strip_comments(value)))
    if _STRAY.search(text):  # what stands before it is an address to some
        return True
    authors = {mailbox.address.lower() for mailbox in mailboxes(header.addresses("from"))}
    return any(
        "@" in word[1:-1] and word.lower() not in authors and not word.startswith("=?")
        for word in _SEPARATORS.split(text)
    )


def _is_cut(header: HeaderSection) -> bool:
    if len(header.fields_octets) < len(header.octets):
        return True
    return len(header) > 0 and header[-1].span[1] - header.base < len(header.fields_octets)


def _is_plain(part: Part, *, parameters: bool = False) -> bool:
    """Whether a Content-Type is written in the one form that everybody reads alike."""
    field = part.header.last("content-type")
    if field is None:
        return part.parent is None
    kind, semicolon, rest = field.raw_value.partition(b";")
    if kind.strip().lower() != part.content_type.encode("latin-1"):
        return False
    return not parameters or (not part.media.defects and _PLAIN_PARAMETERS.match(semicolon + rest) is not None)
