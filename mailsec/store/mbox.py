"""mbox files (RFC 4155 appendix A) as a sequence of messages."""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator

__all__ = ["is_mbox", "quoted", "separators", "split_mbox", "unquoted", "without_blank"]

# "From alice@example.org Fri Jul  8 12:08:34 2011": anything, a time of day, a year. Without those it is a line
# of text that somebody forgot to quote.
_FROM = re.compile(rb"From [^\r\n]{0,320}?\d\d:\d\d[^\r\n]{0,40}?\d{4}[^\r\n]{0,40}\r?(?:\n|\Z)")
_TO_QUOTE = re.compile(rb"^>*+From ", re.MULTILINE)


def is_mbox(octets: bytes | mmap.mmap) -> bool:
    """Whether a file's octets begin as an mbox file does.

    Args:
        octets: the file.
    """
    return _FROM.match(octets[:512]) is not None


def split_mbox(octets: bytes | mmap.mmap) -> Iterator[memoryview | bytes]:
    """Yields the messages of an mbox file, each without its separator line and the blank line at its end.

    A message begins at a `From ` line with a date, at the start of the file or after a blank line. Lines that
    were quoted (`>From `, `>>From `) lose one `>`, as mboxrd has it. A message without such lines is
    a view into the file: nothing is copied.

    Args:
        octets: the file.
    """
    whole = memoryview(octets).toreadonly()
    begin: int | None = None
    for start, after in separators(octets):
        if begin is not None:
            yield unquoted(whole[begin : without_blank(whole, begin, start)])
        begin = after
    if begin is not None:
        yield unquoted(whole[begin : without_blank(whole, begin, len(whole))])


def separators(octets: bytes | mmap.mmap) -> Iterator[tuple[int, int]]:
    """Where each separator line begins and ends: at the start, or after a blank line.

    Args:
        octets: an mbox file.
    """
    position = 0
    while position >= 0:
        match = _FROM.match(octets, position)
        if match is not None:
            yield match.span()
        position = _next_candidate(octets, position)


def _next_candidate(octets: bytes | mmap.mmap, position: int) -> int:
    """The next line that begins with `From ` and has a blank line before it, or -1."""
    while True:
        found = octets.find(b"\nFrom ", position)
        if found < 0:
            return -1
        position = found + 1
        if octets[max(0, found - 2) : found].endswith((b"\n", b"\n\r")):
            return position


def without_blank(octets: memoryview, begin: int, end: int) -> int:
    """The end of a message without the one blank line that mbox adds.

    Args:
        octets: what the message stands in.
        begin: where it begins.
        end: where it ends with the blank line.
    """
    for blank in (b"\r\n", b"\n"):
        before = end - len(blank)
        if before < begin or bytes(octets[before:end]) != blank:
            continue
        if before == begin or octets[before - 1] == 0x0A:
            return before
    return end


def quoted(message: bytes) -> bytes:
    """Puts one `>` before each line that is any number of `>` and `From ` (mboxrd).

    Args:
        message: a message.
    """
    return _TO_QUOTE.sub(rb">\g<0>", message)


def unquoted(message: memoryview) -> memoryview | bytes:
    """Takes one `>` off each line that is `>`, any more of them, and `From `; what has none is not copied.

    Args:
        message: a message as it stands in the file.
    """
    octets = bytes(message)
    pieces: list[bytes] = []
    kept = 0
    position = octets.find(b">From ")
    while position >= 0:
        start = position
        while start > kept and octets[start - 1] == 0x3E:
            start -= 1
        if start == 0 or octets[start - 1] == 0x0A:
            pieces.append(octets[kept:start])
            kept = start + 1
        position = octets.find(b">From ", position + 1)
    if not pieces:
        return message
    pieces.append(octets[kept:])
    return b"".join(pieces)
