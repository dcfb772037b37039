"""What the small boxes about keys have in common: a title, details, lines to type into, and what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from mailsec.message.safe import safe_text

__all__ = ["AskText", "Box", "Sure"]

T = TypeVar("T")

_ROOMY = 22  # lines


class Box(ModalScreen[T]):
    """A box with lines to type into.

    Args:
        title: what it is about; foreign text is made safe.
        details: lines beneath it; foreign text is made safe.
        keys: what the line at its end says.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "leave", priority=True)]
    DEFAULT_CSS = """
    Box {
        align: center middle;
        & > Vertical {
            width: 76; max-width: 100%; height: auto; max-height: 100%; overflow-y: auto;
            padding: 1 2; background: $panel;
            scrollbar-background: $panel; scrollbar-background-hover: $panel; scrollbar-background-active: $panel;
        }
        & Static { height: auto; }
        & .box--title { text-style: bold; }
        & .box--details { margin: 1 0 0 0; }
        & .box--label { margin: 1 0 0 0; color: $text-muted; }
        & Input, & Input:focus { border: none; height: 1; padding: 0 1; background: $background; }
        & .box--trouble { color: $level-warning; display: none; }
        & .box--keys { margin: 1 0 0 0; color: $text-muted; }
        &.-short > Vertical { padding: 0 2; }
        &.-short .box--keys { margin: 0; }
    }
    """

    def __init__(self, title: str, details: Sequence[str] = (), *, keys: str) -> None:
        super().__init__()
        self._title = safe_text(title)
        self._details = "\n".join(map(safe_text, details))
        self._keys = keys
        self._said = Static("", classes="box--trouble")
        self._end = Static(Content(keys), classes="box--keys")

    def compose(self) -> ComposeResult:
        """Title, details, lines to type into, what went wrong, keys."""
        with Vertical():
            yield Static(Content(self._title), classes="box--title")
            if self._details:
                yield Static(Content(self._details), classes="box--details")
            for label, line in self.lines():
                yield Static(Content(label), classes="box--label")
                line.cursor_blink = False
                yield line
            yield self._said
            yield self._end

    def on_resize(self) -> None:
        """Leaves blank lines out where there is little room."""
        self.set_class(self.app.size.height < _ROOMY, "-short")

    def lines(self) -> Sequence[tuple[str, Input]]:
        """The lines to type into, each with what stands above it."""
        raise NotImplementedError

    def complain(self, sentence: str) -> None:
        """Says what went wrong, or nothing any more.

        Args:
            sentence: the sentence; empty for nothing.
        """
        self._said.display = bool(sentence)
        self._said.update(Content(f"! {safe_text(sentence)}" if sentence else ""))

    def tell_keys(self, instead: str = "") -> None:
        """Names the keys at the end.

        Args:
            instead: what to say for now, where they do nothing.
        """
        self._end.update(Content(instead or self._keys))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Takes back what was said of what stood there before."""
        event.stop()
        if event.value:
            self.complain("")

    def action_leave(self) -> None:
        """Leaves it."""
        self.dismiss(None)


class AskText(Box[str | None]):
    """Asks for a line of text, such as the name of a file; `None` where it was left.

    Args:
        title: what it is about.
        label: what is to be typed.
        value: what stands there at first.
        details: more on it.
        hint: what the empty line says.
    """

    def __init__(self, title: str, label: str, value: str = "", *, details: Sequence[str] = (), hint: str = "") -> None:
        super().__init__(title, details, keys="enter go on  esc leave")
        self._label = label
        self._line = Input(safe_text(value), placeholder=hint, select_on_focus=False)

    def lines(self) -> Sequence[tuple[str, Input]]:
        """One."""
        return [(self._label, self._line)]

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Takes what was typed, where there is any."""
        event.stop()
        if event.value.strip():
            self.dismiss(event.value.strip())
        else:
            self.complain("nothing was typed")


class Sure(Box[bool | None]):
    """Asks before something that matters; only `yes`, typed out, is a yes.

    Args:
        title: what is to be done.
        details: what there is to know before.
        question: what is asked.
    """

    YES = "yes"

    def __init__(self, title: str, details: Sequence[str], question: str) -> None:
        super().__init__(title, details, keys="enter answer  esc leave it as it is")
        self._question = question

    def lines(self) -> Sequence[tuple[str, Input]]:
        """One."""
        return [(self._question, Input(max_length=8))]

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Takes a yes; anything else changes nothing."""
        event.stop()
        answer = event.value.strip().lower()
        if answer == self.YES:
            self.dismiss(True)
        elif answer in {"n", "no"}:
            self.dismiss(False)
        else:
            self.complain(f"only the whole word {self.YES} counts; esc leaves it as it is")
