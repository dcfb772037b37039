"""Plain text in blocks of a few screens: decoded, made safe and divided into paragraphs only when it is looked at."""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from mailsec.message import safe_text, unflow
from mailsec.message.charsets import canonical_charset, decode_charset, decode_unknown
from mailsec.message.transfer import decode_transfer
from mailsec.tui.reading.grid import Grid
from mailsec.tui.reading.lines import Kind, Link, Paragraph, Role, Span

if TYPE_CHECKING:
    from mailsec.message import Part

__all__ = ["BLOCK", "Words", "find_links", "folded"]

BLOCK = 1 << 14
"""Octets of a block, more or less."""

_LONGEST = 1 << 16  # octets that are searched for a line end; a longer line is cut there
_USUAL = 1 << 10  # the same, at first
_PIECE = 1 << 18  # octets of base64 that are decoded at once
_NOT_BASE64 = bytes(set(range(256)) - set(string.ascii_letters.encode() + string.digits.encode() + b"+/="))
_IDENTITY = frozenset(("7bit", "8bit", "binary"))
_NOT_BY_LINES = ("utf-16", "utf-32", "utf-7", "hz-gb")  # charsets in which an LF octet is not always a line end
_BLANK_LINE = re.compile(rb"(?:\A|\n)[ \t]*\r?\n")
_MARKS = re.compile(r"(?:>[ \t]?){1,200}")
_FOLDED_FROM = 4  # quoted lines; fewer are context, not ballast
_FOLDED = 70  # characters of the line that stands for quoted ones
_URL = re.compile(r"\b(?:https?://|mailto:|www\.)[^\s<>\"'`\u2018-\u201f|\\^{}\ufffd]{3,2000}", re.IGNORECASE)
_AFTER = ".,;:!?*_~)]"
_OPENING = {")": "(", "]": "["}


class Words:
    """The text of a part.

    Args:
        part: a part of text, in any charset and transfer encoding.
        most: octets of its body that are taken, in their transfer encoding; all if `None`.

    Attributes:
        direct: whether its blocks count in the octets of the part as received.
    """

    def __init__(self, part: Part, most: int | None = None) -> None:
        self._encoding = part.encoding
        self._charset: str | None = part.media.params.get("charset")
        self._flowed, self._delsp = part.flowed, part.delsp
        self.direct = self._encoding in _IDENTITY
        self._octets: memoryview | bytes = part.body[:most]
        name = canonical_charset(self._charset or "") or ""
        if self._encoding != "quoted-printable" and not self.direct:
            self._octets, self._encoding = _decoded(self._octets, self._encoding), "8bit"
        if name.startswith(_NOT_BY_LINES):
            content = decode_transfer(bytes(self._octets), self._encoding)
            self._octets = decode_charset(content, name)[0].encode("utf-8", "replace")
            self._charset, self._encoding, self.direct = "utf-8", "8bit", False

    def __len__(self) -> int:
        return len(self._octets)

    def spans(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Cuts octets into blocks, each at the end of a line that does not go on in the next.

        Args:
            start: the first octet.
            end: the octet after the last.
        """
        while end - start > BLOCK:
            at = self.line_end(start + BLOCK, end)
            yield start, at
            start = at
        if start < end:
            yield start, end

    def line_start(self, at: int) -> int:
        """Where the line begins in which an octet stands; the octet itself where that is far away."""
        low = max(0, at - _LONGEST)
        found = bytes(self._octets[low:at]).rfind(b"\n")
        return at if found < 0 and low else low + found + 1

    def line_end(self, at: int, end: int | None = None) -> int:
        """Where the next line begins that does not go on the one before; at most `end`, that of the text if `None`."""
        end = len(self) if end is None else end
        window = bytes(self._octets[at : min(at + _USUAL, end)])
        if b"\n" not in window or self._flowed:
            window = bytes(self._octets[at : min(at + _LONGEST, end)])
        quoted = self._encoding == "quoted-printable"
        found = window.find(b"\n")
        while found >= 0:
            before = window[max(0, found - 3) : found].rstrip(b"\r")
            if not (quoted and before.endswith(b"=")) and not (self._flowed and before.endswith(b" ")):
                return at + found + 1
            found = window.find(b"\n", found + 1)
        at += len(window)
        if at < end and not quoted:
            while len(window) > 4 and window[-1] & 0xC0 == 0x80:  # within a character of UTF-8
                window, at = window[:-1], at - 1
            if len(window) > 4 and window[-1] >= 0xC0:
                at -= 1
        return at

    def after_copies(self) -> int:
        """Where the text goes on after its first blank line; 0 where none is near its start (RFC 9788, 4.5.3.2)."""
        found = _BLANK_LINE.search(bytes(self._octets[:_LONGEST]))
        return 0 if found is None else found.end()

    def paragraphs(self, start: int, end: int, *, fold: bool) -> tuple[list[Paragraph | Grid], list[Link]]:
        """The paragraphs of a block, and the links in them.

        Args:
            start: where it starts.
            end: where it ends.
            fold: whether quoted lines are folded into one.
        """
        links: list[Link] = []
        found: list[Paragraph | Grid] = list(self._divided(safe_text(self.text(start, end), multiline=True), links))
        return (folded(found) if fold else found), links

    def text(self, start: int, end: int) -> str:
        """The text of a block, with LF as line end; not yet safe to show."""
        octets = bytes(self._octets[start:end])
        if self._encoding == "quoted-printable":
            octets = decode_transfer(octets, self._encoding)
        text = decode_unknown(octets) if self._charset is None else decode_charset(octets, self._charset)[0]
        if start == 0:
            text = text.removeprefix("\ufeff")
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        return text

    def _divided(self, text: str, links: list[Link]) -> Iterator[Paragraph]:
        kind = Kind.TEXT
        for depth, line in self._lines(text):
            if line == "-- ":
                kind = Kind.SIGNATURE
            if "\t" in line:
                line = line.expandtabs(8)  # noqa: PLW2901
            line = line.rstrip(" ")  # noqa: PLW2901
            yield Paragraph(line, kind, depth, spans=find_links(line, links))

    def _lines(self, text: str) -> Iterator[tuple[int, str]]:
        if self._flowed:
            yield from ((one.depth, one.text) for one in unflow(text, delsp=self._delsp))
            return
        lines = text.split("\n")
        if not lines[-1]:
            lines.pop()
        for line in lines:
            if line.startswith(">") and (marks := _MARKS.match(line)):
                yield marks[0].count(">"), line[marks.end() :]
            else:
                yield 0, line


def _decoded(octets: memoryview | bytes, encoding: str) -> bytes:
    """Decodes a body; long base64 piece by piece, since nothing else runs while a piece is decoded."""
    if encoding != "base64" or len(octets) <= _PIECE:
        return decode_transfer(bytes(octets), encoding)
    found: list[bytes] = []
    rest = b""
    for start in range(0, len(octets), _PIECE):
        letters = rest + bytes(octets[start : start + _PIECE]).translate(None, _NOT_BASE64)
        if b"=" in letters:  # the end, or nothing that could be cut
            return b"".join([*found, decode_transfer(letters + bytes(octets[start + _PIECE :]), encoding)])
        whole = len(letters) & ~3
        found.append(decode_transfer(letters[:whole], encoding))
        rest = letters[whole:]
    return b"".join([*found, decode_transfer(rest, encoding)])


def find_links(line: str, links: list[Link]) -> tuple[Span, ...]:
    """The links in a line of text.

    Args:
        line: safe text.
        links: what is found is added here.
    """
    if "://" not in line and "www." not in line and "mailto:" not in line:
        return ()
    spans = []
    for match in _URL.finditer(line):
        url = match[0]
        while url and url[-1] in _AFTER and url.count(url[-1]) > url.count(_OPENING.get(url[-1], "\0")):
            url = url[:-1]
        if "." in url or url.lower().startswith("mailto:"):
            spans.append(Span(match.start(), match.start() + len(url), Role.LINK, len(links)))
            links.append(Link(f"http://{url}" if url.lower().startswith("www.") else url))
    return tuple(spans)


def folded(paragraphs: Sequence[Paragraph | Grid]) -> list[Paragraph | Grid]:
    """Folds each longer run of quoted lines into one line that says how many there are and how they begin."""
    found: list[Paragraph | Grid] = []
    run: list[Paragraph | Grid] = []

    def close() -> None:
        if len(run) < _FOLDED_FROM:
            found.extend(run)
        else:
            words = (one.text.strip() for one in run if isinstance(one, Paragraph))
            found.append(Paragraph(f"+ {len(run)} quoted lines: {next(filter(None, words), '')}"[:_FOLDED], Kind.FOLD))
        run.clear()

    for one in paragraphs:
        if one.quote:
            run.append(one)
        else:
            close()
            found.append(one)
    close()
    return found
