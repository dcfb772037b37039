"""What a check found: results by layer, what each covers, what it rests on, and the verdict."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from mailsec.hooks.manager import Problem
from mailsec.hooks.types import AuthResult, Coverage, Envelope, Evidence, Moment
from mailsec.pipeline.clarity import envelope_doubt, header_doubt, opened_doubt, parts_doubt
from mailsec.pipeline.protected import ShownField, ShownHeader
from mailsec.pipeline.verdict import Policy, Verdict, judge

if TYPE_CHECKING:
    from mailsec.message import HeaderSection, Message, Part

__all__ = ["SCHEMA", "SHOWN", "Layer", "Report", "Run"]

SCHEMA = 1
"""The version of the JSON that `Report.to_json` gives."""

SHOWN = ("from", "subject", "date", "to", "cc", "sender", "reply-to")
"""The header fields that mail programs show, or go by, whose protection the JSON tells."""


@dataclass(frozen=True, slots=True)
class Layer:
    """The message in transit, or what was found inside a protection.

    Attributes:
        index: its number; 0 is the message in transit.
        parent: the layer whose part was opened; `None` for layer 0.
        part: the section number of that part; empty for layer 0 and for a multipart root.
        reached: what was taken off: `"signed"`, `"encrypted"` or `"compressed"`; `"transit"` for layer 0.
        header: its header section.
        body: where its body lies in its octets, half-open.
        message: its content; `None` where the body was not kept (a milter that needs no whole message).
        opened: the part that was opened; `None` for layer 0.
    """

    index: int
    parent: int | None
    part: str
    reached: str
    header: HeaderSection
    body: tuple[int, int]
    message: Message | None
    opened: Part | None = None


class Run(NamedTuple):
    """One verifier or opener at work on one message; a tuple, which is quick to make.

    Attributes:
        verifier: the name of its descriptor.
        plugin: the plugin that it comes from.
        methods: the methods that it gives results for.
        results: what it gave, after checking.
        evidence: what it read of resolver, fetcher, clock and trust.
        seconds: how long it took from its start to its results, waiting included.
    """

    verifier: str
    plugin: str
    methods: tuple[str, ...]
    results: tuple[AuthResult, ...]
    evidence: tuple[Evidence, ...]
    seconds: float


class _Cache:
    """What is worked out of a report when it is first asked for."""

    __slots__ = ("shown", "verdict")

    def __init__(self) -> None:
        self.verdict: Verdict | None = None
        self.shown: ShownHeader | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """All that a check found.

    Attributes:
        results: the results of all verifiers in the order in which they run, then of the openers by layer.
        layers: the layers; the first is the message in transit.
        runs: what ran, in the same order as the results.
        problems: what plugins did wrong.
        moment: the time that was judged at.
        envelope: what was known of the SMTP transaction.
        conditions: what the results depend on besides the message, such as `"DNS from zone.txt"`; a sentence about
            them ends the verdict's sentence.
        file: where the message came from.
        policy: what the verdict was judged by.
        fetch_issuers: whether the user had asked that issuers' certificates are fetched which are missing.
    """

    results: tuple[AuthResult, ...]
    layers: tuple[Layer, ...]
    runs: tuple[Run, ...]
    problems: tuple[Problem, ...]
    moment: Moment
    envelope: Envelope = Envelope()  # noqa: RUF009 - frozen
    conditions: tuple[str, ...] = ()
    file: str | None = None
    policy: Policy = Policy()  # noqa: RUF009 - frozen
    fetch_issuers: bool = False
    _cache: _Cache = field(default_factory=_Cache, init=False, repr=False, compare=False)

    @property
    def verdict(self) -> Verdict:
        """The verdict, by the table in `docs/verdicts.md`."""
        if self._cache.verdict is None:
            self._cache.verdict = judge(self, self.policy)
        return self._cache.verdict

    def is_malleable(self, layer: int) -> bool:
        """Whether a layer lies in an encryption that would not notice a change of what is inside (EFAIL).

        Args:
            layer: the number of the layer.
        """
        at: int | None = layer
        while at is not None:
            here = self.layers[at]
            if here.reached == "encrypted" and not any(
                one.properties.get("policy.encryption") == "authenticated"
                for one in self.results
                if one.coverage is not None and one.coverage.layer == at
            ):
                return True
            at = here.parent
        return False

    @property
    def shown(self) -> ShownHeader:
        """The header as it is to be shown, and how each of its fields is protected (RFC 9788)."""
        if self._cache.shown is None:
            self._cache.shown = ShownHeader(self)
        return self._cache.shown

    @property
    def header(self) -> HeaderSection:
        """The header section of the message in transit."""
        return self.layers[0].header

    @property
    def message(self) -> Message | None:
        """The message in transit; `None` where its body was not kept."""
        return self.layers[0].message

    @property
    def authors(self) -> tuple[str, ...]:
        """The addresses in the From field that is shown (RFC 5322 section 3.6.2), those in groups too; foreign text."""
        return tuple(one.address for one in self.shown.authors)

    # -- coverage ------------------------------------------------------------------------------------------

    def is_whole(self, result: AuthResult) -> bool:
        """Whether a result covers every octet of the body that is shown.

        That is so where its ranges cover the whole body of their layer, each layer above it holds nothing else, and
        none of them can be read in another way.
        """
        return self.covers_body(result) and not self.doubt(result)

    def covers_body(self, result: AuthResult) -> bool:
        """Whether the ranges of a result cover the whole body of their layer."""
        coverage = result.coverage
        return coverage is not None and _covers(coverage.ranges, *self.layers[coverage.layer].body)

    def doubt(self, result: AuthResult) -> str:
        """Why other programs may show more than a result covers, as part of a sentence; empty where they cannot.

        Args:
            result: one with coverage of the whole body of its layer; one without leaves no doubt.
        """
        coverage = result.coverage
        if coverage is None:
            return ""
        layer = self.layers[coverage.layer]
        if layer.parent is None:
            doubt = header_doubt(layer.header, coverage.fields)
            if not doubt and layer.message is not None:
                doubt = parts_doubt(layer.message)
            if doubt:
                return doubt
        above: int | None = layer.index
        while above is not None:
            layer = self.layers[above]
            if layer.opened is not None and (doubt := opened_doubt(layer.opened)):
                return doubt
            above = layer.parent
        return "" if layer.message is None else envelope_doubt(layer.message.envelope_line)

    def parts_covered(self, coverage: Coverage) -> tuple[str, ...]:
        """The section numbers of the parts that a coverage takes in wholly, in document order.

        Of a part that is the whole message the body counts; of all others the header section too.
        """
        message = self.layers[coverage.layer].message
        if message is None:
            return tuple(dict.fromkeys(coverage.parts))
        found = []
        waiting = [message.root]
        while waiting:
            part = waiting.pop()
            span = part.body_span if part.parent is None else part.span
            if part.path in coverage.parts or (part.path and _covers(coverage.ranges, *span)):
                found.append(part.path)
            # what lies in a message inside this one counts in octets of its own
            waiting.extend(reversed(part.children))
        return tuple(dict.fromkeys([*found, *coverage.parts]))

    def fields_covered(self, coverage: Coverage) -> tuple[str, ...]:
        """The names of the header fields that a coverage takes in, in lower case, from the top."""
        header = self.layers[coverage.layer].header
        return tuple(header[index].key for index in sorted(coverage.fields))

    def has_field(self, name: str, coverage: Coverage) -> bool:
        """Whether there is such a field to be covered: one in transit, or one that is shown instead (RFC 9788).

        Args:
            name: the name of a header field, in any case.
            coverage: what is asked about: that of the message in transit, or of a layer below.
        """
        return self.header.first(name) is not None if coverage.layer == 0 else self.shown.last(name) is not None

    def covers_field(self, result: AuthResult, name: str) -> bool:
        """Whether all fields of a name are covered, those in transit or those that are shown instead (RFC 9788).

        Args:
            result: a result with or without coverage.
            name: the name of a header field, in any case.
        """
        if (coverage := result.coverage) is None:
            return False
        if coverage.layer == 0:
            return all(field.index in coverage.fields for field in self.header.all(name))
        shown = self.shown
        return any(one is result for one in shown.signatures) and shown.is_signed(name)

    # -- JSON ----------------------------------------------------------------------------------------------

    def to_json(self) -> str:
        """The report as one line of JSON (schema 1), in ASCII."""
        verdict = self.verdict
        return json.dumps(
            {
                "schema": SCHEMA,
                "file": self.file,
                "from": list(self.authors),
                "results": [self._result(result) for result in self.results],
                "verdict": {
                    "level": str(verdict.level),
                    "identity": verdict.identity,
                    "sentence": verdict.sentence,
                },
                "header": self._header(),
                "layers": [
                    {"index": one.index, "parent": one.parent, "part": one.part, "reached": one.reached}
                    for one in self.layers
                ],
                "conditions": list(self.conditions),
                "problems": [problem.sentence for problem in self.problems],
            }
        )

    def _header(self) -> dict[str, Any]:
        shown, mismatch = self.shown, self.shown.mismatch
        fields: list[ShownField] = [one for name in SHOWN for one in shown.all(name)]
        return {
            "protection": shown.scheme,
            "layer": shown.layer,
            "fields": [{"name": one.field.name, "value": one.field.value, "state": str(one.state)} for one in fields],
            "mismatch": None
            if mismatch is None
            else {"outside": list(mismatch.outside), "inside": list(mismatch.inside), "bound": mismatch.bound},
        }

    def _result(self, result: AuthResult) -> dict[str, Any]:
        coverage = result.coverage or Coverage()
        return {
            "method": result.method,
            "result": str(result.result),
            "reason": result.reason,
            "cause": None if result.cause is None else str(result.cause),
            "properties": dict(result.properties),
            "layer": result.layer,
            "covers": {
                "whole": self.is_whole(result),
                "layer": coverage.layer,
                "fields": list(self.fields_covered(coverage)),
                "parts": [] if result.coverage is None else list(self.parts_covered(coverage)),
                "ranges": [list(one) for one in coverage.ranges],
            },
        }


def _covers(ranges: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Whether ascending ranges take in all octets from `start` to `end`."""
    for low, high in ranges:
        if start >= end or low > start:
            break
        start = max(start, high)
    return start >= end
