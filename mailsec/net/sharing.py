"""Work that several wait for is done once: look-ups and fetches that are under way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

__all__ = ["SharedWork"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class SharedWork(Generic[K, V]):
    """Does the work for a key once for all who ask while it is under way.

    Args:
        work: does it for a key.
    """

    def __init__(self, work: Callable[[K], Coroutine[Any, Any, V]]) -> None:
        self._work = work
        self._under_way: dict[K, asyncio.Task[V]] = {}

    async def get(self, key: K) -> V:
        """What the work gives or raises; it goes on for the others where one who waits is cancelled."""
        task = self._under_way.get(key)
        if task is None or task.get_loop() is not asyncio.get_running_loop():
            task = asyncio.create_task(self._work(key))
            self._under_way[key] = task
            task.add_done_callback(lambda done: self._finished(key, done))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Ends what is still under way."""
        tasks = [task for task in self._under_way.values() if task.get_loop() is asyncio.get_running_loop()]
        self._under_way.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _finished(self, key: K, task: asyncio.Task[V]) -> None:
        if self._under_way.get(key) is task:
            del self._under_way[key]
        if not task.cancelled():
            task.exception()  # whoever asked may have gone: the error is theirs to miss
