"""Content-Transfer-Encodings (RFC 2045 section 6), decoded whatever is in them."""

from __future__ import annotations

import binascii
from collections.abc import Iterator

from mailsec.message.defects import DefectKind

__all__ = [
    "decode_base64",
    "decode_pieces",
    "decode_quoted_printable",
    "decode_transfer",
    "decode_uuencode",
    "transfer_defects",
]

IDENTITY = frozenset({"7bit", "8bit", "binary"})

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_NOT_BASE64 = bytes(octet for octet in range(256) if octet not in _ALPHABET and octet != 0x3D)
_STEP = 1 << 18  # octets that are decoded in one go
_HEX = b"0123456789ABCDEFabcdef"


def decode_base64(octets: bytes) -> bytes:
    """Decodes base64 (RFC 2045 section 6.8): other octets are skipped, the first padding is the end.

    Args:
        octets: base64 with anything in between; an incomplete last group gives what octets it holds.
    """
    try:
        return binascii.a2b_base64(octets)
    except binascii.Error:
        letters = octets.translate(None, _NOT_BASE64).partition(b"=")[0]
        spare = len(letters) % 4
        if spare == 1:  # six bits make no octet
            letters = letters[:-1]
        elif spare:
            letters += b"=" * (4 - spare)
        return binascii.a2b_base64(letters)


def decode_quoted_printable(octets: bytes) -> bytes:
    """Decodes quoted-printable (RFC 2045 section 6.7); an equals sign that starts nothing stays one.

    Args:
        octets: quoted-printable lines. White space at their ends was added in transport and goes.
    """
    if any(end in octets for end in (b" \r\n", b" \n", b"\t\r\n", b"\t\n")) or octets[-1:] in (b" ", b"\t"):
        octets = b"\n".join(_without_padding(line) for line in octets.split(b"\n"))
    # binascii drops all from "=" CR to the next LF, and makes "==" one sign: say what is meant instead
    if b"=\r" in octets:
        octets = octets.replace(b"=\r\n", b"=\n")
        octets = octets.replace(b"=\r", b"=\n" if b"\n" not in octets else b"=3D\r")
    while b"==" in octets:
        octets = octets.replace(b"==", b"=3D=")
    return binascii.a2b_qp(octets)


def _without_padding(line: bytes) -> bytes:
    if line.endswith(b"\r"):
        return line[:-1].rstrip(b" \t") + b"\r"
    return line.rstrip(b" \t")


def decode_uuencode(octets: bytes) -> bytes:
    """Decodes uuencoded lines between `begin` and `end` (x-uuencode); lines that cannot be read are left out.

    Args:
        octets: lines with any ends.
    """
    out = []
    lines = iter(octets.splitlines())
    for line in lines:
        if line.startswith(b"begin "):
            break
    for line in lines:
        if line == b"end":
            break
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            try:
                length = (((line[0] - 32) & 63) * 4 + 5) // 3  # some encoders pad lines with rubbish
                out.append(binascii.a2b_uu(line[:length]))
            except binascii.Error:
                continue
    return b"".join(out)


_DECODERS = {
    "base64": decode_base64,
    "quoted-printable": decode_quoted_printable,
    "x-uuencode": decode_uuencode,
    "x-uue": decode_uuencode,
    "uuencode": decode_uuencode,
}

KNOWN = IDENTITY | _DECODERS.keys()


def decode_transfer(octets: bytes, encoding: str) -> bytes:
    """Decodes a body; one in an unknown encoding stays as it is (RFC 2045 section 6.4).

    Args:
        octets: the body as received.
        encoding: the Content-Transfer-Encoding in lower case.
    """
    decoder = _DECODERS.get(encoding)
    return octets if decoder is None else decoder(octets)


def decode_pieces(octets: memoryview, encoding: str) -> Iterator[bytes | memoryview]:
    """Decodes a body as `decode_transfer` does, in pieces, so that a large one need not be held in memory.

    That is so for base64 as it should be, and for what is not encoded; anything else is one piece.

    Args:
        octets: the body as received.
        encoding: the Content-Transfer-Encoding in lower case.
    """
    if encoding == "base64":
        yield from _base64_pieces(octets)
    elif encoding in IDENTITY or encoding not in _DECODERS:
        yield octets
    else:
        yield decode_transfer(bytes(octets), encoding)


def _base64_pieces(octets: memoryview) -> Iterator[bytes]:
    waiting = b""
    for start in range(0, len(octets), _STEP):
        letters = waiting + bytes(octets[start : start + _STEP]).translate(None, _NOT_BASE64)
        if b"=" in letters:  # mostly the end; what comes after it decides where it is not
            yield decode_base64(letters + bytes(octets[start + _STEP :]))
            return
        whole = len(letters) // 4 * 4
        yield binascii.a2b_base64(letters[:whole])
        waiting = letters[whole:]
    yield decode_base64(waiting)


def transfer_defects(octets: bytes, encoding: str) -> list[tuple[DefectKind, int]]:
    """What is irregular in an encoded body, with the offset in it.

    Args:
        octets: the body as received.
        encoding: the Content-Transfer-Encoding in lower case.
    """
    found: list[tuple[DefectKind, int]] = []
    if encoding == "base64":
        junk = octets.translate(None, _ALPHABET + b"=\r\n\t ")
        if junk:
            found.append((DefectKind.BASE64, octets.find(junk[:1])))
        letters = octets.translate(None, _NOT_BASE64)
        data, _, rest = letters.partition(b"=")
        if rest.strip(b"="):
            found.append((DefectKind.BASE64_AFTER_PADDING, octets.find(b"=")))
        elif len(data) % 4 == 1 or len(letters) % 4:
            found.append((DefectKind.BASE64_LENGTH, max(len(octets) - 1, 0)))
    elif encoding == "quoted-printable":
        at = octets.find(b"=")
        while at >= 0:
            after = octets[at + 1 : at + 3]
            if not (len(after) == 2 and after[0] in _HEX and after[1] in _HEX):
                line, _, _ = octets[at + 1 : at + 1000].partition(b"\n")
                if line.strip(b" \t\r"):
                    found.append((DefectKind.QUOTED_PRINTABLE, at))
                    break
            at = octets.find(b"=", at + 1)
    elif encoding in _DECODERS and not (b"begin " in octets and b"end" in octets):
        found.append((DefectKind.UUENCODE, 0))
    return found
