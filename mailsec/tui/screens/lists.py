"""Which messages the list of a screen shows, in which order, and what the folders beside it count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mailsec.errors import MailsecError
from mailsec.store import Order
from mailsec.tui.mail import SEARCHES, Folding, Mail, View
from mailsec.tui.widgets.bars import SearchBox
from mailsec.tui.widgets.folders import Heading, Item, Saved, Seen

if TYPE_CHECKING:
    from mailsec.tui.screens.mailbox import MailboxScreen

__all__ = ["Lists"]


class Lists:
    """Keeps the list and the folders of a screen up to what the index has.

    Args:
        screen: the screen with both.

    Attributes:
        view: what is listed.
        listed: whether anything has been.
    """

    def __init__(self, screen: MailboxScreen) -> None:
        self._screen = screen
        self._folding = Folding()
        self._searches = {**SEARCHES, **screen.services.settings.client.searches}
        self._folder = screen.places[0].path
        self.view = View(self._folder)
        self.listed = False

    @property
    def folder(self) -> Path:
        """The folder in view, or the one that was before a search everywhere."""
        return self._folder

    @property
    def where(self) -> str:
        """The folder and the search in view, in words; foreign text."""
        place = next((one for one in self._screen.places if one.path == self.view.folder), None)
        folder = "all folders" if place is None else place.name
        return f"{folder} ─ {self.view.query}" if self.view.query else folder

    @property
    def order(self) -> str:
        """How the list is sorted, in words; empty for threads."""
        return "" if self.view.order is Order.THREADS else f"by {self.view.order.name.partition('_')[0].lower()}"

    @property
    def unread(self) -> int:
        """How many messages of the folder in view are unread."""
        items = self._screen.folders.items
        return next((one.unread for one in items if isinstance(one, Seen) and one.path == self.view.folder), 0)

    # -- showing -------------------------------------------------------------------------------------------

    async def show(self, select: int | None = None) -> None:
        """Lists the messages of the view again.

        Args:
            select: the message to select, instead of the one that is.

        Raises:
            UsageError: the search cannot be understood.
        """
        screen, view, folding = self._screen, self.view, self._folding
        shown = await screen.desk.ask(Mail.list, view, folding)
        if (view, folding) != (self.view, self._folding):
            return  # another view was asked for meanwhile
        place = next((one for one in screen.places if one.path == view.folder), None)
        screen.messages.outgoing = place is not None and place.role in {"sent", "drafts"}
        self.listed = True
        screen.messages.show(shown, select)
        screen.tell_state()
        screen.reader.preview()

    async def reveal(self, message: int) -> None:
        """Selects a message, unfolding what hides it."""
        if message not in self._screen.messages.shown.ids:
            self._folding = Folding()
        await self.show(message)

    async def count(self) -> None:
        """Counts anew what is unread in each folder, and what the saved searches find."""
        counts = await self._screen.desk.ask(Mail.counts)
        found = await self._screen.desk.ask(Mail.found, self._searches)
        self.show_folders({path: (one.unread, one.total) for path, one in counts.items()}, found)
        self._screen.tell_state()

    def show_folders(self, counts: dict[Path, tuple[int, int]], found: dict[str, int]) -> None:
        """Shows the folders.

        Args:
            counts: for each folder how many messages are unread, and how many there are.
            found: how many messages each saved search finds.
        """
        places = [Seen(one.path, one.name, one.depth, *counts.get(one.path, (0, 0))) for one in self._screen.places]
        searches = [Saved(name, query, found.get(name, 0)) for name, query in self._searches.items()]
        items: Sequence[Item] = [Heading("folders"), *places, Heading(""), Heading("searches"), *searches]
        self._screen.folders.show(items)

    # -- going elsewhere -----------------------------------------------------------------------------------

    def open_selected(self) -> None:
        """Lists the messages of the selected folder or search."""
        item = self._screen.folders.current
        if isinstance(item, Seen):
            self.open(item.path)
        elif isinstance(item, Saved):
            self._go(View(None, item.query, self.view.order), item.name)

    def open(self, folder: Path) -> None:
        """Lists the messages of a folder."""
        self._folder = folder
        self._go(View(folder, "", self.view.order), folder)
        self._screen.background.refresh(folder)

    def leave_search(self) -> None:
        """Lists the whole folder again."""
        self._go(View(self._folder, "", self.view.order), self._folder)

    def _go(self, view: View, viewed: Path | str | None) -> None:
        self.view, self._folding = view, Folding()
        self._screen.folders.view(viewed)
        self._screen.messages.set_marks(())
        self._screen.give_keyboard("list")
        self._screen.run(self.show())

    async def sort(self, order: Order) -> None:
        """Sorts the list in another way."""
        self.view = replace(self.view, order=order)
        await self.show()

    async def fold(self) -> None:
        """Folds the thread of the selected message, or unfolds it."""
        messages = self._screen.messages
        if messages.count:
            thread = messages.shown.threads[messages.cursor]
            self._folding = Folding(self._folding.all_closed, self._folding.threads ^ {thread})
            await self.show(messages.thread_of(messages.cursor)[0])

    async def fold_all(self) -> None:
        """Folds all threads, or unfolds them."""
        messages = self._screen.messages
        self._folding = Folding(not self._folding.all_closed)
        await self.show(messages.thread_of(messages.cursor)[0] if messages.count else None)

    # -- searching -----------------------------------------------------------------------------------------

    async def answer(self, asked: SearchBox.Asked) -> str:
        """Searches, or marks what a search finds.

        Args:
            asked: what was typed, and what for.

        Returns:
            What to say; empty for nothing.

        Raises:
            UsageError: the search cannot be understood; everything is as before.
        """
        screen = self._screen
        if asked.purpose == "mark":
            found = await screen.desk.ask(Mail.matching, self.view, asked.text) if asked.text else frozenset()
            screen.messages.set_marks(screen.messages.marked | found)
            return f"{len(found)} marked"
        folder = None if asked.purpose == "search-all" and asked.text else self._folder
        before = self.view, self._folding
        self.view, self._folding = View(folder, asked.text, self.view.order), Folding()
        try:
            await self.show()
        except MailsecError:
            self.view, self._folding = before
            raise
        screen.folders.view(folder)
        return ""
