"""The box that asks for a password or PIN. What is typed is never shown, never copied, and written nowhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from textual.widgets import Input

from mailsec.errors import LockedError, MailsecError, UsageError
from mailsec.tui.screens.keys.boxes import Box

if TYPE_CHECKING:
    from textual.app import App

    from mailsec.store.keys.passwords import Passwords

__all__ = ["AskSecret", "Try", "about", "with_secret"]

T = TypeVar("T")

LONGEST = 1024
"""Characters of a password."""

Try = Callable[[bytes], Awaitable[str]]
"""Tries what was typed; gives what is wrong with it, as a sentence, or an empty text."""


class _Hidden(Input):
    """A line that shows how much was typed and not what."""

    def action_copy(self) -> None:
        """Nothing of it goes to the clipboard."""

    def action_cut(self) -> None:
        """Nothing of it goes to the clipboard."""


class AskSecret(Box[bool | None]):
    """Asks for a secret until it is right, or the box is left; gives whether it was given.

    Args:
        title: what is asked for.
        details: what it is for.
        attempt: tries what was typed; the box says what was wrong and asks again.
        trouble: what is wrong from the beginning; empty for nothing.
        new: whether it is made up now: then it is typed twice.
        otherwise: what comes of leaving it, in a few words.
    """

    def __init__(
        self,
        title: str,
        details: Sequence[str],
        attempt: Try,
        *,
        trouble: str = "",
        new: bool = False,
        otherwise: str = "leave",
    ) -> None:
        super().__init__(title, details, keys=f"enter go on  esc {otherwise}")
        self._attempt = attempt
        self._trouble = trouble
        self._busy = False
        self._fields = [_Hidden(password=True, max_length=LONGEST) for _ in range(2 if new else 1)]

    def lines(self) -> Sequence[tuple[str, Input]]:
        """One, or two for a new secret."""
        labels = ("Type it:",) if len(self._fields) == 1 else ("Make it up:", "The same again:")
        return list(zip(labels, self._fields, strict=True))

    def on_mount(self) -> None:
        """Says what was wrong before."""
        self.complain(self._trouble)

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Tries what was typed."""
        event.stop()
        if self._busy:
            return
        first, last = self._fields[0], self._fields[-1]
        if not first.value:
            self.complain("nothing was typed")
        elif event.input is not last:
            last.focus()
        elif last.value != first.value:
            self.complain("the two are not the same")
            self._clear()
        else:
            self._busy = True
            self.tell_keys("trying it …")
            typed = first.value.encode("utf-8", "surrogateescape")
            self._clear()
            self.run_worker(self._try(typed), exclusive=True, exit_on_error=True)

    async def _try(self, typed: bytes) -> None:
        try:
            trouble = await self._attempt(typed)
        finally:
            self._busy = False
            self.tell_keys()
        if trouble:
            self.complain(trouble)
        else:
            self.dismiss(True)

    def action_leave(self) -> None:
        """Leaves it, but not while what was typed is tried: it may be done already."""
        if not self._busy:
            super().action_leave()

    def _clear(self) -> None:
        for field in self._fields:
            field.value = ""
        self._fields[0].focus()


def about(error: LockedError, passwords: Passwords | None) -> list[str]:
    """What somebody should know who is asked: what it opens, where that lies, and where what is typed stays."""
    lines = []
    where = _tilde(passwords.where) if passwords is not None and passwords.where else ""
    if error.key:
        lines.append(f"It opens the key of {error.key}{f', in {where}' if where else ''}.")
    elif where:
        lines.append(f"It opens what is in {where}.")
    if error.new:
        lines.append("Your private keys are encrypted by it on the disk. Without it nobody can use them, nor can you.")
    lines.append("What you type stays in the memory of this program and is asked for once.")
    return lines


def _tilde(path: str) -> str:
    home = str(Path.home())
    return "~" + path[len(home) :] if home != "/" and path.startswith(f"{home}/") else path


async def with_secret(app: App[object], work: Callable[[], Awaitable[T]], find: Callable[[str], Passwords | None]) -> T:
    """Does something; where it needs a password or PIN, asks for that and does it again.

    Args:
        app: the client; this is called in a worker of its.
        work: what is done; it raises a `LockedError` where a secret is missing.
        find: gives the passwords of a name; without any nobody is asked.

    Raises:
        UsageError: the box was left: nothing was done.
        MailsecError: what the work raises.
    """
    while True:
        try:
            return await work()
        except LockedError as error:
            locked = error
        passwords = find(locked.secret)
        if passwords is None:
            raise locked
        done: list[T] = []
        failed: list[MailsecError] = []

        async def attempt(
            typed: bytes,
            passwords: Passwords = passwords,
            locked: LockedError = locked,
            done: list[T] = done,
            failed: list[MailsecError] = failed,
        ) -> str:
            passwords.offer(typed)
            try:
                done.append(await work())
            except LockedError as again:
                if again.secret == locked.secret:
                    return f"that is not {locked.secret}; try again"
                failed.append(again)
            except MailsecError as error:
                failed.append(error)
            return ""

        title = locked.secret[0].upper() + locked.secret[1:]
        if locked.new:
            title = str(locked).removesuffix(" is needed").capitalize()
        box = AskSecret(
            title, about(locked, passwords), attempt, new=locked.new, trouble=str(locked) if locked.wrong else ""
        )
        if not await app.push_screen_wait(box):
            raise UsageError(f"nothing was done: {locked.secret} was not given")
        if done:
            return done[0]
        if not isinstance(failed[0], LockedError):
            raise failed[0]
