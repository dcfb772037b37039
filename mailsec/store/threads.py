"""Threads: which messages belong together, and in which order they stand (RFC 5322 section 3.6.4).

Messages belong together when one mentions the other in References or In-Reply-To, or when both mention the same one,
whether that one is here or not. What comes out depends on the messages alone and not on the order in which they came.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

__all__ = ["MAX_DEPTH", "Node", "Thread", "arrange"]

MAX_DEPTH = 0xFFFF
"""How deep a message may be said to stand; deeper ones are said to stand there."""


class Node(NamedTuple):
    """A message as threads see it.

    Attributes:
        number: the message's number.
        date: its date, in seconds since the epoch.
        own: what stands for its Message-ID; 0 where it has none.
        references: what stands for the Message-IDs that it mentions, the nearest last.
    """

    number: int
    date: int
    own: int
    references: Sequence[int]


@dataclass(frozen=True, slots=True)
class Thread:
    """Messages that belong together.

    Attributes:
        members: their numbers, a parent before its children, siblings by date (typecode `q`).
        depths: how deep each stands; 0 for the first one alone (typecode `H`).
        newest: the newest of their dates.
    """

    members: array[int]
    depths: array[int]
    newest: int


def arrange(nodes: Iterable[Node]) -> list[Thread]:
    """Arranges messages in threads.

    A message stands below the last one that it mentions and that is here. Where a message is missing, its children
    stand below what others say stands before it. Where that leads nowhere too, the oldest is the first of the thread
    and the others stand below it, side by side. A circle is opened at its oldest message.

    It takes time in proportion to the messages and their references, save for sorting.

    Args:
        nodes: the messages, each number once, in any order.
    """
    ordered = sorted(nodes, key=lambda node: (node.date, node.own, node.number))
    if len(ordered) == 1:
        return [_alone(ordered[0])]
    forest = _Forest(ordered)
    threads: list[Thread] = []
    for roots in forest.groups():
        if len(roots) == 1 and not forest.children[roots[0]]:
            threads.append(_alone(ordered[roots[0]]))
            continue
        members, depths, newest = array("q"), array("H"), 0
        for vertex, depth in forest.walk(roots):
            node = ordered[vertex]
            members.append(node.number)
            depths.append(min(depth, MAX_DEPTH))
            newest = max(newest, node.date)
        threads.append(Thread(members, depths, newest))
    return threads


def _alone(node: Node) -> Thread:
    return Thread(array("q", (node.number,)), array("H", (0,)), node.date)


class _Forest:
    """Who stands below whom. Vertices are the messages, numbered in their order, and after them the missing ones."""

    def __init__(self, ordered: Sequence[Node]) -> None:
        self.size = len(ordered)
        self._vertex: dict[int, int] = {}  # by Message-ID
        for vertex, node in enumerate(ordered):
            if node.own:
                self._vertex.setdefault(node.own, vertex)
        self._parent = [-1] * self.size
        self._group = list(range(self.size))
        self._link(ordered)
        self._open_circles()
        self._skip_missing()
        self.children: list[list[int]] = [[] for _ in range(self.size)]
        for vertex in range(self.size):
            if self._parent[vertex] >= 0:
                self.children[self._parent[vertex]].append(vertex)

    def _link(self, ordered: Sequence[Node]) -> None:
        """Takes down what each message says about its own parent, and about those that are missing."""
        for vertex, node in enumerate(ordered):
            own = self._vertex.get(node.own, vertex)
            if own != vertex:
                self._join(own, vertex)  # the same Message-ID again
            mentioned = [self._of(reference) for reference in node.references if reference != node.own]
            for other in mentioned:
                self._join(other, vertex)
            for above, below in pairwise(mentioned):
                if below >= self.size and self._parent[below] < 0 and above != below:
                    self._parent[below] = above
            if mentioned:
                self._parent[vertex] = mentioned[-1]

    def _of(self, reference: int) -> int:
        vertex = self._vertex.get(reference)
        if vertex is None:
            vertex = self._vertex[reference] = len(self._parent)
            self._parent.append(-1)
            self._group.append(vertex)
        return vertex

    def _join(self, one: int, other: int) -> None:
        one, other = self._find(one), self._find(other)
        if one != other:
            self._group[max(one, other)] = min(one, other)

    def _find(self, vertex: int) -> int:
        group = self._group
        while group[vertex] != vertex:
            group[vertex] = vertex = group[group[vertex]]
        return vertex

    def _open_circles(self) -> None:
        parent = self._parent
        seen = [0] * len(parent)  # the walk on which it was first met
        for start in range(len(parent)):
            vertex = start
            while vertex >= 0 and not seen[vertex]:
                seen[vertex] = start + 1
                vertex = parent[vertex]
            if vertex >= 0 and seen[vertex] == start + 1:
                oldest, at = vertex, parent[vertex]
                while at != vertex:
                    oldest, at = min(oldest, at), parent[at]
                parent[oldest] = -1

    def _skip_missing(self) -> None:
        """Puts each message below the nearest message that is here."""
        parent, size = self._parent, self.size
        for vertex in range(size):
            above = parent[vertex]
            passed = []
            while above >= size:
                passed.append(above)
                above = parent[above]
            for missing in passed:
                parent[missing] = above
            parent[vertex] = above

    def groups(self) -> Iterator[list[int]]:
        """The roots of each thread, the oldest first."""
        groups: dict[int, list[int]] = {}
        for vertex in range(self.size):
            if self._parent[vertex] < 0:
                groups.setdefault(self._find(vertex), []).append(vertex)
        return iter(groups.values())

    def walk(self, roots: Sequence[int]) -> Iterator[tuple[int, int]]:
        """The messages of a thread with their depths, without recursion; further roots stand below the first."""
        first = roots[0]
        children = self.children
        yield first, 0
        waiting = [(vertex, 1) for vertex in sorted((*children[first], *roots[1:]), reverse=True)]
        while waiting:
            vertex, depth = waiting.pop()
            yield vertex, depth
            waiting.extend((child, depth + 1) for child in reversed(children[vertex]))
