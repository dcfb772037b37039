"""A bounded cache of DNS answers and documents that keeps each for its TTL and not longer."""

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
        size: how many values it holds at most, or how heavy they may be together.
        clock: seconds that only grow.
        weight: how heavy a value is; each counts as one by default.
    """

    def __init__(
        self, size: int, clock: Callable[[], float] = time.monotonic, *, weight: Callable[[V], int] = lambda _: 1
    ) -> None:
        self._size = size
        self._clock = clock
        self._weight = weight
        self._total = 0
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
            self._drop(key)
            return None
        self._values.move_to_end(key)
        return value, int(left)

    def put(self, key: K, value: V, seconds: float) -> None:
        """Keeps a value; for zero seconds or fewer it is not kept at all (RFC 1035 section 3.2.1)."""
        self._drop(key)
        if seconds <= 0:
            return
        self._values[key] = (self._clock() + seconds, value)
        self._total += self._weight(value)
        while self._total > self._size:
            self._drop(next(iter(self._values)))

    def _drop(self, key: K) -> None:
        found = self._values.pop(key, None)
        if found is not None:
            self._total -= self._weight(found[1])
