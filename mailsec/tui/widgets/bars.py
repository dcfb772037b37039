"""The line at the top, the line at the bottom, and the search box between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Static

from mailsec.tui.cells import clean, fit, width

__all__ = ["BottomLine", "SearchBox", "TopLine"]

NOTICE = 8.0
"""Seconds that a notice stands in the line at the bottom."""


class TopLine(Widget):
    """Where one is on the left, how things stand on the right; what is more important is cut last."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"top--where", "top--state", "top--wrong", "top--key"}
    DEFAULT_CSS = """
    TopLine {
        height: 1;
        background: $panel;
        & > .top--where { color: $primary; text-style: bold; }
        & > .top--state { color: $text-muted; }
        & > .top--wrong { color: $level-warning; text-style: bold; }
        & > .top--key { text-style: bold; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._pieces: list[tuple[str, str]] = []
        self._hinting = False
        self._states: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All that it says."""
        return "  ".join(("".join(text for text, _ in self._pieces), *self._states))

    def say(self, where: str, *states: str, wrong: bool = False) -> None:
        """Says where one is and how things stand.

        Args:
            where: the folder or search, or a notice; foreign text.
            states: short words, the most important first; empty ones are left out.
            wrong: whether it is about something that went wrong.
        """
        self._write([(clean(where), "top--wrong" if wrong else "top--where")], states)

    def hint(self, keys: Sequence[tuple[str, str]], *states: str) -> None:
        """Names keys and what they do: as many as there is room for, and the last of them in any case.

        Args:
            keys: keys and words.
            states: as `say` has them.
        """
        pieces = []
        for key, word in keys:
            pieces += [(f"{key} ", "top--key"), (f"{word}  ", "top--state")]
        self._write(pieces, states, hinting=True)

    def _write(self, pieces: list[tuple[str, str]], states: Sequence[str], *, hinting: bool = False) -> None:
        cleaned = tuple(clean(one) for one in states if one)
        if (pieces, cleaned) != (self._pieces, self._states):
            self._pieces, self._states, self._hinting = pieces, cleaned, hinting
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draws it."""
        del y
        cells = self.size.width
        pieces = self._pieces
        wanted = sum(width(text) for text, _ in pieces)
        states = list(self._states)
        while states and width(" · ".join(states)) > cells - min(wanted, cells // 3) - 4:
            states.pop()
        state = " · ".join(states)
        room = max(0, cells - width(state) - 3)
        base = self.rich_style
        segments = [Segment(" ", base)]
        if self._hinting:
            pieces = _whole(pieces, room)
        for text, name in pieces:
            shown = text if width(text) <= room else fit(text, room)
            segments.append(Segment(shown, base + self.get_component_rich_style(name)))
            room -= width(shown)
        segments += [
            Segment(" " * (room + 1), base),
            Segment(f"{state} ", base + self.get_component_rich_style("top--state")),
        ]
        return Strip(segments).adjust_cell_length(cells, base)


def _whole(pieces: list[tuple[str, str]], room: int) -> list[tuple[str, str]]:
    """Keys with their words, without those before the last that there is no room for."""
    kept = list(pieces)
    while len(kept) > 2 and sum(width(text) for text, _ in kept) - 2 > room:  # two blanks end each
        del kept[-4:-2]
    if kept:
        kept[-1] = (kept[-1][0].rstrip(" "), kept[-1][1])
    return kept


class BottomLine(TopLine):
    """What keys do there, and for a while what there is to say instead."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._notice = ""
        self._wrong = False
        self._over: Timer | None = None
        self._keys: Sequence[tuple[str, str]] = ()
        self._beside: Sequence[str] = ()

    def note(self, sentence: str, *, wrong: bool = False) -> None:
        """Shows a notice for a while; an empty one brings the keys back.

        Args:
            sentence: the notice; foreign text.
            wrong: whether it is about something that went wrong.
        """
        if self._over is not None:
            self._over.stop()
            self._over = None
        self._notice, self._wrong = sentence, wrong
        if sentence:
            self._over = self.set_timer(NOTICE, lambda: self.note(""))
        self._tell()

    def rest(self, keys: Sequence[tuple[str, str]], *states: str) -> None:
        """Sets what it says where there is no notice, and how things stand beside either.

        Args:
            keys: as `hint` has them.
            states: as `say` has them.
        """
        self._keys, self._beside = keys, states
        self._tell()

    def _tell(self) -> None:
        if self._notice:
            self.say(f"! {self._notice}" if self._wrong else self._notice, *self._beside, wrong=self._wrong)
        else:
            self.hint(self._keys, *self._beside)


class SearchBox(Vertical):
    """A line to type a search into, and a sentence when it cannot be understood."""

    DEFAULT_CSS = """
    SearchBox {
        height: auto;
        display: none;
        background: $panel;
        &.-open { display: block; }
        & Input { border: none; height: 1; padding: 0 1; background: $panel; }
        & Input:focus { border: none; }
        & #search-said { height: auto; padding: 0 1; color: $text-muted; }
        &.-wrong #search-said { color: $level-warning; }
    }
    """

    HINT = "words  from:  subject:  before:2026-05  has:attachment  is:unread  verdict:failed  -not  OR"

    class Asked(Message):
        """A search was typed; empty to end it."""

        def __init__(self, purpose: str, text: str) -> None:
            super().__init__()
            self.purpose = purpose
            self.text = text

    class Left(Message):
        """The box was left without a search."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._purpose = ""

    def compose(self) -> ComposeResult:
        """The line and the sentence."""
        yield Input(id="search-text")
        yield Static(id="search-said")

    def open(self, purpose: str, title: str, text: str = "") -> None:
        """Opens it.

        Args:
            purpose: comes back in `Asked`.
            title: what the empty line says.
            text: what stands in it.
        """
        self._purpose = purpose
        self.set_class(True, "-open")
        self.say(self.HINT, wrong=False)
        line = self.query_one(Input)
        line.placeholder = title
        line.value = text
        line.focus()

    def close(self) -> None:
        """Closes it."""
        self.set_class(False, "-open")

    def say(self, sentence: str, *, wrong: bool) -> None:
        """Shows a sentence beneath the line."""
        self.set_class(wrong, "-wrong")
        self.query_one("#search-said", Static).update(Content(("! " if wrong else "") + clean(sentence)))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Hands over what was typed."""
        event.stop()
        self.post_message(self.Asked(self._purpose, event.value.strip()))

    def on_key(self, event: events.Key) -> None:
        """Leaves the box."""
        if event.key == "escape":
            event.stop()
            event.prevent_default()
            self.close()
            self.post_message(self.Left())
