"""One part of a message: an entity of MIME (RFC 2045 section 2.4), as offsets into the message's buffer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsec.message.buffer import make_buffer
from mailsec.message.charsets import decode_charset, decode_unknown
from mailsec.message.defects import Defect, DefectKind
from mailsec.message.header import HeaderSection, Layout, find_layout, make_section
from mailsec.message.parameters import ContentType, Parameters, parse_content_type, parse_parameters
from mailsec.message.transfer import IDENTITY, KNOWN, decode_pieces, decode_transfer, transfer_defects
from mailsec.message.tree import Division, divide

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mailsec.message.message import Message, Source

__all__ = ["Part"]

_MESSAGE_TYPES = frozenset({"message/rfc822", "message/global"})
_NO_PARAMETERS = Parameters("")


class Part:
    """One part of a message. Nothing of it is read before it is asked for.

    Attributes:
        parent: the multipart or message part that it stands in; `None` for the root of the whole.
        enclosing: the message whose part it is.
        depth: how many multiparts and messages it stands in.
    """

    __slots__ = (
        "_children",
        "_default",
        "_division",
        "_encoding",
        "_end",
        "_header",
        "_layout",
        "_limit_defects",
        "_media",
        "_message",
        "_path",
        "_source",
        "_start",
        "depth",
        "enclosing",
        "parent",
    )

    def __init__(
        self,
        source: Source,
        enclosing: Message,
        parent: Part | None,
        span: tuple[int, int],
        *,
        path: str | None = None,
        default: str = "text/plain",
        layout: Layout | None = None,
        header: HeaderSection | None = None,
    ) -> None:
        self._source = source
        self._start, self._end = span
        self._default = default
        self._layout = layout
        self._header = header
        self._media: ContentType | None = None
        self._encoding: str | None = None
        self._children: tuple[Part, ...] | None = None
        self._division: Division | None = None
        self._message: Message | None = None
        self._limit_defects: tuple[Defect, ...] = ()
        self.enclosing = enclosing
        self.parent = parent
        self._path = path
        self.depth: int = 0 if parent is None else parent.depth + 1

    def __repr__(self) -> str:
        return f"Part({self.path!r}, {self.content_type!r}, {self._start}..{self._end})"

    @property
    def path(self) -> str:
        """Its IMAP section number (RFC 9051 section 6.4.5), such as `"1.2"`.

        `"1"` for the root of a message that is no multipart, `""` for a multipart root; for the root of a message
        inside part 2 `"2.1"` and `"2.TEXT"`.
        """
        if self._path is None:
            if self.parent is None:
                self._path = "" if self.is_multipart else "1"
            else:
                self._path = f"{self.parent.path}.{'TEXT' if self.is_multipart else '1'}"
        return self._path

    # -- where it lies -------------------------------------------------------------------------------------

    @property
    def layout(self) -> Layout:
        """Where its header section and its body lie."""
        if self._layout is None:
            source = self._source
            self._layout = find_layout(source.buffer, self._start, self._end, source.line_end)
        return self._layout

    @property
    def span(self) -> tuple[int, int]:
        """Where it lies with its header section: half-open offsets into the buffer of the outermost message.

        Parts of a message that was itself in base64 or quoted-printable count in that message's own octets.
        """
        return self._start, self._end

    @property
    def body_span(self) -> tuple[int, int]:
        """Where its body lies; half-open offsets, counted as those of `span`."""
        return self.layout.body_start, self._end

    @property
    def octets(self) -> memoryview:
        """The whole entity as received, without the line end that belongs to the delimiter after it.

        Of the first part of a multipart/signed these are the signed octets (RFC 1847 section 2.1), save for
        line ends that are not CRLF.
        """
        return self._source.buffer.view[self._start : self._end]

    @property
    def body(self) -> memoryview:
        """The body as received, still in its transfer encoding."""
        return self._source.buffer.view[self.layout.body_start : self._end]

    # -- header fields -------------------------------------------------------------------------------------

    @property
    def header(self) -> HeaderSection:
        """Its header section."""
        if self._header is None:
            source = self._source
            self._header = make_section(source.buffer, self.layout, source.line_end, source.limits)
        return self._header

    @property
    def media(self) -> ContentType:
        """Its media type with parameters; the default of RFC 2045 section 5.2 where the field does not give one.

        Where a field stands twice, the lower one counts, since that is the one that signatures cover first
        (RFC 6376 section 5.4.2).
        """
        if self._media is None:
            field = self.header.last("content-type")
            value = None if field is None else field.raw_value
            self._media = parse_content_type(value, self._default, self._source.limits)
        return self._media

    @property
    def content_type(self) -> str:
        """Its media type in lower case, such as `"text/plain"`."""
        media = self.media
        return f"{media.type}/{media.subtype}"

    @property
    def encoding(self) -> str:
        """Its Content-Transfer-Encoding in lower case; `"7bit"` where the field is absent (RFC 2045 section 6.1)."""
        if self._encoding is None:
            field = self.header.last("content-transfer-encoding")
            value = "" if field is None else parse_parameters(field.raw_value, self._source.limits).value
            self._encoding = {"": "7bit", "7-bit": "7bit", "8-bit": "8bit"}.get(value, value)
        return self._encoding

    @property
    def _disposition(self) -> Parameters:
        field = self.header.last("content-disposition")
        return _NO_PARAMETERS if field is None else parse_parameters(field.raw_value, self._source.limits)

    @property
    def disposition(self) -> str | None:
        """`"inline"`, `"attachment"` or another word in lower case (RFC 2183); `None` without the field."""
        return self._disposition.value or None

    @property
    def disposition_params(self) -> Mapping[str, str]:
        """The parameters of Content-Disposition, decoded."""
        return self._disposition.params

    @property
    def filename(self) -> str | None:
        """The file name that the sender gives it, as foreign text: neither safe to show nor to write to."""
        name = self._disposition.params.get("filename")
        return name if name is not None else self.media.params.get("name")

    @property
    def content_id(self) -> str | None:
        """Its Content-ID without the angle brackets (RFC 2392)."""
        field = self.header.last("content-id")
        if field is None:
            return None
        value = field.value.strip()
        return value[1:-1] if value.startswith("<") and value.endswith(">") else value

    # -- content -------------------------------------------------------------------------------------------

    @property
    def is_multipart(self) -> bool:
        """Whether its type is multipart/*, even where no parts were found."""
        return self.media.type == "multipart"

    @property
    def is_message(self) -> bool:
        """Whether it is a message (RFC 2046 section 5.2.1, RFC 6532 section 3.7)."""
        return self.content_type in _MESSAGE_TYPES

    @property
    def content(self) -> bytes:
        """The content with the transfer encoding taken off; of a multipart the body as received.

        It is decoded anew at each call.
        """
        raw = self._source.buffer.cut(self.layout.body_start, self._end)
        encoding = self.encoding
        return raw if encoding in IDENTITY or self.is_multipart else decode_transfer(raw, encoding)

    def content_pieces(self) -> Iterator[bytes | memoryview]:
        """The same in pieces, so that a large one need not be held in memory as a whole."""
        if self.is_multipart:
            yield self.body
        else:
            yield from decode_pieces(self.body, self.encoding)

    @property
    def charset(self) -> str:
        """The charset parameter as received; `"us-ascii"` without one (RFC 2046 section 4.1.2)."""
        return self.media.params.get("charset", "us-ascii")

    @property
    def text(self) -> str:
        """The content as text, with LF as line end; readable whatever the charset.

        Format=flowed is not applied (see `unflow`), and nothing is made safe to show (see `safe_text`).
        """
        text = self._decode_text(self.content)[0].removeprefix("\ufeff")
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        return text

    def _decode_text(self, content: bytes) -> tuple[str, bool]:
        charset = self.media.params.get("charset")
        if charset is None:
            return decode_unknown(content), content.isascii()
        return decode_charset(content, charset)

    @property
    def flowed(self) -> bool:
        """Whether it is text/plain; format=flowed (RFC 3676)."""
        media = self.media
        return self.content_type == "text/plain" and media.params.get("format", "").strip().lower() == "flowed"

    @property
    def delsp(self) -> bool:
        """Whether it is flowed with DelSp=yes (RFC 3676 section 4.1)."""
        return self.flowed and self.media.params.get("delsp", "").strip().lower() == "yes"

    # -- the tree ------------------------------------------------------------------------------------------

    @property
    def children(self) -> tuple[Part, ...]:
        """The parts of a multipart, in order; empty for every other part."""
        if self._children is None:
            self._build()
        return self._children or ()

    @property
    def message(self) -> Message | None:
        """The message that a message/rfc822 or message/global part holds; `None` for every other part."""
        if self._children is None:
            self._build()
        if self._message is None and self._encoded_message:
            self._message = self._open_message()
        return self._message

    @property
    def preamble_span(self) -> tuple[int, int]:
        """Where the preamble of a multipart lies: before the line end of its first delimiter."""
        division = self._divided
        start = self.layout.body_start
        return (start, start) if division is None else division.preamble

    @property
    def epilogue_span(self) -> tuple[int, int]:
        """Where the epilogue of a multipart lies: after the line of its closing delimiter."""
        division = self._divided
        return (self._end, self._end) if division is None else division.epilogue

    @property
    def defects(self) -> tuple[Defect, ...]:
        """What is irregular in its header section and its structure; parts inside it have their own."""
        division, start = self._divided, self._start
        found = list(self.header.defects)
        kind = self.layout.defect
        if kind is not None and not (kind is DefectKind.NO_BLANK_LINE and self.parent is not None):
            found.append(Defect(kind, self.layout.header_end))
        found += [Defect(kind, start) for kind in dict.fromkeys((*self.media.defects, *self._disposition.defects))]
        if self.encoding not in KNOWN:
            found.append(Defect(DefectKind.ENCODING, start))
        elif self.encoding not in IDENTITY and (self.is_multipart or self.content_type == "message/rfc822"):
            found.append(Defect(DefectKind.ENCODED_COMPOSITE, start))
        if division is not None:
            found += division.defects
        found += self._limit_defects
        return tuple(found)

    @property
    def content_defects(self) -> tuple[Defect, ...]:
        """What is irregular in its transfer encoding and, for text, its charset; this decodes the content."""
        start, end = self.body_span
        raw = self._source.buffer.cut(start, end)
        found = [Defect(kind, start + at) for kind, at in transfer_defects(raw, self.encoding)]
        if self.media.type == "text" and not self._decode_text(self.content)[1]:
            found.append(Defect(DefectKind.CHARSET, start))
        return tuple(found)

    @property
    def _divided(self) -> Division | None:
        if self._children is None:
            self._build()
        return self._division

    @property
    def _encoded_message(self) -> bool:
        return self.encoding not in IDENTITY and self.encoding in KNOWN and self.is_message

    def _open_message(self) -> Message | None:
        """The message inside a message part that is in a transfer encoding, in a buffer of its own."""
        from mailsec.message.message import Message, Source

        if self.depth + 1 >= self._source.limits.depth:
            return None
        source = Source(make_buffer(self.content), self._source.limits)
        return Message(source, self, 0, source.buffer.size)

    def _build(self) -> None:
        """Finds all parts in this buffer, in document order and without recursion.

        The whole tree is built at once so that the limits cut it at the same place whoever asks first.
        """
        top = self
        while top.parent is not None and top.parent._source is self._source:  # noqa: SLF001
            top = top.parent
        waiting = [top]
        while waiting:
            waiting.extend(reversed(waiting.pop()._expand()))  # noqa: SLF001

    def _expand(self) -> list[Part]:
        """Finds the parts directly inside it."""
        self._children = ()
        source, limits = self._source, self._source.limits
        media = self.media
        if media.type == "multipart":
            boundary = self._boundary()
            if boundary is None:
                self._limit_defects += (Defect(DefectKind.NO_BOUNDARY, self._start),)
                return []
        elif not self.is_message or self._encoded_message:
            return []
        if self.depth + 1 >= limits.depth:
            self._limit_defects += (Defect(DefectKind.TOO_DEEP, self.layout.body_start),)
            return []
        start, end = self.body_span
        if media.type != "multipart":
            source.budget.parts -= 1
            if source.budget.parts < 0:
                self._limit_defects += (Defect(DefectKind.TOO_MANY_PARTS, start),)
                return []
            from mailsec.message.message import Message

            self._message = Message(source, self, start, end)
            return [self._message.root]
        assert boundary is not None  # checked above
        self._division = divide(source.buffer, (start, end), boundary, source.line_end, source.budget)
        if self._around(boundary):
            self._division.defects.append(Defect(DefectKind.NESTED_BOUNDARY, self._start))
        default = "message/rfc822" if media.subtype == "digest" else "text/plain"
        prefix = self.path.removesuffix("TEXT").removesuffix(".")
        prefix = f"{prefix}." if prefix else ""
        self._children = tuple(
            Part(source, self.enclosing, self, span, path=f"{prefix}{number}", default=default)
            for number, span in enumerate(self._division.parts, 1)
        )
        return list(self._children)

    def _boundary(self) -> bytes | None:
        boundary = (self.media.boundary or b"").rstrip(b" \t")
        usable = 0 < len(boundary) <= self._source.limits.boundary and b"\n" not in boundary and b"\r" not in boundary
        return boundary if usable else None

    def _around(self, boundary: bytes) -> bool:
        """Whether a multipart around it has the same boundary."""
        part = self.parent
        while part is not None:
            if part.is_multipart and (part.media.boundary or b"").rstrip(b" \t") == boundary:
                return True
            part = part.parent
        return False
