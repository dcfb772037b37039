"""Body hashes: each distinct combination of canonicalization, digest and l= is computed once (RFC 6376 section 3.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from mailsec.crypto import new_digest
from mailsec_dkim.behind import BehindDigest, pays
from mailsec_dkim.body import BodyCanonicalizer

if TYPE_CHECKING:
    from mailsec.crypto import Digest

__all__ = ["BLOCK", "LONG", "BodyHash", "BodyHasher"]

BLOCK: Final = 1 << 17
"""Octets that are worked on at a time: as many as stay in the processor's cache."""

LONG: Final = 4
"""Blocks after which a body counts as long: then it pays to hash it in a thread of its own."""


class BodyHash(NamedTuple):
    """What came out for one combination.

    Attributes:
        digest: the digest of the canonical body, up to the length.
        total: how many canonical octets the body has.
        covered: how many octets of the body as received the digest covers.
    """

    digest: bytes
    total: int
    covered: int


class _Limited:
    """A digest that takes only so many octets."""

    __slots__ = ("_digest", "_left")

    def __init__(self, digest: Digest, left: int) -> None:
        self._digest = digest
        self._left = left

    def update(self, octets: bytes) -> None:
        if self._left:
            octets = octets[: self._left]
            self._left -= len(octets)
            self._digest.update(octets)


class BodyHasher:
    """Hashes one body in all the ways that are asked for, as it arrives.

    The body is cut at fixed offsets however it is fed, so that nothing depends on how it arrives.
    """

    __slots__ = ("_blocks", "_digests", "_forms", "_part", "_received")

    def __init__(self) -> None:
        self._blocks = 0
        self._digests: dict[tuple[str, str, int | None], Digest | BehindDigest] = {}
        self._forms: dict[str, BodyCanonicalizer] = {}
        self._part = bytearray()
        self._received = 0

    def want(self, canonicalization: str, digest: str, length: int | None = None) -> None:
        """Asks for a hash, before the first octet.

        Args:
            canonicalization: `"simple"` or `"relaxed"`.
            digest: such as `"sha256"`.
            length: canonical octets to hash at most (l=); all if `None`.
        """
        key = canonicalization, digest, length
        if key in self._digests:
            return
        self._digests[key] = state = new_digest(digest)
        form = self._forms.get(canonicalization)
        if form is None:
            form = self._forms[canonicalization] = BodyCanonicalizer(canonicalization)
        if length is None:
            form.sinks.append(state.update)
        else:
            form.sinks.append(_Limited(state, length).update)
            form.mark(length)

    def feed(self, octets: memoryview) -> None:
        """Takes the next octets of the body as received."""
        if not self._forms:
            return
        start, end = 0, len(octets)
        self._received += end
        if self._part:
            start = min(BLOCK - len(self._part), end)
            self._part += octets[:start]
            if len(self._part) < BLOCK:
                return
            self._work(bytes(self._part))
            self._part.clear()
        while end - start >= BLOCK:
            self._work(bytes(octets[start : start + BLOCK]))
            start += BLOCK
        if start < end:
            self._part += octets[start:]

    def finish(self) -> None:
        """Takes note that the body has ended."""
        self._work(bytes(self._part))
        for form in self._forms.values():
            form.finish()

    def _work(self, block: bytes) -> None:
        self._blocks += 1
        if self._blocks == LONG and 0x20 in block and pays():
            self._hash_behind()
        for form in self._forms.values():
            form.feed(block)

    def _hash_behind(self) -> None:
        """Moves the hashing of long text into a thread; without spaces it is hashed as fast as it is handed over."""
        form = self._forms.get("relaxed")
        for key, digest in self._digests.items():
            canonicalization, _, length = key
            if form is not None and canonicalization == "relaxed" and length is None:
                assert not isinstance(digest, BehindDigest)  # this happens once
                form.sinks.remove(digest.update)
                self._digests[key] = behind = BehindDigest(digest)
                form.sinks.append(behind.update)

    def result(self, canonicalization: str, digest: str, length: int | None = None) -> BodyHash:
        """Gives a hash that was asked for, after `finish`."""
        form = self._forms[canonicalization]
        covered = self._received
        if length is not None and length < form.total:
            mark = form.marks[length]
            covered = self._received if mark is None else mark
        return BodyHash(self._digests[canonicalization, digest, length].digest(), form.total, covered)
