"""The content that signers sign: in pieces that are at hand, or as a stream that passes by once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, TypeAlias

from mailsec.crypto.cms import encode, oids
from mailsec.crypto.cms.tlv import SEQUENCE, SET, read
from mailsec.crypto.digests import new_digest
from mailsec.errors import CMSError, LimitError, UsageError

Piece: TypeAlias = bytes | memoryview

_ATTRIBUTES_OCTETS = 1 << 16
"""How much of a content is looked into for attributes; signed attributes have some hundred octets."""


class SignedContent(Protocol):
    """What verifying and signing want to know of a content: a `Content` or a `StreamedContent`."""

    @property
    def size(self) -> int:
        """How many octets it has."""
        ...

    def digest(self, name: str) -> bytes:
        """The digest of the content.

        Args:
            name: a name that `mailsec.crypto.new_digest` knows.

        Raises:
            UsageError: there is no such digest, or it was not computed.
        """
        ...

    def octets(self) -> Piece:
        """The content in one piece.

        Raises:
            UsageError: it was not kept.
        """
        ...

    def head(self, count: int) -> bytes:
        """The first octets, as many as `count` where there are so many; at most 16."""
        ...


class Content:
    """A content in pieces, with its digests, each computed once and only when it is asked for.

    Args:
        pieces: the content in order; the buffers are referred to, not copied.
    """

    __slots__ = ("_digests", "pieces", "size")

    def __init__(self, pieces: Iterable[Piece]) -> None:
        self.pieces = tuple(pieces)
        """The content in order."""
        self.size = sum(map(len, self.pieces))
        """How many octets it has."""
        self._digests: dict[str, bytes] = {}

    def digest(self, name: str) -> bytes:
        """The digest of the content.

        Args:
            name: a name that `mailsec.crypto.new_digest` knows.

        Raises:
            UsageError: there is no such digest.
        """
        found = self._digests.get(name)
        if found is None:
            digest = new_digest(name)
            for piece in self.pieces:
                digest.update(piece)
            found = self._digests[name] = digest.digest()
        return found

    def octets(self) -> Piece:
        """The content in one piece; copied only if it is in several."""
        return self.pieces[0] if len(self.pieces) == 1 else b"".join(self.pieces)

    def head(self, count: int) -> bytes:
        """The first octets, as many as `count` where there are so many."""
        found = b""
        for piece in self.pieces:
            found += piece[: count - len(found)]
            if len(found) == count:
                break
        return found


class StreamedContent:
    """A content that passes by once and is not kept: its digests are computed as it passes.

    Signatures without signed attributes by Ed25519, Ed448 and ML-DSA are over the content itself, and cannot be
    verified so. All others can.

    Args:
        digests: which digests to compute: for signing the one of each signer (`content_digest`), for verifying
            those that the SignedData announces or, where it comes after the content, those of `micalg`.

    Raises:
        UsageError: there is no such digest.
    """

    __slots__ = ("_digests", "_head", "size")

    def __init__(self, digests: Iterable[str]) -> None:
        self._digests = {name: new_digest(name) for name in digests}
        self._head = bytearray()
        self.size = 0
        """How many octets have passed."""

    def update(self, piece: Piece) -> None:
        """Takes in the next octets."""
        for digest in self._digests.values():
            digest.update(piece)
        if len(self._head) < _ATTRIBUTES_OCTETS:
            self._head += piece[: _ATTRIBUTES_OCTETS - len(self._head)]
        self.size += len(piece)

    def digest(self, name: str) -> bytes:
        """The digest of what has passed.

        Raises:
            UsageError: this digest was not asked for at the start.
        """
        if name not in self._digests:
            raise UsageError(f"the content was not digested with {name}")
        return self._digests[name].digest()

    def octets(self) -> bytes:
        """The content, if it is short.

        Raises:
            UsageError: it is too long to have been kept.
        """
        if self.size > len(self._head):
            raise UsageError("the content itself was signed, and it was not kept")
        return bytes(self._head)

    def head(self, count: int) -> bytes:
        """The first octets, as many as `count` where there are so many."""
        return bytes(self._head[:count])


def holds_attributes(content: SignedContent) -> bool:
    """Whether the whole content is the DER of signed attributes, as their signature is made over.

    Such a content, signed without signed attributes, says nothing: the signature could have been taken from another
    message, whose signed attributes it is. Of a content that is longer than attributes can be, only the start is
    looked at.
    """
    size, head = content.size, content.head(16)
    headers = ((octets, encode.header(SET, max(size - octets, 0), constructed=True)) for octets in range(2, 11))
    if not any(len(header) == octets and head.startswith(header) for octets, header in headers):
        return False
    if size > _ATTRIBUTES_OCTETS:
        return True
    try:
        types = set()
        for member in read(content.octets()).expect(SET, "attributes").children():
            oid, values = member.expect(SEQUENCE, "an attribute").children()
            values.expect(SET, "values")
            types.add(oid.oid())
    except (CMSError, LimitError, ValueError):
        return False
    return oids.MESSAGE_DIGEST in types


__all__ = ["Content", "Piece", "SignedContent", "StreamedContent", "holds_attributes"]
