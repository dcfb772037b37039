"""Checks what verifiers and openers answer before anybody relies on it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from types import CoroutineType
from typing import TYPE_CHECKING, Any, get_args

from mailsec.errors import PluginError
from mailsec.hooks.types import AuthResult, Cause, Coverage, Evidence, Result

if TYPE_CHECKING:
    from mailsec.hooks.manager import Problem
    from mailsec.message import HeaderSection
    from mailsec.pipeline.engine import Failure
    from mailsec.pipeline.plan import Entry

__all__ = ["MAXIMUM_RESULTS", "copy_results", "judge_results"]

MAXIMUM_RESULTS = 1000
"""How many results one run may give."""

_RANGES = 10_000
_TEXT = 100_000
_EVIDENCE = frozenset(get_args(Evidence))


def copy_results(answer: Any) -> list[Any]:
    """The results that an answer holds, as a list of our own.

    A class of the plugin's own is no list here, so that none of its code runs.

    Raises:
        PluginError: the answer is no list or tuple, or is too long; the sentence says which.
    """
    if type(answer) is not list and type(answer) is not tuple:
        if type(answer) is CoroutineType:  # it would complain that nobody awaited it
            answer.close()
        raise PluginError(f"answered with {type(answer).__name__}, not with a list of AuthResult")
    if len(answer) > MAXIMUM_RESULTS:
        raise PluginError(f"answered with {len(answer)} results; {MAXIMUM_RESULTS} are allowed")
    return list(answer)


def judge_results(
    entry: Entry, failure: Failure | None, answer: Sequence[Any], header: HeaderSection, octets: int
) -> tuple[tuple[AuthResult, ...], list[Problem]]:
    """What counts of the results that a plugin gave, and what was wrong with them.

    There is at least one result for each method: one that failed gives a temporary error for each; a method of
    which nothing was said gets `none`, or a temporary error where what was said had to be dropped.

    Args:
        entry: the verifier or opener.
        failure: why it came to nothing, where it did.
        answer: the results that it gave.
        header: the header section of its layer.
        octets: how many octets its layer has.
    """
    if failure is not None:
        results = tuple(AuthResult(method, Result.TEMPERROR, failure.reason, failure.cause) for method in entry.methods)
        return results, [entry.problem(failure.problem)] if failure.problem else []
    good: list[AuthResult] = []
    problems: list[Problem] = []
    for result in answer:
        if fault := _fault_of(result, entry.methods, header, octets):
            problems.append(entry.problem(f"{entry.name} {fault}"))
        else:
            good.append(result)
    if not problems and len(good) == len(entry.methods) == 1:
        return tuple(good), problems  # the usual case
    if len(good) < len(entry.methods) or problems or len(entry.methods) > 1:
        told = {result.method for result in good}
        silent = [index for index, method in enumerate(entry.methods) if method not in told]
        if problems:
            reason = f"what {entry.label} answered could not be used"
            good += [AuthResult(entry.methods[one], Result.TEMPERROR, reason, Cause.CRASHED) for one in silent]
        else:
            good += [entry.silence[one] for one in silent]
    return tuple(good), list(dict.fromkeys(problems))


def _fault_of(result: Any, methods: Collection[str], header: HeaderSection, octets: int) -> str:
    """What is wrong with a result, in words; empty where nothing is.

    Args:
        result: what should be an `AuthResult`.
        methods: the methods that were declared.
        header: the header section of the layer that its coverage counts in.
        octets: how many octets that layer has.
    """
    if type(result) is not AuthResult:
        return f"gave {type(result).__name__} among its results, which is no AuthResult"
    if result.method not in methods:
        return f"gave a result of the method {result.method!r}, which it has not declared"
    if type(result.reason) is not str or len(result.reason) > _TEXT:
        return "gave a reason that is no text of a reasonable length"
    if result.cause is not None and type(result.cause) is not Cause:
        return f"gave {type(result.cause).__name__} as a cause, which is no Cause"
    for value in result.properties.values() if result.properties else ():
        if type(value) is not str or len(value) > _TEXT:
            return "gave a property that is no text of a reasonable length"
    evidence = result.evidence
    if type(evidence) is not tuple or not _EVIDENCE.issuperset(map(type, evidence)):
        return "gave evidence of an unknown kind"
    if result.layer != 0:
        return f"gave a result of layer {result.layer!r}, which only the runner sets"
    return "" if result.coverage is None else _coverage_fault(result.coverage, len(header), octets)


def _coverage_fault(coverage: Any, fields: int, octets: int) -> str:
    if type(coverage) is not Coverage:
        return f"gave {type(coverage).__name__} as coverage, which is no Coverage"
    if type(coverage.fields) is not tuple or type(coverage.ranges) is not tuple or type(coverage.parts) is not tuple:
        return "gave coverage that is not made of tuples"
    if coverage.layer != 0:
        return f"gave coverage in layer {coverage.layer!r}, which only the runner sets"
    for index in coverage.fields:
        if type(index) is not int or not 0 <= index < fields:
            return f"gave coverage of a header field {index!r} that there is not"
    if len(coverage.ranges) > _RANGES:
        return f"gave coverage of more than {_RANGES} ranges"
    last = 0
    for one in coverage.ranges:
        if type(one) is not tuple or len(one) != 2 or type(one[0]) is not int or type(one[1]) is not int:
            return "gave coverage with a range that is no pair of numbers"
        if not last <= one[0] <= one[1] <= octets:
            return f"gave coverage of octets {one[0]} to {one[1]}, out of order or outside of the message"
        last = one[1]
    if not all(type(part) is str and len(part) < 1000 for part in coverage.parts):
        return "gave coverage of a part without a section number"
    return ""
