"""All actions with their keys, made from the table of actions."""

from __future__ import annotations

from itertools import groupby

from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from mailsec.tui.actions import ACTIONS
from mailsec.tui.cells import fit
from mailsec.tui.keymap import Keymap, shown

__all__ = ["HelpScreen", "help_lines"]

KEYS = 15
"""Cells of the column of keys."""


def help_lines(keymap: Keymap) -> list[tuple[str, str]]:
    """The lines of the help screen: keys and what they do; a heading has no keys.

    Args:
        keymap: which key does what.
    """
    lines: list[tuple[str, str]] = []
    for heading, actions in groupby(ACTIONS.values(), key=lambda action: action.group):
        if not lines or ("", heading) not in lines:
            lines.append(("", heading))
        for action in actions:
            keys = "  ".join(dict.fromkeys(shown(chord) for chord in keymap.keys_of(action.name)))
            lines.append((keys or "–", action.help))
    return lines


class HelpScreen(ModalScreen[None]):
    """Shows all keys.

    Args:
        keymap: which key does what.
    """

    DEFAULT_CSS = """
    HelpScreen {
        align: center middle;
        & > VerticalScroll {
            width: 84; max-width: 100%; height: auto; max-height: 100%;
            padding: 1 2; background: $panel;
        }
        & Static { height: auto; }
    }
    """

    def __init__(self, keymap: Keymap) -> None:
        super().__init__()
        self._keymap = keymap

    def compose(self) -> ComposeResult:
        """One long text that scrolls."""
        pieces: list[Content | tuple[str, str]] = []
        for keys, words in help_lines(self._keymap):
            if not keys:
                pieces.append((("\n" if pieces else "") + words + "\n", "bold $primary"))
                continue
            pieces.append((fit(keys, max(KEYS, len(keys))) + "  ", "bold"))
            pieces.append(Content(words + "\n"))
        pieces.append(("\nEvery action is in the palette too.  Esc closes.", "dim"))
        with VerticalScroll():
            yield Static(Content.assemble(*pieces))

    def on_key(self, event: events.Key) -> None:
        """Scrolls, or leaves."""
        area = self.query_one(VerticalScroll)
        moves = {"j": 1, "k": -1, "space": 12, "b": -12}
        if event.key in moves:
            area.scroll_relative(y=moves[event.key], animate=False)
        elif event.key in {"escape", "q", "question_mark", "f1", "enter"}:
            self.dismiss(None)
        else:
            return
        event.stop()
        event.prevent_default()
