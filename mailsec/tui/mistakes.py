"""The log of our own mistakes: where each came from, for a report, and nothing of what a message said.

An exception's own words may hold what was read, a password even, so that only its kind is written down; the words
are on the screen already.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from traceback import StackSummary, extract_tb

from mailsec import __version__

__all__ = ["LOG", "LONGEST", "MOST", "note_mistake"]

LOG = "mistakes.log"
"""The name of the file in the state folder."""

MOST = 1 << 18
"""Octets that the file has at most; the oldest go first."""

LONGEST = 1 << 15
"""Octets of one mistake, of which the end says most."""

_FRAMES = 100  # calls of each exception that are written down: the outermost and the innermost
_CAUSES = 8  # exceptions that led to one another


def note_mistake(folder: Path, error: BaseException, at: float) -> Path | None:
    """Writes down where an exception came from.

    Args:
        folder: the state folder.
        error: what was raised.
        at: the time, in seconds since the epoch.

    Returns:
        The file; `None` where it cannot be written.
    """
    head = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC, mailsec {__version__}\n"
    said = "".join(_lines(error)).encode("utf-8", "backslashreplace")
    entry = head.encode() + said[-LONGEST:] + b"\n"
    file = folder / LOG
    scratch = folder / f".{LOG}.{secrets.token_hex(8)}"
    try:
        before = _end_of(file, MOST - len(entry))
        try:
            descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(before + entry)
            scratch.replace(file)
        finally:
            scratch.unlink(missing_ok=True)
    except OSError:
        return None
    return file


def _end_of(file: Path, octets: int) -> bytes:
    """The last whole entries of the log, in so many octets."""
    with suppress(FileNotFoundError), file.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - octets))
        found = stream.read(octets)
        return found if size <= octets else found.partition(b"\n\n")[2]
    return b""


def _lines(error: BaseException | None) -> Iterator[str]:
    """An exception and those that led to it, the first of them first, without their words."""
    chain: list[BaseException] = []
    while error is not None and all(error is not one for one in chain) and len(chain) < _CAUSES:
        chain.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    for one in reversed(chain):
        frames = extract_tb(one.__traceback__)
        if len(frames) > _FRAMES:
            yield from StackSummary.from_list(frames[: _FRAMES // 2]).format()
            yield f"  … {len(frames) - _FRAMES} calls\n"
            frames = StackSummary.from_list(frames[-_FRAMES // 2 :])
        yield from frames.format()
        yield f"{type(one).__module__}.{type(one).__qualname__}\n"
