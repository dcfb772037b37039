"""Several key rings as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NoReturn

from mailsec.errors import KeyFileError
from mailsec.hooks.types import Identity, KeyRing

if TYPE_CHECKING:
    from mailsec.crypto import SignatureScheme

__all__ = ["JoinedKeyRing"]


class JoinedKeyRing:
    """Several key rings as one (implements `mailsec.hooks.KeyRing`); of two with the same key the first is used.

    Args:
        rings: the rings, the one to prefer first.
    """

    def __init__(self, rings: Iterable[KeyRing]) -> None:
        self._rings = tuple(rings)

    def identities(self, name: str | None = None) -> Sequence[Identity]:
        """The identities under a name (compared without regard to case), or all."""
        found: dict[tuple[str, str], Identity] = {}
        for ring in self._rings:
            for identity in ring.identities(name):
                found.setdefault((identity.handle, identity.name), identity)
        return tuple(found.values())

    def sign(self, identity: Identity, scheme: SignatureScheme, octets: bytes) -> bytes:
        """Signs octets by the ring that holds the identity.

        Raises:
            KeyFileError: none does, or its key does not fit the scheme.
        """
        return self._ring(identity).sign(identity, scheme, octets)

    def _ring(self, identity: Identity) -> KeyRing:
        for ring in self._rings:
            if any(one.handle == identity.handle for one in ring.identities()):
                return ring
        raise KeyFileError(f"no key ring holds the key of {identity.name}")

    def __repr__(self) -> str:
        return f"<JoinedKeyRing of {len(self._rings)}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key ring cannot be pickled or copied")
