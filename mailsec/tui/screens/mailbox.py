"""The main screen: folders, list, message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

from textual import events
from textual.app import ComposeResult
from textual.containers import Container, Horizontal
from textual.screen import Screen
from textual.widget import Widget

from mailsec.errors import MailsecError
from mailsec.store import Place
from mailsec.store.types import Flags
from mailsec.tui.actions import ZONES, Zone
from mailsec.tui.dates import short_date
from mailsec.tui.desk import Desk
from mailsec.tui.doing import HANDLERS
from mailsec.tui.doing.message import ask_to_follow, ask_to_open
from mailsec.tui.keymap import Keymap, Presses, key_name, shown
from mailsec.tui.layout import lay_out
from mailsec.tui.mail import Done, Mail
from mailsec.tui.reading import MessagePane
from mailsec.tui.screens.background import Background
from mailsec.tui.screens.hints import hints
from mailsec.tui.screens.lists import Lists
from mailsec.tui.screens.reader import Reader, hint
from mailsec.tui.services import Services
from mailsec.tui.widgets.bars import BottomLine, SearchBox, TopLine
from mailsec.tui.widgets.folders import FolderPane
from mailsec.tui.widgets.lines import LineList
from mailsec.tui.widgets.messages import MessageList
from mailsec.tui.widgets.rows import ASCII, GLYPHS

__all__ = ["MailboxScreen"]

P = ParamSpec("P")


class MailboxScreen(Screen[None]):
    """Folders, list and message, and the keys that work on them.

    Args:
        services: the mail and the checks.
        keymap: which key does what.
        glyphs: whether the terminal shows more than ASCII.
        settled: called when the first rows are seen, and again when the first message has been judged.
    """

    DEFAULT_CSS = """
    MailboxScreen {
        layout: vertical;
        & #panes { height: 1fr; }
        & #right { width: 1fr; layout: horizontal; }
        & #right.-below { layout: vertical; }
        & #folders { width: 20; border-right: vkey $panel; }
        & #folders.-alone { width: 1fr; border: none; }
        & #messages { width: 11fr; height: 1fr; }
        & #message { width: 9fr; height: 1fr; border-left: vkey $panel; }
        & #right.-below #message { border-left: none; border-top: hkey $panel; height: 3fr; }
        & #right.-below #messages { height: 2fr; }
        & #right.-alone #message { border: none; }
    }
    """

    def __init__(
        self, services: Services, keymap: Keymap, *, glyphs: bool, settled: Callable[[], object] = lambda: None
    ) -> None:
        super().__init__()
        self.services = services
        self.settled = settled
        self.keymap = keymap
        self.want_folders = True
        self.want_preview = True
        self.zone: Zone = "list"
        self._presses = Presses(keymap)
        self.glyphs = glyphs
        self._signs = GLYPHS if glyphs else ASCII
        self.folders = FolderPane(glyphs=self._signs, id="folders")
        self.messages = MessageList(
            services.rows.rows,
            date=lambda seconds: short_date(seconds, services.clock()),
            glyphs=self._signs,
            id="messages",
        )
        why = keymap.keys_of("why", "message")
        pictures = keymap.keys_of("pictures", "message")
        self.pane = MessagePane(
            clock=services.clock,
            glyphs=glyphs,
            why_hint=shown(why[0]) if why else "",
            images=services.settings.client.images,
            images_key=shown(pictures[0]) if pictures else "",
            id="message",
        )
        self._right = Container(id="right")
        self._top = TopLine(id="top")
        self._box = SearchBox(id="search")
        self._bottom = BottomLine(id="bottom")
        self.lists = Lists(self)
        self.reader = Reader(self)
        self.background = Background(self)

    def compose(self) -> ComposeResult:
        """The line at the top, the panes, the search box, the line at the bottom."""
        yield self._top
        with Horizontal(id="panes"):
            yield self.folders
            with self._right:
                yield self.messages
                yield self.pane
        yield self._box
        yield self._bottom

    async def on_mount(self) -> None:
        """Shows what the index has, then looks for what is new."""
        self.lists.show_folders({}, {})
        self.folders.view(self.lists.folder)
        self.lay_out()
        self.give_keyboard("list")
        self.say("")
        self.reader.close()
        self.run(self._start())

    async def _start(self) -> None:
        await self.lists.show()
        await self.lists.count()
        self.call_after_refresh(self.settled)
        self.background.start()

    async def on_unmount(self) -> None:
        """Ends what is under way."""
        await self.background.close()

    # -- what the actions ask ------------------------------------------------------------------------------

    @property
    def desk(self) -> Desk[Mail]:
        """Does what blocks."""
        return self.services.desk

    @property
    def places(self) -> tuple[Place, ...]:
        """The folders."""
        return self.services.places

    @property
    def lines(self) -> LineList:
        """The rows that have the keyboard."""
        return self.folders if self.zone == "folders" else self.messages

    @property
    def verifying(self) -> bool:
        """Whether a folder is being verified."""
        return self.background.verifying

    def with_role(self, role: str) -> Path | None:
        """The first folder with a role; `None` where there is none."""
        return next((place.path for place in self.places if place.role == role), None)

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        """Runs something that may wait; what goes wrong becomes a notice."""
        self.run_worker(self._guarded(work), exit_on_error=True)

    async def _guarded(self, waiting: Awaitable[None]) -> None:
        try:
            await waiting
        except MailsecError as error:
            self.say(str(error), wrong=True)

    def perform(self, name: str) -> None:
        """Does an action.

        Args:
            name: its name.
        """
        try:
            waiting = HANDLERS[name](self)
        except MailsecError as error:
            self.say(str(error), wrong=True)
        else:
            if waiting is not None:
                self.run_worker(self._guarded(waiting), exit_on_error=True)

    async def change(self, method: Callable[Concatenate[Mail, P], Done], *arguments: P.args, **named: P.kwargs) -> None:
        """Has the mail changed, and shows what came of it."""
        try:
            done = await self.desk.ask(method, *arguments, **named)
        finally:
            self.messages.set_marks(())
            self.messages.refresh_rows()
        self.say(done.sentence)
        self.messages.refresh_rows(done.messages)
        await self.lists.show()
        await self.lists.count()
        for folder in done.folders:
            self.background.refresh(folder)

    # -- saying --------------------------------------------------------------------------------------------

    def say(self, sentence: str, *, wrong: bool = False) -> None:
        """Shows a notice at the bottom for a while; an empty one brings the hints back."""
        self._bottom.note(sentence, wrong=wrong)
        self.tell_state()

    def tell_state(self) -> None:
        """Writes the lines at the top and at the bottom anew."""
        marked = f"{len(self.messages.marked)} marked" if self.messages.marked else ""
        begun = shown(self._presses.begun) + " …" if self._presses.begun else ""
        keys = hints(self.keymap, self.zone, empty=self.lists.listed and not self.messages.count)
        self._bottom.rest(keys, begun, marked, *self.background.words)
        self.messages.say(hint(self))
        at = f"{self.messages.cursor + 1}/{self.messages.count}" if self.messages.count else "empty"
        unread = f"{self.lists.unread} unread" if self.lists.unread else ""
        self._top.say(f"mailsec ─ {self.lists.where}", at, unread, self.lists.order)

    # -- keys and panes ------------------------------------------------------------------------------------

    def on_key(self, event: events.Key) -> None:
        """Does what a key means in the pane that has the keyboard."""
        if self._box.has_focus_within:
            return
        action = self._presses.press(key_name(event.key, event.character), self.zone)
        if action is None:
            return
        event.stop()
        event.prevent_default()
        if action:
            self.perform(action)
        self.tell_state()

    def give_keyboard(self, zone: Zone) -> None:
        """Gives the keyboard to a pane, which is seen from then on."""
        self.zone = zone
        self.lay_out()
        self.tell_state()
        (self.pane.body if zone == "message" else self._pane(zone)).focus()

    def _pane(self, zone: Zone) -> Widget:
        return {"list": self.messages, "folders": self.folders, "message": self.pane}[zone]

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Takes note of the pane that was clicked."""
        above = event.widget.ancestors_with_self
        for zone in ZONES:
            if self._pane(zone) in above and zone != self.zone:
                self.zone = zone
                self.lay_out()
                self.tell_state()

    def on_resize(self) -> None:
        """Shows what there is room for."""
        self.lay_out()

    def lay_out(self) -> None:
        """Shows the panes that there is room for."""
        layout = lay_out(
            self.app.size.width,
            self.app.size.height,
            self.zone,
            folders=self.want_folders,
            preview=self.want_preview,
        )
        self.folders.display = layout.folders
        self.messages.display = layout.messages
        self.pane.display = layout.message
        right = self._right
        right.display = layout.messages or layout.message
        right.set_class(layout.below, "-below")
        right.set_class(not layout.messages, "-alone")
        self.folders.set_class(not right.display, "-alone")
        if layout.message and layout.messages:
            self.reader.preview()

    # -- searching -----------------------------------------------------------------------------------------

    def ask_search(self, purpose: str, title: str, text: str = "") -> None:
        """Opens the search box."""
        self._box.open(purpose, title, text)

    async def on_search_box_asked(self, event: SearchBox.Asked) -> None:
        """Searches, or marks."""
        event.stop()
        try:
            said = await self.lists.answer(event)
        except MailsecError as error:
            self._box.say(str(error), wrong=True)
            return
        self._box.close()
        self.give_keyboard("list")
        self.say(said)

    def on_search_box_left(self, event: SearchBox.Left) -> None:
        """Gives the keyboard back."""
        event.stop()
        self.give_keyboard("list")

    # -- reading -------------------------------------------------------------------------------------------

    def on_line_list_moved(self, event: LineList.Moved) -> None:
        """Shows the selected message beside the list."""
        if event.lines is self.messages:
            self.tell_state()
            self.reader.preview()

    def on_line_list_chosen(self, event: LineList.Chosen) -> None:
        """Opens what was clicked."""
        if event.lines is self.folders:
            self.lists.open_selected()
        else:
            self.open_selected()

    def open_selected(self, *, insist: bool = False) -> None:
        """Opens the selected message, which counts as read from then on.

        Args:
            insist: whether a password that it needs is asked for although it was not given before.
        """
        current = self.messages.current
        if current is None:
            return
        self.give_keyboard("message")
        self.reader.open(current)
        self.reader.ask_where_locked(again=insist)
        row = self.messages.row(current)
        if row is not None and not row.flags & Flags.SEEN:
            self.run(self._mark_read(current))

    async def _mark_read(self, message: int) -> None:
        await self.desk.ask(Mail.set_flags, (message,), Flags.SEEN, Flags.NONE, "read", undo=False)
        self.messages.refresh_rows((message,))
        await self.lists.count()

    def on_message_pane_link_chosen(self, event: MessagePane.LinkChosen) -> None:
        """Asks whether to follow a link."""
        self.run(ask_to_follow(self, event.url))

    def on_message_pane_attachment_chosen(self, event: MessagePane.AttachmentChosen) -> None:
        """Asks whether to open an attachment."""
        self.run(ask_to_open(self, event.part))

    # -- verifying, refreshing -----------------------------------------------------------------------------

    def start_verifying(self) -> None:
        """Verifies the folder that is listed."""
        self.background.verify(self.lists.folder)

    def stop_verifying(self) -> None:
        """Stops that."""
        self.background.stop_verifying()

    def refresh_folders(self) -> None:
        """Looks for new mail in all folders."""
        self.background.refresh_all()
