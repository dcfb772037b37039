"""As much of HTTP/1.1 (RFC 9112) as fetching one small document takes: a request, and its whole answer."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailsec.net.destinations import Destination

__all__ = ["Answer", "HttpError", "encode_request", "freshness", "read_answer"]

LINE_OCTETS = 8192
"""Octets of a line of the header section."""

FIELDS = 100
"""Header fields of an answer."""

INTERIM = 5
"""Answers that only say that there is more to come."""

_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?: |\r?\n)")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*\r?\n")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")
_SECONDS = re.compile(r"[0-9]{1,9}\Z")


class HttpError(Exception):
    """An answer that cannot be used; the sentence goes on from the name of the document."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer, whole.

    Attributes:
        status: its status code.
        fields: its header fields by their names in lower case; of one that comes several times all, with commas.
        body: its content.
    """

    status: int
    fields: Mapping[str, str]
    body: bytes

    @property
    def media_type(self) -> str:
        """The media type without its parameters, in lower case."""
        return self.fields.get("content-type", "").partition(";")[0].strip().lower()


def encode_request(destination: Destination, data: bytes | None, media_type: str) -> bytes:
    """A request in octets: GET, or POST if there is data. It says no more about us than it must.

    Args:
        destination: what to ask for.
        data: the content.
        media_type: the media type of the content.
    """
    lines = [
        f"{'GET' if data is None else 'POST'} {destination.target} HTTP/1.1",
        f"Host: {destination.authority}",
        "Accept: */*",
        "Accept-Encoding: identity",
        "Connection: close",
    ]
    if data is not None:
        lines += [f"Content-Type: {media_type}", f"Content-Length: {len(data)}"]
    return "\r\n".join((*lines, "", "")).encode("ascii") + (data or b"")


async def read_answer(reader: asyncio.StreamReader, limit: int) -> Answer:
    """Reads an answer to its end.

    Args:
        reader: a stream whose own limit is at least `LINE_OCTETS`.
        limit: how many octets the content may have.

    Raises:
        HttpError: it is cut off, malformed, or too long; the sentence goes on from the name of the document.
        OSError: the connection fails.
    """
    try:
        for _ in range(INTERIM):
            status, fields = await _head(reader)
            if status >= 200:
                return Answer(status, fields, await _body(reader, status, fields, limit))
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
        raise HttpError("was answered by what is cut off or no HTTP") from None
    raise HttpError("was answered by too many interim answers")


async def _line(reader: asyncio.StreamReader) -> bytes:
    line = await reader.readuntil(b"\n")
    if len(line) > LINE_OCTETS:
        raise HttpError("was answered with a line that is too long")
    return line


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    status = _STATUS.match(await _line(reader))
    if status is None:
        raise HttpError("was answered by what is no HTTP")
    fields: dict[str, str] = {}
    for _ in range(FIELDS):
        line = await _line(reader)
        if line in {b"\r\n", b"\n"}:
            return int(status[1]), fields
        field = _FIELD.fullmatch(line)
        if field is None:
            raise HttpError("was answered with a malformed header field")
        name, value = field[1].decode("ascii").lower(), field[2].decode("latin-1")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    raise HttpError("was answered with too many header fields")


async def _body(reader: asyncio.StreamReader, status: int, fields: Mapping[str, str], limit: int) -> bytes:
    """The content, by the rules of RFC 9112 section 6.3."""
    if fields.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise HttpError("was answered in a content encoding that was not asked for")
    if status in {204, 304}:
        return b""
    coding, length = fields.get("transfer-encoding"), fields.get("content-length")
    if coding is not None:
        if coding.strip().lower() != "chunked" or length is not None:
            raise HttpError("was answered in a transfer encoding that is not supported")
        return await _chunks(reader, limit)
    if length is None:
        body = await _up_to(reader, limit + 1)
        if len(body) > limit:
            raise HttpError(f"has more than {limit} octets")
        return body
    if not _SECONDS.match(length):
        raise HttpError("was answered with a length that is no number")
    if int(length) > limit:
        raise HttpError(f"has more than {limit} octets")
    return await reader.readexactly(int(length))


async def _chunks(reader: asyncio.StreamReader, limit: int) -> bytes:
    """A chunked content (RFC 9112 section 7.1); the trailer fields, which are read no more, are left in the stream."""
    body = bytearray()
    while True:  # no chunk but the last is empty
        size = _CHUNK.fullmatch(await _line(reader))
        if size is None:
            raise HttpError("was answered with a malformed chunk")
        length = int(size[1], 16)
        if not length:
            return bytes(body)
        if len(body) + length > limit:
            raise HttpError(f"has more than {limit} octets")
        body += await reader.readexactly(length)
        if await _line(reader) not in {b"\r\n", b"\n"}:
            raise HttpError("was answered with a malformed chunk")


async def _up_to(reader: asyncio.StreamReader, most: int) -> bytes:
    pieces: list[bytes] = []
    while most > 0 and (piece := await reader.read(min(most, 1 << 16))):
        pieces.append(piece)
        most -= len(piece)
    return b"".join(pieces)


def freshness(fields: Mapping[str, str], now: float) -> float | None:
    """For how many seconds an answer says it is fresh (RFC 9111 section 4.2.1); `None` if it does not say.

    Args:
        fields: its header fields.
        now: the time, in seconds since 1970.
    """
    directives = {
        name.strip().lower(): value.strip().strip('"')
        for name, _, value in (one.partition("=") for one in fields.get("cache-control", "").split(","))
    }
    if "no-store" in directives or "no-cache" in directives:
        return 0.0
    age = fields.get("age", "0")
    if _SECONDS.match(directives.get("max-age", "")):
        return max(0.0, float(directives["max-age"]) - (float(age) if _SECONDS.match(age) else 0.0))
    if "expires" in fields:
        try:
            return max(0.0, parsedate_to_datetime(fields["expires"]).timestamp() - now)
        except (ValueError, OverflowError):
            return 0.0
    return None
