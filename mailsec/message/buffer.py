"""The one read-only buffer that a message is: bytes, or a view of a mapped file."""

from __future__ import annotations

import mmap

__all__ = ["Buffer", "Octets", "make_buffer"]

Octets = bytes | bytearray | memoryview | mmap.mmap

_SMALL = 1 << 16  # below this a copy costs less than keeping a view
_STEP = 1 << 18  # a memoryview has no find: it is searched in copies of this size, which stay in the cache


class Buffer:
    """Octets that can be searched and cut by offset.

    Attributes:
        view: all octets, read-only.
        size: how many there are.
    """

    __slots__ = ("_octets", "size", "view")

    def __init__(self, octets: bytes | None, view: memoryview) -> None:
        self._octets = octets
        self.view = view
        self.size = len(view)

    def cut(self, start: int, end: int) -> bytes:
        """A copy of the octets from `start` up to `end`; all of them uncopied where that is possible."""
        if self._octets is not None:
            return self._octets[start:end]
        return bytes(self.view[start:end])

    def find(self, what: bytes, start: int, end: int) -> int:
        """The offset of the first `what` that lies wholly between `start` and `end`, or -1."""
        if self._octets is not None:
            return self._octets.find(what, start, end)
        view, overlap = self.view, len(what) - 1
        while start < end:
            stop = min(start + _STEP, end)
            at = bytes(view[start:stop]).find(what)
            if at >= 0:
                return start + at
            if stop == end:
                return -1
            start = stop - overlap
        return -1


def make_buffer(octets: Octets) -> Buffer:
    """Makes the buffer of a message, without copying where the octets cannot change under it.

    Args:
        octets: bytes and mapped files (and views of them) are kept; anything that its owner may change is copied.

    Raises:
        TypeError: text or something else that is no octets; a message is read from a file in binary mode.
    """
    if isinstance(octets, bytes):
        return Buffer(octets, memoryview(octets))
    if isinstance(octets, mmap.mmap):
        return Buffer(None, memoryview(octets).toreadonly())
    if isinstance(octets, memoryview):
        owner = octets.obj
        if octets.c_contiguous and len(octets) > _SMALL:
            octets = octets.cast("B")
            if isinstance(owner, bytes):
                return Buffer(owner, octets) if len(owner) == len(octets) else Buffer(None, octets)
            if isinstance(owner, mmap.mmap):
                return Buffer(None, octets.toreadonly())
    try:
        view = memoryview(octets)
    except TypeError:
        raise TypeError(f"a message is octets, such as bytes, not {type(octets).__name__}") from None
    copy = view.tobytes()
    return Buffer(copy, memoryview(copy))
