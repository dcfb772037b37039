"""Interrupts a plugin that blocks the event loop.

Code that runs on the event loop and does not give it back cannot be stopped by asyncio: `time.sleep`, an endless
loop, a regular expression that backtracks for hours. On the main thread the interval timer of the process can:
its signal handler raises `Overrun` in the very frame that does not come back. It raises only while a plugin's code
is marked as running and its time is over, never in the program's own code.

It is available only where the event loop runs on the main thread, since Python runs signal handlers there alone.
A plugin that catches `BaseException` may swallow the interruption; it gets another one each second, but code that
swallows them all is not stopped, and neither is C code that never looks for signals.
"""

from __future__ import annotations

import atexit
import os
import signal
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any

__all__ = ["NEVER", "WATCHDOG", "Overrun", "Watchdog"]

NEVER = float("inf")
TICK = 0.103  # an interval that nobody else is likely to have
REPEAT = 1.0


class Overrun(BaseException):
    """Raised inside a plugin's code that did not give the event loop back in time."""


class Watchdog:
    """Looks, every tenth of a second while checks go on, whether the marked code has overrun.

    The process has one interval timer, so there is one watchdog, `WATCHDOG`. It borrows the timer: one that
    somebody else has set (a test's time limit, say) keeps its time and its handler, and gets the timer back when no
    check has gone on for a tick.

    Attributes:
        due: when the code that runs now should have given the loop back, on the clock of `time.monotonic()`;
            `NEVER` while no plugin's code runs.
        seen: set by each check, so that the timer goes on ticking.
    """

    __slots__ = ("_handler", "_main", "_others_due", "_others_interval", "_own", "_ticking", "due", "seen")

    def __init__(self) -> None:
        self.due = NEVER
        self.seen = False
        self._ticking = False
        self._own = self._tick  # one object, so that it can be recognised
        self._main = threading.main_thread().ident
        self._handler: Callable[[int, FrameType | None], Any] | int | None = None
        self._others_due = NEVER
        self._others_interval = 0.0

    def watch(self) -> bool:
        """Starts to look, or goes on; called at the start of each check.

        Returns:
            Whether code that blocks can be interrupted: the caller is on the main thread.
        """
        if threading.get_ident() != self._main:
            return False
        self.seen = True
        # another interval than ours: somebody has taken the timer since
        if not self._ticking or signal.getitimer(signal.ITIMER_REAL)[1] != TICK:
            self._borrow()
        return True

    def _borrow(self) -> None:
        left, self._others_interval = signal.setitimer(signal.ITIMER_REAL, 0)
        self._others_due = time.monotonic() + left if left else NEVER
        if signal.getsignal(signal.SIGALRM) is not self._own:
            self._handler = signal.signal(signal.SIGALRM, self._own)
        self._ticking = True
        signal.setitimer(signal.ITIMER_REAL, TICK, TICK)

    def _give_back(self) -> None:
        self._ticking = False
        if signal.getsignal(signal.SIGALRM) is not self._own:
            return
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if self._handler is None else self._handler)
        if self._others_due != NEVER:
            left = max(self._others_due - time.monotonic(), 1e-4)
            signal.setitimer(signal.ITIMER_REAL, left, self._others_interval)

    def stop(self) -> None:
        """Gives the timer back at the end of the program: a tick after that would find no handler and kill."""
        if self._ticking and threading.get_ident() == self._main:
            self._give_back()

    def _tick(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if now >= self._others_due:
            self._others_due = now + self._others_interval if self._others_interval else NEVER
            if callable(self._handler):
                self._handler(number, frame)
        if now >= self.due:
            self.due = now + REPEAT
            raise Overrun
        if self.due == NEVER and not self.seen:
            self._give_back()
        self.seen = False

    def _forget(self) -> None:
        """After a fork the child has no timer."""
        self._main = threading.main_thread().ident
        if self._ticking:
            self._ticking = False
            signal.signal(signal.SIGALRM, signal.SIG_DFL if self._handler is None else self._handler)
        self.due = NEVER


WATCHDOG = Watchdog()
"""The watchdog of this process: the interval timer belongs to the process too."""

atexit.register(WATCHDOG.stop)
os.register_at_fork(after_in_child=WATCHDOG._forget)  # noqa: SLF001 - the module's own
