"""Several key rings as one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NoReturn

from mailsec.errors import KeyFileError
from mailsec.hooks.types import Identity, KeyRing

if TYPE_CHECKING:
    from mailsec.crypto import KeyTransport, PublicKey, SignatureScheme

__all__ = ["JoinedKeyRing"]


class JoinedKeyRing:
    """Several key rings as one (implements `mailsec.hooks.KeyRing`); of two with the same key the first is used.

    Args:
        rings: the rings, the one to prefer first; each itself, or what gives it, which may be none for now.
    """

    def __init__(self, rings: Iterable[KeyRing | Callable[[], KeyRing | None]]) -> None:
        self._sources = tuple(rings)

    def identities(self, name: str | None = None) -> Sequence[Identity]:
        """The identities under a name (compared without regard to case), or all."""
        found: dict[tuple[str, str], Identity] = {}
        for ring in self._rings():
            for identity in ring.identities(name):
                found.setdefault((identity.handle, identity.name), identity)
        return tuple(found.values())

    def sign(self, identity: Identity, scheme: SignatureScheme, octets: bytes) -> bytes:
        """Signs octets by the ring that holds the identity.

        Raises:
            KeyFileError: none does, or its key does not fit the scheme.
        """
        return self._ring(identity).sign(identity, scheme, octets)

    def decrypt_key(self, identity: Identity, scheme: KeyTransport, octets: bytes, length: int) -> bytes:
        """Decrypts a key of `length` octets; random octets where it is not one.

        Raises:
            KeyFileError: no ring holds the identity, or its key is no RSA key that decrypts.
        """
        return self._ring(identity).decrypt_key(identity, scheme, octets, length)

    def agree(self, identity: Identity, peer: PublicKey) -> bytes:
        """The shared secret of an identity's key and a peer's.

        Raises:
            KeyFileError: no ring holds the identity, or its key is of another kind than the peer's.
        """
        return self._ring(identity).agree(identity, peer)

    def decapsulate(self, identity: Identity, octets: bytes) -> bytes:
        """The shared secret in an ML-KEM ciphertext.

        Raises:
            KeyFileError: no ring holds the identity, or its key is no ML-KEM key.
        """
        return self._ring(identity).decapsulate(identity, octets)

    def _rings(self) -> Iterator[KeyRing]:
        for source in self._sources:
            ring = source() if callable(source) else source
            if ring is not None:
                yield ring

    def _ring(self, identity: Identity) -> KeyRing:
        for ring in self._rings():
            if any(one.handle == identity.handle for one in ring.identities()):
                return ring
        raise KeyFileError(f"no key ring holds the key of {identity.name}")

    def __repr__(self) -> str:
        return f"<JoinedKeyRing of {len(self._sources)}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key ring cannot be pickled or copied")
