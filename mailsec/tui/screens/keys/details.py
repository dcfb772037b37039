"""One key or certificate with all that is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from mailsec.tui.reading.outline import Item, Outline

__all__ = ["DetailsScreen"]


class DetailsScreen(ModalScreen[None]):
    """Shows an outline.

    Args:
        title: what it is; safe to show.
        items: the outline.
        fingerprint: what is copied.
        glyphs: whether signs beyond ASCII may be used.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter", "dismiss", "close", priority=True),
        Binding("c", "copy", "copy the fingerprint"),
    ]
    DEFAULT_CSS = """
    DetailsScreen { background: $background; layout: vertical; }
    DetailsScreen > .details--title {
        padding: 0 1; background: $panel; width: 1fr; height: auto; max-height: 3; text-style: bold;
    }
    DetailsScreen > .details--keys { padding: 0 1; color: $quote; height: 1; width: 1fr; }
    DetailsScreen > Outline { height: 1fr; margin: 1 0 0 0; }
    """

    def __init__(self, title: str, items: Sequence[Item], fingerprint: str, *, glyphs: bool) -> None:
        super().__init__()
        self._title = title
        self._items = items
        self._fingerprint = fingerprint
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        """The title, the outline, the keys."""
        yield Static(Content(self._title), classes="details--title")
        yield Outline(self._items, glyphs=self._glyphs)
        copy = "  c copy the fingerprint" if self._fingerprint else ""
        yield Static(Content(f"esc close  space fold{copy}"), classes="details--keys")

    def action_copy(self) -> None:
        """Copies the fingerprint."""
        if self._fingerprint:
            self.app.copy_to_clipboard(self._fingerprint)
            self.notify("Copied.", timeout=2)
