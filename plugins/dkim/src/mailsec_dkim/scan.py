"""One search that has to be fast: whether octets contain a short string.

`bytes.find` looks at some octets of every three for a needle of two, with a branch that text defeats at each
space; the C library's `strstr` compares sixteen at a time. It is used where it is to be had, through `ctypes`;
what it says is the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["contains"]

_WORTHWHILE: Final = 512  # below so many octets the call costs more than it saves


def _load() -> Callable[[bytes, bytes], object] | None:
    try:
        import ctypes

        strstr = ctypes.CDLL(None).strstr
    except (ImportError, OSError, AttributeError, TypeError):
        return None  # a platform without it
    strstr.argtypes = (ctypes.c_char_p, ctypes.c_char_p)
    strstr.restype = ctypes.c_void_p
    return strstr


_STRSTR: Final = _load()


def contains(octets: bytes, needle: bytes) -> bool:
    """Whether `needle` is in `octets`.

    Args:
        octets: where to look.
        needle: what for; without NUL.
    """
    if _STRSTR is None or len(octets) < _WORTHWHILE or b"\0" in octets:  # NUL ends a string in C
        return needle in octets
    return _STRSTR(octets, needle) is not None
