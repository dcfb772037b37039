"""Why a verdict is what it is: every result with what it covers and rests on, layers and problems, as text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from mailsec.cli.screen import Screen, wrap
from mailsec.cli.table import COLOURS, MARKS
from mailsec.hooks.types import Result
from mailsec.message import safe_text
from mailsec.pipeline.reasons import Reason, reasons

if TYPE_CHECKING:
    from mailsec.pipeline import Report

__all__ = ["explain"]

_CODES = {"pass": "32", "fail": "1;31", "policy": "33", "softfail": "33", "permerror": "33", "temperror": "33"}
_SIGNS = {"pass": "V", "fail": "X", "none": "-", "neutral": "-"}
_FOLDED = 20  # lines that are shown of what the client folds, such as all trust anchors


def explain(report: Report, screen: Screen) -> str:
    """All that a check found about one message, as lines of text that are safe to show.

    Args:
        report: what the check found.
        screen: what the output can show.
    """
    return "\n".join([*_head(report, screen), *_outline(report, screen)])


def _head(report: Report, screen: Screen) -> Iterator[str]:
    verdict = report.verdict
    level = str(verdict.level)
    subject = report.header.last("subject")  # as `Message.subject`
    yield screen.paint(f"{MARKS[level]} {level}", COLOURS[level]) + (
        f"  {safe_text(subject.value).strip()}" if subject is not None else "  (no subject)"
    )
    if report.file is not None:
        yield f"  File     {safe_text(report.file)}"
    for name in ("From", "To", "Date"):
        for field in report.header.all(name):
            yield f"  {name:<8} {safe_text(field.value).strip()}"
    columns = (screen.columns or 100) - 2
    yield from (f"  {line}" for line in wrap(safe_text(verdict.sentence), max(20, columns)))


def _outline(report: Report, screen: Screen) -> Iterator[str]:
    for one in reasons(report, times=False):
        sign = ""
        if one.result is not None:
            code = str(one.result)
            sign = f"{screen.paint(_SIGNS.get(code, '!'), _CODES.get(code, ''))} "
        yield f"  {sign}{one.text}"
        yield from _below(one.children, 6, screen)


def _below(outline: Iterable[Reason], indent: int, screen: Screen) -> Iterator[str]:
    for one in outline:
        wrong = f"{screen.paint('X', _CODES['fail'])} " if one.result is Result.FAIL else ""
        yield f"{' ' * indent}{wrong}{one.text}"
        shown = one.children[:_FOLDED] if one.closed else one.children
        yield from _below(shown, indent + 2, screen)
        if len(shown) < len(one.children):
            yield f"{' ' * (indent + 2)}and {len(one.children) - len(shown)} more"
