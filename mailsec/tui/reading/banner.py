"""The verdict, in a region of its own that no text of a message can draw in or look like."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from rich.cells import cell_len

from mailsec.tui.dates import short_age
from mailsec.tui.marks import MARKS, UNJUDGED
from mailsec.tui.reading.body import margin_glyph
from mailsec.tui.reading.drawn import Drawn, Row, hanging
from mailsec.tui.reading.lines import Cover
from mailsec.tui.reading.wrapping import cut

if TYPE_CHECKING:
    from mailsec.pipeline import Verdict
    from mailsec.store.types import KeptVerdict

__all__ = ["Banner", "Checking", "Judged", "Kept", "NotJudged"]

_LINES = 6  # of a sentence; all of it is in the evidence
_INDENT = 3


@dataclass(frozen=True, slots=True)
class Checking:
    """The message is being checked."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The message was checked."""

    verdict: Verdict
    covers: frozenset[Cover]


@dataclass(frozen=True, slots=True)
class Kept:
    """The message was checked earlier."""

    verdict: KeptVerdict


@dataclass(frozen=True, slots=True)
class NotJudged:
    """The message could not be checked.

    Attributes:
        sentence: why; safe to show.
    """

    sentence: str


State: TypeAlias = Checking | Judged | Kept | NotJudged | None


class Banner(Drawn):
    """The region between header and text.

    Args:
        clock: tells the time in seconds since the epoch.
        glyphs: whether signs beyond ASCII may be used.
        hint: the key that tells why; empty for none.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"banner--{level}" for level in MARKS),
        "banner--dim",
        "banner--rule",
        "banner--author",
        "banner--domain",
    }
    DEFAULT_CSS = """
    Banner {
        padding: 0 1;
        background: $panel;
        color: $foreground;
        &> .banner--verified { color: $level-verified; text-style: bold; }
        &> .banner--authenticated { color: $level-authenticated; text-style: bold; }
        &> .banner--unauthenticated { color: $level-unauthenticated; text-style: bold; }
        &> .banner--warning { color: $level-warning; text-style: bold; }
        &> .banner--failed { color: $level-failed; text-style: bold; }
        &> .banner--dim { color: $quote; }
        &> .banner--author { color: $cover-author; text-style: bold; }
        &> .banner--domain { color: $cover-domain; }
    }
    """

    def __init__(self, clock: Callable[[], float], *, glyphs: bool = True, hint: str = "") -> None:
        super().__init__()
        self._clock = clock
        self._glyphs = glyphs
        self._hint = hint
        self._state: State = None
        self._height = 1

    @property
    def state(self) -> State:
        """What it says."""
        return self._state

    def present(self, state: State) -> None:
        """Says something else."""
        self._state = state
        self.changed()

    def rows(self, width: int) -> Iterable[Row]:
        """Mark, level and sentence, then what the signs in the margin mean.

        While a message is checked there are as many lines as before, so that the text below does not move twice.
        """
        rows = tuple(self._lines(width))
        if isinstance(self._state, Checking):
            yield from (*rows, *(((" ", ""),) for _ in range(self._height - len(rows))))
        else:
            self._height = max(1, len(rows))
            yield from rows

    def _lines(self, width: int) -> Iterator[Row]:
        state = self._state
        if state is None:
            return
        rows = list(self._said(state, width))
        if len(rows) > _LINES:
            *before, (text, name) = rows[_LINES - 1]
            rows = [*rows[: _LINES - 1], (*before, (cut(text, max(1, width - _INDENT - 1)).rstrip("…") + "…", name))]
        if isinstance(state, Judged | Kept):
            self._add_hint(rows, width)
        yield from rows
        if isinstance(state, Judged) and state.covers:
            yield self._legend(state.covers, width)

    def _said(self, state: Checking | Judged | Kept | NotJudged, width: int) -> Iterator[Row]:
        if isinstance(state, Checking):
            yield ((f" {UNJUDGED.glyph} ", ""), ("checking" + ("…" if self._glyphs else "..."), "banner--dim"))
            return
        if isinstance(state, NotJudged):
            first = ((" ! ", "banner--warning"),)
            yield from hanging(f"This message could not be checked: {state.sentence}", width, first, _INDENT)
            return
        verdict = state.verdict
        level = str(verdict.level)
        mark = MARKS.get(level, UNJUDGED)
        name = f"banner--{level}" if level in MARKS else "banner--dim"
        sentence = verdict.sentence
        if isinstance(state, Kept):
            sentence = f"{sentence} Judged {short_age(self._clock() - state.verdict.at)}."
        sign = mark.glyph if self._glyphs else mark.letter
        word = "" if sentence.startswith(mark.word.removesuffix(" it")) else mark.word
        text = f"{word}. {sentence}" if word else sentence
        for number, row in enumerate(hanging(text, width, ((f" {sign} ", name),), _INDENT)):
            if number == 0 and word and row[-1][0].startswith(f"{word}."):
                yield (*row[:-1], (f"{word}.", name), (row[-1][0][len(word) + 1 :], ""))
            else:
                yield row

    def _add_hint(self, rows: list[Row], width: int) -> None:
        used = sum(cell_len(text) for text, _ in rows[-1])
        if self._hint and used + 2 + cell_len(self._hint) <= width:
            blank = " " * (width - used - cell_len(self._hint))
            rows[-1] = (*rows[-1], (blank, ""), (self._hint, "banner--dim"))

    def _legend(self, covers: frozenset[Cover], width: int) -> Row:
        pieces: list[tuple[str, str]] = [(" " * _INDENT, "")]
        left = width - _INDENT
        for cover, words, name in (
            (Cover.AUTHOR, "signed by the author", "banner--author"),
            (Cover.DOMAIN, "signed by the domain", "banner--domain"),
        ):
            if cover in covers and left > len(words) + 5:
                pieces += [(margin_glyph(cover, glyphs=self._glyphs), name), (f" {words}   ", "banner--dim")]
                left -= len(words) + 5
        return tuple(pieces)
