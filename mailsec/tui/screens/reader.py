"""Brings the selected message into its pane and has it judged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import TYPE_CHECKING

from textual.timer import Timer
from textual.worker import Worker, WorkerCancelled, WorkerFailed

from mailsec.errors import LockedError, MailsecError, SealError
from mailsec.hooks.types import LOCK_FACT, LOCKED_KEY_FACT, AuthResult, Cause, Fact
from mailsec.message import Message, parse
from mailsec.store.keeper import is_current
from mailsec.tui.mail import Letter, Mail
from mailsec.tui.screens.keys.secret import AskSecret, about

if TYPE_CHECKING:
    from mailsec.pipeline import Report
    from mailsec.store.types import KeptVerdict
    from mailsec.tui.screens.mailbox import MailboxScreen

__all__ = ["Reader", "hint"]

SETTLED = 0.06
"""Seconds that the selection rests before its message is read: who holds a key down reads none."""

SOON = 0.03
"""Seconds that a message waits for its verdict, so that it is painted once; most have it by then."""


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
        self._file = ""
        self._lock: LockedError | None = None
        self._asking = False
        self._declined: set[str] = set()

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
        self._lock = None
        self._screen.pane.empty(hint(self._screen) if self._screen.messages.count else "")

    async def ready(self) -> bool:
        """Brings the selected message into the pane, even where that is not seen, and says whether there is one."""
        current = self._screen.messages.current
        if current is not None:
            self.open(current)
            await self._loaded.wait()
        return self._screen.pane.message is not None

    async def judged(self) -> bool:
        """Brings the selected message into the pane, waits until it is judged, and says whether there is one."""
        if not await self.ready():
            return False
        with suppress(WorkerCancelled, WorkerFailed):  # another message was selected meanwhile
            if self._worker is not None:
                await self._worker.wait()
            return self._screen.pane.report is not None
        return False

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
        self._lock = None
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
        self._file = letter.file
        judging = asyncio.create_task(screen.services.checker.judge(message, screen.services.keeper, file=letter.file))
        try:
            await asyncio.wait({judging}, timeout=SOON)
            report = _report_of(judging)
            if self._shown != number:
                return
            screen.pane.show(message, report)
            self._loaded.set()
            if not judging.done():
                self._show_kept(letter)
            await self._take(number, judging)
        finally:
            judging.cancel()
        self.ask_where_locked()

    async def judge_again(self) -> None:
        """Judges the message that is shown once more, since whom one trusts or which keys open has changed."""
        number, message = self._shown, self._screen.pane.message
        services = self._screen.services
        if number is not None and message is not None:
            await self._take(number, services.checker.judge(message, services.keeper, file=self._file))

    async def _take(self, number: int, judging: Awaitable[tuple[Report, KeptVerdict]]) -> None:
        """Shows what a check finds, and keeps it."""
        screen = self._screen
        try:
            report, kept = await judging
        except MailsecError as error:
            if self._shown == number:
                self._lock = None
                screen.pane.judge_failed(str(error))
            return
        lock = _lock_of(report)
        if self._shown == number:
            if screen.pane.report is not report:
                screen.pane.judge(report)
            self._lock = lock
        if not self._judged:
            self._judged = True
            screen.call_after_refresh(screen.settled)
        if lock is None:  # else one that was kept when it was open says more
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

    # -- what is locked ------------------------------------------------------------------------------------

    def ask_where_locked(self, *, again: bool = False) -> None:
        """Asks for the password or PIN that the message needs, once it is opened and not only looked at.

        Args:
            again: whether to ask although it was left unanswered before.
        """
        if again:
            self._declined.clear()
        lock = self._lock
        if lock is None or self._asking or self._screen.zone != "message" or lock.secret in self._declined:
            return
        self._screen.run(self.unlock())

    async def unlock(self) -> None:
        """Asks for the password or PIN that the message needs, and judges it anew."""
        screen, lock = self._screen, self._lock
        if lock is None:
            screen.say("this message waits for no password")
            return
        if self._asking:
            return
        self._asking = True
        try:
            while lock is not None and await self._ask(lock):
                lock = self._lock  # another key may be locked too
        finally:
            self._asking = False

    async def _ask(self, lock: LockedError) -> bool:
        """Asks for one secret; whether it was given and right."""
        screen = self._screen
        passwords = screen.services.secrets.named(lock.secret)
        if passwords is None:
            screen.say(str(lock), wrong=True)
            return False

        async def attempt(typed: bytes) -> str:
            passwords.offer(typed)
            await self.judge_again()
            again = self._lock
            return f"that is not {lock.secret}; try again" if again and again.secret == lock.secret else ""

        title = lock.secret[0].upper() + lock.secret[1:]
        details = ["This message is encrypted and waits for it.", *about(lock, passwords)]
        if not await screen.app.push_screen_wait(AskSecret(title, details, attempt, otherwise="leave it closed")):
            self._declined.add(lock.secret)
            keys = screen.keymap.names_of("unlock", "message")
            screen.say(f"the message stays closed; {keys[0]} asks again" if keys else "the message stays closed")
            return False
        return True


def _lock_of(report: Report) -> LockedError | None:
    """The secret that the report's message needs to be opened; `None` where it needs none."""
    for result in report.results:
        if result.cause is Cause.LOCKED and (secret := _fact(result, LOCK_FACT)):
            return LockedError(result.reason, secret, key=_fact(result, LOCKED_KEY_FACT))
    return None


def _fact(result: AuthResult, name: str) -> str:
    return next((one.value for one in result.evidence if isinstance(one, Fact) and one.name == name), "")


def _report_of(judging: asyncio.Task[tuple[Report, KeptVerdict]]) -> Report | None:
    """What a check has found; `None` where it goes on, or has failed."""
    return judging.result()[0] if judging.done() and judging.exception() is None else None


def _read(mail: Mail, number: int) -> tuple[Letter, Message]:
    letter = mail.read(number)
    return letter, parse(letter.octets)


def hint(screen: MailboxScreen) -> str:
    """What to do where no message is open; empty while the list has not come."""
    if screen.messages.count:
        return "No message is open."
    if not screen.lists.listed:
        return ""

    def key(action: str) -> str:
        return next(iter(screen.keymap.names_of(action, "list")), f"the action {action}")

    if screen.lists.view.query:
        return f"Nothing was found. {key('back')} shows the folder again; {key('search')} searches for something else."
    if screen.background.busy:
        return "No message is here yet; the folder is being read."
    return f"This folder is empty. New mail appears by itself; {key('choose-folder')} goes to another folder."
