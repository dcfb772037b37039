"""The screen that tells why a verdict is what it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message as Event
from textual.screen import ModalScreen
from textual.widgets import Static

from mailsec.hooks.types import Result
from mailsec.pipeline.reasons import Reason, as_text, reasons
from mailsec.tui.marks import MARKS
from mailsec.tui.reading.outline import Item, Outline

if TYPE_CHECKING:
    from mailsec.pipeline import Report

__all__ = ["WhyScreen"]

_SIGNS = {
    Result.PASS: ("verified", "outline--pass"),
    Result.FAIL: ("failed", "outline--fail"),
    Result.NONE: ("unauthenticated", "outline--none"),
    Result.NEUTRAL: ("unauthenticated", "outline--none"),
}
_OTHER = ("warning", "outline--warning")


class WhyScreen(ModalScreen[None]):
    """Shows a report as an outline.

    Args:
        report: the report.
        glyphs: whether signs beyond ASCII may be used.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,y", "dismiss", "close"),
        Binding("s", "save", "save evidence"),
        Binding("c", "copy", "copy"),
    ]
    DEFAULT_CSS = """
    WhyScreen { background: $background; layout: vertical; }
    WhyScreen > .why--title { padding: 0 1; background: $panel; width: 1fr; height: auto; max-height: 8; }
    WhyScreen > .why--keys { padding: 0 1; color: $quote; height: 1; width: 1fr; }
    WhyScreen > Outline { height: 1fr; margin: 1 0 0 0; }
    """

    class SaveEvidence(Event):
        """The reader wants to keep what a verdict rests on.

        Attributes:
            report: the report.
        """

        def __init__(self, report: Report) -> None:
            super().__init__()
            self.report = report

    def __init__(self, report: Report, *, glyphs: bool = True) -> None:
        super().__init__()
        self.report = report
        self._glyphs = glyphs
        self._reasons = reasons(report)

    def compose(self) -> ComposeResult:
        """The verdict, the outline, the keys."""
        verdict = self.report.verdict
        mark = MARKS[str(verdict.level)]
        sign = mark.glyph if self._glyphs else mark.letter
        title = Content.assemble(("Why: ", "bold"), (f"{sign} {verdict.level}", f"bold ${mark.variable}"))
        yield Static(Content("\n").join([title, Content(verdict.sentence)]), classes="why--title")
        yield Outline(self._items(self._reasons), glyphs=self._glyphs)
        yield Static(Content("esc close  space fold  s save evidence  c copy"), classes="why--keys")

    def _items(self, outline: Iterable[Reason]) -> tuple[Item, ...]:
        return tuple(self._item(one) for one in outline)

    def _item(self, reason: Reason) -> Item:
        sign = name = ""
        if reason.result is not None:
            level, name = _SIGNS.get(reason.result, _OTHER)
            sign = MARKS[level].glyph if self._glyphs else MARKS[level].letter
        return Item(reason.text, sign, name, self._items(reason.children), reason.closed)

    def action_save(self) -> None:
        """Says that the evidence is to be saved."""
        self.post_message(self.SaveEvidence(self.report))

    def action_copy(self) -> None:
        """Copies the outline as text."""
        verdict = self.report.verdict
        lines = [f"{verdict.level}: {verdict.sentence}", *as_text(self._reasons)]
        self.app.copy_to_clipboard("\n".join(lines))
        self.notify("Copied.", timeout=2)
