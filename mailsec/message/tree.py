"""Finding the parts of a multipart by its boundary (RFC 2046 section 5.1.1)."""

from __future__ import annotations

from dataclasses import dataclass, field

from mailsec.message.buffer import Buffer
from mailsec.message.defects import Defect, DefectKind

__all__ = ["Budget", "Division", "divide"]


class Budget:
    """What is left of the limits that hold for a whole message."""

    __slots__ = ("parts", "stray_delimiters")

    def __init__(self, parts: int, stray_delimiters: int) -> None:
        self.parts = parts
        self.stray_delimiters = stray_delimiters


@dataclass(slots=True)
class Division:
    """How the body of a multipart is divided; all spans are half-open offsets.

    Attributes:
        parts: the entities, without the delimiter lines and the line ends before them.
        preamble: what stands before the first delimiter.
        epilogue: what stands after the closing delimiter's line.
        closed: whether the closing delimiter is there.
        defects: what is irregular.
    """

    parts: list[tuple[int, int]] = field(default_factory=list)
    preamble: tuple[int, int] = (0, 0)
    epilogue: tuple[int, int] = (0, 0)
    closed: bool = False
    defects: list[Defect] = field(default_factory=list)


def divide(buffer: Buffer, span: tuple[int, int], boundary: bytes, line_end: bytes, budget: Budget) -> Division:
    """Divides the body of a multipart.

    A delimiter is a whole line: two hyphens, the boundary, two more hyphens where it closes, white space. It is
    found at the start of the body or after a line end, and this line end belongs to it, not to the part before
    (RFC 2046 section 5.1.1), which is what signatures count on (RFC 1847 section 2.1). A line that only starts
    with the boundary is content, and a defect.

    Args:
        buffer: the buffer that holds the body.
        span: where the body lies, from the start of a line.
        boundary: the boundary, without hyphens before it.
        line_end: what ends lines: LF (CR before it or not), or CR.
        budget: what is left of the limits; it is used up here.
    """
    start, end = span
    found = Division(preamble=(start, end), epilogue=(end, end))
    needle, size = b"--" + boundary, len(boundary) + 2
    opened = -1  # where the part begins that is open
    seen: set[DefectKind] = set()

    def note(kind: DefectKind, where: int) -> None:
        if kind not in seen:
            seen.add(kind)
            found.defects.append(Defect(kind, where))

    at = buffer.find(needle, start, end)
    while at >= 0:
        after = at + size
        before = buffer.cut(max(at - 2, start), at)
        if not (before.endswith(line_end) or at == start):
            kind = DefectKind.BARE_CR_DELIMITER if before.endswith(b"\r") else None
            stray = True
        else:
            tail, after = _line_tail(buffer, after, end, line_end)
            kind = DefectKind.BOUNDARY_PREFIX
            stray = tail not in (b"", b"--")
        if stray:
            if kind is not None:
                note(kind, at)
            budget.stray_delimiters -= 1
            if budget.stray_delimiters < 0:
                note(DefectKind.TOO_MANY_DELIMITERS, at)
                break
            at = buffer.find(needle, at + size, end)
            continue
        if found.closed:
            note(DefectKind.AFTER_CLOSE, at)
            break
        content_end = at
        if before.endswith(b"\r\n"):
            content_end -= 2
        elif before:
            content_end -= 1
        if opened < 0:
            found.preamble = (start, max(content_end, start))
        else:
            found.parts.append((opened, max(content_end, opened)))
        if tail:
            found.closed = True
            found.epilogue = (after, end)
            opened = -1
        else:
            opened = after
            budget.parts -= 1
            if budget.parts < 0:
                note(DefectKind.TOO_MANY_PARTS, at)
                opened = -1
                break
        at = buffer.find(needle, after, end)
    if opened >= 0:
        found.parts.append((opened, end))
    if not found.parts:
        note(DefectKind.NO_PARTS, start)
    elif not found.closed:
        note(DefectKind.NOT_CLOSED, end)
    return found


def _line_tail(buffer: Buffer, at: int, end: int, line_end: bytes) -> tuple[bytes, int]:
    """What stands on a line from `at` on, less white space at its end, and where the next line starts."""
    rest = buffer.cut(at, min(at + 4, end))
    if rest.startswith(b"\r\n") and line_end == b"\n":
        return b"", at + 2
    line = buffer.find(line_end, at, end)
    if line < 0:
        line = end
    return buffer.cut(at, line).removesuffix(b"\r").rstrip(b" \t"), min(line + 1, end)
