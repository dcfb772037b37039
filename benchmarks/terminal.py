"""A program at a terminal of ours: keys go in, and every octet that it writes is kept with the time it came.

Used by tests of the client from outside as well, so it knows nothing of mailsec.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import threading
import time
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

__all__ = ["Terminal"]


class Terminal:
    """A pseudo-terminal with a program at it.

    A thread reads what the program writes, so that it never waits for us.

    Args:
        command: the program and its arguments.
        environment: its environment.
        columns: the width.
        rows: the height.
        folder: the folder that it runs in.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        columns: int = 100,
        rows: int = 30,
        folder: Path | None = None,
    ) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={"TERM": "xterm-256color", **environment},
            cwd=folder,
            start_new_session=True,
        )
        os.close(theirs)
        self._output = bytearray()
        self._arrivals: list[tuple[float, int]] = []
        self._changed = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def output(self) -> bytes:
        """All that was written so far."""
        with self._changed:
            return bytes(self._output)

    def output_since(self, offset: int) -> bytes:
        """What was written after an offset."""
        with self._changed:
            return bytes(self._output[offset:])

    def send(self, keys: str | bytes) -> float:
        """Presses keys and gives the time, on the clock of `time.perf_counter()`."""
        now = time.perf_counter()
        os.write(self._ours, keys.encode() if isinstance(keys, str) else keys)
        return now

    def wait_for(self, text: str | bytes, *, since: int = 0, timeout: float = 60) -> int:
        """Waits until some text was written after an offset; gives the offset behind it.

        Raises:
            TimeoutError: it was not.
        """
        wanted = text.encode() if isinstance(text, str) else text
        deadline = time.monotonic() + timeout
        with self._changed:
            while (found := self._output.find(wanted, since)) < 0:
                left = deadline - time.monotonic()
                if left <= 0 or (self._reader_ended and not self._changed.wait(0.01)):
                    raise TimeoutError(f"{wanted!r} was not written; the end: {bytes(self._output[-2000:])!r}")
                self._changed.wait(min(left, 0.5))
        return found + len(wanted)

    def settle(self, quiet: float = 0.2, *, timeout: float = 60) -> int:
        """Waits until nothing was written for some time; gives how many octets there are.

        Raises:
            TimeoutError: it never stops.
        """
        deadline = time.monotonic() + timeout
        with self._changed:
            length = -1
            while length != len(self._output) and not self._reader_ended:
                length = len(self._output)
                if time.monotonic() > deadline:
                    raise TimeoutError("the program does not stop writing")
                end = time.monotonic() + quiet
                while (left := end - time.monotonic()) > 0 and len(self._output) == length:
                    self._changed.wait(left)
            return len(self._output)

    def first_after(self, moment: float, *, timeout: float = 10) -> float | None:
        """When the first octets after a moment arrived; `None` if none did.

        Args:
            moment: as `send` gives it.
            timeout: seconds to wait.
        """
        deadline = time.perf_counter() + timeout
        with self._changed:
            while not self._arrivals or self._arrivals[-1][0] <= moment:
                left = deadline - time.perf_counter()
                if left <= 0 or self._reader_ended:
                    return None
                self._changed.wait(left)
            return next(at for at, _ in self._arrivals if at > moment)

    def arrived(self, offset: int) -> float:
        """When the octet before an offset into the output had arrived."""
        with self._changed:
            return self._arrivals[bisect_left(self._arrivals, offset, key=lambda one: one[1])][0]

    def wait(self, timeout: float = 60) -> int:
        """Waits for the end of the program; gives its exit status.

        Raises:
            subprocess.TimeoutExpired: it goes on.
        """
        status = self.process.wait(timeout)
        self._reader.join(5)
        return status

    def close(self) -> None:
        """Ends the program, if it goes on, and closes the terminal."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        self._reader.join(5)
        with contextlib.suppress(OSError):
            os.close(self._ours)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def _reader_ended(self) -> bool:
        return not self._reader.is_alive()

    def _read(self) -> None:
        while True:
            ready, _, _ = select.select([self._ours], [], [], 0.5)
            if not ready:
                if self.process.poll() is not None:
                    return
                continue
            try:
                octets = os.read(self._ours, 1 << 16)
            except OSError:  # the program has closed its end
                return
            now = time.perf_counter()
            with self._changed:
                self._output += octets
                self._arrivals.append((now, len(self._output)))
                self._changed.notify_all()
