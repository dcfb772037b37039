"""A bounded cache of DNS answers that keeps each for its TTL and not longer."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["TtlCache"]

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class TtlCache(Generic[K, V]):
    """Keeps values for their time; over its size, what was not used for longest goes first.

    Args:
        size: how many values it holds at most.
        clock: seconds that only grow.
    """

    def __init__(self, size: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = size
        self._clock = clock
        self._values: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K) -> tuple[V, int] | None:
        """The value and the whole seconds that it is still good for, or `None`."""
        found = self._values.get(key)
        if found is None:
            return None
        end, value = found
        left = end - self._clock()
        if left <= 0:
            del self._values[key]
            return None
        self._values.move_to_end(key)
        return value, int(left)

    def put(self, key: K, value: V, seconds: float) -> None:
        """Keeps a value; for zero seconds or fewer it is not kept at all (RFC 1035 section 3.2.1)."""
        if seconds <= 0:
            self._values.pop(key, None)
            return
        self._values[key] = (self._clock() + seconds, value)
        self._values.move_to_end(key)
        while len(self._values) > self._size:
            self._values.popitem(last=False)
