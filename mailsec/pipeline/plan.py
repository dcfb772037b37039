"""The order in which verifiers or sealers run, worked out once."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mailsec.hooks.manager import Problem, Registered
from mailsec.hooks.types import AuthResult, Result, Verifier

__all__ = ["REST", "Entry", "Health", "plan"]

OVERRUNS = 3
"""How many overruns in a row send a verifier to rest."""

REST = 300.0
"""Seconds for which it rests."""


class Health:
    """How a verifier or opener behaved lately; it outlives the single message.

    Attributes:
        overruns: how often in a row it did not give up by its time.
        rests_until: until when it is not asked, on the clock of `time.monotonic()`.
    """

    __slots__ = ("overruns", "rests_until")

    def __init__(self) -> None:
        self.overruns = 0
        self.rests_until = 0.0

    def overran(self) -> bool:
        """Notes an overrun; says whether it goes to rest now."""
        self.overruns += 1
        if self.overruns < OVERRUNS:
            return False
        self.overruns = 0
        self.rests_until = time.monotonic() + REST
        return True


@dataclass(slots=True, eq=False)
class Entry:
    """A verifier, opener or sealer as the runner keeps it.

    Attributes:
        descriptor: what the hook returned.
        name: the descriptor's name.
        plugin: the plugin that it comes from.
        label: the plugin with its distribution and version.
        problem: makes a `Problem` about it from half a sentence.
        methods: the methods that it gives results for.
        timeout: seconds that it may take.
        settings: the plugin's settings.
        silence: a result `none` for each method, for when nothing was said of it.
        blocking: whether it is sync code that must run in a thread.
        before: the places, in the same plan, of those that it comes after.
        after: the places of those that come after it.
        cycle: the names that wait for each other, where it is one of them.
        health: how it behaved lately.
    """

    descriptor: Any
    name: str
    plugin: str
    label: str
    problem: Callable[[str], Problem]
    methods: tuple[str, ...]
    timeout: float
    settings: Any
    blocking: bool
    silence: tuple[AuthResult, ...] = ()
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    cycle: tuple[str, ...] = ()
    health: Health = field(default_factory=Health)


def plan(registered: Sequence[Registered[Any]], settings: Mapping[str, Any]) -> tuple[Entry, ...]:
    """Puts descriptors into an order in which each comes after those that it names.

    Names in `after` that are not known are ignored. Those that wait for each other in a circle are marked; others
    that come after them do not wait for them.

    Args:
        registered: the descriptors; their order decides where `after` leaves it open.
        settings: each plugin's settings by its name.
    """
    by_name = {one.descriptor.name: one for one in registered}
    wanted = {
        name: [other for other in getattr(one.descriptor, "after", ()) if other in by_name]
        for name, one in by_name.items()
    }
    cycles = {name: cycle for name in wanted if (cycle := _cycle(name, wanted))}
    order: list[str] = list(cycles)
    waiting = [name for name in by_name if name not in cycles]
    while waiting:
        ready = next(name for name in waiting if all(other in order for other in wanted[name]))
        order.append(ready)
        waiting.remove(ready)
    # those in a circle keep their place by name, so that results come in a steady order
    place = {name: index for index, name in enumerate(order)}
    entries = [_entry(by_name[name], settings, cycles.get(name, ())) for name in order]
    for name, entry in zip(order, entries, strict=True):
        if not entry.cycle:
            entry.before = tuple(place[other] for other in wanted[name])
            for other in entry.before:
                entries[other].after += (place[name],)
    return tuple(entries)


def _cycle(name: str, wanted: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """All that wait for each other together with this one; nothing where it does not wait for itself."""
    back = {one for one in _reach(name, wanted) if name in _reach(one, wanted)}
    return tuple(sorted(back))


def _reach(name: str, wanted: Mapping[str, Sequence[str]]) -> set[str]:
    reached: set[str] = set()
    waiting = list(wanted[name])
    while waiting:
        one = waiting.pop()
        if one not in reached:
            reached.add(one)
            waiting += wanted[one]
    return reached


def _entry(one: Registered[Any], settings: Mapping[str, Any], cycle: tuple[str, ...]) -> Entry:
    descriptor = one.descriptor
    work = descriptor.verify if isinstance(descriptor, Verifier) else getattr(descriptor, "open", None)
    methods, label = getattr(descriptor, "methods", ()), one.label
    return Entry(
        descriptor=descriptor,
        name=descriptor.name,
        plugin=one.plugin,
        label=label,
        problem=lambda fault: Problem(
            one.plugin, one.distribution, one.version, f"The plugin {label}: {fault.rstrip('.')}."
        ),
        methods=methods,
        silence=tuple(AuthResult(method, Result.NONE, f"{label} found nothing to judge") for method in methods),
        timeout=float(getattr(descriptor, "timeout", 30.0)),
        settings=settings.get(one.plugin),
        blocking=work is not None and not _is_async(work),
        cycle=cycle,
    )


def _is_async(function: Any) -> bool:
    """Whether calling it gives a coroutine and does no work yet."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(type(function), "__call__", None)  # noqa: B004 - an object with an async __call__
    )
