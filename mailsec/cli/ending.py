"""An orderly end when the system asks for it: what was made for a time is taken away, and the terminal is as before."""

from __future__ import annotations

import errno
import os
import select
import signal
import sys
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Ending", "orderly_end", "watching"]

SIGNALS = (signal.SIGHUP, signal.SIGTERM, signal.SIGINT)
"""What asks for the end: the terminal is gone, the system or the user wants it."""

PATIENCE = 5.0
"""Seconds that an orderly end may take; after that whatever blocks is broken off."""


class Ending:
    """How whatever runs is asked to end.

    Attributes:
        ask: takes the exit status and makes what runs end soon; `None` where it can be broken off anywhere.
    """

    def __init__(self) -> None:
        self.ask: Callable[[int], object] | None = None
        self.forced = False
        self._asked = False
        self._hung_up = False

    def hang_up(self) -> None:
        """Takes it that the terminal is gone where nothing has said so, as for a program that ignores hang-ups.

        Raises:
            SystemExit: as `take` does.
        """
        if not self._asked:
            self.take(signal.SIGHUP)

    def take(self, number: int, _frame: FrameType | None = None) -> None:
        """Takes a signal.

        Raises:
            SystemExit: nothing that runs can be asked, or it was asked before.
        """
        status = 128 + number
        if number == signal.SIGHUP:
            if self._hung_up:  # the terminal is gone once only, however often that is told
                return
            self._hung_up = True
            _forget_terminal()
        if self.ask is None or self._asked:
            raise SystemExit(status)
        self._asked = True
        signal.signal(signal.SIGALRM, lambda *_: self._force(status))
        signal.setitimer(signal.ITIMER_REAL, PATIENCE, PATIENCE)
        self.ask(status)

    def _force(self, status: int) -> None:
        self.forced = True
        raise SystemExit(status)


@contextmanager
def orderly_end() -> Iterator[Ending]:
    """Makes a hang-up, a termination and an interrupt an orderly end of what is done inside.

    A signal that is ignored, as `nohup` does with a hang-up, stays ignored.
    """
    ending = Ending()
    if threading.current_thread() is not threading.main_thread():
        yield ending
        return
    before = {number: signal.getsignal(number) for number in (*SIGNALS, signal.SIGALRM)}
    for number in SIGNALS:
        if before[number] is not signal.SIG_IGN:
            signal.signal(number, ending.take)
    try:
        yield ending
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
        if ending.forced and before[signal.SIGTERM] is signal.SIG_DFL:  # nobody outside has more to take away
            error = sys.exc_info()[1]
            os._exit(error.code if isinstance(error, SystemExit) and isinstance(error.code, int) else 1)


@contextmanager
def watching(descriptor: int, gone: Callable[[], object]) -> Iterator[None]:
    """Watches a terminal while something is done inside.

    Args:
        descriptor: of the terminal.
        gone: called in another thread when nobody is at its other end any more.
    """
    ours, theirs = os.pipe()

    def watch() -> None:
        poll = select.poll()
        poll.register(descriptor, 0)  # only that it is gone is of interest
        poll.register(ours, 0)
        if any(found == descriptor for found, _ in poll.poll()):
            gone()

    thread = threading.Thread(target=watch, daemon=True, name="mailsec-terminal")
    thread.start()
    try:
        yield
    finally:
        os.close(theirs)
        thread.join(1)
        os.close(ours)


def _forget_terminal() -> None:
    """Output for a terminal that is gone goes nowhere, so that nothing fails that would write to it."""
    for descriptor in (1, 2):
        try:
            termios.tcgetattr(descriptor)
        except termios.error as error:
            if error.args[0] == errno.EIO:
                quiet = os.open(os.devnull, os.O_WRONLY)
                os.dup2(quiet, descriptor)
                os.close(quiet)
