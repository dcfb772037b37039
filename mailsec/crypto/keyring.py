"""The key ring that holds private keys in memory, and the files that they come in."""

from __future__ import annotations

import hashlib
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn

from mailsec.crypto import der
from mailsec.crypto.certificates import Certificate, load_certificates
from mailsec.crypto.costs import check_costs
from mailsec.crypto.identity import Identity, named
from mailsec.crypto.pem import looks_like_pem, pem_blocks
from mailsec.crypto.private import KeyKind, PrivateKey
from mailsec.errors import CertificateError, KeyFileError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailsec.crypto.keys import PublicKey
    from mailsec.crypto.schemes import SignatureScheme
    from mailsec.crypto.transport import KeyTransport

__all__ = ["MemoryKeyRing", "PrivateIdentity", "load_identities", "load_identity"]

_FILE_OCTETS: Final = 1 << 20
_PFX_VERSION: Final = b"\x02\x01\x03"  # INTEGER 3, with which every PKCS#12 file begins (RFC 7292 section 4)


@dataclass(frozen=True, slots=True)
class PrivateIdentity:
    """A private key with its certificates.

    Attributes:
        key: the private key.
        certificates: the key's own certificate first, then those of its issuers as far as they were there;
            empty if there was none.
    """

    key: PrivateKey
    certificates: tuple[Certificate, ...] = ()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key cannot be pickled or copied")


def load_identity(octets: bytes, password: bytes | None = None) -> PrivateIdentity:
    """Loads the one private key in a file, with its certificates; see `load_identities`.

    Raises:
        KeyFileError: as `load_identities`, and where there is more than one key.
    """
    identities = load_identities(octets, password)
    if len(identities) > 1:
        raise KeyFileError(f"there are {len(identities)} private keys in it where there should be one")
    return identities[0]


def load_identities(octets: bytes, password: bytes | None = None) -> tuple[PrivateIdentity, ...]:
    """Loads private keys with their certificates: PEM text with both, PKCS#12 (RFC 7292), or a bare key in DER.

    Args:
        octets: the file's content.
        password: what the keys or the file are encrypted with, if they are.

    Raises:
        KeyFileError: there is no private key in it, the password is wrong or missing, it is cut off, of an
            unknown kind, or its certificates belong to another key; the sentence says which.
    """
    if not octets:
        raise KeyFileError("the file is empty")
    if len(octets) > _FILE_OCTETS:
        raise KeyFileError(f"the file has {len(octets)} octets, which is more than any with a key in it")
    octets = bytes(octets)
    if looks_like_pem(octets):
        return _load_pem(octets, password)
    _refuse_cut_off(octets)
    if _is_pkcs12(octets):
        return (_load_pkcs12(octets, password),)
    return (PrivateIdentity(PrivateKey.load(octets, password)),)


def _load_pem(octets: bytes, password: bytes | None) -> tuple[PrivateIdentity, ...]:
    keys = PrivateKey.load_all(octets, password)
    certificates: tuple[Certificate, ...] = ()
    if any("CERTIFICATE" in block.label for block in pem_blocks(octets)):
        try:
            certificates = load_certificates(octets)
        except CertificateError as error:
            raise KeyFileError(f"the private key is there, but {error}") from None
    identities = tuple(PrivateIdentity(key, _order(key, certificates)) for key in keys)
    if certificates and not any(identity.certificates for identity in identities):
        raise KeyFileError("none of the certificates in it belongs to the private key in it")
    return identities


def _load_pkcs12(octets: bytes, password: bytes | None) -> PrivateIdentity:
    from cryptography.exceptions import InternalError, UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import Encoding, pkcs12

    check_costs(octets)
    last: tuple[bytes | None, ...] = (None, b"") if password is None else (password,)
    for attempt in last:  # no password and the empty one are encoded differently (RFC 7292 appendix B.1)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about BER and odd certificates, which are judged elsewhere
                bundle = pkcs12.load_pkcs12(octets, attempt)
                der_certificates = [
                    item.certificate.public_bytes(Encoding.DER)
                    for item in (bundle.cert, *bundle.additional_certs)
                    if item is not None
                ]
            break
        except UnsupportedAlgorithm:
            raise KeyFileError("the PKCS#12 file uses an algorithm that is not supported") from None
        except (ValueError, TypeError, InternalError):
            continue
    else:
        if password is None:
            raise KeyFileError("the PKCS#12 file is encrypted and no password was given, or it is damaged")
        raise KeyFileError("the password of the PKCS#12 file is wrong, or the file is damaged")
    if bundle.key is None:
        raise KeyFileError("there is no private key in the PKCS#12 file, only certificates")
    key = PrivateKey(bundle.key)
    try:
        certificates = tuple(Certificate.from_der(octets) for octets in der_certificates)
    except CertificateError as error:
        raise KeyFileError(f"the private key is there, but of its certificates one is damaged: {error}") from None
    ordered = _order(key, certificates)
    if certificates and not ordered:
        raise KeyFileError("none of the certificates in the PKCS#12 file belongs to its private key")
    return PrivateIdentity(key, ordered)


def _is_pkcs12(octets: bytes) -> bool:
    header = octets[:16]
    at = 2 if len(header) < 2 or header[1] <= 0x80 else 2 + (header[1] & 0x7F)
    return header[:1] == b"\x30" and header[at : at + 3] == _PFX_VERSION


def _refuse_cut_off(octets: bytes) -> None:
    """Says that a file is cut off, or no key at all, before any library gives a vaguer answer."""
    if octets[0] != der.SEQUENCE:
        raise KeyFileError("it is no file with a private key: neither PEM nor PKCS#8 nor PKCS#12")
    if octets[1:2] == b"\x80":
        return  # indefinite length: only PKCS#12 files have it
    try:
        der.read(octets, 0, len(octets))
    except der.DERError:
        raise KeyFileError("it is cut off, or no file with a private key: it is shorter than it says") from None


def _order(key: PrivateKey, certificates: Sequence[Certificate]) -> tuple[Certificate, ...]:
    """The key's certificate, then its issuers upwards as far as they are there; empty if the key has none."""
    own = next((item for item in certificates if item.public_key.same_key(key.public_key)), None)
    if own is None:
        return ()
    chain = [own]
    rest = [item for item in certificates if item != own]
    while not chain[-1].is_self_issued:
        issuer = next((item for item in rest if item.subject_key == chain[-1].issuer_key), None)
        if issuer is None:
            break
        rest.remove(issuer)
        chain.append(issuer)
    return tuple(chain)


class MemoryKeyRing:
    """Private keys in memory (implements `mailsec.hooks.KeyRing`).

    No key leaves it: not by its text, not in an error, not by pickling.
    """

    def __init__(self) -> None:
        self._keys: dict[str, PrivateKey] = {}
        self._identities: list[Identity] = []

    def add(self, name: str, key: PrivateKey, certificates: Sequence[Certificate] = ()) -> Identity:
        """Adds a private key under a name.

        Args:
            name: an e-mail address, or `selector._domainkey.domain`.
            key: the key.
            certificates: the key's certificate, then those of its issuers.

        Raises:
            KeyFileError: the first certificate is not that of the key.
        """
        if certificates and not certificates[0].public_key.same_key(key.public_key):
            raise KeyFileError("the certificate does not belong to the private key")
        handle = hashlib.sha256(key.public_key.spki_der()).hexdigest()[:32]
        identity = Identity(name, key.key_type, tuple(certificates), handle)
        self._keys[handle] = key
        if identity not in self._identities:
            self._identities.append(identity)
        return identity

    def add_file(self, octets: bytes, password: bytes | None = None, name: str | None = None) -> tuple[Identity, ...]:
        """Adds what is in a file: PEM with keys and certificates, PKCS#12, or a bare key.

        Args:
            octets: the file's content.
            password: what it is encrypted with, if it is.
            name: the name to add it under; without one, each address in the certificate is one.

        Returns:
            The identities, one for each key and name.

        Raises:
            KeyFileError: it cannot be loaded, or there is no name to be had; the sentence says why.
        """
        added: list[Identity] = []
        for loaded in load_identities(octets, password):
            own = loaded.certificates[0] if loaded.certificates else None
            found = (name,) if name is not None else own.emails if own is not None else ()
            if not found:
                what = "its certificate has no e-mail address" if own is not None else "it comes without a certificate"
                raise KeyFileError(f"the private key cannot be named: {what}")
            added += [self.add(each, loaded.key, loaded.certificates) for each in found]
        return tuple(added)

    def generate(
        self, name: str, key_type: KeyKind = "rsa", bits: int = 2048, certificates: Sequence[Certificate] = ()
    ) -> Identity:
        """Makes a new key and adds it; `bits` counts for RSA only, EC keys are on P-256.

        Raises:
            UsageError: there is no such kind or size of key.
            KeyFileError: certificates were given, which cannot be those of a new key.
        """
        return self.add(name, PrivateKey.generate(key_type, bits=bits), certificates)

    def identities(self, name: str | None = None) -> Sequence[Identity]:
        """The identities under a name (compared without regard to case), or all."""
        return named(tuple(self._identities), name)

    def sign(self, identity: Identity, scheme: SignatureScheme, octets: bytes) -> bytes:
        """Signs octets; the scheme says how they are hashed.

        Raises:
            KeyFileError: the ring does not hold this identity, or its key does not fit the scheme.
        """
        return self._key(identity).sign(octets, scheme)

    def decrypt_key(self, identity: Identity, scheme: KeyTransport, octets: bytes, length: int) -> bytes:
        """Decrypts a key of `length` octets with an RSA key; octets that mean nothing where it is not one.

        Raises:
            KeyFileError: the ring does not hold this identity, or its key is no RSA key that decrypts.
        """
        return self._key(identity).decrypt_key(octets, scheme, length)

    def agree(self, identity: Identity, peer: PublicKey) -> bytes:
        """The shared secret Z of an identity's key and a peer's by ECDH, X25519 or X448.

        Raises:
            KeyFileError: the ring does not hold this identity, or its key is of another kind than the peer's.
        """
        return self._key(identity).agree(peer)

    def decapsulate(self, identity: Identity, octets: bytes) -> bytes:
        """The shared secret in an ML-KEM ciphertext; one that means nothing where it was not made for the key.

        Raises:
            KeyFileError: the ring does not hold this identity, or its key is no ML-KEM key.
        """
        return self._key(identity).decapsulate(octets)

    def public_key(self, identity: Identity) -> PublicKey:
        """The public half of an identity's key.

        Raises:
            KeyFileError: the ring does not hold this identity.
        """
        return self._key(identity).public_key

    def _key(self, identity: Identity) -> PrivateKey:
        try:
            return self._keys[identity.handle]
        except KeyError:
            raise KeyFileError(f"the key ring does not hold the key of {identity.name}") from None

    def __repr__(self) -> str:
        return f"<MemoryKeyRing of {len(self._identities)} identities>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key ring cannot be pickled or copied")
