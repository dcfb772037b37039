"""A reader for BER and DER (X.690): tag, length, value over one read-only buffer.

Nothing is copied and nothing is decoded before it is asked for: an `Element` is a few offsets into the buffer.
An element of definite length is stepped over at once, however much it holds. For one of indefinite length its
end is searched once, without recursion, and the ends of all that nest in it are kept, so that nested indefinite
lengths cost no more than their octets.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from mailsec.crypto.cms.limits import LIMITS, CMSLimits
from mailsec.crypto.limits import INTEGER_OCTETS
from mailsec.errors import CMSError, LimitError

BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
NULL = 0x05
OBJECT_IDENTIFIER = 0x06
SEQUENCE = 0x10
SET = 0x11
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18

_CONSTRUCTED = 0x20
_INDEFINITE = -1


def context(number: int) -> int:
    """The tag of a context-specific type, `[number]`, in the form that `Element.tag` has."""
    return 0x80 | number if number < 31 else 0x9F | number << 8


class _Reader:
    """What the elements of one structure share: the buffer, the ends found so far, and what is left of the limits."""

    __slots__ = ("alike", "budget", "ends", "limits", "octets")

    def __init__(self, octets: memoryview, limits: CMSLimits) -> None:
        self.octets = octets
        self.limits = limits
        self.budget = limits.elements
        self.ends: dict[int, int] = {}
        self.alike: dict[int, int] = {}

    def header(self, at: int, end: int) -> tuple[int, bool, int, int]:
        """Reads identifier and length octets (X.690 section 8.1.2 and 8.1.3).

        Returns:
            The tag, whether the element is constructed, where its contents start, and where they end, or -1
            for an indefinite length.
        """
        self.budget -= 1
        if self.budget < 0:
            raise LimitError(f"the structure has more than {self.limits.elements} elements")
        octets = self.octets
        if end - at < 2:
            raise CMSError("the structure is cut off within an element")
        identifier = octets[at]
        at += 1
        tag = identifier & 0xDF
        if identifier & 0x1F == 0x1F:
            number = 0
            for _ in range(4):
                if at >= end:
                    raise CMSError("the structure is cut off within a tag")
                octet = octets[at]
                at += 1
                number = number << 7 | octet & 0x7F
                if octet < 0x80:
                    break
            else:
                raise CMSError("a tag number is too large")
            if number < 31:
                raise CMSError("a tag number is not in its short form")
            tag |= number << 8
        elif tag == 0:
            raise CMSError("end-of-contents octets stand where an element should")
        if at >= end:
            raise CMSError("the structure is cut off before a length")
        length = octets[at]
        at += 1
        constructed = bool(identifier & _CONSTRUCTED)
        if length >= 0x80:
            if length == 0x80:
                if not constructed:
                    raise CMSError("a primitive element has an indefinite length")
                return tag, constructed, at, _INDEFINITE
            count = length & 0x7F
            if count > 8 or end - at < count:
                raise CMSError("a length cannot be read")
            length = int.from_bytes(octets[at : at + count])
            at += count
        if length > end - at:
            raise CMSError("an element is longer than what holds it")
        return tag, constructed, at, at + length

    def find_end(self, start: int, end: int) -> int:
        """Finds the end-of-contents octets of an element of indefinite length whose contents begin at `start`."""
        ends = self.ends
        found = ends.get(start)
        if found is not None:
            return found
        open_elements = [start]
        octets = self.octets
        at = start
        while open_elements:
            if end - at >= 2 and octets[at] == 0 and octets[at + 1] == 0:
                ends[open_elements.pop()] = at
                at += 2
                continue
            before = at
            _, constructed, contents, stop = self.header(at, end)
            if stop != _INDEFINITE and not constructed:
                at = self.skip_alike(before, contents, stop, end)
                continue
            if stop == _INDEFINITE:
                # A definite element in between is stepped over and searched when it is entered: each of its
                # octets is then looked at once more, not once for each level.
                open_elements.append(contents)
                if len(open_elements) > self.limits.depth:
                    raise LimitError(f"elements nest more than {self.limits.depth} deep")
                at = contents
            else:
                at = stop
        return ends[start]

    def skip_alike(self, start: int, body: int, stop: int, end: int) -> int:
        """Where the primitive elements end that follow one and have the very same header, as in a streamed content."""
        known = self.alike.get(start)
        if known is not None and known <= end:
            return known
        octets, step = self.octets, stop - start
        header = bytes(octets[start:body])
        size = len(header)
        at = stop
        most = min(end, stop + self.budget * step)
        while octets[at : at + size] == header and at + step <= most:
            at += step
        self.budget -= (at - stop) // step
        if at != stop:
            self.alike[start] = at
        return at

    def element(self, at: int, end: int, depth: int) -> Element:
        if depth > self.limits.depth:
            raise LimitError(f"elements nest more than {self.limits.depth} deep")
        tag, constructed, start, stop = self.header(at, end)
        if stop == _INDEFINITE:
            stop = self.find_end(start, end)
            return Element(self, tag, constructed, at, start, stop, stop + 2, depth)
        return Element(self, tag, constructed, at, start, stop, stop, depth)


class Element:
    """One element of a BER or DER structure.

    Attributes:
        tag: class and number: the identifier octet without its constructed bit for numbers below 31 (so `0x10`
            is SEQUENCE and `0x80` is `[0]`), see `context` for higher ones.
        constructed: whether the contents are elements themselves.
        start: offset of the identifier octet.
        body: offset of the first content octet.
        end: offset after the last content octet.
        stop: offset after the whole element, its end-of-contents octets too.
        depth: how deep the element lies; the outermost has 0.
    """

    __slots__ = ("_reader", "body", "constructed", "depth", "end", "start", "stop", "tag")

    def __init__(  # noqa: PLR0917 (one call, in the innermost loop)
        self, reader: _Reader, tag: int, constructed: bool, start: int, body: int, end: int, stop: int, depth: int
    ) -> None:
        self._reader = reader
        self.tag = tag
        self.constructed = constructed
        self.start = start
        self.body = body
        self.end = end
        self.stop = stop
        self.depth = depth

    def __repr__(self) -> str:
        return f"<Element tag={self.tag:#x} at {self.start}:{self.stop}>"

    @property
    def raw(self) -> memoryview:
        """The whole element as received."""
        return self._reader.octets[self.start : self.stop]

    @property
    def contents(self) -> memoryview:
        """The contents as received."""
        return self._reader.octets[self.body : self.end]

    @property
    def indefinite(self) -> bool:
        """Whether the length is indefinite (X.690 section 8.1.3.6)."""
        return self.stop != self.end

    def expect(self, tag: int, what: str, *, constructed: bool | None = None) -> Element:
        """Gives the element itself, if it has the tag.

        Args:
            tag: the tag that is expected.
            what: what the element is, for the error.
            constructed: whether it must or must not be constructed; by default the tag decides.

        Raises:
            CMSError: it has another tag or form.
        """
        if constructed is None:
            constructed = tag in (SEQUENCE, SET)
        if self.tag != tag or self.constructed != constructed:
            raise CMSError(f"{what} is malformed")
        return self

    def children(self) -> Iterator[Element]:
        """The elements that this one consists of.

        Raises:
            CMSError: the contents are no elements.
            LimitError: they go over a limit.
        """
        if not self.constructed:
            raise CMSError("a primitive element stands where a constructed one should")
        reader, at, end, depth = self._reader, self.body, self.end, self.depth + 1
        while at < end:
            child = reader.element(at, end, depth)
            yield child
            at = child.stop

    def segments(self, tag: int | None = None) -> list[memoryview]:
        """The octets of a string, in the pieces in which they were sent (X.690 section 8.7).

        Args:
            tag: the tag that the pieces of a constructed string must have; OCTET STRING by default.

        Raises:
            CMSError: something else than strings is in it.
        """
        if not self.constructed:
            return [self.contents]
        wanted = OCTET_STRING if tag is None else tag
        reader = self._reader
        octets, header, deepest = reader.octets, reader.header, reader.limits.depth - self.depth - 1
        pieces: list[memoryview] = []
        # What is left of the strings around: no elements are made, since a large content has many pieces.
        around: list[tuple[int, int]] = []
        at, end = self.body, self.end
        while at < end or around:
            if at >= end:
                at, end = around.pop()
                continue
            if len(around) > deepest:
                raise LimitError(f"elements nest more than {reader.limits.depth} deep")
            found, constructed, start, stop = header(at, end)
            if found != wanted:
                raise CMSError("a string has pieces of another type")
            if not constructed:
                last = reader.skip_alike(at, start, stop, end)
                if start != stop:
                    step = stop - at
                    pieces += [octets[one : one + stop - start] for one in range(start, last, step)]
                at = last
                continue
            after = stop
            if stop == _INDEFINITE:
                stop = reader.find_end(start, end)
                after = stop + 2
            around.append((after, end))
            at, end = start, stop
        return pieces

    def octets(self) -> bytes:
        """The octets of a string, in one piece; for short strings, since it copies them."""
        return b"".join(self.segments())

    def integer(self, what: str = "an integer") -> int:
        """The value of an INTEGER (X.690 section 8.3)."""
        self.expect(INTEGER, what)
        if self.body == self.end:
            raise CMSError(f"{what} is empty")
        if self.end - self.body > INTEGER_OCTETS:
            raise CMSError(f"{what} is too long")
        return int.from_bytes(self.contents, signed=True)

    def oid(self, what: str = "an object identifier") -> str:
        """The value of an OBJECT IDENTIFIER, dotted (X.690 section 8.19)."""
        self.expect(OBJECT_IDENTIFIER, what)
        if not 0 < self.end - self.body <= 128:
            raise CMSError(f"{what} is malformed")
        return _dotted(bytes(self.contents))

    def time(self, what: str = "a time") -> datetime:
        """The value of a UTCTime or GeneralizedTime, with time zone (RFC 5652 section 11.3)."""
        if self.constructed or self.tag not in (UTC_TIME, GENERALIZED_TIME) or self.end - self.body > 32:
            raise CMSError(f"{what} is malformed")
        return _time(bytes(self.contents), self.tag == UTC_TIME, what)


@lru_cache(maxsize=512)
def _dotted(octets: bytes) -> str:
    if octets[-1] & 0x80:
        raise CMSError("an object identifier is cut off")
    arcs: list[int] = []
    value = 0
    first = True
    for octet in octets:
        if first and octet == 0x80:
            raise CMSError("an object identifier is not in its shortest form")
        value = value << 7 | octet & 0x7F
        first = octet < 0x80
        if first:
            arcs.append(value)
            value = 0
    top = min(arcs[0] // 40, 2)
    return ".".join(map(str, (top, arcs[0] - 40 * top, *arcs[1:])))


def _time(octets: bytes, short: bool, what: str) -> datetime:
    try:
        text = octets.decode("ascii")
        if text[-1:] == "Z":
            text, offset = text[:-1], timedelta()
        elif text[-5:-4] in ("+", "-") and text[-4:].isdigit():
            # BER allows a difference to UTC; DER and RFC 5652 do not, but it is found.
            offset = timedelta(hours=int(text[-4:-2]), minutes=int(text[-2:]))
            text, offset = text[:-5], -offset if text[-5] == "-" else offset
        else:
            raise ValueError
        text, dot, fraction = text.partition(".")
        if not text.isdigit() or (dot and not fraction.isdigit()):
            raise ValueError
        if short:
            text = ("19" if text[:2] >= "50" else "20") + text
        if len(text) not in (12, 14):
            raise ValueError
        text = text.ljust(14, "0")
        year, month, day = int(text[:4]), int(text[4:6]), int(text[6:8])
        moment = datetime(year, month, day, int(text[8:10]), int(text[10:12]), int(text[12:14]), tzinfo=UTC)
        return moment - offset
    except (ValueError, OverflowError) as error:
        raise CMSError(f"{what} is no time") from error


def read(octets: bytes | bytearray | memoryview, limits: CMSLimits = LIMITS) -> Element:
    """Reads the one element that the octets hold.

    Args:
        octets: a BER or DER structure. The elements refer to these octets: do not change them afterwards.
        limits: the limits to keep.

    Raises:
        CMSError: the octets are no single whole element.
    """
    view = memoryview(octets).toreadonly().cast("B")
    element = _Reader(view, limits).element(0, len(view), 0)
    if element.stop != len(view):
        raise CMSError("octets follow after the end of the structure")
    return element
