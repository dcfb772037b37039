"""What stands in a row of the list of messages: pure text and the names of its colours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mailsec.store.types import Flags, Row
from mailsec.tui.cells import clean, fit, width
from mailsec.tui.marks import MARKS, UNJUDGED
from mailsec.tui.widgets.lines import Piece

__all__ = ["ASCII", "GLYPHS", "Glyphs", "row_pieces", "thread_lines"]


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The signs beside the words, each of one cell.

    Attributes:
        glyphs: whether the marks of the verdicts are signs, not letters.
    """

    glyphs: bool
    cursor: str
    marked: str
    unread: str
    replied: str
    flagged: str
    attachment: str
    pass_by: str
    branch: str
    last: str
    folded: str
    opened: str
    bar: str
    to: str


GLYPHS = Glyphs(True, "▸", "◆", "●", "↩", "⚑", "⌁", "│", "├", "└", "▸", "▾", "│", "→")
ASCII = Glyphs(False, ">", "*", "N", "r", "F", "@", "|", "+", "`", "+", "-", "|", ">")

SCAN = 256
"""Rows below that are looked at for a thread's lines."""
DEPTH = 5
"""Levels of a thread that are drawn; of what stands deeper the last ones."""
DATE = 10


def thread_lines(
    depths: Sequence[int], threads: Sequence[int], index: int, glyphs: Glyphs = GLYPHS, deepest: int = DEPTH
) -> str:
    """The lines that lead to a message in its thread.

    Args:
        depths: how deep each row stands.
        threads: the thread of each row; those of one thread stand together.
        index: the row.
        glyphs: the signs.
        deepest: how many levels are drawn.
    """
    depth = depths[index]
    if not depth:
        return ""
    low = depth + 1  # the lowest depth seen so far below
    more = set()  # levels that go on below
    for at in range(index + 1, min(len(depths), index + SCAN)):
        below = depths[at]
        if threads[at] != threads[index] or below == 0:
            break
        if below < low:
            more.add(below)
            low = below
            if low == 1:
                break
    levels = range(max(1, depth - deepest + 1), depth)
    before = "".join(f"{glyphs.pass_by if level in more else ' '} " for level in levels)
    return f"{before}{glyphs.branch if depth in more else glyphs.last} "


def row_pieces(
    row: Row,
    cells: int,
    *,
    lines: str,
    date: Callable[[int], str],
    glyphs: Glyphs,
    selected: bool = False,
    marked: bool = False,
    outgoing: bool = False,
    folded: int = 0,
) -> list[Piece]:
    """The pieces of a row.

    Args:
        row: the message; its texts are foreign.
        cells: the width.
        lines: the lines of its thread.
        date: makes a short date of seconds since the epoch.
        glyphs: the signs.
        selected: whether it is the selected one, which is told by a sign too.
        marked: whether it is marked.
        outgoing: whether the recipients stand in the author's place.
        folded: how many messages of its thread are folded away beneath it.
    """
    mark = UNJUDGED if row.level is None else MARKS[row.level]
    unread = not row.flags & Flags.SEEN
    trashed = bool(row.flags & Flags.TRASHED)
    kind = "row--trashed" if trashed else ("line--strong" if unread else "")
    state = glyphs.unread if unread else glyphs.replied if row.flags & Flags.REPLIED else " "
    pieces: list[Piece] = [
        (glyphs.cursor if selected else " ", "line--accent"),
        (glyphs.marked if marked else " ", "line--accent line--strong"),
        (mark.glyph if glyphs.glyphs else mark.letter, f"{mark.variable} line--strong"),
        (" ", ""),
        (state, "line--accent"),
        (glyphs.flagged if row.flags & Flags.FLAGGED else " ", "level-warning"),
    ]
    who = _people(row, outgoing, glyphs)
    subject = clean(row.subject) or "(no subject)"
    lines = fit(lines, min(width(lines), 2 * DEPTH))
    day = date(row.date)
    attached = f"{glyphs.attachment}{min(row.attachments, 9) if row.attachments > 1 else ''}" if row.attachments else ""
    attached += "+" if row.attachments > 9 else ""
    count = f" +{folded}" if folded else ""
    if cells < 40:  # no room for columns
        rest = max(0, cells - 7 - width(day) - 1)
        pieces += [(" ", ""), (fit(f"{lines}{who}: {subject}{count}", rest), kind), (" ", ""), (day, "line--dim")]
        return pieces
    people = max(14, min(26, cells // 4))
    # the date is as wide as it is, and the sign of attachments stands where there are any: the rest is the subject's
    day = fit(day, min(DATE, width(day)))
    end = [(" ", ""), (attached, "line--dim")] if attached else []
    end += [(" ", ""), (day, "line--dim"), (" ", "")]
    room = cells - 7 - people - 2 - sum(width(text) for text, _ in end)
    count = count if width(count) <= room else ""
    pieces += [
        (" ", ""),
        (lines, "line--dim"),
        (fit(who, people - width(lines)), kind),
        ("  ", ""),
        (fit(subject, room - width(count)), kind),
        (count, "line--dim"),
        *end,
    ]
    return pieces


def _people(row: Row, outgoing: bool, glyphs: Glyphs) -> str:
    """Who wrote it, or whom it went to."""
    if outgoing and row.recipients:
        return f"{glyphs.to} {clean(row.recipients)}"
    name, address = clean(row.author_name), clean(row.author)
    # a display name that looks like an address never stands in for the address
    return (address if not name or "@" in name else name) or "(no author)"
