"""An mbox file as a mailbox that other programs append to and rewrite (RFC 4155 appendix A, mboxrd).

The file is read in pieces and never mapped: another program may cut it at any moment, and a mapped file that is cut
ends the process that reads it.
"""

from __future__ import annotations

import errno
import fcntl
import os
import time
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from pathlib import Path

from mailsec.errors import BusyError, InputError, LimitError, StoreError, UsageError
from mailsec.store.files import MAX_STREAM, reason
from mailsec.store.mbox import is_mbox, quoted, separators, unquoted, without_blank
from mailsec.store.types import Entry, Flags

__all__ = ["PATIENCE", "Mbox"]

PATIENCE = 10.0
"""Seconds that a locked file is waited for."""

STEP = 4 << 20
"""Octets that are searched at once."""

_LINE = 1 << 10  # octets that a separator line has at most, with what stands before it
_HEAD = 512  # octets from which a message's digest is made
_PAUSE = 0.05


class Mbox:
    """One mbox file; implements `mailsec.store.Mailbox`.

    A key is where the message begins and a digest of how it begins. Flags stand in the index alone; those that
    another program wrote into the file's header fields are none of ours.

    Args:
        path: the file. It need not be there before the first message is delivered.
        clock: seconds since the epoch, for separator lines.
        sleep: waits so many seconds.
        patience: seconds that a locked file is waited for.
    """

    keeps_flags = False

    def __init__(
        self,
        path: Path,
        *,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
        patience: float = PATIENCE,
    ) -> None:
        self._path = path
        self._clock = clock
        self._sleep = sleep
        self._patience = patience
        self._starts = array("q")  # of the separator lines
        self._digests: list[bytes] = []  # of each message but the last, which may still grow
        self._size = 0
        self._seal = b""  # a digest of the file's end when it was read, to see that it was only appended to

    @property
    def path(self) -> Path:
        """Where it lies."""
        return self._path

    # -- looking -------------------------------------------------------------------------------------------

    def entries(self) -> Iterator[Entry]:
        """All messages, each once. Where the file was only appended to, the new end alone is read.

        Raises:
            InputError: it cannot be read, or is no mbox file.
        """
        with self._opened() as file:
            self._look(file)
            starts, last = self._starts, len(self._starts) - 1
            keys = [f"{starts[number]}.{self._digest(file, number).hex()}" for number in range(last + 1)]
        return (Entry(key, Flags.NONE) for key in keys)

    def read(self, key: str) -> bytes | memoryview:
        """A message's octets.

        Args:
            key: its key.

        Raises:
            InputError: it is no longer there, or cannot be read.
            LimitError: it is larger than `MAX_STREAM`.
        """
        offset, _, digest = key.partition(".")
        with self._opened() as file:
            number = self._number(offset, digest, file)
            if number is None:
                self._look(file)
                number = self._number(offset, digest, file)
            if number is None:
                raise InputError(f"the message {key} is no longer in {self._path}")
            begin, end = self._bounds(number)
            if end - begin > MAX_STREAM:
                raise LimitError(f"the message {key} in {self._path} has more than {MAX_STREAM} octets")
            octets = memoryview(file.read(begin, end))
        line = bytes(octets[:_LINE]).find(b"\n") + 1 or len(octets)
        message = octets[line:]
        return unquoted(message[: without_blank(message, 0, len(message))])

    def _number(self, offset: str, digest: str, file: _Reader) -> int | None:
        """The place of a message among those that are known, if it is still the same."""
        if not (offset.isascii() and offset.isdigit() and len(offset) < 19):
            return None
        number = bisect_left(self._starts, int(offset))
        if number == len(self._starts) or self._starts[number] != int(offset):
            return None
        begin, end = self._bounds(number)
        head = file.read(begin, min(begin + _HEAD, end))
        return number if _digest(head).hex() == digest else None

    def _bounds(self, number: int) -> tuple[int, int]:
        end = self._starts[number + 1] if number + 1 < len(self._starts) else self._size
        return self._starts[number], end

    def _digest(self, file: _Reader, number: int) -> bytes:
        if number < len(self._digests):
            return self._digests[number]
        begin, end = self._bounds(number)
        digest = _digest(file.read(begin, min(begin + _HEAD, end)))
        if number + 1 < len(self._starts):
            self._digests.append(digest)
        return digest

    def _look(self, file: _Reader) -> None:
        """Finds the separator lines; only those of the new end where the file has otherwise stayed the same."""
        size = file.size()
        appended = 0 < self._size <= size and self._sealed(file, self._size) == self._seal
        if not appended:
            self._starts, self._digests = array("q"), []
            if size and not is_mbox(file.read(0, _LINE)):
                raise InputError(f"{self._path} is no mbox file: it does not begin with a From line")
        # What was the end may have been half a separator line, or the blank line that a separator needs.
        begin = self._starts[-1] if self._starts else 0
        known = begin if self._starts else -1
        at = max(0, begin - 2)
        while at < size:
            piece = file.read(at, min(at + STEP, size))
            if not piece:
                size = at  # cut meanwhile
                break
            whole = at + len(piece) >= size
            limit = len(piece) if whole else len(piece) - _LINE
            for start, _ in separators(piece):
                if start < limit and at + start > known and (start or at == 0):
                    known = at + start
                    self._starts.append(known)
            if whole:
                break
            at += limit - 2
        self._size = size
        self._seal = self._sealed(file, size)

    def _sealed(self, file: _Reader, size: int) -> bytes:
        return _digest(file.read(max(0, size - 4 * _LINE), size))

    @contextmanager
    def _opened(self) -> Iterator[_Reader]:
        try:
            descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
        except (OSError, ValueError) as error:
            raise InputError(f"{self._path} cannot be read: {reason(error)}") from None
        try:
            yield _Reader(descriptor)
        except OSError as error:
            raise InputError(f"{self._path} cannot be read: {reason(error)}") from None
        finally:
            os.close(descriptor)

    # -- changing ------------------------------------------------------------------------------------------

    def set_flags(self, key: str, *, add: Flags = Flags.NONE, remove: Flags = Flags.NONE) -> Flags:
        """Gives the flags to set: the file keeps none, and the index alone knows those before (`keeps_flags`).

        Args:
            key: its key.
            add: the flags to set.
            remove: the flags to take off.
        """
        del key
        return add & ~remove

    def remove(self, key: str) -> None:
        """Refuses: a message in the middle of a file that other programs append to is not taken out.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"{self._path} is an mbox file, from which mailsec removes nothing (message {key})")

    def deliver(self, octets: bytes | memoryview, flags: Flags = Flags.NONE) -> str:
        """Appends a message, whole or not at all, and gives its key. It is locked as other programs lock it.

        Args:
            octets: the message. A line end is added to a last line that has none.
            flags: are not kept in the file.

        Raises:
            BusyError: another program holds the file locked for too long.
            StoreError: it cannot be written.
            UsageError: it is there and is no mbox file.
        """
        del flags
        stamp = time.strftime("%a %b %e %H:%M:%S %Y", time.gmtime(self._clock())).encode("ascii")
        body = quoted(bytes(octets))
        line_end = b"\r\n" if body.find(b"\r\n") >= 0 and body.count(b"\r\n") == body.count(b"\n") else b"\n"
        if body and not body.endswith(b"\n"):
            body += line_end
        message = b"From MAILER-DAEMON " + stamp + b"\n" + body + line_end
        try:
            with self._locked() as descriptor:
                reader = _Reader(descriptor)
                before = reader.size()
                if before and not is_mbox(reader.read(0, _LINE)):
                    raise UsageError(f"{self._path} is no mbox file, so that nothing is appended to it")
                gap = _gap(reader.read(max(0, before - 4), before))
                try:
                    _append(descriptor, before, gap + message)
                except OSError:
                    os.ftruncate(descriptor, before)
                    raise
                begin = before + len(gap)
                return f"{begin}.{_digest(message[:_HEAD]).hex()}"
        except OSError as error:
            raise StoreError(f"the message cannot be written to {self._path}: {reason(error)}") from None

    @contextmanager
    def _locked(self) -> Iterator[int]:
        """The file, open for writing and locked in the three ways that programs lock such files."""
        deadline = time.monotonic() + self._patience
        with self._dot_lock(deadline):
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                for lock in (fcntl.lockf, fcntl.flock):
                    while True:
                        try:
                            lock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                            break
                        except (BlockingIOError, PermissionError):
                            self._wait(deadline)
                yield descriptor
            finally:
                os.close(descriptor)

    @contextmanager
    def _dot_lock(self, deadline: float) -> Iterator[None]:
        """The file `NAME.lock`; done without where its folder may not be written to, as that of /var/mail."""
        file = self._path.with_name(f"{self._path.name}.lock")
        made = False
        while not made:
            try:
                os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
                made = True
            except FileExistsError:
                self._wait(deadline, f" ({file} is there)")
            except OSError as error:
                if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
                    raise
                break
        try:
            yield
        finally:
            if made:
                with suppress(FileNotFoundError):
                    file.unlink()

    def _wait(self, deadline: float, why: str = "") -> None:
        if time.monotonic() >= deadline:
            raise BusyError(f"{self._path} is still locked by another program after {self._patience:g} s{why}")
        self._sleep(_PAUSE)


class _Reader:
    """Reads an open file by offset."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def size(self) -> int:
        return os.fstat(self._descriptor).st_size

    def read(self, begin: int, end: int) -> bytes:
        """The octets between two offsets, as far as the file goes."""
        pieces = []
        while begin < end and (piece := os.pread(self._descriptor, end - begin, begin)):
            pieces.append(piece)
            begin += len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _digest(head: bytes) -> bytes:
    return blake2b(head, digest_size=6).digest()


def _gap(end: bytes) -> bytes:
    """What a file's end lacks so that a separator line may follow: a line end, a blank line, both, or nothing."""
    if not end or end.endswith((b"\n\n", b"\n\r\n")):
        return b""
    return b"\n" if end.endswith(b"\n") else b"\n\n"


def _append(descriptor: int, at: int, octets: bytes) -> None:
    left = memoryview(octets)
    while left:
        written = os.pwrite(descriptor, left, at)
        at += written
        left = left[written:]
    os.fsync(descriptor)
