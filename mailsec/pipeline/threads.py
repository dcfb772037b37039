"""Daemon threads for plugin code that blocks.

`concurrent.futures` joins its threads when the program ends, so one blocked call would keep the program from
ending. These threads are daemons: a call that does not come back is left behind.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from queue import SimpleQueue
from typing import Any

from mailsec.errors import LimitError

__all__ = ["DaemonThreads"]


class _Call:
    """A call on its way, and where its outcome goes."""

    __slots__ = ("arguments", "function", "future", "loop")

    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self.function = function
        self.arguments = arguments
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[tuple[Any, BaseException | None]] = self.loop.create_future()

    def run(self) -> None:
        value, error = None, None
        try:
            value = self.function(*self.arguments)
        except BaseException as raised:  # noqa: BLE001 - the border: the outcome is judged on the event loop
            error = raised
        with contextlib.suppress(RuntimeError):  # the loop has been closed: nobody waits any more
            self.loop.call_soon_threadsafe(self._deliver, value, error)

    def _deliver(self, value: Any, error: BaseException | None) -> None:
        if not self.future.done():
            self.future.set_result((value, error))


class DaemonThreads:
    """Runs calls in daemon threads, which are used again when their call came back.

    Args:
        limit: how many threads there may be, blocked ones counted.
    """

    __slots__ = ("_count", "_idle", "_limit")

    def __init__(self, limit: int = 64) -> None:
        self._limit = limit
        self._idle: list[SimpleQueue[_Call]] = []
        self._count = 0

    async def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Calls a function in a thread and gives what it returns, awaited if it can be, or raises what it raises.

        Cancelling the wait leaves the call behind.

        Raises:
            LimitError: there are too many calls that have not come back.
        """
        call = _Call(function, arguments)
        try:
            queue = self._idle.pop()
        except IndexError:
            if self._count >= self._limit:
                raise LimitError(f"{self._limit} blocking calls of plugins have not come back") from None
            self._count += 1
            queue = SimpleQueue()
            threading.Thread(target=self._work, args=(queue,), name="mailsec-plugin", daemon=True).start()
        queue.put(call)
        value, error = await call.future
        if error is not None:
            raise error
        return await value if isinstance(value, Awaitable) else value

    def _work(self, queue: SimpleQueue[_Call]) -> None:
        while True:
            queue.get().run()
            self._idle.append(queue)  # appending and popping are atomic
