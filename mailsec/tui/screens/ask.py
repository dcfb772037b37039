"""A question with yes and no."""

from __future__ import annotations

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from mailsec.message.safe import safe_text

__all__ = ["Ask"]


class Ask(ModalScreen[bool]):
    """Asks; only `y` is a yes.

    Args:
        question: the question; foreign text in it is made safe.
        details: lines beneath it, such as the true target of a link.
    """

    DEFAULT_CSS = """
    Ask {
        align: center middle;
        & > Vertical {
            width: 72; max-width: 94%; height: auto; max-height: 90%;
            padding: 1 2; background: $panel;
        }
        & Static { height: auto; }
        & #ask-question { text-style: bold; }
        & #ask-details { margin: 1 0; }
        & #ask-keys { color: $text-muted; }
    }
    """

    def __init__(self, question: str, *details: str) -> None:
        super().__init__()
        self._question = safe_text(question)
        self._details = [safe_text(one) for one in details]

    def compose(self) -> ComposeResult:
        """The question, the details, the keys."""
        with Vertical():
            yield Static(Content(self._question), id="ask-question")
            if self._details:
                yield Static(Content("\n".join(self._details)), id="ask-details")
            yield Static(Content("y yes   n no"), id="ask-keys")

    def on_key(self, event: events.Key) -> None:
        """Takes the answer."""
        event.stop()
        event.prevent_default()
        if event.key in {"y", "Y"}:
            self.dismiss(True)
        elif event.key in {"n", "N", "escape", "q", "enter"}:
            self.dismiss(False)
