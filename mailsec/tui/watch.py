"""Tells whether other programs changed a folder, by times alone."""

from __future__ import annotations

from pathlib import Path

__all__ = ["Stamp", "stamp"]

Stamp = tuple[int, ...]
"""The times and sizes that change when a folder does."""


def stamp(path: Path) -> Stamp:
    """The stamp of a Maildir or an mbox file; it differs from an earlier one where something changed since.

    Args:
        path: where it lies; what is not there counts as never changed.
    """
    found: list[int] = []
    for part in (path / "new", path / "cur", path):
        try:
            status = part.stat()
        except OSError:
            found += (0, 0)
        else:
            found += (status.st_mtime_ns, status.st_size)
    return tuple(found)
