"""The screen that tells why a verdict is what it is."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message as Event
from textual.screen import ModalScreen
from textual.widgets import Static

from mailsec.errors import CertificateError
from mailsec.hooks.types import Result
from mailsec.message import safe_text
from mailsec.pipeline.chains import offered_issuers
from mailsec.pipeline.reasons import Reason, as_text, reasons
from mailsec.tui.marks import MARKS
from mailsec.tui.reading.certificate import CertificateScreen
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


_SHOWN = 200  # characters of a URL that are shown


class WhyScreen(ModalScreen[None]):
    """Shows a report as an outline, and the certificates in it.

    Where an issuer's certificate is missing and offered somewhere, it says so; nothing is fetched before the reader has
    asked for it and was asked back.

    Args:
        report: the report.
        glyphs: whether signs beyond ASCII may be used.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,y", "dismiss", "close"),
        Binding("s", "save", "save evidence"),
        Binding("c", "copy", "copy"),
        Binding("f", "fetch", "fetch issuers"),
    ]
    DEFAULT_CSS = """
    WhyScreen { background: $background; layout: vertical; }
    WhyScreen > .why--title { padding: 0 1; background: $panel; width: 1fr; height: auto; max-height: 8; }
    WhyScreen > .why--offer { padding: 0 1; background: $panel; height: auto; max-height: 6; width: 1fr; }
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

    class FetchIssuers(Event):
        """The reader wants issuers' certificates fetched that are missing, and the message judged anew.

        Attributes:
            why: the screen, to be told the new report; its `report` is the one that lacks them.
            urls: where they are offered, the likeliest first; foreign text.
        """

        def __init__(self, why: WhyScreen, urls: tuple[str, ...]) -> None:
            super().__init__()
            self.why = why
            self.urls = urls

    def __init__(self, report: Report, *, glyphs: bool = True) -> None:
        super().__init__()
        self._glyphs = glyphs
        self._take(report)

    def _take(self, report: Report) -> None:
        self.report = report
        self._reasons = reasons(report)
        self._offered = offered_issuers(report)

    @property
    def at_certificate(self) -> bool:
        """Whether the reader is at a certificate."""
        item = self.query_one(Outline).chosen
        return item is not None and item.value is not None

    async def show(self, report: Report) -> None:
        """Shows another report of the same message."""
        self._take(report)
        await self.recompose()
        self.query_one(Outline).focus()

    def compose(self) -> ComposeResult:
        """The verdict, the outline, the keys."""
        verdict = self.report.verdict
        mark = MARKS[str(verdict.level)]
        sign = mark.glyph if self._glyphs else mark.letter
        title = Content.assemble(("Why: ", "bold"), (f"{sign} {verdict.level}", f"bold ${mark.variable}"))
        yield Static(Content("\n").join([title, Content(verdict.sentence)]), classes="why--title")
        yield Outline(self._items(self._reasons), glyphs=self._glyphs)
        if self._offered:
            yield Static(Content(self._offer()), classes="why--offer")
        fetch = "  f fetch" if self._offered else ""
        keys = f"esc close  enter open  space fold  s save  c copy{fetch}"
        yield Static(Content(keys), classes="why--keys")

    def _offer(self) -> str:
        url = self._offered[0]
        shown = safe_text(url if len(url) <= _SHOWN else url[: _SHOWN - 1] + "…")
        if self.report.fetch_issuers:
            return f"The issuer's certificate could not be had. It is offered at {shown} (f tries again)"
        return (
            "The issuer's certificate did not come along; f asks whether to fetch it. That tells the server that you "
            f"read this message: {shown}"
        )

    def _items(self, outline: Iterable[Reason]) -> tuple[Item, ...]:
        return tuple(self._item(one) for one in outline if not one.detail)

    def _item(self, reason: Reason) -> Item:
        sign = name = ""
        if reason.result is not None:
            level, name = _SIGNS.get(reason.result, _OTHER)
            sign = MARKS[level].glyph if self._glyphs else MARKS[level].letter
        value = reason.certificate or None
        return Item(reason.text, sign, name, self._items(reason.children), reason.closed, value)

    def on_outline_chosen(self, event: Outline.Chosen) -> None:
        """Shows all of a certificate."""
        event.stop()
        from mailsec.crypto import Certificate

        if isinstance(event.item.value, bytes):
            with suppress(CertificateError):  # such a one is not offered
                certificate = Certificate.from_der(event.item.value)
                self.app.push_screen(CertificateScreen(certificate, glyphs=self._glyphs))

    def action_fetch(self) -> None:
        """Says that issuers' certificates are wanted."""
        if self._offered:
            self.post_message(self.FetchIssuers(self, self._offered))
        else:
            self.notify("No issuer's certificate is missing here that is offered anywhere.", timeout=4)

    def action_save(self) -> None:
        """Says that the evidence is to be saved."""
        self.post_message(self.SaveEvidence(self.report))

    def action_copy(self) -> None:
        """Copies the outline as text."""
        verdict = self.report.verdict
        lines = [f"{verdict.level}: {verdict.sentence}", *as_text(self._reasons)]
        self.app.copy_to_clipboard("\n".join(lines))
        self.notify("Copied.", timeout=2)
