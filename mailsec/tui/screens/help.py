"""All actions with their keys, made from the table of actions."""

from __future__ import annotations

from itertools import groupby

from rich.table import Table
from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from mailsec.tui.actions import ACTIONS
from mailsec.tui.keymap import Keymap

__all__ = ["HelpScreen", "help_lines"]

KEYS = 15
"""Cells of the column of keys, at least."""


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
            keys = "  ".join(keymap.names_of(action.name))
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
            scrollbar-size-vertical: 1;
            scrollbar-background: $panel;
            scrollbar-background-hover: $panel;
            scrollbar-background-active: $panel;
        }
        & Static { height: auto; }
        & .help--heading { color: $primary; text-style: bold; }
        & .help--end { margin: 1 0 0 0; color: $text-muted; }
    }
    """

    def __init__(self, keymap: Keymap) -> None:
        super().__init__()
        self._keymap = keymap

    def compose(self) -> ComposeResult:
        """A table for each group; words that are too long go on under their words."""
        with VerticalScroll():
            table = Table.grid()
            for number, (keys, words) in enumerate(help_lines(self._keymap)):
                if keys:
                    table.add_row(Text(keys, "bold"), Text(words))
                    continue
                if number:
                    yield Static(table)
                yield Static(Content(("\n" if number else "") + words), classes="help--heading")
                table = Table.grid(padding=(0, 2, 0, 0))
                table.add_column(no_wrap=True, min_width=KEYS)
                table.add_column(ratio=1)
            yield Static(table)
            yield Static(Content("Every action is in the palette too.  Esc closes."), classes="help--end")

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
