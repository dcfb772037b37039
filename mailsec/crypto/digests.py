"""Message digests by the names that the rest of mailsec uses."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final, Protocol

from mailsec.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from typing_extensions import Buffer

__all__ = ["DIGEST_SIZES", "Digest", "new_digest"]

DIGEST_SIZES: Final[Mapping[str, int]] = {
    "md5": 16,
    "sha1": 20,
    "sha224": 28,
    "sha256": 32,
    "sha384": 48,
    "sha512": 64,
    "sha3-256": 32,
    "sha3-384": 48,
    "sha3-512": 64,
    "shake256": 64,
}
"""The digests that can be computed and their sizes in octets. Being here says nothing about being safe."""


class Digest(Protocol):
    """A digest that is being computed, as `hashlib` has it."""

    def update(self, data: Buffer, /) -> None:
        """Takes in more octets."""
        ...

    def digest(self) -> bytes:
        """The digest of what was taken in so far."""
        ...


class _Shake256:
    """SHAKE256 with the 64 octets of output that CMS uses it with (RFC 8419 section 3.1)."""

    __slots__ = ("_state", "update")

    def __init__(self) -> None:
        self._state = hashlib.shake_256()
        self.update = self._state.update

    def digest(self) -> bytes:
        return self._state.digest(64)


def _md5() -> Digest:
    return hashlib.md5(usedforsecurity=False)


def _sha1() -> Digest:
    return hashlib.sha1(usedforsecurity=False)


_MAKERS: Final[Mapping[str, Callable[[], Digest]]] = {
    "md5": _md5,
    "sha1": _sha1,
    "sha224": hashlib.sha224,
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
    "sha3-256": hashlib.sha3_256,
    "sha3-384": hashlib.sha3_384,
    "sha3-512": hashlib.sha3_512,
    "shake256": _Shake256,
}


def new_digest(name: str) -> Digest:
    """Starts a digest.

    Args:
        name: one of `DIGEST_SIZES`, such as `"sha256"`. SHAKE256 gives 64 octets (RFC 8419 section 3.1).

    Raises:
        UsageError: there is no digest of this name.
    """
    try:
        return _MAKERS[name]()
    except KeyError:
        raise UsageError(f"there is no digest named {name!r}") from None
