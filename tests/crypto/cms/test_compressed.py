"""CompressedData (RFC 3274): made, read, and what is wrong with it."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version

import pytest
from asn1crypto import cms as native
from hypothesis import given
from hypothesis import strategies as st

from mailsec.crypto.cms import LIMITS, compress, decompress, decompress_to, encode, oids
from mailsec.crypto.cms.tlv import context
from mailsec.errors import CMSError, LimitError, UnsupportedError

CONTENT = b"Content-Type: text/plain\r\n\r\nHello, world.\r\n" * 100


def structure(content: bytes, *, algorithm: str = oids.ZLIB) -> bytes:
    """A CompressedData with any octets as its content, which may be in BER."""
    inner = encode.sequence(encode.oid(oids.DATA), encode.constructed(context(0), content))
    outer = encode.sequence(encode.integer(0), encode.sequence(encode.oid(algorithm)), inner)
    return encode.sequence(encode.oid(oids.COMPRESSED_DATA), encode.constructed(context(0), outer))


@given(st.lists(st.binary(max_size=2000), max_size=5))
def test_what_is_compressed_is_decompressed(pieces: list[bytes]) -> None:
    octets = b"".join(compress(pieces))
    assert decompress(octets) == (oids.DATA, b"".join(pieces))
    assert native.ContentInfo.load(octets, strict=True)["content"].decompressed == b"".join(pieces)


def test_another_library_compresses(cell: Callable[..., None]) -> None:
    content = native.EncapsulatedContentInfo({"content_type": "data", "content": zlib.compress(CONTENT)})
    inner = native.CompressedData(
        {"version": 0, "compression_algorithm": {"algorithm": "zlib"}, "encap_content_info": content}
    )
    octets = native.ContentInfo({"content_type": "compressed_data", "content": inner}).dump()
    assert decompress(octets) == (oids.DATA, CONTENT)
    peer = f"asn1crypto {version('asn1crypto')}"
    cell("CompressedData", "zlib", peer, "it compresses, we decompress")
    ours = native.ContentInfo.load(b"".join(compress((CONTENT,))), strict=True)
    assert ours["content"].decompressed == CONTENT
    cell("CompressedData", "zlib", peer, "we compress, it decompresses")


def test_segments() -> None:
    """RFC 5652 section 5.2.1: the content may come in pieces, of which each may be any part of the stream."""
    compressed = zlib.compress(CONTENT)
    segments = b"".join(encode.octet_string(compressed[at : at + 7]) for at in range(0, len(compressed), 7))
    assert decompress(structure(b"\x24\x80" + segments + b"\0\0")) == (oids.DATA, CONTENT)


def test_a_bomb_is_stopped() -> None:
    """Never more than the limit is decompressed, whatever the ratio."""
    bomb = structure(encode.octet_string(zlib.compress(bytes(20_000_000))))
    assert len(bomb) < 30_000
    limits = replace(LIMITS, decompressed=1_000_000)
    taken: list[int] = []
    with pytest.raises(LimitError, match="more than 1000000 octets"):
        decompress_to(bomb, lambda piece: taken.append(len(piece)), limits)
    assert sum(taken) <= 1_000_000
    assert max(taken) <= 262_144
    assert decompress(bomb, replace(LIMITS, decompressed=20_000_000))[1] == bytes(20_000_000)


@pytest.mark.parametrize(
    ("octets", "error", "sentence"),
    [
        pytest.param(structure(encode.octet_string(zlib.compress(CONTENT)[:-5])), CMSError, "cut off", id="cut off"),
        pytest.param(structure(encode.octet_string(b"")), CMSError, "cut off", id="empty"),
        pytest.param(structure(encode.octet_string(b"no zlib")), CMSError, "damaged", id="no zlib"),
        pytest.param(structure(encode.integer(1)), CMSError, "no octet string", id="no octet string"),
        pytest.param(
            structure(encode.octet_string(b""), algorithm="1.2.3"), UnsupportedError, "not known: 1.2.3", id="unknown"
        ),
        pytest.param(b"\x30\x00", CMSError, "lacks", id="nothing"),
    ],
)
def test_what_is_wrong(octets: bytes, error: type[Exception], sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        decompress(octets)
