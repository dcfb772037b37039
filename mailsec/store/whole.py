"""Files that appear whole or not at all, for their owner alone, and never in the place of another file."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

__all__ = ["sync_folder", "write_whole"]

_NO_LINK = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC


def write_whole(
    octets: bytes | memoryview, scratch: str | Path, names: Iterable[str | Path], *, unique: bool = False
) -> str | Path:
    """Writes a new file: under another name first, brought to the disk, and only then under its own.

    Args:
        octets: what is written.
        scratch: the name under which it is written, in the same file system; it must not be taken, and is gone again
            in the end.
        names: the names that it may have; it gets the first that is not taken.
        unique: whether nobody else makes a file of these names, so that on a file system without links none needs to
            be taken before the file is there.

    Returns:
        The name that it has.

    Raises:
        FileExistsError: all names are taken, or that of the scratch file is.
        OSError: it cannot be written; then there is no new file.
    """
    descriptor = os.open(scratch, _NEW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(octets)
            stream.flush()
            os.fsync(stream.fileno())
        for name in names:
            with suppress(FileExistsError):
                _appear(scratch, name, unique=unique)
                sync_folder(os.path.dirname(name))  # noqa: PTH120 - a Path costs a Maildir more than the rest
                return name
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
    finally:
        with suppress(FileNotFoundError):
            os.unlink(scratch)  # noqa: PTH108 - as above


def _appear(scratch: str | Path, name: str | Path, *, unique: bool) -> None:
    """Gives a file its own name, never over another file.

    Raises:
        FileExistsError: it is taken.
    """
    try:
        os.link(scratch, name)
    except OSError as error:
        if error.errno not in _NO_LINK:
            raise
        if not unique:
            os.close(os.open(name, _NEW, 0o600))
        os.rename(scratch, name)  # noqa: PTH104 - as above


def sync_folder(folder: str) -> None:
    """Brings a folder's new names to the disk, where the system can do that; the file is there already."""
    with suppress(OSError):
        descriptor = os.open(folder or ".", os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
