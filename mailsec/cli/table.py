"""The table of `mailsec check`: one row a message, with the verdict's mark, level, author, subject and sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from mailsec.cli.screen import Screen, fit, fit_address, width, wrap
from mailsec.message import safe_text

if TYPE_CHECKING:
    from mailsec.pipeline import Report

__all__ = ["COLOURS", "MARKS", "row", "summary"]

MARKS: Mapping[str, str] = MappingProxyType(
    {"verified": "V", "authenticated": "A", "unauthenticated": "-", "warning": "!", "failed": "X"}
)
"""The mark of each level, a letter that every terminal has."""

COLOURS: Mapping[str, str] = MappingProxyType(
    {"verified": "1;32", "authenticated": "32", "unauthenticated": "", "warning": "33", "failed": "1;31"}
)
"""The colour of each level, which says nothing that mark and word do not say."""

_LEVEL, _AUTHOR, _SUBJECT = 17, 28, 32
_LEFT = _LEVEL + _AUTHOR + _SUBJECT + 6
_LEAST = 36  # columns in which a sentence can be read


def row(report: Report, screen: Screen) -> str:
    """A message's row; on a terminal the sentence is wrapped in its column, or stands below on a narrow one.

    Args:
        report: what the check found.
        screen: what the output can show.
    """
    verdict = report.verdict
    level = str(verdict.level)
    mark = screen.paint(fit(f"{MARKS[level]} {level}", _LEVEL), COLOURS[level])
    shown = report.shown.last("subject")
    subject = safe_text(shown.field.value).strip() if shown is not None else "(no subject)"
    sentence = safe_text(verdict.sentence)
    left = f"{mark}  {_author(report, _AUTHOR)}  {fit(subject, _SUBJECT)}"
    if screen.columns is None:
        return f"{left}  {sentence}"
    if screen.columns - _LEFT >= _LEAST:
        first, *rest = wrap(sentence, screen.columns - _LEFT)
        return "\n".join([f"{left}  {first}", *(" " * _LEFT + line for line in rest)])
    room = screen.columns - 2 - _LEVEL - 2
    author_columns = min(_AUTHOR, room // 2)
    left = f"{mark}  {_author(report, author_columns)}  {fit(subject, max(1, room - author_columns))}".rstrip()
    return "\n".join([left, *("  " + line for line in wrap(sentence, screen.columns - 2))])


def _author(report: Report, columns: int) -> str:
    """Who wrote a message, the domain always to be seen; of several that have no room the first, and how many more."""
    authors = [safe_text(one) for one in report.authors]
    together = ", ".join(authors) or "(no author)"
    if len(authors) <= 1 or width(together) <= columns:
        return fit_address(together, columns)
    more = f" +{len(authors) - 1}"
    return fit(fit_address(authors[0], columns - len(more)).rstrip() + more, columns)


def summary(levels: Iterable[str]) -> str:
    """How many messages have which verdict, in one line."""
    found = list(levels)
    counts = [f"{found.count(level)} {level}" for level in MARKS if level in found]
    return f"{len(found)} messages: {', '.join(counts)}"
