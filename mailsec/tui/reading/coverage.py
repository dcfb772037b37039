"""Who vouches for which octets: what the margin beside a text shows, from the report alone.

The margin never claims more than the verdict. The author's stands only where an S/MIME signature of the one author
in From passed, the domain's where a DKIM signature in alignment passed, or passed over the octets that l= names;
neither where it is not clear who the author is or what of a message is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from mailsec.hooks.types import AuthResult, Cause, Coverage, Result
from mailsec.pipeline.clarity import BESIDE
from mailsec.pipeline.facts import Facts
from mailsec.pipeline.verdict import Level
from mailsec.tui.reading.lines import Cover

if TYPE_CHECKING:
    from mailsec.message import HeaderField, Part
    from mailsec.pipeline import Layer, Report

__all__ = ["Margin"]

_NO_SINGLE_AUTHOR = 1  # the row of the verdicts' table


class Margin:
    """The coverage of the parts of a message.

    Args:
        report: what a check found; nothing is covered without one.
    """

    def __init__(self, report: Report | None) -> None:
        self._layers: Sequence[Layer] = () if report is None else report.layers
        self._good: dict[int, list[tuple[Cover, Coverage]]] = {}
        if report is None or report.verdict.row == _NO_SINGLE_AUTHOR:
            return
        facts = Facts(report, report.policy)
        for result in report.results:
            coverage = result.coverage
            if coverage is not None and (cover := _cover_of(facts, result)):
                self._good.setdefault(coverage.layer, []).append((cover, coverage))

    @property
    def kinds(self) -> frozenset[Cover]:
        """Which kinds of coverage there are in the message at all."""
        return frozenset(cover for found in self._good.values() for cover, _ in found)

    def of_part(self, layer: int, part: Part) -> Cover:
        """Who vouches for a whole part.

        Args:
            layer: the layer it is in.
            part: the part.
        """
        outermost, span = _placed(part)
        return self._of_span(layer, span, outermost.path)

    def of_field(self, field: HeaderField) -> Cover:
        """Who vouches for a header field of the message in transit.

        Args:
            field: the field.
        """
        found = self._good.get(0, ())
        return max((cover for cover, coverage in found if field.index in coverage.fields), default=Cover.NOBODY)

    def pieces(self, layer: int, part: Part) -> Iterator[tuple[int, int, Cover]]:
        """The body of a part, which is in no transfer encoding, cut where coverage ends or begins.

        Args:
            layer: the layer it is in.
            part: the part.

        Yields:
            Start and end, counted from the start of the body, and who vouches for the octets between them.
        """
        outermost, (start, end) = _placed(part)
        whole = self._of_span(layer, (start, end), outermost.path)
        if outermost is not part or whole is max(self.kinds, default=whole):
            yield 0, len(part.body), whole
            return
        base = part.body_span[0]
        bounds = {one for _, coverage in self._good.get(layer, ()) for piece in coverage.ranges for one in piece}
        cuts = [base, *sorted(one for one in bounds if base < one < end), end]
        for low, high in pairwise(cuts):
            # the part's header section says how the octets are read, so it is to be covered with them
            head = self._of_span(layer, (start, base), "")
            yield low - base, high - base, min(head, self._of_span(layer, (low, high), outermost.path))

    def _of_span(self, layer: int, span: tuple[int, int], path: str) -> Cover:
        best = Cover.NOBODY
        above: int | None = layer
        while above is not None:
            for cover, coverage in self._good.get(above, ()):
                if cover > best and (_takes_in(coverage, span) or _names(coverage, path)):
                    best = cover
            one = self._layers[above] if above < len(self._layers) else None
            above = None if one is None else one.parent
            if one is not None and one.opened is not None:
                # of what was opened all that was wrapped around it counts
                outermost, span = _placed(one.opened)
                path = outermost.path
        return best


def _cover_of(facts: Facts, result: AuthResult) -> Cover:
    report, passed = facts.report, result.result is Result.PASS
    if report.covers_body(result) and report.doubt(result) not in {"", BESIDE}:
        return Cover.NOBODY
    if result.method == "smime":
        good = passed and facts.is_author(result) and not facts.protected_authors(result)
        return Cover.AUTHOR if good else Cover.NOBODY
    if result.method == "dkim" and result.layer == 0:
        good = passed or (result.result is Result.POLICY and result.cause is Cause.PARTIAL)
        good = good and facts.is_aligned(result) and facts.covers_from(result)
        if report.verdict.level is Level.FAILED or not good:
            return Cover.NOBODY
        return Cover.DOMAIN
    return Cover.NOBODY


def _placed(part: Part) -> tuple[Part, tuple[int, int]]:
    """The part whose octets count in its layer, and where they lie there.

    That is the part itself, or the outermost encoded message that it is in, whose inside has octets of its own. Of
    the root of a layer the body counts, since its header fields are covered one by one.
    """
    outermost, above = part, part.parent
    while above is not None:
        if above.is_message and above.encoding not in {"7bit", "8bit", "binary"}:
            outermost = above
        above = above.parent
    return outermost, outermost.body_span if outermost.parent is None else outermost.span


def _takes_in(coverage: Coverage, span: tuple[int, int]) -> bool:
    start, end = span
    if start >= end:  # nothing is there to be vouched for: as what stands around it
        return any(low <= start <= high for low, high in coverage.ranges)
    for low, high in coverage.ranges:
        if low > start:
            break
        start = max(start, high)
        if start >= end:
            return True
    return False


def _names(coverage: Coverage, path: str) -> bool:
    return any(path == one or (one and path.startswith(f"{one}.")) for one in coverage.parts)
