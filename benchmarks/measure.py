"""Timing two things in turn, and the figure that comes of it."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    Attributes:
        name: what was measured.
        ours: our figure.
        peer: the peer's figure, in the same unit.
        peer_name: the peer with its version.
        unit: `"ms"`, `"µs"`, `"s"` (less is better) or `"/s"` (more is better).
        ratio: how many times better than the peer; the median over the rounds.
        target: the ratio to reach, or `None`.
    """

    name: str
    ours: float
    peer: float
    peer_name: str
    unit: str
    ratio: float
    target: float | None = None

    @property
    def reached(self) -> bool:
        """Whether the target is reached."""
        return self.target is None or self.ratio >= self.target


def seconds(action: Callable[[], object], repeat: int) -> float:
    """Seconds that one call of `action` takes, averaged over `repeat` calls without garbage collection."""
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        for _ in range(repeat):
            action()
        return (time.perf_counter() - start) / repeat
    finally:
        gc.enable()


def beside(
    ours: Callable[[], object],
    peer: Callable[[], object],
    *,
    rounds: int,
    repeat: int,
    peer_repeat: int | None = None,
) -> tuple[float, float, float]:
    """Times two actions in turn.

    Args:
        ours: our action.
        peer: the peer's.
        rounds: how often they take turns, after one turn that is not counted.
        repeat: calls of ours a turn.
        peer_repeat: calls of the peer's a turn; as many as ours if not given.

    Returns:
        The medians of our and the peer's seconds a call, and the median of the ratio peer / ours.
    """
    ours()
    peer()
    pairs = [(seconds(ours, repeat), seconds(peer, peer_repeat or repeat)) for _ in range(rounds)]
    return (
        statistics.median(mine for mine, _ in pairs),
        statistics.median(theirs for _, theirs in pairs),
        statistics.median(theirs / mine for mine, theirs in pairs),
    )
