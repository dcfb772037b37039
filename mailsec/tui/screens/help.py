"""All actions with their keys, made from the table of actions."""

from __future__ import annotations

from itertools import groupby

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from mailsec.tui.actions import ACTIONS
from mailsec.tui.keymap import Keymap

__all__ = ["HelpScreen", "help_lines"]


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
        & Horizontal { height: auto; }
        & .help--keys { width: auto; min-width: 17; padding: 0 2 0 0; text-style: bold; }
        & .help--words { width: 1fr; }
        & .help--heading { color: $primary; text-style: bold; }
        & .help--end { margin: 1 0 0 0; color: $text-muted; }
    }
    """

    def __init__(self, keymap: Keymap) -> None:
        super().__init__()
        self._keymap = keymap

    def compose(self) -> ComposeResult:
        """A line for each action, and those that are too long go on under their words."""
        with VerticalScroll():
            for number, (keys, words) in enumerate(help_lines(self._keymap)):
                if keys:
                    with Horizontal():
                        yield Static(Content(keys), classes="help--keys")
                        yield Static(Content(words), classes="help--words")
                else:
                    yield Static(Content(("\n" if number else "") + words), classes="help--heading")
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
