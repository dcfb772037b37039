"""What goes on beside the keyboard for a screen: indexing, watching folders, verifying a folder."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from textual.timer import Timer
from textual.worker import Worker

from mailsec.errors import MailsecError
from mailsec.store import Place
from mailsec.tui.background import FolderVerification, Indexing, Progress
from mailsec.tui.mail import Mail
from mailsec.tui.watch import Stamp, stamp

if TYPE_CHECKING:
    from mailsec.tui.screens.mailbox import MailboxScreen

__all__ = ["Background", "in_words"]

LOOK = 2.0
"""Seconds between two looks at the folder in view."""
TELL = 0.2
"""Seconds between two words on how far it has come."""
SHOW = 1.0
"""Seconds between two lists while a folder is indexed for the first time."""


class Background:
    """Keeps the index up to date and verifies folders.

    Args:
        screen: the screen whose lists follow.
    """

    def __init__(self, screen: MailboxScreen) -> None:
        self._screen = screen
        self._indexing = Indexing(screen.services.index, progress=self._indexed, tell=screen.say)
        self._under_way: dict[Path, str] = {}
        self._listed = 0.0
        self._telling: Timer | None = None
        self._stamps: dict[Path, Stamp] = {}
        self._verification: Worker[None] | None = None
        self._verified = Progress()

    @property
    def words(self) -> Sequence[str]:
        """What is under way, in a few words each."""
        words = []
        if self.verifying:
            done, total = self._verified.done, self._verified.total
            words.append(f"verifying {done}/{total}" if total else "verifying …")
        words += [text for text in self._under_way.values() if text][:1]
        return words

    @property
    def busy(self) -> bool:
        """Whether anything is under way."""
        return self.verifying or bool(self._under_way)

    def _tell_soon(self) -> None:
        """Has the screen say how far it has come, but not each time that something has."""
        if self._telling is None:
            self._telling = self._screen.set_timer(TELL, self._tell)

    def _tell(self) -> None:
        self._telling = None
        self._screen.tell_state()

    def start(self) -> None:
        """Brings all folders up to date, the one in view first, and watches them from then on."""
        self.refresh_all()
        self._screen.set_interval(LOOK, self._look)

    async def close(self) -> None:
        """Ends all of it."""
        if self._verification is not None:
            self._verification.cancel()
        await self._indexing.close()

    # -- indexing ------------------------------------------------------------------------------------------

    def refresh_all(self) -> None:
        """Brings all folders up to date, the one in view first."""
        viewed = self._screen.lists.view.folder
        for place in sorted(self._screen.places, key=lambda place: place.path != viewed):
            self.refresh(place.path)

    def refresh(self, path: Path) -> None:
        """Brings a folder up to date."""
        place = next((one for one in self._screen.places if one.path == path), None)
        if place is not None and path not in self._under_way:
            self._under_way[path] = ""
            self._screen.run(self._refresh(place))

    async def _refresh(self, place: Place) -> None:
        try:
            self._stamps[place.path] = await asyncio.to_thread(stamp, place.path)
            changes = await self._indexing.refresh(place)
        finally:
            self._under_way.pop(place.path, None)
            self._screen.tell_state()
        if changes:
            if self._screen.lists.view.folder in {None, place.path}:
                await self._screen.lists.show()
            await self._screen.lists.count()
        wanted = self._screen.services.settings.client.verify_folders
        viewed = place.path == self._screen.lists.view.folder
        if wanted and viewed and not self.verifying:
            unjudged = await self._screen.desk.ask(Mail.unjudged, place.path)
            if unjudged:
                self.verify(place.path)

    def _indexed(self, place: Place, done: int, total: int) -> None:
        self._under_way[place.path] = f"indexing {done}/{total}" if done < total else ""
        self._tell_soon()
        now = self._screen.services.clock()
        if place.path == self._screen.lists.view.folder and now - self._listed >= SHOW:
            self._listed = now
            self._screen.run(self._screen.lists.show())

    async def _look(self) -> None:
        """Refreshes the folder in view where another program changed it."""
        paths = [self._screen.lists.view.folder or place.path for place in self._screen.places]
        for path in dict.fromkeys(paths):
            now = await asyncio.to_thread(stamp, path)
            if now != self._stamps.get(path):
                self.refresh(path)

    # -- verifying -----------------------------------------------------------------------------------------

    @property
    def verifying(self) -> bool:
        """Whether a folder is being verified."""
        return self._verification is not None

    def verify(self, path: Path) -> None:
        """Verifies what no verdict stands for in a folder."""
        place = next(one for one in self._screen.places if one.path == path)
        services = self._screen.services
        self._verified = Progress()
        task = FolderVerification(
            services.index,
            place,
            services.settings,
            services.keeper,
            progress=self._advanced,
            changed=self._screen.messages.refresh_rows,
        )
        self._verification = self._screen.run_worker(self._verify(task), exit_on_error=True)
        self._screen.tell_state()

    def stop_verifying(self) -> None:
        """Stops; the verdicts so far are kept."""
        if self._verification is not None:
            self._verification.cancel()
            self._verification = None
            self._screen.say(f"stopped: {self._verified.judged} of {self._verified.total} messages are verified")

    def _advanced(self, progress: Progress) -> None:
        self._verified = progress
        self._tell_soon()

    async def _verify(self, task: FolderVerification) -> None:
        try:
            progress = await task.run()
        except MailsecError as error:
            self._verification = None
            self._screen.say(str(error), wrong=True)
            return
        self._verification = None
        self._screen.say(in_words(progress))
        await self._screen.lists.count()


def in_words(progress: Progress) -> str:
    """What became of a folder that was verified, as a sentence."""
    left = f", {progress.unjudged} could not be judged" if progress.unjudged else ""
    if progress.encrypted == 1:
        left += "; 1 is encrypted: it is judged when opened"
    elif progress.encrypted:
        left += f"; {progress.encrypted} are encrypted: they are judged when opened"
    return f"{progress.judged} messages of this folder have a verdict{left}"
