"""One thread for all that blocks: index and mailboxes, so that the keyboard never waits for a disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from mailsec.tui.mail import Mail

__all__ = ["Desk"]

P = ParamSpec("P")
T = TypeVar("T")


class Desk:
    """Works on the mail in the order in which it is asked.

    Args:
        open_mail: opens the mail; it is called in the thread.
    """

    def __init__(self, open_mail: Callable[[], Mail]) -> None:
        self._open = open_mail
        self._mail: Mail | None = None
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="mailsec-desk")

    async def ask(self, method: Callable[Concatenate[Mail, P], T], *arguments: P.args, **named: P.kwargs) -> T:
        """Calls a method of `Mail` with arguments.

        Raises:
            MailsecError: what the method raises, or the index cannot be opened.
        """

        def work() -> T:
            if self._mail is None:
                self._mail = self._open()
            return method(self._mail, *arguments, **named)

        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def close(self) -> None:
        """Ends the thread after what it was asked before."""

        def end() -> None:
            if self._mail is not None:
                self._mail.close()

        self._executor.submit(end)
        self._executor.shutdown(wait=True)
