"""What a document is made of: paragraphs before they are wrapped, lines after, and what can be chosen in them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from mailsec.message import Part

__all__ = ["Attached", "Cover", "Kind", "Line", "Link", "Paragraph", "Role", "Span", "Stop"]


class Cover(IntEnum):
    """Who vouches for a piece of content; a greater one says more."""

    NOBODY = 0
    DOMAIN = 1  # the author's domain, by DKIM
    AUTHOR = 2  # the author, by S/MIME


class Kind(Enum):
    """What a line is."""

    TEXT = "text"
    HEADING = "heading"
    SIGNATURE = "signature"  # what follows the line "-- "
    FOLD = "fold"  # stands for quoted lines that are not shown
    RULE = "rule"
    FIELD = "field"  # a header field
    ATTACHMENT = "attachment"
    TARGET = "target"  # where a link leads, after the text
    PICTURE = "picture"  # of a picture, or of the frame around it
    NOTICE = "notice"  # said by the client about what is not shown


class Role(Enum):
    """What a span of a line is."""

    LINK = "link"
    DECEPTIVE = "deceptive"  # a link whose text names another host than its target
    STRONG = "strong"
    LABEL = "label"


@dataclass(frozen=True, slots=True)
class Link:
    """Something that leads elsewhere.

    Attributes:
        url: its true target; foreign text, not yet safe to show.
        claims: the host that its text names, where the target's is another; else empty. Safe to show.
    """

    url: str
    claims: str = ""


@dataclass(frozen=True, slots=True)
class Attached:
    """A part that is handed over and not shown.

    Attributes:
        part: the part.
    """

    part: Part


Stop: TypeAlias = Link | Attached
"""What can be stepped to and chosen."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line that differs.

    Attributes:
        start: its first character.
        end: the character after its last.
        role: what it is.
        stop: which of the block's stops it belongs to; -1 for none.
    """

    start: int
    end: int
    role: Role
    stop: int = -1


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A line of text before it is wrapped.

    Attributes:
        text: safe text on one line.
        kind: what it is.
        quote: how deep it is quoted.
        first: what stands before its first line, such as the mark of a list.
        rest: what stands before the others; as wide as `first`.
        spans: the pieces that differ, ascending, not overlapping.
    """

    text: str
    kind: Kind = Kind.TEXT
    quote: int = 0
    first: str = ""
    rest: str = ""
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """A line as it is shown; never wider than its document.

    Attributes:
        text: safe text.
        kind: what it is.
        quote: how deep it is quoted.
        cover: who vouches for it.
        part: the section number of the part that it comes from; empty for what the client says itself.
        spans: the pieces that differ, ascending, not overlapping.
        halves: of a picture the colours of the upper and of the lower halves of its cells, three octets for each; the
            lower ones are empty in a last line that is half full. The text has a frame of one cell on either side.
    """

    text: str
    kind: Kind = Kind.TEXT
    quote: int = 0
    cover: Cover = Cover.NOBODY
    part: str = ""
    spans: tuple[Span, ...] = ()
    halves: tuple[bytes, bytes] = (b"", b"")
