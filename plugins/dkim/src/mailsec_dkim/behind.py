"""Digests that are computed behind, while the next block of a body is brought into canonical form.

`hashlib` lets go of the interpreter's lock while it hashes, and so does the search for white space. With a second
processor a long text takes as long as the search, and not as long as both together.
"""

from __future__ import annotations

import os
import threading
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from mailsec.crypto import Digest

__all__ = ["BehindDigest", "pays"]

_WAITING: Final = 4
"""How many pieces of one body may wait for their turn: memory stays bounded."""

_Piece: TypeAlias = "tuple[Digest, bytes, threading.Semaphore]"


def pays() -> bool:
    """Whether there is a second processor to compute digests on."""
    return len(os.sched_getaffinity(0)) > 1 if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1) > 1


class BehindDigest:
    """A digest whose octets are taken in by the process's thread for that, in their order.

    Args:
        digest: the digest, with what it has taken in so far; it belongs to this one from now on.
    """

    __slots__ = ("_digest", "_room")

    def __init__(self, digest: Digest) -> None:
        self._digest = digest
        self._room = threading.Semaphore(_WAITING)

    def update(self, octets: bytes) -> None:
        """Takes in more octets; waits where too many pieces are waiting."""
        self._room.acquire()
        _THREAD.put((self._digest, octets, self._room))

    def digest(self) -> bytes:
        """The digest of all that was taken in; waits for what is still to be hashed."""
        for _ in range(_WAITING):
            self._room.acquire()
        self._room.release(_WAITING)
        return self._digest.digest()


class _Thread:
    """The one thread of this process that computes digests; it is started when it is first needed."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        """After a fork the child has no thread, and what waited for it belongs to the parent."""
        self._queue: SimpleQueue[_Piece] = SimpleQueue()
        self._lock = threading.Lock()
        self._started = False

    def put(self, piece: _Piece) -> None:
        if not self._started:
            with self._lock:
                if not self._started:
                    threading.Thread(target=self._work, args=(self._queue,), name="dkim-digest", daemon=True).start()
                    self._started = True
        self._queue.put(piece)

    @staticmethod
    def _work(queue: SimpleQueue[_Piece]) -> None:
        while True:
            digest, octets, room = queue.get()
            digest.update(octets)
            room.release()


_THREAD: Final = _Thread()

os.register_at_fork(after_in_child=_THREAD._forget)  # noqa: SLF001 - the module's own
