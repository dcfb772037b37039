"""The client as a program."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import App
from textual.command import Provider
from textual.filter import LineFilter

from mailsec.errors import MailsecError, describe
from mailsec.message import safe_text
from mailsec.pipeline.replay import keep
from mailsec.tui.ascii import AsciiFilter
from mailsec.tui.doing.message import ask_to_fetch
from mailsec.tui.keymap import Keymap
from mailsec.tui.mistakes import note_mistake
from mailsec.tui.palette import ActionProvider
from mailsec.tui.reading import WhyScreen
from mailsec.tui.reading.saving import save_new
from mailsec.tui.screens.mailbox import MailboxScreen
from mailsec.tui.screens.welcome import WelcomeScreen
from mailsec.tui.services import Services
from mailsec.tui.themes import DEFAULTS, THEMES

__all__ = ["MISTAKE", "MailApp", "theme_for"]

MISTAKE = 2
"""The exit status after a mistake of ours."""


class MailApp(App[None]):
    """The client.

    Args:
        services: the mail and the checks; they are closed when the program ends.
        keymap: which key does what.
        theme: the name of the theme.
        glyphs: whether the terminal shows more than ASCII.
        configuration: the configuration file, to be named to somebody who has no mail yet.
        roots: where mail was looked for.
        settled: called when what stays for as long as the program runs has been made.
    """

    TITLE = "mailsec"
    COMMANDS: ClassVar[set[type[Provider] | Callable[[], type[Provider]]]] = {ActionProvider}
    COMMAND_PALETTE_BINDING = "ctrl+backslash"
    ENABLE_COMMAND_PALETTE = True
    DEFAULT_CSS = """
    App { background: $background; color: $foreground; }
    * {
        scrollbar-size-vertical: 1;
        scrollbar-background: $background;
        scrollbar-background-hover: $background;
        scrollbar-background-active: $background;
        scrollbar-color: $panel-lighten-1;
        scrollbar-color-hover: $primary;
    }
    CommandPalette { background: $background 60%; & SearchIcon { display: none; } }
    ModalScreen { background: $background 60%; }
    """

    def __init__(
        self,
        services: Services,
        keymap: Keymap,
        *,
        theme: str,
        glyphs: bool,
        configuration: Path,
        roots: tuple[Path, ...] = (),
        settled: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__()
        self._services = services
        self._keymap_ours = replace(keymap, glyphs=glyphs)
        self._glyphs = glyphs
        self._configuration = configuration
        self._roots = roots
        self._settled = settled
        self._drawn: tuple[LineFilter, ...] = () if glyphs else (AsciiFilter(),)
        self.animation_level = "none"
        for one in THEMES:
            self.register_theme(one)
        self.theme = theme

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """The client's own colours, for themes that do not name them."""
        return DEFAULTS

    def on_mount(self) -> None:
        """Shows the mail, or what to do where there is none."""
        if self._services.places:
            self.push_screen(
                MailboxScreen(self._services, self._keymap_ours, glyphs=self._glyphs, settled=self._settled)
            )
        else:
            self.push_screen(WelcomeScreen(self._configuration, self._roots))

    async def on_why_screen_save_evidence(self, event: WhyScreen.SaveEvidence) -> None:
        """Writes the evidence of a verdict into the folder that we are in."""
        octets = keep(event.report).encode()
        try:
            file = await asyncio.to_thread(save_new, Path.cwd(), "evidence.json", octets)
        except MailsecError as error:
            self.notify(safe_text(str(error)), severity="error", markup=False)
        else:
            self.notify(safe_text(f"The evidence is in {file}."), markup=False)

    def on_why_screen_fetch_issuers(self, event: WhyScreen.FetchIssuers) -> None:
        """Asks whether issuers' certificates are to be fetched, and has the message judged anew after a yes."""
        for screen in self.screen_stack:
            if isinstance(screen, MailboxScreen):
                screen.run(ask_to_fetch(screen, event.why, event.urls))

    async def on_unmount(self) -> None:
        """Closes the mail."""
        self._services.close()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every line that is drawn passes through."""
        return [*super().get_line_filters(), *self._drawn]

    def _handle_exception(self, error: Exception) -> None:
        """A mistake of ours ends the program with a sentence that names the log, never with a traceback on the screen.

        Those who look for it (`MAILSEC_DEBUG`), and tests, get it whole.
        """
        if os.environ.get("MAILSEC_DEBUG") or self.is_headless:
            super()._handle_exception(error)
            return
        file = note_mistake(self._services.state, error, self._services.clock())
        hint = "Run again with MAILSEC_DEBUG=1 to see where." if file is None else f"{file} tells where it was."
        sentence = f"mailsec: this is a mistake in mailsec or a plugin: {describe(error)}. {hint}"
        self.exit(return_code=MISTAKE, message=Text(safe_text(sentence)))


def theme_for(name: str, environ: Mapping[str, str] = os.environ) -> str:
    """The theme to begin with: that of the configuration, but none with colours where they are not wanted.

    Args:
        name: the theme of the configuration.
        environ: the environment: `NO_COLOR` (not empty) and `TERM=dumb`.
    """
    return "plain" if environ.get("NO_COLOR") or environ.get("TERM") == "dumb" else name
