"""The key ring over the key store."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import NoReturn

from mailsec.crypto import Identity, KeyTransport, MemoryKeyRing, PublicKey, SignatureScheme
from mailsec.crypto.identity import named
from mailsec.errors import LockedError
from mailsec.store.keys.keystore import FileKeyStore

__all__ = ["StoredKeyRing"]


class StoredKeyRing:
    """The private keys of the key store (implements `mailsec.hooks.KeyRing`).

    Which there are is known without the password; it is asked for when the first key is used.

    Args:
        store: the key store.
    """

    def __init__(self, store: FileKeyStore) -> None:
        self._store = store
        self._open: dict[str, MemoryKeyRing] = {}
        self._stamp: object = None
        self._identities: tuple[Identity, ...] = ()
        self._lock = threading.RLock()

    def identities(self, name: str | None = None) -> Sequence[Identity]:
        """The identities under a name (compared without regard to case), or all."""
        with self._lock:
            stamp = self._store.stamp()
            if stamp != self._stamp:
                self._identities = tuple(
                    Identity(address, key.key_type, key.certificates, key.handle)
                    for key in self._store.own_keys()
                    for address in key.addresses
                )
                self._stamp = stamp
            found = self._identities
        return named(found, name)

    def sign(self, identity: Identity, scheme: SignatureScheme, octets: bytes) -> bytes:
        """Signs octets; the scheme says how they are hashed.

        Raises:
            KeyFileError: the store does not hold this identity, the password is wrong, or the key does not fit.
            UsageError: the password cannot be had.
        """
        return self._unlocked(identity).sign(identity, scheme, octets)

    def decrypt_key(self, identity: Identity, scheme: KeyTransport, octets: bytes, length: int) -> bytes:
        """Decrypts a key of `length` octets with an RSA key; octets that mean nothing where it is not one.

        Raises:
            KeyFileError: as `sign`; never for what was encrypted.
            UsageError: the password cannot be had.
        """
        return self._unlocked(identity).decrypt_key(identity, scheme, octets, length)

    def agree(self, identity: Identity, peer: PublicKey) -> bytes:
        """The shared secret of an identity's key and a peer's by ECDH, X25519 or X448.

        Raises:
            KeyFileError: as `sign`.
            UsageError: the password cannot be had.
        """
        return self._unlocked(identity).agree(identity, peer)

    def decapsulate(self, identity: Identity, octets: bytes) -> bytes:
        """The shared secret in an ML-KEM ciphertext.

        Raises:
            KeyFileError: as `sign`.
            UsageError: the password cannot be had.
        """
        return self._unlocked(identity).decapsulate(identity, octets)

    def _unlocked(self, identity: Identity) -> MemoryKeyRing:
        """The key of an identity in memory."""
        with self._lock:
            ring = self._open.get(identity.handle)
            if ring is None:
                try:
                    loaded = self._store.private_key(identity.handle)
                except LockedError as error:
                    error.key = identity.name
                    raise
                ring = MemoryKeyRing()
                ring.add(identity.name, loaded.key, loaded.certificates)
                self._open[identity.handle] = ring
            return ring

    def __repr__(self) -> str:
        return f"<StoredKeyRing of {self._store.path}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key ring cannot be pickled or copied")
