"""Threads: what belongs together, who stands below whom, whatever the order of arrival."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsec.store.threads import MAX_DEPTH, Node, Thread, arrange


def node(number: int, *references: int, date: int | None = None, own: int | None = None) -> Node:
    return Node(number, number if date is None else date, number if own is None else own, references)


def shown(threads: list[Thread]) -> list[list[tuple[int, int]]]:
    return [list(zip(thread.members, thread.depths, strict=True)) for thread in threads]


CASES = [
    ("nothing", [], []),
    ("one", [node(1)], [[(1, 0)]]),
    ("two that have nothing to do with each other", [node(1), node(2)], [[(1, 0)], [(2, 0)]]),
    ("an answer", [node(1), node(2, 1)], [[(1, 0), (2, 1)]]),
    ("an answer that is older by its own account", [node(1), node(2, 1, date=0)], [[(1, 0), (2, 1)]]),
    ("answers side by side, by date", [node(1), node(3, 1), node(2, 1)], [[(1, 0), (2, 1), (3, 1)]]),
    ("an answer to an answer", [node(1), node(2, 1), node(3, 1, 2)], [[(1, 0), (2, 1), (3, 2)]]),
    ("a branch before its sibling", [node(1), node(2, 1), node(3, 1), node(4, 1, 2)],
     [[(1, 0), (2, 1), (4, 2), (3, 1)]]),
    ("In-Reply-To alone", [node(1), node(2, 1), node(3, 2)], [[(1, 0), (2, 1), (3, 2)]]),
    ("a missing one between", [node(1), node(3, 1, 2)], [[(1, 0), (3, 1)]]),
    ("several missing ones between", [node(1), node(5, 1, 2, 3, 4)], [[(1, 0), (5, 1)]]),
    ("a missing one whose place another tells", [node(1), node(3, 2), node(4, 1, 2)], [[(1, 0), (3, 1), (4, 1)]]),
    ("siblings of whom the parent is missing", [node(2, 1), node(3, 1)], [[(2, 0), (3, 1)]]),
    ("siblings of whom the grandparent is missing", [node(3, 1, 2), node(5, 1, 4)], [[(3, 0), (5, 1)]]),
    ("what stands below such a sibling", [node(2, 1), node(3, 1), node(4, 1, 3)], [[(2, 0), (3, 1), (4, 2)]]),
    ("one that mentions itself", [node(1, 1)], [[(1, 0)]]),
    ("a circle of two", [node(1, 2), node(2, 1)], [[(1, 0), (2, 1)]]),
    ("a circle of three, and one outside", [node(1, 3), node(2, 1), node(3, 2), node(4, 2)],
     [[(1, 0), (2, 1), (3, 2), (4, 2)]]),
    ("a circle through missing ones", [node(1, 7, 8), node(2, 8, 7)], [[(1, 0), (2, 1)]]),
    ("the same Message-ID twice", [node(1, own=9), node(2, own=9), node(3, 9)], [[(1, 0), (2, 1), (3, 1)]]),
    ("no Message-ID", [node(1, own=0), node(2, own=0)], [[(1, 0)], [(2, 0)]]),
    ("no Message-ID, but an answer", [node(1), node(2, 1, own=0)], [[(1, 0), (2, 1)]]),
    ("one that mentions two threads", [node(1), node(2), node(3, 1, 2)], [[(1, 0), (2, 1), (3, 2)]]),
    ("the same mentioned twice", [node(1), node(2, 1, 1)], [[(1, 0), (2, 1)]]),
]  # fmt: skip


@pytest.mark.parametrize(("nodes", "threads"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_arranging(nodes: list[Node], threads: list[list[tuple[int, int]]]) -> None:
    assert shown(arrange(nodes)) == threads
    assert shown(arrange(reversed(nodes))) == threads


identifiers = st.integers(0, 12)
mail = st.lists(
    st.tuples(st.integers(0, 5), identifiers, st.lists(identifiers.filter(bool), max_size=5)), max_size=14
).map(lambda drawn: [Node(number, date, own, tuple(refs)) for number, (date, own, refs) in enumerate(drawn, 1)])


@given(mail, st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(nodes: list[Node], chance: random.Random) -> None:
    other = list(nodes)
    chance.shuffle(other)
    assert shown(arrange(nodes)) == shown(arrange(other))


@given(mail)
def test_every_message_once_and_every_parent_before_its_children(nodes: list[Node]) -> None:
    threads = arrange(nodes)
    assert sorted(member for thread in threads for member in thread.members) == [node.number for node in nodes]
    for thread in threads:
        assert thread.depths[0] == 0
        assert all(0 < depth <= before + 1 for before, depth in zip(thread.depths, thread.depths[1:], strict=False))
        assert thread.newest == max(node.date for node in nodes if node.number in thread.members)


@given(mail)
def test_who_mentions_the_same_is_in_the_same_thread_and_nobody_else(nodes: list[Node]) -> None:
    groups: list[tuple[set[int], set[int]]] = []  # Message-IDs and numbers, joined in the plainest way
    for one in nodes:
        ids, numbers = {one.own, *one.references} - {0}, {one.number}
        for group in [group for group in groups if group[0] & ids]:
            groups.remove(group)
            ids, numbers = ids | group[0], numbers | group[1]
        groups.append((ids, numbers))
    found = sorted(sorted(thread.members) for thread in arrange(nodes))
    assert found == sorted(sorted(numbers) for _, numbers in groups)


@given(mail)
def test_an_answer_stands_below_what_it_answers(nodes: list[Node]) -> None:
    # where nothing is circular or doubled: only smaller identifiers are mentioned
    tame = [Node(n.number, n.date, n.number, tuple(r for r in n.references if r < n.number)) for n in nodes]
    for thread in arrange(tame):
        path: list[int] = []
        for member, depth in zip(thread.members, thread.depths, strict=True):
            del path[depth:]
            mentioned = tame[member - 1].references
            if mentioned and mentioned[-1] in thread.members:
                assert path[-1] == mentioned[-1]
            path.append(member)


@pytest.mark.parametrize("kept", [1, 20])
def test_a_chain_of_fifteen_thousand(kept: int) -> None:
    count = 15_000
    nodes = [node(number, *range(max(1, number - kept), number)) for number in range(1, count + 1)]
    (thread,) = arrange(nodes)
    assert list(thread.members) == list(range(1, count + 1))
    assert list(thread.depths) == list(range(count))


def test_what_is_deeper_than_can_be_said_is_said_to_stand_there() -> None:
    nodes = [node(number, number - 1) if number > 1 else node(1) for number in range(1, MAX_DEPTH + 100)]
    (thread,) = arrange(nodes)
    assert (thread.depths[-1], len(thread.members)) == (MAX_DEPTH, MAX_DEPTH + 99)


def test_a_large_circle_is_opened_once() -> None:
    count = 20_000
    (thread,) = arrange([node(number, number % count + 1) for number in range(1, count + 1)])
    assert thread.members[0] == 1
    assert len(thread.members) == count


def test_many_missing_ones_take_no_longer() -> None:
    nodes = [node(number, *range(10**6 + number, 10**6 + number + 30)) for number in range(1, 5_000)]
    (thread,) = arrange(nodes)
    assert len(thread.members) == len(nodes)
