"""Maildirs: one file a message, which any number of programs deliver, rename and remove at the same time.

The unique name of a message, all before the colon, is its key: it stays when flags change and the file is renamed.
Where a file lies is remembered and looked up again when another program has moved it.
"""

from __future__ import annotations

import mmap
import os
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from mailsec.errors import InputError, StoreError, UsageError
from mailsec.store.files import octets_of, reason
from mailsec.store.types import Entry, Flags
from mailsec.store.whole import write_whole

__all__ = ["Maildir", "is_maildir"]

LETTERS = {
    "D": Flags.DRAFT,
    "F": Flags.FLAGGED,
    "P": Flags.PASSED,
    "R": Flags.REPLIED,
    "S": Flags.SEEN,
    "T": Flags.TRASHED,
}
"""The letters of the info `:2,` in the order in which they are written."""

TRIES = 10
"""How often a file that other programs rename is looked up again."""

_INFO = ":2,"

_deliveries = count(1)


def is_maildir(path: Path) -> bool:
    """Whether a folder has `cur` and `new`.

    Args:
        path: a folder, or nothing at all.
    """
    try:
        return (path / "cur").is_dir() and (path / "new").is_dir()
    except OSError:
        return False


class Maildir:
    """One Maildir; implements `mailsec.store.Mailbox`.

    Args:
        path: the folder with `cur`, `new` and `tmp`.
        clock: seconds since the epoch, for unique names.
        token: gives so many random octets as hexadecimal digits, for unique names.
    """

    keeps_flags = True

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float] = time.time,
        token: Callable[[int], str] = secrets.token_hex,
    ) -> None:
        self._path = path
        self._clock = clock
        self._token = token
        self._where: dict[str, str] = {}  # by key what stands before and after it in the path: "cur/" and ":2,S"

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self._path

    @classmethod
    def create(cls, path: Path) -> Maildir:
        """Makes an empty Maildir, or what is missing of one; only the owner may look into it.

        Args:
            path: the folder.

        Raises:
            StoreError: it cannot be made.
        """
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for part in ("tmp", "new", "cur"):
                (path / part).mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise StoreError(f"the folder {path} cannot be made: {reason(error)}") from None
        return cls(path)

    # -- looking -------------------------------------------------------------------------------------------

    def entries(self) -> Iterator[Entry]:
        """All messages, each once, by one look at the names and none into files.

        `new` is listed before `cur`: a message that moves on meanwhile is met twice and counted once, never missed.

        Raises:
            InputError: it cannot be listed.
        """
        where = self._scan()
        self._where = where
        flags: dict[str, tuple[Flags, bool]] = {}
        for key, place in where.items():
            found = flags.get(place)
            if found is None:
                found = flags[place] = (_flags(place), place.startswith("new/"))
            yield Entry(key, *found)

    def _scan(self) -> dict[str, str]:
        """By key, where each message lies."""
        where: dict[str, str] = {}
        for part in ("new", "cur"):
            places: dict[str, str] = {}  # there are few, and each is kept once
            try:
                with os.scandir(self._path / part) as files:
                    for file in files:
                        name = file.name
                        if name[0] != "." and file.is_file():
                            key, colon, info = name.partition(":")
                            after = colon + info
                            place = places.get(after)
                            if place is None:
                                place = places[after] = f"{part}/{after}"
                            where[key] = place
            except FileNotFoundError:
                raise InputError(f"{self._path} is no Maildir: it has no folder {part}") from None
            except OSError as error:
                raise InputError(f"{self._path / part} cannot be listed: {reason(error)}") from None
        return where

    def _files(self, key: str) -> Iterator[tuple[str, str]]:
        """Where a message lies as far as is known, and again after looking anew, for as long as that may help.

        Raises:
            InputError: it is gone.
        """
        place = self._where.get(key)
        if place is not None:
            yield place, self._file(key, place)
        for _ in range(TRIES):
            self._where = self._scan()
            place = self._where.get(key)
            if place is None:
                break
            yield place, self._file(key, place)
        raise InputError(f"the message {key} is no longer in {self._path}")

    def _file(self, key: str, place: str) -> str:
        part, _, info = place.partition("/")
        return f"{self._path}/{part}/{key}{info}"

    def read(self, key: str) -> bytes | mmap.mmap:
        """A message's octets; a large one is mapped.

        Args:
            key: its key.

        Raises:
            InputError: it is gone or cannot be read.
        """
        for _, file in self._files(key):
            try:
                with open(file, "rb") as stream:  # noqa: PTH123 - a Path costs more than the opening
                    return octets_of(stream, file)
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                raise InputError(f"{file} cannot be read: {reason(error)}") from None
        raise AssertionError("the files of a message end with an error")

    # -- changing ------------------------------------------------------------------------------------------

    def set_flags(self, key: str, *, add: Flags = Flags.NONE, remove: Flags = Flags.NONE) -> Flags:
        """Changes flags by renaming, and gives those that hold now; a message in `new` moves to `cur`.

        Letters that are not among our flags stay as they are.

        Args:
            key: its key.
            add: the flags to set.
            remove: the flags to take off; what is in both is taken off.

        Raises:
            InputError: it is gone.
            StoreError: it cannot be renamed.
        """
        for place, file in self._files(key):
            flags = (_flags(place) | add) & ~remove
            wanted = f"cur/{_INFO}{_letters(flags, place)}"
            if wanted == place or (place == "cur/" and not flags):
                return flags
            target = self._file(key, wanted)
            try:
                # A second file under the same unique name is never written over.
                if os.path.lexists(target):
                    self._where[key] = wanted
                    return flags
                os.rename(file, target)  # noqa: PTH104 - as above
            except FileNotFoundError:
                continue
            except OSError as error:
                raise StoreError(f"the flags of {file} cannot be changed: {reason(error)}") from None
            self._where[key] = wanted
            return flags
        raise AssertionError("the files of a message end with an error")

    def deliver(self, octets: bytes | memoryview, flags: Flags = Flags.NONE) -> str:
        """Adds a message, whole or not at all, and gives its key.

        It is written to `tmp`, brought to the disk, and only then appears: in `new`, or in `cur` when it has flags.

        Args:
            octets: the message.
            flags: its flags.

        Raises:
            UsageError: there is no such Maildir.
            StoreError: it cannot be written.
        """
        if not is_maildir(self._path):
            raise UsageError(f"{self._path} is no Maildir")
        key = self._unique()
        place = f"cur/{_INFO}{_letters(flags)}" if flags else "new/"
        temporary, target = self._file(key, "tmp/"), self._file(key, place)
        try:
            write_whole(octets, temporary, (target,), unique=True)
        except OSError as error:
            raise StoreError(f"the message cannot be written to {self._path}: {reason(error)}") from None
        self._where[key] = place
        return key

    def remove(self, key: str) -> None:
        """Removes a message for good.

        Args:
            key: its key.

        Raises:
            InputError: it is gone already.
            StoreError: it cannot be removed.
        """
        for _, file in self._files(key):
            try:
                os.unlink(file)  # noqa: PTH108 - as above
            except FileNotFoundError:
                continue
            except OSError as error:
                raise StoreError(f"{file} cannot be removed: {reason(error)}") from None
            self._where.pop(key, None)
            return

    def _unique(self) -> str:
        """A name that no other delivery has: time, process, a count, chance, and the host."""
        now = self._clock()
        seconds = int(now)
        host = socket.gethostname().replace("/", r"\057").replace(":", r"\072") or "localhost"
        inside = f"M{int((now - seconds) * 1_000_000):06}P{os.getpid()}Q{next(_deliveries)}R{self._token(8)}"
        return f"{seconds}.{inside}.{host}"


def _flags(place: str) -> Flags:
    """The flags that a file's place tells; another info than `:2,` tells none."""
    _, _, letters = place.partition(_INFO)
    flags = Flags.NONE
    for letter in letters:
        flags |= LETTERS.get(letter, Flags.NONE)
    return flags


def _letters(flags: Flags, place: str = "") -> str:
    """The letters for flags and those in a file's place that are not ours, in the order of ASCII."""
    _, _, before = place.partition(_INFO)
    letters = {letter for letter, flag in LETTERS.items() if flag in flags}
    return "".join(sorted(letters.union(letter for letter in before if letter not in LETTERS)))
