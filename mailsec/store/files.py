"""Files and folders as a sequence of messages: Maildirs, mbox files, message files, and folders of those.

Whatever cannot be read is told apart from what can: a message or a folder that is gone or unreadable is a `Stored`
whose `octets()` raises, and the others are read all the same.
"""

from __future__ import annotations

import mmap
import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from mailsec.errors import InputError, LimitError, UsageError
from mailsec.store.mbox import is_mbox, split_mbox

__all__ = ["MAX_STREAM", "Stored", "octets_of", "read_path", "read_stream", "reason"]

MAX_STREAM = 1 << 30
"""Octets that are taken from standard input or another stream."""

MAPPED = 1 << 18
"""Octets from which on a file is mapped and not read."""

SUFFIXES = (".eml", ".mbox", ".mbx")
"""How the names of mail in a plain folder end."""

_MAILDIR = ("new", "cur")


@dataclass(frozen=True, slots=True)
class Stored:
    """A message somewhere on disk.

    Attributes:
        name: the file's name; the message's number after a colon where the file holds several.
        octets: gives the message; raises `InputError` where it cannot be read.
    """

    name: str
    octets: Callable[[], bytes | memoryview | mmap.mmap]


def read_path(path: Path) -> Iterator[Stored]:
    """The messages of a file or folder.

    A folder with `cur` and `new` is a Maildir. Any other folder is searched with all folders in it: Maildirs,
    and files whose names end in .eml, .mbox or .mbx, sorted by name. A file that begins with a `From ` line
    is an mbox file.

    Args:
        path: a file or folder.

    Raises:
        UsageError: there is no such file, or the folder has no mail in it.
        InputError: it cannot be read.
    """
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise UsageError(f"{path}: no such file or folder") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {reason(error)}") from None
    if not stat.S_ISDIR(mode):
        yield from _read_file(path)
        return
    found = False
    for one in _walk(path):
        found = True
        yield one
    if not found and not _is_maildir(path):
        raise UsageError(f"{path} is neither a Maildir nor a folder with messages (*.eml, *.mbox) in it")


def read_stream(stream: BinaryIO, name: str) -> Iterator[Stored]:
    """The message, or the messages of the mbox, that a stream holds.

    Args:
        stream: such as standard input.
        name: what the messages are called.

    Raises:
        LimitError: it holds more than `MAX_STREAM` octets.
        InputError: it cannot be read.
    """
    try:
        octets = stream.read(MAX_STREAM + 1)
    except OSError as error:
        raise InputError(f"{name} cannot be read: {reason(error)}") from None
    if len(octets) > MAX_STREAM:
        raise LimitError(f"{name} holds more than {MAX_STREAM} octets")
    yield from _messages(octets, name)


def _walk(top: Path) -> Iterator[Stored]:
    """The messages of a folder and all folders in it, in order; a folder that cannot be read stands for its own."""
    refused: list[OSError] = []
    for folder, folders, files in os.walk(top, onerror=refused.append):
        yield from _unreadable(refused)
        here = Path(folder)
        folders.sort()
        if _is_maildir(here):
            folders[:] = [name for name in folders if name not in (*_MAILDIR, "tmp")]
            # A message's name begins with its time of delivery; whether it was seen does not change its place.
            mail = [entry for part in _MAILDIR for entry in _entries(here / part, refused)]
            yield from (_stored(Path(entry.path)) for entry in sorted(mail, key=lambda entry: entry.name))
        for name in sorted(files):
            if name.lower().endswith(SUFFIXES) and not _is_special(here / name):
                yield from _lenient(here / name)
    yield from _unreadable(refused)


def _unreadable(refused: list[OSError]) -> Iterator[Stored]:
    """What stands for folders that could not be read; the list is empty after that."""
    for error in refused:
        yield Stored(str(error.filename), _raiser(InputError(f"{error.filename} cannot be read: {reason(error)}")))
    refused.clear()


def _entries(folder: Path, refused: list[OSError]) -> list[os.DirEntry[str]]:
    """The messages in a folder of a Maildir."""
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if _is_mail(entry)]
    except OSError as error:
        refused.append(error)
        return []


def _is_mail(entry: os.DirEntry[str]) -> bool:
    try:
        return not entry.name.startswith(".") and entry.is_file()
    except OSError:
        return True  # why it cannot be read is told when it is


def _is_special(path: Path) -> bool:
    """Whether a name stands for a FIFO, a socket or a device, which might never end."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False  # why it cannot be read is told when it is


def _is_maildir(path: Path) -> bool:
    try:
        return all((path / part).is_dir() for part in _MAILDIR)
    except OSError:
        return False


def _lenient(file: Path) -> Iterator[Stored]:
    """The messages of a file in a folder; that it cannot be read is found when its octets are wanted."""
    try:
        yield from _read_file(file)
    except InputError as error:
        yield Stored(str(file), _raiser(error))


def _read_file(file: Path) -> Iterator[Stored]:
    octets = _open(file)
    if isinstance(octets, bytes | mmap.mmap) and is_mbox(octets):
        yield from _messages(octets, str(file))
    else:
        yield Stored(str(file), lambda: octets)


def _messages(octets: bytes | mmap.mmap, name: str) -> Iterator[Stored]:
    if not is_mbox(octets):
        yield Stored(name, lambda: octets)
        return
    for number, message in enumerate(split_mbox(octets), 1):
        yield Stored(f"{name}:{number}", lambda message=message: message)  # type: ignore[misc]


def _stored(file: Path) -> Stored:
    return Stored(str(file), lambda: _open(file))


def _raiser(error: InputError) -> Callable[[], bytes]:
    def octets() -> bytes:
        raise error

    return octets


def _open(file: Path) -> bytes | mmap.mmap:
    """A file's octets: read when small, mapped when large, with a limit when it is no plain file."""
    try:
        with file.open("rb") as stream:
            return octets_of(stream, str(file))
    except (OSError, ValueError) as error:
        raise InputError(f"{file} cannot be read: {reason(error)}") from None


def octets_of(stream: BinaryIO, name: str) -> bytes | mmap.mmap:
    """The octets of an open file: read when small, mapped when large, with a limit when it is no plain file.

    Args:
        stream: the file, open for reading octets.
        name: what an error calls it.

    Raises:
        LimitError: it is no plain file and holds more than `MAX_STREAM` octets.
        OSError: it cannot be read.
    """
    status = os.fstat(stream.fileno())
    if stat.S_ISREG(status.st_mode):
        if status.st_size < MAPPED:
            return stream.read()
        return mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    octets = stream.read(MAX_STREAM + 1)
    if len(octets) > MAX_STREAM:
        raise LimitError(f"{name} holds more than {MAX_STREAM} octets")
    return octets


def reason(error: OSError | ValueError) -> str:
    """Why a file could not be read or written, in the system's words."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
