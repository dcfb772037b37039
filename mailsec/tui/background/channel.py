"""A way to speak with a process of ours: whole Python objects over a socket pair.

What comes over it as an object is believed, since both ends are this program. A message is never put on it unparsed or
without limit: what is sent are numbers, keys and kept verdicts. Where the other end works on hostile input, plain
octets are exchanged, up to a limit, and no object of it is ever made.
"""

from __future__ import annotations

import asyncio
import pickle
import socket
from typing import Any

__all__ = ["BlockingChannel", "Channel", "ChannelClosed"]

_LENGTH = 4


class ChannelClosed(Exception):
    """The other end is gone; what it was about to say is lost."""


class Channel:
    """One end, on an event loop.

    Args:
        reader: the stream to read from.
        writer: the stream to write to.
    """

    __slots__ = ("_reader", "_writer")

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, end: socket.socket) -> Channel:
        """Makes a channel of one end of a socket pair."""
        return cls(*await asyncio.open_connection(sock=end))

    async def send(self, value: object) -> None:
        """Sends an object; waits where the other end does not read.

        Raises:
            ChannelClosed: the other end is gone.
        """
        await self.send_octets(pickle.dumps(value))

    async def receive(self) -> Any:
        """Waits for the next object.

        Raises:
            ChannelClosed: the other end is gone.
        """
        try:
            length = int.from_bytes(await self._reader.readexactly(_LENGTH), "big")
            return pickle.loads(await self._reader.readexactly(length))  # noqa: S301 - from a process of ours
        except (OSError, EOFError) as error:  # an incomplete read is an EOFError
            raise ChannelClosed from error

    async def send_octets(self, octets: bytes | memoryview) -> None:
        """Sends octets; waits where the other end does not read.

        Raises:
            ChannelClosed: the other end is gone.
        """
        try:
            self._writer.write(len(octets).to_bytes(_LENGTH, "big"))
            self._writer.write(octets)
            await self._writer.drain()
        except OSError as error:
            raise ChannelClosed from error

    async def receive_octets(self, most: int) -> bytes:
        """Waits for the next octets, from an end that is not believed.

        Args:
            most: how many there may be.

        Raises:
            ChannelClosed: the other end is gone, or announces more.
        """
        try:
            length = int.from_bytes(await self._reader.readexactly(_LENGTH), "big")
            if length > most:
                raise ChannelClosed
            return await self._reader.readexactly(length)
        except (OSError, EOFError) as error:
            raise ChannelClosed from error

    def close(self) -> None:
        """Closes this end."""
        self._writer.close()


class BlockingChannel:
    """One end, in a process that has nothing else to do.

    Args:
        end: one end of a socket pair.
    """

    __slots__ = ("_stream",)

    def __init__(self, end: socket.socket) -> None:
        self._stream = end.makefile("rwb")

    def send(self, value: object) -> None:
        """Sends an object.

        Raises:
            ChannelClosed: the other end is gone.
        """
        self.send_octets(pickle.dumps(value))

    def receive(self) -> Any:
        """Waits for the next object.

        Raises:
            ChannelClosed: the other end is gone.
        """
        return pickle.loads(self.receive_octets())  # noqa: S301 - from a process of ours

    def send_octets(self, octets: bytes) -> None:
        """Sends octets.

        Raises:
            ChannelClosed: the other end is gone.
        """
        try:
            self._stream.write(len(octets).to_bytes(_LENGTH, "big"))
            self._stream.write(octets)
            self._stream.flush()
        except OSError as error:
            raise ChannelClosed from error

    def receive_octets(self) -> bytes:
        """Waits for the next octets.

        Raises:
            ChannelClosed: the other end is gone.
        """
        try:
            return self._exactly(int.from_bytes(self._exactly(_LENGTH), "big"))
        except OSError as error:
            raise ChannelClosed from error

    def _exactly(self, length: int) -> bytes:
        octets = self._stream.read(length)
        if len(octets) < length:
            raise ChannelClosed
        return octets
