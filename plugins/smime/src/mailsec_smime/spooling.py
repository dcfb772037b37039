"""Octets of any number held on the way: few in memory, many in an unlinked file that only we can read, mapped."""

from __future__ import annotations

import mmap
import os
import tempfile
import weakref
from collections.abc import Iterable
from typing import Final, TypeAlias

from mailsec.errors import StoreError
from mailsec.message.buffer import make_buffer

Piece: TypeAlias = bytes | memoryview

IN_MEMORY: Final = 1 << 20
"""How many octets are held in memory."""


class Spool:
    """Takes octets in pieces and gives them in one.

    The file has no name (`O_TMPFILE`, or unlinked at once) and mode 0600, in the folder for temporary files. It is
    gone when nothing refers to its octets any more, however the program ends.
    """

    __slots__ = ("__weakref__", "_descriptor", "_pieces", "size")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._descriptor: int | None = None
        self.size = 0
        """How many octets it has taken."""

    def write(self, piece: Piece) -> None:
        """Takes the next octets.

        Raises:
            StoreError: the file cannot be written.
        """
        self.size += len(piece)
        if self._descriptor is None and self.size <= IN_MEMORY:
            self._pieces.append(bytes(piece))
            return
        try:
            if self._descriptor is None:
                self._descriptor = self._make()
                for one in self._pieces:
                    _write(self._descriptor, one)
                self._pieces.clear()
            _write(self._descriptor, piece)
        except OSError as error:
            where = tempfile.gettempdir()
            raise StoreError(f"a temporary file in {where} cannot be written: {error.strerror or error}") from None

    def whole(self) -> Piece:
        """All octets that it has taken, read-only."""
        if self._descriptor is None:
            return b"".join(self._pieces)
        return memoryview(mmap.mmap(self._descriptor, self.size, access=mmap.ACCESS_READ))

    def _make(self) -> int:
        """Makes the file; it is closed when nobody has the spool any more, and lives on where it is mapped."""
        with tempfile.TemporaryFile(buffering=0) as file:
            descriptor = os.dup(file.fileno())
        weakref.finalize(self, os.close, descriptor)
        return descriptor


def _write(descriptor: int, piece: Piece) -> None:
    left = memoryview(piece)
    while left:
        left = left[os.write(descriptor, left) :]


def spooled(pieces: Iterable[Piece]) -> Piece:
    """Gives pieces in one: the only one as it is, else few octets in memory and many in an unlinked file.

    Args:
        pieces: the octets; those of a single piece are referred to and must not change.

    Raises:
        StoreError: the file cannot be written.
    """
    spool = Spool()
    first: Piece | None = None
    for piece in pieces:
        if not piece:
            continue
        if first is None and not spool.size:
            first = piece
            continue
        if first is not None:
            spool.write(first)
            first = None
        spool.write(piece)
    return first if first is not None else spool.whole()


def contain(pieces: Iterable[Piece], what: bytes) -> bool:
    """Whether any of the pieces contains some octets; what lies across two pieces is not looked for."""
    return any(make_buffer(piece).find(what, 0, len(piece)) >= 0 for piece in pieces)
