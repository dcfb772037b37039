"""Brings the selected message into its pane and has it judged."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual.timer import Timer
from textual.worker import Worker

from mailsec.errors import MailsecError, SealError
from mailsec.message import Message, parse
from mailsec.store.keeper import is_current
from mailsec.tui.mail import Letter, Mail

if TYPE_CHECKING:
    from mailsec.pipeline import Report
    from mailsec.tui.screens.mailbox import MailboxScreen

__all__ = ["Reader"]

SETTLED = 0.06
"""Seconds that the selection rests before its message is read: who holds a key down reads none."""


class Reader:
    """Reads messages for a screen.

    Args:
        screen: the screen with list and pane.
    """

    def __init__(self, screen: MailboxScreen) -> None:
        self._screen = screen
        self._shown: int | None = None
        self._waiting: Timer | None = None
        self._worker: Worker[None] | None = None
        self._loaded = asyncio.Event()
        self._judged = False

    @property
    def shown(self) -> int | None:
        """The message in the pane."""
        return self._shown

    @property
    def rested(self) -> bool:
        """Whether no message is about to be shown or judged."""
        return self._waiting is None and (self._worker is None or self._worker.is_finished)

    def close(self) -> None:
        """Shows no message."""
        self._shown = None
        self._screen.pane.empty(_hint(self._screen))

    async def ready(self) -> bool:
        """Brings the selected message into the pane, even where that is not seen, and says whether there is one."""
        current = self._screen.messages.current
        if current is not None:
            self.open(current)
            await self._loaded.wait()
        return self._screen.pane.message is not None

    def preview(self) -> None:
        """Shows the selected message soon, where the pane is seen."""
        if self._waiting is not None:
            self._waiting.stop()
        self._waiting = self._screen.set_timer(SETTLED, self._settle)

    def _settle(self) -> None:
        self._waiting = None
        if not self._screen.pane.display:
            return
        current = self._screen.messages.current
        if current is None:
            self.close()
        else:
            self.open(current)

    def open(self, message: int) -> None:
        """Shows a message, and its verdict as soon as it is known."""
        if message == self._shown:
            return
        self._shown = message
        self._loaded.clear()
        if self._worker is not None:
            self._worker.cancel()
        self._worker = self._screen.run_worker(self._open(message), exit_on_error=True)

    async def _open(self, number: int) -> None:
        screen = self._screen
        try:
            letter, message = await screen.desk.ask(_read, number)
        except MailsecError as error:
            if self._shown == number:
                screen.pane.empty(str(error))
                self._loaded.set()
            return
        if self._shown != number:
            return
        screen.pane.show(message)
        self._loaded.set()
        self._show_kept(letter)
        try:
            report, kept = await screen.services.checker.judge(message, screen.services.keeper, file=letter.file)
        except MailsecError as error:
            if self._shown == number:
                screen.pane.judge_failed(str(error))
            return
        if self._shown == number:
            screen.pane.judge(report)
        if not self._judged:
            self._judged = True
            screen.call_after_refresh(screen.settled)
        await screen.desk.ask(Mail.keep_verdict, number, kept)
        screen.messages.refresh_rows((number,))

    async def judge_with_issuers(self, report: Report) -> Report:
        """Has the message that is shown judged anew, with missing issuers' certificates fetched.

        Only to be called when the user was told what that tells others, and wants it.

        Args:
            report: what was found without them.

        Returns:
            The new report; the old one where another message is shown by now.

        Raises:
            MailsecError: it could not be judged.
        """
        screen, number, message = self._screen, self._shown, report.message
        if number is None or message is None:
            return report
        services = screen.services
        found, kept = await services.checker.judge(message, services.keeper, file=report.file, fetch_issuers=True)
        if self._shown != number:
            return report
        screen.pane.judge(found)
        await screen.desk.ask(Mail.keep_verdict, number, kept)
        screen.messages.refresh_rows((number,))
        return found

    def _show_kept(self, letter: Letter) -> None:
        """Shows the verdict of earlier, where it is ours and still holds."""
        if letter.kept is None:
            return
        try:
            kept = self._screen.services.keeper.open(letter.kept, letter.octets)
        except SealError as error:
            self._screen.say(str(error), wrong=True)
            return
        if is_current(kept):
            self._screen.pane.judge_kept(kept)


def _read(mail: Mail, number: int) -> tuple[Letter, Message]:
    letter = mail.read(number)
    return letter, parse(letter.octets)


def _hint(screen: MailboxScreen) -> str:
    if screen.messages.count:
        return "No message is open."
    if screen.lists.view.query:
        return "Nothing was found. Esc shows the folder again; / searches for something else."
    return "This folder is empty. New mail appears by itself; c goes to another folder."
