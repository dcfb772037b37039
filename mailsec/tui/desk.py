"""One thread for all of a kind that blocks, so that the keyboard never waits for a disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, Generic, ParamSpec, TypeVar

__all__ = ["Desk"]

P = ParamSpec("P")
T = TypeVar("T")
W = TypeVar("W")


class Desk(Generic[W]):
    """Works on something, such as the mail, in the order in which it is asked.

    Args:
        open_work: opens it; it is called in the thread.
        close_work: closes it; in the thread too.
        name: the thread's name.
    """

    def __init__(
        self, open_work: Callable[[], W], close_work: Callable[[W], None] = lambda _work: None, *, name: str = "desk"
    ) -> None:
        self._open = open_work
        self._close = close_work
        self._work: W | None = None
        self._executor = ThreadPoolExecutor(1, thread_name_prefix=f"mailsec-{name}")

    async def ask(self, method: Callable[Concatenate[W, P], T], *arguments: P.args, **named: P.kwargs) -> T:
        """Calls a method, or a function of it, with arguments.

        Raises:
            MailsecError: what the method raises, or it cannot be opened.
        """

        def work() -> T:
            if self._work is None:
                self._work = self._open()
            return method(self._work, *arguments, **named)

        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    def close(self) -> None:
        """Ends the thread after what it was asked before."""

        def end() -> None:
            if self._work is not None:
                self._close(self._work)

        self._executor.submit(end)
        self._executor.shutdown(wait=True)
