"""CompressedData (RFC 3274), with zlib: made, and read within a limit on what comes out."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from mailsec.crypto.cms import encode, oids
from mailsec.crypto.cms.ciphers import PIECE, Write
from mailsec.crypto.cms.limits import LIMITS, CMSLimits
from mailsec.crypto.cms.members import Members
from mailsec.crypto.cms.signed import AlgorithmIdentifier, ContentInfo, parse_content_info
from mailsec.crypto.cms.tlv import OCTET_STRING, SEQUENCE, context
from mailsec.errors import CMSError, LimitError, UnsupportedError

if TYPE_CHECKING:
    from typing_extensions import Buffer

_LEVEL: Final = 6


def compress(content: Iterable[Buffer], *, content_type: str = oids.DATA) -> Iterator[bytes]:
    """Makes a CompressedData in DER. What is compressed is kept until its length is known.

    Args:
        content: the content in pieces.
        content_type: its type, dotted.

    Returns:
        A ContentInfo, in pieces.
    """
    compressor = zlib.compressobj(_LEVEL)
    pieces = [compressor.compress(piece) for piece in content]
    pieces.append(compressor.flush())
    size = sum(map(len, pieces))
    head = encode.header(OCTET_STRING, size)
    head = encode.header(context(0), len(head) + size, constructed=True) + head
    head = encode.oid(content_type) + head
    head = encode.header(SEQUENCE, len(head) + size, constructed=True) + head
    head = encode.integer(0) + encode.sequence(encode.oid(oids.ZLIB)) + head
    head = encode.header(SEQUENCE, len(head) + size, constructed=True) + head
    head = encode.header(context(0), len(head) + size, constructed=True) + head
    head = encode.oid(oids.COMPRESSED_DATA) + head
    yield encode.header(SEQUENCE, len(head) + size, constructed=True) + head
    yield from pieces


def decompress(octets: Buffer | ContentInfo, limits: CMSLimits = LIMITS) -> tuple[str, bytes]:
    """Reads a CompressedData, in BER or DER, and decompresses its content.

    Args:
        octets: a ContentInfo that holds it, read or not.
        limits: the limits to keep, `decompressed` among them.

    Returns:
        The type of the content, dotted, and the content.

    Raises:
        CMSError: the octets are none, or what is compressed is damaged.
        UnsupportedError: it is compressed by another algorithm than zlib's.
        LimitError: they go over a limit.
    """
    pieces: list[bytes] = []
    content_type = decompress_to(octets, lambda piece: pieces.append(bytes(piece)), limits)
    return content_type, b"".join(pieces)


def decompress_to(octets: Buffer | ContentInfo, write: Write, limits: CMSLimits = LIMITS) -> str:
    """The same in pieces; should it fail, throw away what was written.

    Args:
        octets: a ContentInfo that holds it, read or not; a mapped file too.
        write: takes the pieces in order; each is valid only until it returns.
        limits: the limits to keep.

    Raises:
        CMSError: the octets are none, or what is compressed is damaged.
        UnsupportedError: it is compressed by another algorithm than zlib's.
        LimitError: they go over a limit.
    """
    content_type, segments = _read(octets, limits)
    decompressor = zlib.decompressobj()
    left = limits.decompressed
    try:
        for segment in segments:
            for start in range(0, len(segment), PIECE):
                waiting: Buffer = segment[start : start + PIECE]
                while waiting:
                    found = decompressor.decompress(waiting, PIECE)
                    waiting = decompressor.unconsumed_tail
                    left -= len(found)
                    if left < 0:
                        raise LimitError(f"the compressed content has more than {limits.decompressed} octets")
                    if found:
                        write(memoryview(found))
                    if decompressor.eof:
                        waiting = b""
    except zlib.error:
        raise CMSError("the compressed content is damaged") from None
    if not decompressor.eof:
        raise CMSError("the compressed content is cut off")
    return content_type


def _read(octets: Buffer | ContentInfo, limits: CMSLimits) -> tuple[str, list[memoryview]]:
    info = octets if isinstance(octets, ContentInfo) else parse_content_info(memoryview(octets), limits)
    if info.content_type != oids.COMPRESSED_DATA:
        raise CMSError(f"the structure is {info.type_name} and not compressed-data")
    members = Members(info.content.expect(SEQUENCE, "the compressed-data"), "the compressed-data")
    members.next("its version").integer("the version of the compressed-data")
    algorithm = AlgorithmIdentifier.of(members.next("its algorithm"))
    inner = Members(members.next("its content").expect(SEQUENCE, "the content"), "the content")
    members.end()
    content_type = inner.next("its type").oid("the type of the content")
    wrapped = inner.optional(context(0))
    inner.end()
    if algorithm.oid != oids.ZLIB:
        raise UnsupportedError(f"the content is compressed by an algorithm that is not known: {algorithm.oid}")
    if wrapped is None:
        raise UnsupportedError("the compressed content is not in the structure")
    held = Members(wrapped, "the content")
    content = held.next("anything")
    held.end()
    if content.tag != OCTET_STRING:
        raise CMSError("the content is no octet string")
    return content_type, content.segments()


__all__ = ["compress", "decompress", "decompress_to"]
