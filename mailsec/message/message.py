"""A message: one read-only buffer, its header section and its tree of parts (RFC 5322, RFC 2045)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from mailsec.message.buffer import Buffer, Octets, make_buffer
from mailsec.message.defects import Defect, DefectKind
from mailsec.message.header import find_layout, make_section
from mailsec.message.limits import LIMITS, Limits
from mailsec.message.part import Part
from mailsec.message.tree import Budget

if TYPE_CHECKING:
    from mailsec.message.addresses import Group, Mailbox

__all__ = ["Message", "Source", "parse"]


class Source:
    """What all parts in one buffer share.

    Attributes:
        buffer: the buffer.
        limits: how far it is taken apart.
        budget: what is left of them.
        line_end: what ends lines at least: LF; CR only in a message without any LF, as old systems wrote it.
    """

    __slots__ = ("budget", "buffer", "limits", "line_end")

    def __init__(self, buffer: Buffer, limits: Limits) -> None:
        self.buffer = buffer
        self.limits = limits
        self.budget = Budget(limits.parts, limits.stray_delimiters)
        no_lf = buffer.find(b"\n", 0, buffer.size) < 0 <= buffer.find(b"\r", 0, buffer.size)
        self.line_end = b"\r" if no_lf else b"\n"


class Message:
    """A message as received. `bytes(message)` is what was parsed, octet for octet.

    Attributes:
        octets: the message as received, read-only.
        header: its header section.
        body_start: where the body starts: an offset into the buffer that spans count in.
    """

    __slots__ = ("_end", "_layout", "_parent", "_root", "_source", "_start", "body_start", "header", "octets")

    def __init__(self, source: Source, parent: Part | None, start: int, end: int) -> None:
        layout = find_layout(source.buffer, start, end, source.line_end, envelope=True)
        self._source = source
        self._parent = parent
        self._start = start
        self._end = end
        self._layout = layout
        self._root: Part | None = None
        self.octets = source.buffer.view[start:end]
        self.header = make_section(source.buffer, layout, source.line_end, source.limits)
        self.body_start = layout.body_start

    def __bytes__(self) -> bytes:
        return self._source.buffer.cut(self._start, self._end)

    def __len__(self) -> int:
        return self._end - self._start

    def __repr__(self) -> str:
        return f"Message({len(self)} octets)"

    @property
    def root(self) -> Part:
        """Its root part: the message itself as an entity of MIME."""
        if self._root is None:
            span = (self._layout.start, self._end)
            self._root = Part(self._source, self, self._parent, span, layout=self._layout, header=self.header)
        return self._root

    @property
    def envelope_line(self) -> bytes:
        """The line `From …` with its line end that an mbox has before a message (RFC 4155); mostly empty."""
        return self._source.buffer.cut(self._start, self._layout.start)

    @property
    def body(self) -> memoryview:
        """The octets after the blank line."""
        return self._source.buffer.view[self.body_start : self._end]

    def walk(self) -> Iterator[Part]:
        """All parts, depth first, the root too, into multiparts and into messages inside it."""
        waiting = [self.root]
        left = self._source.limits.parts
        while waiting and left > 0:
            part = waiting.pop()
            left -= 1
            yield part
            if part.children:
                waiting.extend(reversed(part.children))
            elif part.is_message and (message := part.message) is not None:
                waiting.append(message.root)

    def part(self, path: str) -> Part | None:
        """The part with an IMAP section number, or `None`.

        Args:
            path: such as `"1.2"`.
        """
        return next((part for part in self.walk() if part.path == path), None)

    @property
    def defects(self) -> tuple[Defect, ...]:
        """What is irregular in the header section, the From field and the structure of all parts.

        Transfer encodings and charsets are not looked at here; see `Part.content_defects`.
        """
        found = self._from_defects()
        count = 0
        for part in self.walk():
            found += part.defects
            count += 1
        if count >= self._source.limits.parts:
            found.append(Defect(DefectKind.TOO_MANY_PARTS, self._start))
        return tuple(dict.fromkeys(found))

    def _from_defects(self) -> list[Defect]:
        from mailsec.message.addresses import Group

        start = self._layout.start
        fields = self.header.all("from")
        found = []
        if not self.authors:
            found.append(Defect(DefectKind.NO_FROM, start))
        if len(fields) > 1:
            found.append(Defect(DefectKind.SEVERAL_FROM, fields[1].span[0]))
        if any(isinstance(address, Group) for address in self.header.addresses("from")):
            found.append(Defect(DefectKind.GROUP_IN_FROM, fields[0].span[0]))
        return found

    @property
    def authors(self) -> tuple[Mailbox, ...]:
        """The mailboxes of all From fields, those in groups too (RFC 5322 section 3.6.2)."""
        from mailsec.message.addresses import mailboxes

        return mailboxes(self.header.addresses("from"))

    def addresses(self, name: str) -> tuple[Mailbox | Group, ...]:
        """The addresses in all fields of a name.

        Args:
            name: the name of an address field, such as `"to"`.
        """
        return self.header.addresses(name)

    @property
    def subject(self) -> str:
        """The subject decoded, empty without one; foreign text that `safe_text` must see before it is shown.

        Of several Subject fields the lowest counts, the one that signatures cover first.
        """
        field = self.header.last("subject")
        return "" if field is None else field.value

    @property
    def date(self) -> datetime | None:
        """The date of the Date field, aware; `None` where there is none that can be read."""
        from mailsec.message.dates import parse_date

        field = self.header.last("date")
        return None if field is None else parse_date(field.raw_value)

    @property
    def message_id(self) -> str:
        """The Message-ID as received with its angle brackets; empty without one."""
        field = self.header.last("message-id")
        return "" if field is None else field.value


def parse(octets: Octets, limits: Limits = LIMITS) -> Message:
    """Parses a message. It never fails: what is irregular becomes a `Defect`, and no octet is lost.

    Args:
        octets: the message; bytes and mapped files are kept, not copied, and must not change.
        limits: how far it is taken apart.
    """
    buffer = make_buffer(octets)
    return Message(Source(buffer, limits), None, 0, buffer.size)
