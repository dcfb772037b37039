"""The client as it is run from a command line: it draws what the terminal has, and its mistakes are noted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rich.text import Text
from textual.filter import LineFilter

from mailsec.errors import describe
from mailsec.message import safe_text
from mailsec.tui.app import MISTAKE, MailApp
from mailsec.tui.ascii import AsciiFilter
from mailsec.tui.keymap import Keymap
from mailsec.tui.mistakes import note_mistake
from mailsec.tui.services import Services

__all__ = ["Program"]


class Program(MailApp):
    """The client with a state folder and a terminal of its own.

    Args:
        services: the mail and the checks; they are closed when the program ends.
        keymap: which key does what.
        glyphs: whether the terminal shows more than ASCII.
        more: what else `MailApp` takes.
    """

    def __init__(self, services: Services, keymap: Keymap, *, glyphs: bool, **more: Any) -> None:
        super().__init__(services, replace(keymap, glyphs=glyphs), glyphs=glyphs, **more)
        self._state, self._clock = services.state, services.clock
        self._drawn: tuple[LineFilter, ...] = () if glyphs else (AsciiFilter(),)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What every line that is drawn passes through."""
        return [*super().get_line_filters(), *self._drawn]

    def _handle_exception(self, error: Exception) -> None:
        """A mistake of ours ends the program with a sentence that names the log."""
        if os.environ.get("MAILSEC_DEBUG") or self.is_headless:
            super()._handle_exception(error)
            return
        file = note_mistake(self._state, error, self._clock())
        hint = "Run again with MAILSEC_DEBUG=1 to see where." if file is None else f"{file} tells where it was."
        sentence = f"mailsec: this is a mistake in mailsec or a plugin: {describe(error)}. {hint}"
        self.exit(return_code=MISTAKE, message=Text(safe_text(sentence)))
