"""Indexing in a process of its own, so that the keyboard never waits for it.

The index is written in batches that are whole, so the process may be killed at any time; it is started again, once
for each mailbox, and goes on where it was.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from mailsec.errors import MailsecError, WorkerError
from mailsec.store import Changes, Place
from mailsec.tui.background.child import Child
from mailsec.tui.background.messages import Advanced, Failed, Told

__all__ = ["Indexing"]

TRIES = 3
"""How often a mailbox is tried whose indexing ends its process."""


class _Request:
    """A mailbox whose turn is to come, and how many wait for it."""

    __slots__ = ("task", "waiters")

    task: asyncio.Task[Changes]

    def __init__(self) -> None:
        self.waiters = 0


class Indexing:
    """Keeps an index up to date; all its methods belong to one event loop.

    Args:
        index: where the index lies.
        progress: told the place, how many of its messages are done, and how many there are to do.
        tell: takes sentences for the user.
    """

    def __init__(
        self,
        index: Path,
        *,
        progress: Callable[[Place, int, int], None] = lambda _place, _done, _total: None,
        tell: Callable[[str], None] = lambda _sentence: None,
    ) -> None:
        self._index = index
        self._progress = progress
        self._tell = tell
        self._child: Child | None = None
        self._turn = asyncio.Lock()
        self._waiting: dict[Path, _Request] = {}
        self._running: set[asyncio.Task[Changes]] = set()

    @property
    def pid(self) -> int | None:
        """The number of the process, while there is one."""
        return None if self._child is None else self._child.pid

    async def refresh(self, place: Place) -> Changes:
        """Brings the index of one mailbox up to date, after those that were asked for before.

        Asked twice for the same before its turn came, it is done once. The work ends when all who asked for it have
        cancelled their wait.

        Args:
            place: where the mailbox lies.

        Raises:
            MailsecError: the mailbox or the index cannot be used.
            WorkerError: the process ended, and again when it was started anew.
        """
        request = self._waiting.get(place.path)
        if request is None:
            request = _Request()
            request.task = asyncio.create_task(self._in_turn(place, request))
            self._waiting[place.path] = request
            self._running.add(request.task)
            request.task.add_done_callback(self._running.discard)
        request.waiters += 1
        try:
            return await asyncio.shield(request.task)
        except asyncio.CancelledError:
            request.waiters -= 1
            if not request.waiters:
                request.task.cancel()
            raise

    async def close(self) -> None:
        """Ends the process and what waits for it."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        self._end()

    async def _in_turn(self, place: Place, request: _Request) -> Changes:
        try:
            async with self._turn:
                # whoever asks from here on wants to know of what has come in meanwhile
                self._forget(place, request)
                for left in reversed(range(TRIES)):
                    try:
                        return await self._refresh(place)
                    except WorkerError:
                        self._end()
                        if not left:
                            raise
                raise AssertionError("the last try returns or raises")
        finally:
            self._forget(place, request)

    def _forget(self, place: Place, request: _Request) -> None:
        if self._waiting.get(place.path) is request:
            del self._waiting[place.path]

    async def _refresh(self, place: Place) -> Changes:
        try:
            if self._child is None:
                self._child = await Child.start("index", self._index)
            await self._child.send(place)
            while True:
                match await self._child.receive():
                    case Advanced(done, total):
                        self._progress(place, done, total)
                    case Told(sentence):
                        self._tell(sentence)
                    case Failed(sentence):
                        raise MailsecError(sentence)
                    case Changes() as changes:
                        return changes
        except asyncio.CancelledError:
            self._end()
            raise

    def _end(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None
