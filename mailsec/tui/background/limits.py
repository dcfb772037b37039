"""The limits of what is done with pictures, in one place."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LIMITS", "PictureLimits"]


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """How far a picture is looked at.

    Attributes:
        octets: how many octets a picture may have.
        pixels: how many pixels it may say that it has; a decoder makes room for all of them.
        seconds: how long decoding one may take.
        start: seconds that the decoder's process may take until it is ready.
        memory: octets of address space that the decoder's process may have.
        pictures: how many of one message are decoded.
        dot: pixels up to which a side is a dot, which is sent to be counted and not to be looked at.
    """

    octets: int = 20_000_000
    pixels: int = 50_000_000
    seconds: float = 5.0
    start: float = 30.0
    memory: int = 1 << 30
    pictures: int = 12
    dot: int = 2


LIMITS = PictureLimits()
