"""Line ends: bare LF becomes CRLF, as SMTP and signatures have it (RFC 5321 section 2.3.8)."""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["CRLF", "crlf_pieces", "to_crlf"]

_STEP = 1 << 18  # octets that are looked at in one go


def to_crlf(octets: bytes | bytearray | memoryview) -> bytes:
    """Gives every line the end CRLF.

    Bare LF becomes CRLF; CRLF and bare CR stay as they are.

    Args:
        octets: lines with any ends.
    """
    octets = bytes(octets)
    if octets.count(b"\n") == octets.count(b"\r\n"):
        return octets
    return octets.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


def crlf_pieces(octets: bytes | memoryview) -> Iterator[bytes | memoryview]:
    """The same in pieces, for what is not to be copied: where nothing is to be changed, the octets as they are.

    Args:
        octets: lines with any ends; any buffer of octets.
    """
    view = memoryview(octets)
    starts = range(0, len(view), _STEP)
    lines = CRLF()
    if all(len(lines.feed(view[at : at + _STEP])) == len(view[at : at + _STEP]) for at in starts):
        yield octets
        return
    lines = CRLF()
    for at in starts:
        yield lines.feed(view[at : at + _STEP])


class CRLF:
    """The same as `to_crlf` for octets that arrive in pieces, wherever these are cut."""

    __slots__ = ("_after_cr",)

    def __init__(self) -> None:
        self._after_cr = False

    def feed(self, octets: bytes | memoryview) -> bytes:
        """Takes the next octets and gives them with CRLF as line ends.

        Args:
            octets: the next octets, of any number.
        """
        if not octets:
            return b""
        lines = to_crlf(octets)
        if self._after_cr and octets[0] == 0x0A:
            lines = lines[1:] if lines[0] == 0x0D else lines  # this LF completes the CR of the piece before
        self._after_cr = octets[-1] == 0x0D
        return lines

    def finish(self) -> bytes:
        """Gives what is still held back at the end: nothing, since a bare CR stays one."""
        self._after_cr = False
        return b""
