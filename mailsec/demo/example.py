"""What an entry of the catalogue is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from mailsec.demo.world import World

__all__ = ["Example", "Maker", "collector"]

Maker: TypeAlias = Callable[[World], Awaitable[bytes]]


@dataclass(frozen=True, slots=True)
class Example:
    """A message of the demonstration.

    Attributes:
        name: its name, also part of its file's name.
        title: what it shows, in a few words.
        level: the level of the verdict that it must get.
        row: the row of the table of verdicts that must decide.
        make: makes it.
    """

    name: str
    title: str
    level: str
    row: int
    make: Maker


def collector(found: list[Example]) -> Callable[[str, str, int], Callable[[Maker], Maker]]:
    """Makes a decorator that puts makers into a list of examples, under their own names.

    Args:
        found: the list.
    """

    def example(title: str, level: str, row: int) -> Callable[[Maker], Maker]:
        def keep(make: Maker) -> Maker:
            found.append(Example(make.__name__.replace("_", "-"), title, level, row, make))
            return make

        return keep

    return example
