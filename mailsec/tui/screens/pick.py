"""One of several things, found by typing a part of its name."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from mailsec.tui.cells import clean, fit
from mailsec.tui.widgets.lines import LineList, Piece

__all__ = ["Pick"]


class _Choices(LineList, can_focus=False):
    """The names that fit what was typed."""

    def __init__(self) -> None:
        super().__init__(id="pick-choices")
        self._names: Sequence[str] = ()

    def show(self, names: Sequence[str]) -> None:
        self._names = names
        self.set_count(len(names), 0, 0)

    def pieces(self, index: int, width: int) -> Sequence[Piece]:
        here = index == self.cursor
        return [("▸ " if here else "  ", "line--accent"), (fit(self._names[index], width - 2), "")]


class Pick(ModalScreen[int | None]):
    """Lets one be chosen; gives its place in the sequence, or `None`.

    Args:
        title: what is chosen.
        names: the choices; foreign text is made safe.
    """

    DEFAULT_CSS = """
    Pick {
        align: center middle;
        & > Vertical {
            width: 60; max-width: 94%; height: auto; max-height: 80%;
            padding: 1 2; background: $panel;
        }
        & Static { height: 1; text-style: bold; }
        & #pick-none { color: $text-muted; text-style: none; display: none; }
        & Input { border: none; height: 1; padding: 0; background: $panel; margin: 0 0 1 0; }
        & Input:focus { border: none; }
        & LineList { height: auto; max-height: 16; background: $panel; & > .line--cursor { background: $primary 30%; } }
    }
    """

    def __init__(self, title: str, names: Sequence[str]) -> None:
        super().__init__()
        self._title = clean(title)
        self._names = [clean(name) for name in names]
        self._places = list(range(len(names)))

    def compose(self) -> ComposeResult:
        """The title, a line to type into, the choices."""
        with Vertical():
            yield Static(Content(self._title))
            yield Input(placeholder="type a part of the name")
            yield _Choices()
            yield Static(Content("no name has this in it"), id="pick-none")

    def on_mount(self) -> None:
        """Shows all choices."""
        self._narrow("")
        self.query_one(Input).focus()

    def _narrow(self, text: str) -> None:
        words = text.casefold().split()
        self._places = [
            place for place, name in enumerate(self._names) if all(word in name.casefold() for word in words)
        ]
        self.query_one(_Choices).show([self._names[place] for place in self._places])
        self.query_one("#pick-none").display = not self._places

    def on_input_changed(self, event: Input.Changed) -> None:
        """Leaves the choices that fit."""
        event.stop()
        self._narrow(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Takes the selected one."""
        event.stop()
        self._take()

    def on_line_list_chosen(self, event: LineList.Chosen) -> None:
        """Takes the one that was clicked."""
        event.stop()
        self._take()

    def _take(self) -> None:
        if self._places:
            self.dismiss(self._places[self.query_one(_Choices).cursor])

    def on_key(self, event: events.Key) -> None:
        """Moves, or leaves."""
        moves = {"down": 1, "up": -1, "ctrl+n": 1, "ctrl+p": -1}
        if event.key in moves:
            self.query_one(_Choices).move(moves[event.key])
        elif event.key == "escape":
            self.dismiss(None)
        else:
            return
        event.stop()
        event.prevent_default()
