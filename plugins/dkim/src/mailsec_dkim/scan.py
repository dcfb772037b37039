"""One search that has to be fast: whether octets contain a short string.

`bytes.find` looks at some octets of every three for a needle of two, with a branch that text defeats at each
space; the C library's `memmem` looks at each once, without one. It is used where it is to be had, through
`ctypes`; what it says is the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["contains"]

_WORTHWHILE: Final = 8192  # below so many octets the call costs more than it saves


def _load() -> Callable[[bytes, int, bytes, int], object] | None:
    try:
        import ctypes

        memmem = ctypes.CDLL(None).memmem
    except (ImportError, OSError, AttributeError, TypeError):
        return None  # a platform without it
    memmem.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t)
    memmem.restype = ctypes.c_void_p
    return memmem


_MEMMEM: Final = _load()


def contains(octets: bytes, needle: bytes) -> bool:
    """Whether `needle` is in `octets`.

    Args:
        octets: where to look.
        needle: what for.
    """
    size = len(octets)
    if _MEMMEM is None or size < _WORTHWHILE:
        return needle in octets
    return _MEMMEM(octets, size, needle, len(needle)) is not None
