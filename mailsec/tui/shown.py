"""What a list of messages shows: numbers alone."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

__all__ = ["Shown"]


@dataclass(frozen=True, slots=True)
class Shown:
    """What the list shows.

    Attributes:
        ids: the messages in their order.
        depths: how deep each stands in its thread.
        threads: the thread of each.
        folded: for each thread of which only the first row is shown, how many there are in all.
    """

    ids: array[int] = field(default_factory=lambda: array("q"))
    depths: Sequence[int] = ()
    threads: Sequence[int] = ()
    folded: Mapping[int, int] = field(default_factory=dict)
