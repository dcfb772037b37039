"""Canonicalization of the body as it arrives (RFC 6376 sections 3.4.3 and 3.4.4).

A body is worked on in blocks. White space and line ends at the end of a block wait for what follows them: a space
may be the end of a line, a CR half of a line end, and an empty line one of those at the end of the body that do
not count.

Most blocks are canonical already. A few searches that run at the speed of memory find that out, and the block
goes to the digest as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from mailsec_dkim.scan import contains

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BodyCanonicalizer"]

_CRLF: Final = b"\r\n"
_LINES: Final = 1 << 15  # line ends that are given at a time


class _State(NamedTuple):
    """What the end of a block leaves undecided.

    Attributes:
        held: nothing, a space, a CR, or a space and a CR.
        lines: line ends that count only if something follows them.
        after_cr: whether the last octet received was a CR.
        lf_lines: whether lines end in a bare LF; `None` before the first line end.
    """

    held: bytes = b""
    lines: int = 0
    after_cr: bool = False
    lf_lines: bool | None = None

    @property
    def octets(self) -> int:
        """The canonical octets that wait: of a space and a CR one falls away where they end a line."""
        return 2 * self.lines + bool(self.held)


_START: Final = _State()


class BodyCanonicalizer:
    """Brings one body into one canonical form.

    Lines end in CRLF. A body whose first line ends in a bare LF is one that was stored so, and each bare LF in it
    counts as CRLF; in any other body a bare LF is an octet like all others, as it is to RFC 6376.

    Args:
        algorithm: `"simple"` or `"relaxed"`.

    Attributes:
        sinks: each is called with the canonical octets, in order.
        total: canonical octets given so far.
        marks: for each length asked for with `mark`, how many octets of the body as received come to no more
            canonical octets than that; `None` as long as all do.
    """

    __slots__ = ("_received", "_relaxed", "_state", "marks", "sinks", "total")

    def __init__(self, algorithm: str) -> None:
        self._relaxed = algorithm == "relaxed"
        self.sinks: list[Callable[[bytes], object]] = []
        self._state = _START
        self._received = 0
        self.total = 0
        self.marks: dict[int, int | None] = {}

    def mark(self, length: int) -> None:
        """Asks where in the body as received the first `length` canonical octets end (for l=)."""
        self.marks[length] = None if length else 0

    def feed(self, block: bytes) -> None:
        """Takes the next octets of the body as received.

        What is given to the sinks does not depend on where the body is cut. Marks may differ by white space; who
        wants them exact cuts at fixed offsets.
        """
        if not block:
            return
        before = self._state
        content, self._state = _advance(self._relaxed, before, block)
        if self.marks:
            self._set_marks(before, content, block)
        self._received += len(block)
        if content:
            self._give_lines(before.lines)
            self._give(content)

    def finish(self) -> None:
        """Takes note that the body has ended, and gives its last octets."""
        held = self._state.held
        if held.endswith(b"\r"):  # no LF followed it, so it was no line end
            self._give_lines(self._state.lines)
            self._give(held)
        if self.total or not self._relaxed:  # an empty body is CRLF to "simple" and nothing to "relaxed"
            self._give(_CRLF)

    def _set_marks(self, before: _State, content: bytes, block: bytes) -> None:
        for length, at in self.marks.items():
            if at is None and self._reach(before, content, self._state) > length:
                self.marks[length] = self._received + self._locate(before, block, length)

    def _give(self, octets: bytes) -> None:
        self.total += len(octets)
        for sink in self.sinks:
            sink(octets)

    def _give_lines(self, lines: int) -> None:
        while lines > 0:
            self._give(_CRLF * min(lines, _LINES))
            lines -= _LINES

    def _reach(self, before: _State, content: bytes, after: _State) -> int:
        """How many canonical octets there are after a step, those that wait among them."""
        lines = 2 * before.lines if content else 0
        return self.total + lines + len(content) + after.octets

    def _locate(self, before: _State, block: bytes, length: int) -> int:
        """The most octets of the block that do not go over a canonical length, by bisection."""
        low, high = 0, len(block)
        while low < high:
            middle = (low + high + 1) // 2
            if self._reach(before, *_advance(self._relaxed, before, block[:middle])) > length:
                high = middle - 1
            else:
                low = middle
        return low


def _advance(relaxed: bool, state: _State, block: bytes) -> tuple[bytes, _State]:
    """Canonicalizes a block as far as it can be decided.

    Returns:
        The canonical octets, which the waiting line ends come before if there are any, and the new state.
    """
    lf_lines = state.lf_lines
    after_cr = block.endswith(b"\r") if block else state.after_cr
    if lf_lines is None and (at := block.find(b"\n")) >= 0:
        lf_lines = not (block[at - 1] == 0x0D if at else state.after_cr)
    if lf_lines:
        joins = state.after_cr and block.startswith(b"\n")
        if 0x0D in block:
            block = block.replace(_CRLF, b"\n")
        block = block.replace(b"\n", _CRLF)
        if joins:  # this LF completes the CR that is held
            block = block[1:]
    data = state.held + block if state.held else block
    content = data.rstrip(b" \t\r\n" if relaxed else _CRLF)
    tail = data[len(content) :]
    if relaxed and content:
        content = _reduce(content)
    if not tail:
        held, lines = b"", 0
    elif tail == _CRLF:
        held, lines = b"", 1
    else:
        more, held, lines = _split_tail(_reduce(tail) if relaxed else tail)
        content += more
    if not content:
        lines += state.lines
    return content, _State(held, lines, after_cr, lf_lines)


def _reduce(octets: bytes) -> bytes:
    """Reduces white space (RFC 6376 section 3.4.4 step a), if there is any to reduce."""
    if 0x09 in octets:
        octets = octets.replace(b"\t", b" ")
    elif 0x20 not in octets or not contains(octets.replace(b"\r", b" "), b"  "):
        return octets  # neither two spaces side by side nor one before a CR
    while contains(octets, b"  "):
        octets = octets.replace(b"  ", b" ")
    if contains(octets, b" \r\n"):
        octets = octets.replace(b" \r\n", _CRLF)
    return octets


def _split_tail(tail: bytes) -> tuple[bytes, bytes, int]:
    """Takes apart white space at the end of a block, already reduced.

    Returns:
        What counts already, since a bare CR or LF is in it; what is held; how many line ends wait.
    """
    held = b""
    if tail.endswith(b"\r"):
        held, tail = b"\r", tail[:-1]
    if tail.endswith(b" "):
        held, tail = b" " + held, tail[:-1]
    short = tail.replace(_CRLF, b"\0")  # there is nothing but white space in it, so NUL can stand for a line end
    content = short.rstrip(b"\0")
    return content.replace(b"\0", _CRLF), held, len(short) - len(content)
