"""The screen that asks where to save attachments."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from mailsec.errors import InputError
from mailsec.message import safe_file_name, safe_text
from mailsec.tui.reading.saving import folder_from, save_new
from mailsec.tui.reading.sizes import part_size, size_text

if TYPE_CHECKING:
    from mailsec.message import Part

__all__ = ["SaveScreen"]

_NAMED = 8  # parts that are named on the screen


class SaveScreen(ModalScreen[tuple[Path, ...]]):
    """Asks for a folder and saves parts into it. Dismissed with the files that were written.

    Args:
        parts: what is saved.
        folder: the folder that is proposed.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "leave", priority=True)]
    DEFAULT_CSS = """
    SaveScreen { align: center middle; background: $background 60%; }
    SaveScreen > Vertical { width: 90%; max-width: 80; height: auto; background: $panel; padding: 1 2; }
    SaveScreen Static { height: auto; }
    SaveScreen Input, SaveScreen Input:focus {
        border: none; height: 1; padding: 0 1; background: $background; margin: 1 0 0 0;
    }
    SaveScreen .save--trouble { color: $level-warning; }
    SaveScreen .save--keys { color: $quote; margin: 1 0 0 0; }
    """

    def __init__(self, parts: Sequence[Part], folder: Path | None = None) -> None:
        super().__init__()
        self._parts = tuple(parts)
        self._folder = folder if folder is not None else _usual_folder()
        self._busy = False

    def compose(self) -> ComposeResult:
        """What is saved, where to, what went wrong."""
        lines = [_named(part) for part in self._parts[:_NAMED]]
        if len(self._parts) > _NAMED:
            lines.append(f"and {len(self._parts) - _NAMED} more")
        with Vertical():
            yield Static(Content("\n").join([Content.styled("Save to a folder", "bold"), *map(Content, lines)]))
            yield Input(safe_text(str(self._folder)), select_on_focus=False)
            yield Static("", classes="save--trouble")
            yield Static(Content("enter save  esc leave"), classes="save--keys")

    @on(Input.Submitted)
    async def save(self, event: Input.Submitted) -> None:
        """Saves all parts, or says why not."""
        event.stop()
        if self._busy:
            return
        self._busy = True
        try:
            files = await asyncio.to_thread(_save_all, self._parts, event.value)
        except InputError as error:
            self.query_one(".save--trouble", Static).update(Content(safe_text(str(error))))
        else:
            self.dismiss(files)
        finally:
            self._busy = False

    def action_leave(self) -> None:
        """Leaves without saving."""
        if not self._busy:
            self.dismiss(())


def _save_all(parts: Sequence[Part], folder: str) -> tuple[Path, ...]:
    where = folder_from(folder)
    return tuple(save_new(where, _name_of(part), part.content) for part in parts)


def _name_of(part: Part) -> str:
    """The name that a part suggests; one after its type where it suggests none."""
    if part.filename:
        return part.filename
    endings = {"text/plain": ".txt", "text/html": ".html", "message/rfc822": ".eml", "text/calendar": ".ics"}
    number = part.path.replace(".", "-") or "all"
    subtype = part.media.subtype if part.media.subtype.isalnum() else "bin"
    return f"part-{number}{endings.get(part.content_type, '.' + subtype)}"


def _named(part: Part) -> str:
    return f"{safe_file_name(_name_of(part))}  {size_text(part_size(part))}"


def _usual_folder() -> Path:
    home = Path.home()
    downloads = home / "Downloads"
    return downloads if downloads.is_dir() else home
