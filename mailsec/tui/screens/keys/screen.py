"""The screen of the keys: one's own, whom one trusts, and correspondents' certificates."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Input

from mailsec.errors import MailsecError, UsageError
from mailsec.store.anchors import read_anchors
from mailsec.store.keys import FileKeyStore
from mailsec.tui.desk import Desk
from mailsec.tui.keymap import key_name, shown
from mailsec.tui.reading.outline import Outline
from mailsec.tui.screens.keys.doing import ACTIONS
from mailsec.tui.screens.keys.entries import Anchor, Entry, Kept, entries_of, fits, outline, read_kept
from mailsec.tui.screens.keys.list import KeyList
from mailsec.tui.screens.keys.secret import with_secret
from mailsec.tui.services import Services
from mailsec.tui.widgets.bars import BottomLine, TopLine

__all__ = ["KeysScreen"]

T = TypeVar("T")

BESIDE = 110
"""Columns from which the details have room beside the list."""

_MOVES = {"j": 1, "down": 1, "k": -1, "up": -1, "home": -(1 << 20), "g": -(1 << 20), "end": 1 << 20, "G": 1 << 20}
_PAGES = {"pagedown": 1, "ctrl+f": 1, "space": 1, "pageup": -1, "ctrl+b": -1, "b": -1}


class KeysScreen(Screen[None]):
    """Shows keys and certificates, and changes what is kept of them.

    Args:
        services: the key store, and the passwords that were typed.
        glyphs: whether the terminal shows more than ASCII.
        changed: has the message that is shown judged anew, after a decision on trust.
    """

    DEFAULT_CSS = """
    KeysScreen {
        layout: vertical;
        & #key-panes { height: 1fr; }
        & #key-list { width: 11fr; height: 1fr; }
        & Outline { width: 9fr; height: 1fr; border-left: vkey $panel; display: none; }
        &.-wide Outline { display: block; }
        & Input, & Input:focus { border: none; height: 1; padding: 0 1; background: $panel; display: none; }
        &.-narrowing Input { display: block; }
    }
    """

    def __init__(self, services: Services, *, glyphs: bool, changed: Callable[[], Coroutine[Any, Any, None]]) -> None:
        super().__init__()
        self.services = services
        self.glyphs = glyphs
        self.changed = changed
        self._entries: list[Entry] = []
        self._loaded = False
        self.list = KeyList(glyphs=glyphs)
        self._details = Outline((), glyphs=glyphs)
        self._details.can_focus = False
        self._filter = Input(placeholder="a part of a name, of an address, of a fingerprint")
        self._filter.cursor_blink = False
        self._top = TopLine(id="key-top")
        self._bottom = BottomLine(id="key-bottom")

    def compose(self) -> ComposeResult:
        """The line at the top, list and details, what narrows the list, the line at the bottom."""
        yield self._top
        with Horizontal(id="key-panes"):
            yield self.list
            yield self._details
        yield self._filter
        yield self._bottom

    def on_mount(self) -> None:
        """Reads what there is."""
        self.list.focus()
        self._tell()
        self.run(self.reload())

    @property
    def loaded(self) -> bool:
        """Whether what there is has been read."""
        return self._loaded

    @property
    def now(self) -> datetime:
        """The time."""
        return datetime.fromtimestamp(self.services.clock(), UTC)

    @property
    def current(self) -> Entry | None:
        """The selected entry."""
        return self.list.current

    # -- what the actions ask ------------------------------------------------------------------------------

    @property
    def desk(self) -> Desk[FileKeyStore]:
        """Does what blocks.

        Raises:
            UsageError: there is no key store.
        """
        if self.services.keys is None:
            raise UsageError("the settings name no folder for keys: nothing can be kept")
        return self.services.keys

    async def with_password(self, work: Callable[[], Awaitable[T]]) -> T:
        """Does something that may need the password of the kept keys, which is asked for then."""
        return await with_secret(self.app, work, self.services.secrets.named)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs something that may wait; what goes wrong becomes a notice."""
        self.run_worker(self._guarded(work), exit_on_error=True)

    async def _guarded(self, waiting: Awaitable[None]) -> None:
        try:
            await waiting
        except MailsecError as error:
            self.say(str(error), wrong=True)

    async def reload(self) -> None:
        """Reads everything anew and shows it."""
        kept = Kept() if self.services.keys is None else await self.services.keys.ask(read_kept)
        elsewhere = await self.services.checker.identities()
        anchors = await asyncio.to_thread(_anchors, self.services.settings.trust)
        self._entries = entries_of(kept, elsewhere, anchors)
        self._loaded = True
        self._narrow()

    def say(self, sentence: str, *, wrong: bool = False) -> None:
        """Shows a notice at the bottom for a while."""
        self._bottom.note(sentence, wrong=wrong)

    # -- showing -------------------------------------------------------------------------------------------

    def _narrow(self) -> None:
        words = self._filter.value.casefold().split()
        now = self.now
        self.list.show([one for one in self._entries if fits(one, words, now)], now, narrowed=bool(words))
        self._show_details()
        self._tell()

    def _show_details(self) -> None:
        entry = self.current
        self._details.show(() if entry is None else outline(entry, self.now, glyphs=self.glyphs))

    def _tell(self) -> None:
        self._bottom.rest(
            [(shown((one.key,), glyphs=self.glyphs), one.word) for one in ACTIONS if one.applies(self.current)]
        )
        counts = {name: sum(one.section == name for one in self._entries) for name in ("own", "trusted", "known")}
        own = counts["own"] + sum(one.section == "elsewhere" for one in self._entries)
        states = (f"{own} own", f"{counts['trusted']} trusted", f"{counts['known']} known") if self._loaded else ()
        self._top.say(f"mailsec ─ keys{f' ─ {self._filter.value}' if self._filter.value else ''}", *states)

    # -- keys ----------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        """Shows the details beside the list where there is room."""
        self.set_class(self.app.size.width >= BESIDE, "-wide")

    def on_line_list_moved(self, event: KeyList.Moved) -> None:
        """Shows the details of what is selected."""
        event.stop()
        self._show_details()
        self._tell()

    def on_line_list_chosen(self, event: KeyList.Chosen) -> None:
        """Opens what was clicked."""
        event.stop()
        self.perform("enter")

    def on_input_changed(self, event: Input.Changed) -> None:
        """Leaves what fits."""
        event.stop()
        self._narrow()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Gives the keyboard back to the list, which stays narrowed."""
        event.stop()
        self.list.focus()

    def narrow(self) -> None:
        """Gives the keyboard to the line that narrows the list."""
        self.set_class(True, "-narrowing")
        self._filter.focus()

    def leave(self) -> None:
        """Shows the whole list again; then leaves the screen."""
        if self.has_class("-narrowing"):
            self.set_class(False, "-narrowing")
            self._filter.value = ""
            self.list.focus()
        else:
            self.dismiss(None)

    def perform(self, key: str) -> None:
        """Does what a key means."""
        action = next((one for one in ACTIONS if key in (one.key, *one.also)), None)
        if action is None:
            return
        self.say("")
        if not action.applies(self.current):
            self.say(action.otherwise, wrong=True)
            return
        self.run(action.run(self))

    def on_key(self, event: events.Key) -> None:
        """Moves, or does what a key means."""
        key = key_name(event.key, event.character)
        if self._filter.has_focus and key not in {"escape", "down", "up"}:
            return
        event.stop()
        event.prevent_default()
        if key in _MOVES:
            self.list.move(_MOVES[key])
        elif key in _PAGES:
            self.list.move(_PAGES[key] * max(1, self.list.page - 1))
        elif key in {"escape", "q"}:
            self.leave()
        else:
            self.perform(key)


def _anchors(files: tuple[Path, ...]) -> list[Anchor]:
    return [Anchor(certificate, file) for file in files for certificate in read_anchors(file)]
