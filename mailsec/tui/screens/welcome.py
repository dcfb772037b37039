"""What somebody sees who has no mail yet."""

from __future__ import annotations

from pathlib import Path

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from mailsec.message.safe import safe_text

__all__ = ["WelcomeScreen"]


class WelcomeScreen(Screen[None]):
    """Says how to tell the client where mail lies.

    Args:
        configuration: the configuration file, which need not be there.
        missing: the folders that were looked into and hold no mail.
    """

    DEFAULT_CSS = """
    WelcomeScreen {
        align: center middle;
        & > Vertical { width: 72; max-width: 96%; height: auto; padding: 1 2; }
        & Static { height: auto; }
    }
    """

    def __init__(self, configuration: Path, missing: tuple[Path, ...] = ()) -> None:
        super().__init__()
        self._configuration = configuration
        self._missing = missing

    def compose(self) -> ComposeResult:
        """The words."""
        looked = ", ".join(safe_text(str(path)) for path in self._missing) or "~/Maildir and ~/Mail"
        with Vertical():
            yield Static(
                Content.assemble(
                    ("No mail yet\n\n", "bold $primary"),
                    Content(f"There is no Maildir and no mbox file in {looked}.\n\n"),
                    Content("To read mail that lies elsewhere, name it in\n"),
                    (safe_text(str(self._configuration)) + "\n\n", "bold"),
                    Content('    mail = ["~/Maildir"]\n\n'),
                    Content("A folder is searched for Maildirs and mbox files. To look around first:\n\n"),
                    Content("    mailsec demo\n\n"),
                    ("q quits.", "dim"),
                )
            )

    def on_key(self, event: events.Key) -> None:
        """Leaves."""
        if event.key in {"q", "Q", "escape", "ctrl+q"}:
            event.stop()
            self.app.exit()
