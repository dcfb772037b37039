"""The messages that are shown are checked in a thread of its own, so that the keyboard never waits for a check.

A report refers to the octets of its message, which stay in this process.
"""

from __future__ import annotations

import asyncio
import ctypes
import mmap
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING

from mailsec.errors import MailsecError, WorkerError, describe

if TYPE_CHECKING:
    from mailsec.checker import Checker
    from mailsec.hooks.types import Identity
    from mailsec.message import Message
    from mailsec.pipeline import Report
    from mailsec.store import KeptVerdict
    from mailsec.store.keeper import Keeper

__all__ = ["CheckerThread"]

GRACE = 5.0
"""Seconds after the time that a check may take until its thread counts as blocked and is left behind."""


class CheckerThread:
    """Checks messages on an event loop in a thread; called from one event loop.

    A plugin that blocks the thread for longer than a check may take costs only the checks under way: the thread is
    left behind, and the next check gets a new one with a checker of its own.

    Args:
        make_checker: makes the checker; called in the thread.
        grace: seconds beyond the time that the checker's settings give a check.
    """

    def __init__(self, make_checker: Callable[[], Checker], *, grace: float = GRACE) -> None:
        self._make_checker = make_checker
        self._grace = grace
        self._thread: _Thread | None = None

    async def check(self, message: Message | bytes | memoryview | mmap.mmap, *, file: str | None = None) -> Report:
        """Checks a message. The verdict of the report is ready.

        Args:
            message: the message, parsed or as octets.
            file: where it came from, for the report.

        Raises:
            MailsecError: the checker cannot be made.
            WorkerError: a plugin blocks the thread.
        """
        report, _ = await self._run(message, file, None, fetch_issuers=False)
        return report

    async def judge(
        self,
        message: Message | bytes | memoryview | mmap.mmap,
        keeper: Keeper,
        *,
        file: str | None = None,
        fetch_issuers: bool = False,
    ) -> tuple[Report, KeptVerdict]:
        """Checks a message and makes of the report what is to be kept.

        Args:
            message: the message, parsed or as octets.
            keeper: seals the verdict.
            file: where it came from, for the report.
            fetch_issuers: whether the user has asked for missing issuers' certificates to be fetched.

        Raises:
            MailsecError: the checker cannot be made.
            WorkerError: a plugin blocks the thread.
        """
        report, kept = await self._run(message, file, keeper, fetch_issuers=fetch_issuers)
        assert kept is not None
        return report, kept

    async def identities(self) -> Sequence[Identity]:
        """The identities of all keys that the checker has at hand: kept, in files, on tokens.

        Raises:
            MailsecError: the checker cannot be made, or the keys cannot be read.
        """
        thread = self._thread
        if thread is None:
            thread = self._thread = _Thread(self._make_checker)
        try:
            await asyncio.shield(asyncio.wrap_future(thread.ready))
        except MailsecError:
            self._leave_behind(thread)
            raise
        return await asyncio.to_thread(thread.identities)

    def close(self) -> None:
        """Ends the thread; checks under way are cancelled."""
        if self._thread is not None:
            self._thread.stop()
            self._thread = None

    async def _run(
        self,
        message: Message | bytes | memoryview | mmap.mmap,
        file: str | None,
        keeper: Keeper | None,
        *,
        fetch_issuers: bool,
    ) -> tuple[Report, KeptVerdict | None]:
        thread = self._thread
        if thread is None:
            thread = self._thread = _Thread(self._make_checker)
        try:
            timeout = await asyncio.shield(asyncio.wrap_future(thread.ready)) + self._grace
            work = thread.submit(message, file, keeper, fetch_issuers=fetch_issuers)
            return await asyncio.wait_for(asyncio.wrap_future(work), timeout)
        except TimeoutError:
            thread.interrupt()
            self._leave_behind(thread)
            raise WorkerError("a plugin blocks the check of messages; it goes on without that check") from None
        except MailsecError:
            if thread.ready.exception() is not None:
                self._leave_behind(thread)
            raise

    def _leave_behind(self, thread: _Thread) -> None:
        if self._thread is thread:
            self._thread = None
        thread.stop()


class _Thread:
    """A daemon thread with an event loop and a checker.

    Attributes:
        ready: the seconds that a check may take, once the checker is made.
    """

    def __init__(self, make_checker: Callable[[], Checker]) -> None:
        self._make_checker = make_checker
        self._loop = asyncio.new_event_loop()
        self._checker: Checker | None = None
        self.ready: Future[float] = Future()
        self._thread = threading.Thread(target=self._main, name="mailsec-checker", daemon=True)
        self._thread.start()

    def submit(
        self,
        message: Message | bytes | memoryview | mmap.mmap,
        file: str | None,
        keeper: Keeper | None,
        *,
        fetch_issuers: bool,
    ) -> Future[tuple[Report, KeptVerdict | None]]:
        """Starts a check in the thread; cancelling its future cancels it there."""
        return asyncio.run_coroutine_threadsafe(
            self._check(message, file, keeper, fetch_issuers=fetch_issuers), self._loop
        )

    def identities(self) -> Sequence[Identity]:
        """The identities of the checker's keys; this blocks, and not the thread."""
        assert self._checker is not None
        return self._checker.services.keys.identities()

    def stop(self) -> None:
        """Ends the thread as soon as nothing blocks it."""
        with suppress(RuntimeError):  # it has ended
            self._loop.call_soon_threadsafe(self._loop.stop)

    def interrupt(self) -> None:
        """Ends the thread; Python code that blocks it is interrupted, so that it does not take time from others."""
        self.stop()
        if self._thread.ident is not None and self._thread.is_alive():
            ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self._thread.ident), ctypes.py_object(SystemExit))

    async def _check(
        self,
        message: Message | bytes | memoryview | mmap.mmap,
        file: str | None,
        keeper: Keeper | None,
        *,
        fetch_issuers: bool,
    ) -> tuple[Report, KeptVerdict | None]:
        assert self._checker is not None
        report = await self._checker.check(message, file=file, fetch_issuers=fetch_issuers)
        _ = report.verdict
        return report, None if keeper is None else keeper.keep(report, int(time.time()))

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._make())
        except MailsecError as error:
            self.ready.set_exception(error)
        except BaseException as error:  # noqa: BLE001 - the border: whoever waits is told
            self.ready.set_exception(MailsecError(f"this is a mistake in mailsec or a plugin: {describe(error)}"))
        else:
            assert self._checker is not None
            self.ready.set_result(self._checker.settings.timeout)
            self._loop.run_forever()
        self._tidy()

    async def _make(self) -> None:
        checker = self._make_checker()
        _ = checker.runner  # calls the hooks, which imports the plugins
        self._checker = checker

    def _tidy(self) -> None:
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        if self._checker is not None:
            self._loop.run_until_complete(self._checker.close())
        self._loop.close()
