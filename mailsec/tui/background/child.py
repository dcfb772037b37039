"""Starting processes of ours, and ending them.

A child is a new interpreter: nothing of the client's memory, its terminal or its open files is in it, and its output
goes nowhere, so that whatever a plugin prints never lands on the screen. It ends when the client does, however that
ends: the channel closes.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
from typing import Any

from mailsec.errors import WorkerError
from mailsec.tui.background.channel import Channel, ChannelClosed

__all__ = ["Child"]


class Child:
    """A process of ours at the other end of a channel; made by `start`.

    Attributes:
        pid: its number.
    """

    __slots__ = ("_channel", "_process", "pid")

    def __init__(self, process: subprocess.Popen[bytes], channel: Channel) -> None:
        self._process = process
        self._channel = channel
        self.pid = process.pid

    @classmethod
    async def start(cls, work: str, task: object) -> Child:
        """Starts a process.

        Args:
            work: what it does: a name that `mailsec.tui.background.worker` knows.
            task: what it is told first.

        Raises:
            WorkerError: the system gives us no process.
        """
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                process = _spawn(work, theirs.fileno())
        except OSError as error:
            ours.close()
            raise WorkerError(f"no process for work in the background: {error.strerror or error}") from None
        try:
            child = cls(process, await Channel.open(ours))
            with contextlib.suppress(WorkerError):  # that it is gone is found when it is asked
                await child.send(task)
        except asyncio.CancelledError:  # nobody gets to end it later
            ours.close()
            process.kill()
            process.wait()
            raise
        return child

    async def send(self, value: object) -> None:
        """Sends it an object.

        Raises:
            WorkerError: it is gone.
        """
        try:
            await self._channel.send(value)
        except ChannelClosed:
            raise self._gone() from None

    async def receive(self) -> Any:
        """Waits for what it says next.

        Raises:
            WorkerError: it is gone.
        """
        try:
            return await self._channel.receive()
        except ChannelClosed:
            raise self._gone() from None

    async def send_octets(self, octets: bytes | memoryview) -> None:
        """Sends it octets.

        Raises:
            WorkerError: it is gone.
        """
        try:
            await self._channel.send_octets(octets)
        except ChannelClosed:
            raise self._gone() from None

    async def receive_octets(self, most: int) -> bytes:
        """Waits for octets that it says next, where what it says is not believed.

        Args:
            most: how many there may be.

        Raises:
            WorkerError: it is gone, or says more.
        """
        try:
            return await self._channel.receive_octets(most)
        except ChannelClosed:
            raise self._gone() from None

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def end(self) -> None:
        """Ends it at once; whatever it writes is written whole or not at all, so that nothing is half-done."""
        self._channel.close()
        if self._process.poll() is None:
            self._process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):  # the system takes long to end it; it is as good as gone
            self._process.wait(1)

    def _gone(self) -> WorkerError:
        return WorkerError(f"the process {self.pid} that worked in the background has ended")


def _spawn(work: str, descriptor: int) -> subprocess.Popen[bytes]:
    # -P: what lies in the current folder is not imported
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        [sys.executable, "-P", "-m", "mailsec.tui.background.worker", work, str(descriptor)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(descriptor,),
        start_new_session=True,
    )
