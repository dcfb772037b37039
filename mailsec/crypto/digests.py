"""Message digests by the names that the rest of mailsec uses."""

from __future__ import annotations

import hashlib
from functools import partial
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
    "shake128": 32,
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


class _Shake:
    """SHAKE128 or SHAKE256 with the octets of output that CMS uses it with (RFC 8702 section 3.1)."""

    __slots__ = ("_size", "_state", "update")

    def __init__(self, name: str) -> None:
        self._state = hashlib.shake_128() if name == "shake128" else hashlib.shake_256()
        self._size = DIGEST_SIZES[name]
        self.update = self._state.update

    def digest(self) -> bytes:
        return self._state.digest(self._size)


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
    "shake128": partial(_Shake, "shake128"),
    "shake256": partial(_Shake, "shake256"),
}


def new_digest(name: str) -> Digest:
    """Starts a digest.

    Args:
        name: one of `DIGEST_SIZES`, such as `"sha256"`. SHAKE128 gives 32 octets, SHAKE256 gives 64
            (RFC 8702 section 3.1).

    Raises:
        UsageError: there is no digest of this name.
    """
    try:
        return _MAKERS[name]()
    except KeyError:
        raise UsageError(f"there is no digest named {name!r}") from None
