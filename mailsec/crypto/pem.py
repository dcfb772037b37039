"""The textual encodings of keys and certificates (RFC 7468); other text between the blocks is passed over."""

from __future__ import annotations

import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["PEMBlock", "encode_pem", "looks_like_pem", "pem_blocks"]

_BEGIN: Final = re.compile(rb"-----BEGIN ([A-Z0-9][A-Z0-9 #]{0,63})-----")


@dataclass(frozen=True, slots=True, repr=False)
class PEMBlock:
    """One block.

    Attributes:
        label: what it says it is, such as `"CERTIFICATE"`.
        der: the decoded octets; `None` if the block is cut off, no base64, or encrypted in the old way.
        encoded: the whole block as it stands.
        complete: whether its END line is there.
    """

    label: str
    der: bytes | None
    encoded: bytes
    complete: bool = True


def looks_like_pem(octets: bytes) -> bool:
    """Whether there is the beginning of a block anywhere."""
    return b"-----BEGIN " in octets


def pem_blocks(octets: bytes) -> Iterator[PEMBlock]:
    """Goes through the blocks in a text, in the order they stand."""
    at = 0
    while match := _BEGIN.search(octets, at):
        label = match[1]
        end_line = b"-----END " + label + b"-----"
        end = octets.find(end_line, match.end())
        if end < 0:
            yield PEMBlock(label.decode("ascii"), None, octets[match.start() :], complete=False)
            at = match.end()
            continue
        at = end + len(end_line)
        body = octets[match.end() : end]
        decoded: bytes | None = None
        if b":" not in body:  # header lines (RFC 1421) belong to encrypted keys of the old form
            try:
                decoded = binascii.a2b_base64(b"".join(body.split()), strict_mode=True)
            except binascii.Error:
                decoded = None
        yield PEMBlock(label.decode("ascii"), decoded, octets[match.start() : at] + b"\n")


def encode_pem(label: str, octets: bytes) -> bytes:
    """Writes one block.

    Args:
        label: such as `"CERTIFICATE"`.
        octets: what it holds, in DER.
    """
    lines = [binascii.b2a_base64(octets[at : at + 48]) for at in range(0, len(octets), 48)]
    name = label.encode("ascii")
    return b"-----BEGIN " + name + b"-----\n" + b"".join(lines) + b"-----END " + name + b"-----\n"
