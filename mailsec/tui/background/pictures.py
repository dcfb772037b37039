"""Pictures are decoded by a process of its own, which has neither files nor a network and may be killed.

What it answers is as hostile as what it was given: it is measured, and is only ever used as colours.
"""

from __future__ import annotations

import asyncio
import importlib.util
import struct
from dataclasses import dataclass
from enum import IntEnum
from functools import cache

from mailsec.errors import WorkerError
from mailsec.tui.background.child import Child
from mailsec.tui.background.limits import LIMITS

__all__ = ["FORMATS", "Picture", "PictureDecoder", "Refusal", "can_decode", "pack", "unpack"]

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
"""The formats that are decoded, as Pillow names them."""

_REQUEST = struct.Struct("!HH")
_ANSWER = struct.Struct("!BIIBHH")


class Refusal(IntEnum):
    """Why a picture is not shown."""

    KIND = 1
    LARGE = 2
    BROKEN = 3
    LATE = 4
    ENDED = 5

    @property
    def sentence(self) -> str:
        """The same in words."""
        return {
            Refusal.KIND: "It is no picture in PNG, JPEG, GIF or WebP, whatever it says.",
            Refusal.LARGE: "It is too large to be shown here.",
            Refusal.BROKEN: "It is damaged: no picture comes out of it.",
            Refusal.LATE: "It takes too long to be made out.",
            Refusal.ENDED: "What should have made it out ended over it.",
        }[self]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, made small.

    Attributes:
        width: its pixels from left to right, as it was sent.
        height: those from top to bottom.
        moving: whether it is the first of several that make an animation.
        columns: the pixels from left to right that are here.
        rows: those from top to bottom.
        pixels: three octets for each, red, green and blue, row by row.
    """

    width: int
    height: int
    moving: bool
    columns: int
    rows: int
    pixels: bytes

    def __post_init__(self) -> None:
        if min(self.width, self.height, self.columns, self.rows) < 1:
            raise ValueError("a picture has at least a pixel")
        if len(self.pixels) != 3 * self.columns * self.rows:
            raise ValueError("a picture has three octets for each pixel")


def pack(found: Picture | Refusal) -> bytes:
    """An answer as octets."""
    if isinstance(found, Refusal):
        return _ANSWER.pack(found, 0, 0, 0, 0, 0)
    return _ANSWER.pack(0, found.width, found.height, found.moving, found.columns, found.rows) + found.pixels


def unpack(octets: bytes, size: tuple[int, int]) -> Picture | Refusal:
    """Reads an answer, from an end that is not believed.

    Args:
        octets: the answer.
        size: the pixels that were asked for at most, from left to right and from top to bottom.

    Raises:
        ValueError: it is no answer.
    """
    if len(octets) < _ANSWER.size:
        raise ValueError("the answer is too short")
    refusal, width, height, moving, columns, rows = _ANSWER.unpack_from(octets)
    if refusal:
        return Refusal(refusal)
    if columns > size[0] or rows > size[1]:
        raise ValueError("the picture is larger than was asked for")
    return Picture(width, height, bool(moving), columns, rows, octets[_ANSWER.size :])


@cache
def can_decode() -> bool:
    """Whether the extra `images` is installed."""
    return importlib.util.find_spec("PIL") is not None


class PictureDecoder:
    """Decodes pictures one after another; called from one event loop.

    The process is started for the first picture, and after one that it did not survive. `close` ends it: the pictures
    of one message are not to meet those of another.
    """

    def __init__(self) -> None:
        self._child: Child | None = None
        self._lock = asyncio.Lock()

    async def decode(self, octets: bytes | memoryview, size: tuple[int, int]) -> Picture | Refusal:
        """Decodes a picture, makes it no larger than wanted, and leaves it as it is where it is smaller.

        Args:
            octets: the picture, in whatever format.
            size: the pixels that it may have, from left to right and from top to bottom.
        """
        if len(octets) > LIMITS.octets:
            return Refusal.LARGE
        async with self._lock:
            try:
                child = await self._ready()
                async with asyncio.timeout(LIMITS.seconds):
                    await child.send_octets(_REQUEST.pack(*size) + octets)
                    answer = await child.receive_octets(_ANSWER.size + 3 * size[0] * size[1])
                return unpack(answer, size)
            except TimeoutError:
                self.close()
                return Refusal.LATE
            except (WorkerError, ValueError):
                self.close()
                return Refusal.ENDED
            except asyncio.CancelledError:
                self.close()  # whatever it was about to say is nobody's answer
                raise

    async def _ready(self) -> Child:
        """The process, when it has given up all that it does not need."""
        if self._child is None or not self._child.is_alive:
            self.close()
            async with asyncio.timeout(LIMITS.start):
                self._child = child = await Child.start("pictures", None)
                await child.receive_octets(0)
        return self._child

    def close(self) -> None:
        """Ends the process."""
        child, self._child = self._child, None
        if child is not None:
            child.end()


def read_request(octets: bytes) -> tuple[tuple[int, int], memoryview]:
    """The size that is wanted, and the picture."""
    width, height = _REQUEST.unpack_from(octets)
    return (width, height), memoryview(octets)[_REQUEST.size :]
