"""The header section: fields as received, found by offset, decoded when asked for (RFC 5322 section 2.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from operator import eq
from typing import TYPE_CHECKING, Final, overload

from mailsec.message.buffer import Buffer, Octets, make_buffer
from mailsec.message.defects import Defect, DefectKind
from mailsec.message.limits import LIMITS, Limits
from mailsec.message.words import decode_text

if TYPE_CHECKING:
    from mailsec.message.addresses import Group, Mailbox

__all__ = ["HeaderField", "HeaderSection", "Layout", "find_layout", "make_section", "parse_header"]

# A line end that no continuation line follows is the end of a field (RFC 5322 section 2.2.3).
_FIELD_END: Final = {b"\n": re.compile(rb"\n(?![ \t])"), b"\r": re.compile(rb"\r(?![ \t])")}
_FIRST_FIELD: Final = re.compile(rb"[!-9;-~]{1,998}[ \t]{0,998}:")
_FIELD_NAME: Final = re.compile(rb"[!-9;-~]+\Z")
_ENVELOPE: Final = re.compile(rb">?From (?![ \t]{0,998}:)")
_BARE_CR: Final = re.compile(rb"\r(?!\n)")
_WINDOW: Final = 1 << 14

# Fields that may stand in a header section only once (RFC 5322 section 3.6, RFC 2045 section 3).
_ONCE: Final = (
    *(b"date", b"from", b"sender", b"reply-to", b"to", b"cc", b"bcc", b"message-id", b"in-reply-to", b"references"),
    *(b"subject", b"mime-version", b"content-type", b"content-transfer-encoding", b"content-id"),
    *(b"content-description", b"content-disposition"),
)


class HeaderField:
    """One header field, exactly as received.

    Attributes:
        index: its place in the header section, counted from the top, from 0.
        raw: the whole field with its folding and its line end.
    """

    __slots__ = ("_colon", "_line_end", "_start", "_value", "index", "raw")

    def __init__(self, raw: bytes, index: int, start: int, line_end: bytes) -> None:
        self.raw = raw
        self.index = index
        self._start = start
        self._line_end = line_end
        colon = raw.find(b":")
        # A colon in a continuation line ends no field name.
        self._colon = -1 if -1 < raw.find(line_end) < colon else colon
        self._value: str | None = None

    def __repr__(self) -> str:
        return f"HeaderField({self.index}, {self.raw!r})"

    @property
    def raw_name(self) -> bytes:
        """All before the colon, white space too; nothing where there is no colon."""
        return self.raw[: max(self._colon, 0)]

    @property
    def raw_value(self) -> bytes:
        """All after the colon, folding kept, without the line end; the whole line where there is no colon."""
        octets = self.raw[self._colon + 1 :]
        if octets.endswith(self._line_end):
            octets = octets[:-2] if octets.endswith(b"\r\n") else octets[:-1]
        return octets

    @property
    def name(self) -> str:
        """The field name as received, without white space around it; octets that are not ASCII as ISO 8859-1."""
        return self.raw_name.rstrip(b" \t").decode("latin-1")

    @property
    def key(self) -> str:
        """The field name with ASCII letters in lower case: what names are compared by."""
        return self.raw_name.rstrip(b" \t").lower().decode("latin-1")

    @property
    def value(self) -> str:
        """The field body unfolded and decoded (RFC 2047, RFC 6532): text for showing, after `safe_text`.

        Structured fields are parsed from `raw_value`, since decoding may bring their delimiters in.
        """
        if self._value is None:
            octets = self.raw_value
            if self._line_end == b"\r":
                octets = octets.replace(b"\r", b"")
            self._value = decode_text(octets)
        return self._value

    @property
    def span(self) -> tuple[int, int]:
        """Where the field stands: offsets into the buffer of the message, half-open."""
        return self._start, self._start + len(self.raw)


class HeaderSection(Sequence[HeaderField]):
    """The fields of a header section from the top, without the blank line that ends it.

    Fields and their names are looked up when first asked for.

    Attributes:
        octets: the header section as received, without the blank line.
        fields_octets: the same as bytes, as far as the limits let it be read.
        base: where it starts in the buffer of the message.
        body_start: where the body starts in it, after the blank line, or will start once there is one.
        line_end: what ends its lines at least: LF, or CR where the message has no LF at all.
    """

    __slots__ = (
        "_addresses",
        "_ends",
        "_fields",
        "_limits",
        "_names",
        "_pieces",
        "base",
        "body_start",
        "fields_octets",
        "line_end",
        "octets",
    )

    def __init__(
        self,
        octets: memoryview,
        fields_octets: bytes,
        base: int,
        body_start: int,
        *,
        line_end: bytes = b"\n",
        limits: Limits = LIMITS,
    ) -> None:
        self.octets = octets
        self.fields_octets = fields_octets
        self.base = base
        self.body_start = body_start
        self.line_end = line_end
        self._limits = limits
        self._addresses: dict[str, tuple[Mailbox | Group, ...]] | None = None
        self._pieces: list[bytes] = []  # the fields without the last octet of their line ends
        self._ends: list[int] = []
        self._fields: list[HeaderField | None] = []
        self._names: dict[bytes, list[int]] | None = None

    def _index(self) -> dict[bytes, list[int]]:
        """Finds the fields and their names, once."""
        if self._names is not None:
            return self._names
        line_end, most = self.line_end, self._limits.header_fields
        pieces = _FIELD_END[line_end].split(self.fields_octets, most)
        if not pieces[-1] or len(pieces) > most:
            pieces.pop()
        names: dict[bytes, list[int]] = {}
        for index, key in enumerate(_keys(pieces, line_end)):
            if key in names:
                names[key].append(index)
            else:
                names[key] = [index]
        self._pieces = pieces
        self._fields = [None] * len(pieces)
        self._names = names
        return names

    def _field(self, index: int) -> HeaderField:
        field = self._fields[index]
        if field is None:
            start, end = self._span(index)
            raw = self.fields_octets[start:end]
            field = self._fields[index] = HeaderField(raw, index, self.base + start, self.line_end)
        return field

    def _span(self, index: int) -> tuple[int, int]:
        """Where a field stands in the header section."""
        if not index:
            return 0, min(len(self._pieces[0]) + 1, len(self.fields_octets))
        if not self._ends:
            self._ends = list(accumulate(map(len, self._pieces)))  # line ends are not in them
        return self._ends[index - 1] + index, min(self._ends[index] + index + 1, len(self.fields_octets))

    def _named(self, name: str) -> list[int]:
        names = self._index()
        try:
            return names.get(name.encode("latin-1").lower(), [])
        except UnicodeEncodeError:
            return []

    def __len__(self) -> int:
        self._index()
        return len(self._pieces)

    @overload
    def __getitem__(self, index: int) -> HeaderField: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[HeaderField, ...]: ...
    def __getitem__(self, index: int | slice) -> HeaderField | tuple[HeaderField, ...]:
        self._index()
        if isinstance(index, slice):
            return tuple(self._field(at) for at in range(*index.indices(len(self._pieces))))
        if index < 0:
            index += len(self._pieces)
        if not 0 <= index < len(self._pieces):
            raise IndexError("no header field with this index")
        return self._field(index)

    def __iter__(self) -> Iterator[HeaderField]:
        self._index()
        return (self._field(index) for index in range(len(self._pieces)))

    def __repr__(self) -> str:
        return f"HeaderSection({len(self)} fields)"

    def first(self, name: str) -> HeaderField | None:
        """The topmost field of a name, or `None`.

        Args:
            name: a field name; letters are compared without case.
        """
        found = self._named(name)
        return self._field(found[0]) if found else None

    def last(self, name: str) -> HeaderField | None:
        """The lowest field of a name, or `None`: the one that a signature covers first (RFC 6376 section 5.4.2).

        Args:
            name: a field name; letters are compared without case.
        """
        found = self._named(name)
        return self._field(found[-1]) if found else None

    def all(self, name: str) -> tuple[HeaderField, ...]:
        """All fields of a name, from the top.

        Args:
            name: a field name; letters are compared without case.
        """
        return tuple(self._field(index) for index in self._named(name))

    @property
    def places(self) -> Mapping[bytes, Sequence[int]]:
        """The indexes of all fields by their names in lower case, from the top; not to be changed."""
        names = self._names
        return self._index() if names is None else names

    def raw_values(self, indexes: Iterable[int]) -> list[bytes]:
        """What follows the colons of some fields, folding kept, their line ends not whole.

        It is the quick way to what `HeaderField` shows, for those who hash many fields.

        Args:
            indexes: the indexes of the fields, from the top.
        """
        self._index()
        pieces = self._pieces
        return [pieces[index].partition(b":")[2] for index in indexes]

    def addresses(self, name: str) -> tuple[Mailbox | Group, ...]:
        """The addresses in all fields of a name, from the top (RFC 5322 section 3.4).

        Args:
            name: the name of an address field, such as `"to"`.
        """
        from mailsec.message.addresses import parse_addresses

        if self._addresses is None:
            self._addresses = {}
        found = self._addresses.get(name)
        if found is None:
            values = [field.raw_value for field in self.all(name)]
            found = tuple(address for value in values for address in parse_addresses(value, self._limits))
            self._addresses[name] = found
        return found

    @property
    def defects(self) -> tuple[Defect, ...]:
        """What is irregular in the header section, in the order of kinds and then of places."""
        names, octets, base = self._index(), self.fields_octets, self.base
        found: list[Defect] = []

        def add(kind: DefectKind, where: int) -> None:
            found.append(Defect(kind, base + where))

        for key, indexes in names.items():
            if key and not _FIELD_NAME.match(key):
                add(DefectKind.FIELD_NAME, self._span(indexes[0])[0])
        nameless: dict[DefectKind, int] = {}
        for index in names.get(b"", ()):
            has_colon = b":" in self._pieces[index].partition(self.line_end)[0]
            nameless.setdefault(DefectKind.FIELD_NAME if has_colon else DefectKind.NO_COLON, index)
        for kind, index in nameless.items():
            add(kind, self._span(index)[0])
        for index, piece in enumerate(self._pieces):
            name, colon, _ = piece.partition(b":")
            if colon and name.endswith((b" ", b"\t")) and self.line_end not in name:
                add(DefectKind.SPACE_BEFORE_COLON, self._span(index)[0])
                break
        for index, piece in enumerate(self._pieces):
            if len(piece) > self._limits.line and max(map(len, piece.split(self.line_end))) > self._limits.line:
                add(DefectKind.LONG_LINE, self._span(index)[0])
                break
        found += [
            Defect(DefectKind.DUPLICATE_FIELD, base + self._span(names[key][1])[0])
            for key in _ONCE
            if len(names.get(key, ())) > 1
        ]
        if self.line_end == b"\r":
            add(DefectKind.CR_LINES, 0)
        elif bare := _BARE_CR.search(octets):
            add(DefectKind.BARE_CR, bare.start())
        if 0 < octets.count(b"\r\n") < octets.count(b"\n"):
            add(DefectKind.BARE_LF, re.search(rb"(?<!\r)\n", octets).start())  # type: ignore[union-attr]
        if (nul := octets.find(b"\0")) >= 0:
            add(DefectKind.NUL, nul)
        if not octets.isascii():
            try:
                octets.decode("utf-8")
            except UnicodeDecodeError as error:
                add(DefectKind.EIGHT_BIT, error.start)
        if len(octets) < len(self.octets):
            add(DefectKind.HEADER_TOO_LONG, len(octets))
        if self._pieces and (end := self._span(len(self._pieces) - 1)[1]) < len(octets):
            add(DefectKind.TOO_MANY_FIELDS, end)
        return tuple(found)


def _keys(pieces: list[bytes], line_end: bytes) -> list[bytes]:
    """The names of fields in lower case; empty for what has no name."""
    heads = [piece.partition(b":")[0] for piece in pieces]
    joined = b"\n".join(heads).lower()
    # to ask for one octet by its number is quicker than by a string of one
    odd = 0x20 in joined or 0x09 in joined or 0x0D in joined or any(map(eq, heads, pieces))
    keys = joined.split(b"\n")
    if not odd and len(keys) == len(pieces):
        return keys
    keys = []
    for piece in pieces:
        name, colon, _ = piece.partition(b":")
        key = name.rstrip(b" \t").lower()
        # A colon in a later line of the field ends no field name.
        keys.append(key if colon and line_end not in key else b"")
    return keys


class Layout:
    """Where header section and body of an entity lie in a buffer.

    Attributes:
        start: where the header section starts: after a line "From " of an mbox, if there is one.
        header_end: where it ends: the blank line is not in it.
        body_start: where the body starts.
        defect: what is irregular about the bounds themselves, if anything.
    """

    __slots__ = ("body_start", "defect", "header_end", "start")

    def __init__(self, start: int, header_end: int, body_start: int, defect: DefectKind | None = None) -> None:
        self.start = start
        self.header_end = header_end
        self.body_start = body_start
        self.defect = defect


def find_layout(buffer: Buffer, start: int, end: int, line_end: bytes = b"\n", *, envelope: bool = False) -> Layout:
    """Finds where the header section of an entity ends: at the first blank line (RFC 5322 section 2.1).

    A line without a colon does not end it. Only when the very first line cannot be a header field there is no
    header section at all, and nothing of what was received is hidden.

    Args:
        buffer: the buffer that holds the entity.
        start: where the entity starts in it.
        end: where it ends.
        line_end: what ends lines: LF (CR before it or not), or CR in a message without LF.
        envelope: whether a first line "From " (RFC 4155) is set aside.
    """
    head = buffer.cut(start, min(start + 2000, end))
    if envelope and head.startswith((b"F", b">")) and _ENVELOPE.match(head):
        line = buffer.find(line_end, start, end)
        start = end if line < 0 else line + 1
        head = buffer.cut(start, min(start + 2000, end))
    if head.startswith(line_end):
        return Layout(start, start, start + 1)
    if head.startswith(b"\r\n"):
        return Layout(start, start, start + 2)
    if not head:
        return Layout(start, end, end, DefectKind.NO_BLANK_LINE)
    if not _FIRST_FIELD.match(head):
        return Layout(start, start, start, DefectKind.NO_HEADER)
    at, window = start, _WINDOW
    blank = line_end + line_end
    while at < end:
        stop = min(at + window, end)
        crlf = -1 if line_end == b"\r" else buffer.find(b"\n\r\n", at, stop)
        bare = buffer.find(blank, at, stop if crlf < 0 else crlf + 1)
        if bare >= 0:
            return Layout(start, bare + 1, bare + 2)
        if crlf >= 0:
            return Layout(start, crlf + 1, crlf + 3)
        if stop == end:
            break
        at = stop - 2
        window *= 8
    return Layout(start, end, end, DefectKind.NO_BLANK_LINE)


def make_section(buffer: Buffer, layout: Layout, line_end: bytes, limits: Limits) -> HeaderSection:
    """Makes the header section that a layout describes."""
    start, end = layout.start, layout.header_end
    fields_octets = buffer.cut(start, min(end, start + limits.header_octets))
    body_start = layout.body_start
    return HeaderSection(buffer.view[start:end], fields_octets, start, body_start, line_end=line_end, limits=limits)


def parse_header(octets: Octets, limits: Limits = LIMITS) -> HeaderSection:
    """Parses a header section that stands alone, as a milter has it.

    Args:
        octets: header fields; a blank line after them and what follows it are left aside.
        limits: how far it is read.
    """
    buffer = make_buffer(octets)
    line_end = b"\r" if buffer.find(b"\n", 0, buffer.size) < 0 <= buffer.find(b"\r", 0, buffer.size) else b"\n"
    layout = find_layout(buffer, 0, buffer.size, line_end, envelope=True)
    section = make_section(buffer, layout, line_end, limits)
    if layout.defect is DefectKind.NO_BLANK_LINE:  # the blank line is still to come: it ends as the lines before it do
        section.body_start = buffer.size + (
            1 if section.octets and buffer.cut(buffer.size - 2, buffer.size) != b"\r\n" else 2
        )
    return section
