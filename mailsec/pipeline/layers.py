"""Opens protected parts, and the protected parts inside them, and numbers the layers that come to light."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mailsec.errors import PluginError
from mailsec.hooks.manager import Problem
from mailsec.hooks.types import AuthResult, Cause, Opened, Result
from mailsec.message.protection import find_payload
from mailsec.pipeline.accept import copy_results, judge_results
from mailsec.pipeline.context import PartContext, Shared
from mailsec.pipeline.engine import Engine, Job
from mailsec.pipeline.plan import Entry
from mailsec.pipeline.report import Layer, Run

if TYPE_CHECKING:
    from mailsec.message import HeaderSection, Message, Part
    from mailsec.pipeline.runner import Runner

__all__ = ["MAXIMUM_DEPTH", "MAXIMUM_OPENINGS", "MAXIMUM_QUESTIONS", "Opening", "is_authenticated"]

MAXIMUM_DEPTH = 8
"""How many protections may lie inside each other."""

MAXIMUM_OPENINGS = 16
"""How many parts of one message openers may open, in all layers together."""

MAXIMUM_QUESTIONS = 256
"""How often openers are asked about a part of one message; of most they say at once that it is none of theirs."""

MAXIMUM_OCTETS = 1 << 28
"""How many octets all inner contents together may have."""

_REACHED = ("signed", "encrypted", "compressed")


class _Node:
    """A layer on its way to its number."""

    __slots__ = ("children", "depth", "enveloping", "index", "malleable", "message", "parent", "part", "reached")

    def __init__(
        self, message: Message, parent: _Node | None, part: Part | None, reached: str, *, malleable: bool = False
    ) -> None:
        self.message = message
        self.parent = parent
        self.part = part
        self.reached = reached
        self.depth: int = 0 if parent is None else parent.depth + 1
        self.index = 0
        # whether somebody may have put it together out of what was encrypted (EFAIL)
        self.malleable: bool = malleable or (parent is not None and parent.malleable)
        # whether it is all there is in what lies above it (RFC 9787 section 4.4.1)
        self.enveloping: bool = parent is None or (parent.enveloping and part is not None and part.parent is None)
        self.children: list[_Candidate] = []


class _Candidate:
    """A part that openers want to see: what each of them made of it, in turn."""

    __slots__ = ("answers", "node", "openers", "part")

    def __init__(self, node: _Node, part: Part, openers: Iterator[Entry]) -> None:
        self.node = node
        self.part = part
        self.openers = openers
        self.answers: list[tuple[_OpenerJob, _Node | None]] = []


class _OpenerJob(Job):
    """An opener at work on one part."""

    __slots__ = ("candidate", "opening")

    def __init__(self, entry: Entry, context: PartContext, opening: Opening, candidate: _Candidate) -> None:
        super().__init__(entry, context)
        self.opening = opening
        self.candidate = candidate

    def work(self) -> Any:
        function = self.entry.descriptor.open
        if self.entry.blocking:
            return self.opening.call_in_thread(function, self.candidate.part, self.context)
        return function(self.candidate.part, self.context)

    def accept(self, answer: Any) -> Opened | None:
        return _copy(answer)

    def settle(self, answer: Any) -> None:
        self.opening.take(self.candidate, self, answer)


class Opening:
    """All that openers do to one message.

    Openers see the parts of a layer whose type they want, never those of a message inside it: that is another
    message. They are asked in turn until one answers; its inner content becomes a layer and is looked through
    likewise. What is inside a part that could be opened is not looked at from outside.
    """

    def __init__(
        self, runner: Runner, engine: Engine, shared: Shared, message: Message, problems: list[Problem]
    ) -> None:
        self._runner = runner
        self._engine = engine
        self._shared = shared
        self._problems = problems
        self._root = _Node(message, None, None, "transit")
        self._wanted = {one for entry in runner.openers for one in entry.descriptor.content_types}
        self._left = MAXIMUM_OPENINGS
        self._asked = 0
        self._octets = 0
        self._waiting: deque[_OpenerJob] = deque()
        self._over_limit: _OpenerJob | None = None

    def start(self) -> None:
        """Looks through the message in transit and adds the jobs to the engine."""
        self._look(self._root, self._root.message.root)

    def _look(self, node: _Node, root: Part, *, inside: bool = False) -> None:
        """Finds the candidates in a tree of parts, in document order."""
        waiting = list(reversed(root.children)) if inside else [root]
        while waiting:
            part = waiting.pop()
            if part.content_type in self._wanted:
                kind = part.content_type
                openers = (entry for entry in self._runner.openers if kind in entry.descriptor.content_types)
                candidate = _Candidate(node, part, openers)
                node.children.append(candidate)
                self._ask(candidate)
            else:
                waiting.extend(reversed(part.children))

    def _ask(self, candidate: _Candidate) -> None:
        """Asks the next opener about a part; where none is left, looks inside."""
        entry = next(candidate.openers, None)
        if entry is None:
            self._look(candidate.node, candidate.part, inside=True)
            return
        shared, keys = self._shared, self._runner.services.keys
        around = candidate.node.enveloping and candidate.part.parent is None
        header, malleable = self._root.message.header, candidate.node.malleable
        context = PartContext(shared, entry.settings, keys, header, around, malleable=malleable)
        job = _OpenerJob(entry, context, self, candidate)
        if candidate.node.depth < MAXIMUM_DEPTH:
            self._waiting.append(job)
            self._start_waiting()
        else:
            self._over_limit = self._over_limit or job

    def _start_waiting(self) -> None:
        """Starts as many jobs as the limits allow now."""
        while self._waiting and self._left and self._asked < MAXIMUM_QUESTIONS:
            self._left -= 1
            self._asked += 1
            self._engine.add(self._waiting.popleft())

    def call_in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Makes a blocking call in a thread; the answer is awaited."""
        return self._runner.threads.call(function, *arguments)

    def take(self, candidate: _Candidate, job: _OpenerJob, answer: Opened | None) -> None:
        """Takes what an opener answered about a part."""
        from mailsec.message import parse

        if answer is None and job.failure is None:
            self._left += 1
            self._ask(candidate)
            self._start_waiting()
            return
        inner: _Node | None = None
        header, octets = self._root.message.header, 0
        results: tuple[Any, ...] = ()
        if answer is not None and answer.octets is not None:
            self._octets += len(answer.octets)
            if self._octets > MAXIMUM_OCTETS:
                job.results = _limit(job.entry, f"not opened: there are more than {MAXIMUM_OCTETS} octets inside")
                candidate.answers.append((job, None))
                return
            malleable = answer.reached == "encrypted" and not any(map(is_authenticated, answer.results))
            inner = _Node(parse(answer.octets), candidate.node, candidate.part, answer.reached, malleable=malleable)
            header, octets = inner.message.header, len(inner.message.octets)
            results = answer.results
        elif answer is not None:
            results = tuple(_uncovered(one) for one in answer.results)
        job.results, problems = judge_results(job.entry, job.failure, results, header, octets)
        self._problems += problems
        candidate.answers.append((job, inner))
        if inner is not None:
            self._look(inner, inner.message.root)
        elif answer is not None:
            self._look(candidate.node, candidate.part, inside=True)
        else:  # it failed: another may do better
            self._ask(candidate)

    def finish(self) -> tuple[tuple[Layer, ...], list[Run]]:
        """Numbers the layers, breadth first in document order, and gives them with what ran."""
        if (over := next(iter(self._waiting), self._over_limit)) is not None:
            limit = f"no more than {MAXIMUM_OPENINGS} protected parts in {MAXIMUM_DEPTH} layers are opened"
            over.results = _limit(over.entry, f"not all was opened: {limit}")
            over.candidate.answers.append((over, None))
        layers: list[Layer] = []
        runs: list[Run] = []
        waiting = [self._root]
        count = 0
        for node in waiting:  # it grows while it is walked through
            place = {id(part): index for index, part in enumerate(_parts(node))}
            for candidate in sorted(node.children, key=lambda one: place[id(one.part)]):
                for job, inner in candidate.answers:
                    if inner is not None:
                        count += 1
                        inner.index = count
                        waiting.append(inner)
                        layers.append(_layer(inner))
                    if inner is not None and (fields := _protected(inner, self._root.message.header)):
                        job.results = tuple(_with_fields(one, inner, fields) for one in job.results)
                    numbered = tuple(_number(one, node.index, inner) for one in job.results)
                    entry = job.entry
                    evidence = job.context.evidence()
                    runs.append(Run(entry.name, entry.plugin, entry.methods, numbered, evidence, job.seconds))
        return tuple(layers), runs


def is_authenticated(result: Any) -> bool:
    """Whether a result says that a change of what was encrypted would have been noticed."""
    return type(result) is AuthResult and result.properties.get("policy.encryption") == "authenticated"


def _parts(node: _Node) -> Iterator[Part]:
    waiting = [node.message.root]
    while waiting:
        part = waiting.pop()
        yield part
        waiting.extend(reversed(part.children))


def _layer(node: _Node) -> Layer:
    message, part, parent = node.message, node.part, node.parent
    assert part is not None
    assert parent is not None
    body = (message.body_start, len(message.octets))
    return Layer(node.index, parent.index, part.path, node.reached, message.header, body, message, part)


def _number(result: AuthResult, layer: int, inner: _Node | None) -> AuthResult:
    """Sets the layer where the protection was found, and the one that the coverage counts in."""
    coverage = result.coverage
    if coverage is not None and inner is not None:
        coverage = replace(coverage, layer=inner.index)
    return replace(result, layer=layer, coverage=coverage)


def _protected(inner: _Node, outer: HeaderSection) -> tuple[int, ...]:
    """The fields of a layer that are those of the message: all, where it is a payload with header protection."""
    if not inner.enveloping or any(one.part.parent is None and _is_opened(one) for one in inner.children):
        return ()
    payload = find_payload(inner.message.root, outer)
    if payload is None or payload.root is not inner.message.root:
        return ()
    return tuple(range(len(payload.header)))


def _is_opened(candidate: _Candidate) -> bool:
    return any(inner is not None for _, inner in candidate.answers)


def _with_fields(result: AuthResult, inner: _Node, fields: tuple[int, ...]) -> AuthResult:
    """Adds the header fields of the content to what covers all of its header section."""
    coverage = result.coverage
    if coverage is None or coverage.fields or not coverage.ranges:
        return result
    start, end = coverage.ranges[0]
    if start > inner.message.header.base or end < inner.message.header.body_start:
        return result
    return replace(result, coverage=replace(coverage, fields=fields))


def _uncovered(result: Any) -> Any:
    """A result about content that could not be had covers nothing."""
    return replace(result, coverage=None) if type(result) is AuthResult and result.coverage is not None else result


def _limit(entry: Entry, reason: str) -> tuple[AuthResult, ...]:
    return tuple(AuthResult(method, Result.PERMERROR, reason, Cause.LIMIT) for method in entry.methods)


def _copy(answer: Any) -> Opened | None:
    """Checks what an opener answered and takes its results into a tuple of our own."""
    if answer is None:
        return None
    if type(answer) is not Opened:
        raise PluginError(f"answered with {type(answer).__name__}, not with Opened")
    if answer.octets is not None and type(answer.octets) not in {bytes, memoryview}:
        raise PluginError(f"answered with {type(answer.octets).__name__} as the inner content, which is no octets")
    reached: Any = answer.reached
    if type(reached) is not str or reached not in _REACHED:
        raise PluginError("answered with an unknown way of reaching the inner content")
    octets = answer.octets
    if isinstance(octets, memoryview) and not octets.readonly:
        octets = bytes(octets)
    return replace(answer, octets=octets, results=tuple(copy_results(answer.results)))
