"""Header edits: insertion at the top and deletion only, so that signatures over the rest stay whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from mailsec.errors import UsageError
from mailsec.message.buffer import Octets
from mailsec.message.lines import to_crlf
from mailsec.message.message import Message, parse

__all__ = ["Delete", "Edit", "Insert", "apply"]


@dataclass(frozen=True, slots=True)
class Insert:
    """Puts a field at the top of the header section.

    Attributes:
        field: one whole header field, folded where it should be, with its line end.

    Raises:
        UsageError: it is not one whole header field: that would let a value bring other fields in.
    """

    field: bytes

    def __post_init__(self) -> None:
        name, colon, _ = self.field.partition(b":")
        lines = to_crlf(self.field).split(b"\r\n")
        whole = (
            colon
            and name
            and all(33 <= octet <= 126 for octet in name)
            and len(lines) > 1
            and not lines[-1]
            and all(line[:1] in (b" ", b"\t") and line.strip(b" \t") for line in lines[1:-1])
            and b"\r" not in b"".join(lines)
            and b"\0" not in self.field
        )
        if not whole:
            raise UsageError("what is inserted must be one whole header field with its line end")


@dataclass(frozen=True, slots=True)
class Delete:
    """Takes a field out.

    Attributes:
        index: its index in the header section as it is before any edit, counted from the top.
    """

    index: int


Edit: TypeAlias = Insert | Delete


def apply(message: Message | Octets, edits: Sequence[Edit]) -> bytes:
    """Gives the octets of the edited message; all that is not edited stays octet for octet.

    Inserted fields stand in the order of the edits, the first on top, with the line end that the message uses.
    A line "From " of an mbox stays first. A field that is deleted twice is deleted once.

    Args:
        message: a message or its octets.
        edits: what to do; indexes always refer to the header section as it is in `message`.

    Raises:
        UsageError: a deletion names a field that is not there.
    """
    if not isinstance(message, Message):
        message = parse(message)
    header = message.header
    deleted = sorted({edit.index for edit in edits if isinstance(edit, Delete)})
    if deleted and not 0 <= deleted[0] <= deleted[-1] < len(header):
        raise UsageError(f"there is no header field {deleted[-1] if deleted[0] >= 0 else deleted[0]} to delete")
    octets = bytes(message)
    offset = message.root.span[0] - len(message.envelope_line)  # of the message in its buffer
    line_end = _line_end(octets)
    out = [message.envelope_line]
    inserted = [to_crlf(edit.field) for edit in edits if isinstance(edit, Insert)]
    out += [field.replace(b"\r\n", line_end) for field in inserted]
    at = len(message.envelope_line)
    for index in deleted:
        start, end = header[index].span
        out.append(octets[at : start - offset])
        at = end - offset
    rest = octets[at:]
    if inserted and not len(header) and message.body_start == message.root.span[0] and rest:
        rest = line_end + rest  # there was no header section: the body must not become one
    return b"".join((*out, rest))


def _line_end(octets: bytes) -> bytes:
    first = octets.find(b"\n")
    if first < 0:
        return b"\r" if b"\r" in octets else b"\r\n"
    return b"\r\n" if octets[first - 1 : first] == b"\r" else b"\n"
