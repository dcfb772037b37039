"""Public keys, verifying signatures with them, and encrypting keys to them.

Loading a key and verifying with it cost hardly more than the same in `cryptography`. A `PublicKey` does not
change and can be kept and shared between threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import (
    dsa,
    ec,
    ed448,
    ed25519,
    mlkem,
    padding,
    rsa,
    utils,
    x448,
    x25519,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from mailsec.crypto import der
from mailsec.crypto.digests import DIGEST_SIZES
from mailsec.crypto.pem import pem_blocks
from mailsec.crypto.schemes import RSASSA_PSS_OID, SignatureScheme, pss_scheme
from mailsec.errors import KeyFileError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from typing_extensions import Buffer

    from mailsec.crypto.transport import KeyTransport

__all__ = ["CURVES", "PublicKey"]

_KEY_OCTETS: Final = 16_384  # what a key may measure in DER: far above any that is of use
_RSA_BITS: Final = 16_384  # verifying with more takes too long; the algorithm policy is stricter
_RSA_EXPONENT_BITS: Final = 64  # the limit that OpenSSL sets for long keys, and far above 65537

CURVES: Final[Mapping[str, str]] = {
    "secp192r1": "P-192",
    "secp224r1": "P-224",
    "secp256r1": "P-256",
    "secp384r1": "P-384",
    "secp521r1": "P-521",
    "secp256k1": "secp256k1",
    "brainpoolP256r1": "brainpoolP256r1",
    "brainpoolP384r1": "brainpoolP384r1",
    "brainpoolP512r1": "brainpoolP512r1",
}
"""The curves that can be used, by the names of SEC 2 and RFC 5639, and what mailsec calls them."""

_HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {
    "md5": hashes.MD5(),  # noqa: S303 - old signatures are judged by the algorithm policy
    "sha1": hashes.SHA1(),  # noqa: S303
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha3-256": hashes.SHA3_256(),
    "sha3-384": hashes.SHA3_384(),
    "sha3-512": hashes.SHA3_512(),
}
_PREHASHED: Final[Mapping[str, utils.Prehashed]] = {name: utils.Prehashed(hash_) for name, hash_ in _HASHES.items()}
_ECDSA: Final[Mapping[str, ec.ECDSA]] = {name: ec.ECDSA(hash_) for name, hash_ in _HASHES.items()}
_ECDSA_PREHASHED: Final[Mapping[str, ec.ECDSA]] = {name: ec.ECDSA(hash_) for name, hash_ in _PREHASHED.items()}
_PKCS1: Final = padding.PKCS1v15()


class PublicKey:
    """A public key.

    Keys that are too weak to be trusted can be loaded all the same, so that the algorithm policy can say so.

    Attributes:
        key_type: `"rsa"`, `"rsa-pss"` (an RSA key that may be used for RSASSA-PSS only, RFC 4055 section 1.2),
            `"ec"`, `"dsa"`, `"ed25519"`, `"ed448"`, `"x25519"`, `"x448"`, `"ml-kem-768"`, `"ml-kem-1024"`, or
            `"unknown"`.
        bits: the size of the modulus, of the curve's field, or of an Edwards or Montgomery key in bits; for ML-KEM
            the number in its name.
        curve: for `"ec"` the curve (see `CURVES`), else `None`.
        trouble: why the key cannot be used, as part of a sentence; empty if it can. Only a key that comes out
            of a certificate can have any (see `unusable`): loading one by itself raises instead.
    """

    __slots__ = ("_key", "_pss", "_spki", "bits", "curve", "key_type", "trouble")

    key_type: str
    bits: int
    curve: str | None
    trouble: str

    def __init__(
        self,
        key: Any,
        *,
        spki: bytes = b"",
        pss: SignatureScheme | None = None,
        pss_only: bool = False,
        trouble: str = "",
    ) -> None:
        self._key = key
        self._spki = spki
        self._pss = pss
        self.curve = None
        self.trouble = trouble
        if key is None:
            self.key_type, self.bits = "unknown", 0
            return
        if isinstance(key, rsa.RSAPublicKey):
            self.key_type = "rsa-pss" if pss_only else "rsa"
            self.bits = key.key_size
            if self.bits > _RSA_BITS:
                raise KeyFileError(f"the RSA key has {self.bits} bits, and more than {_RSA_BITS} are not taken")
            exponent = key.public_numbers().e
            if exponent.bit_length() > _RSA_EXPONENT_BITS:
                raise KeyFileError(f"the exponent of the RSA key has more than {_RSA_EXPONENT_BITS} bits")
        elif isinstance(key, ed25519.Ed25519PublicKey):
            self.key_type, self.bits = "ed25519", 256
        elif isinstance(key, ec.EllipticCurvePublicKey):
            self.key_type, self.bits = "ec", key.curve.key_size
            self.curve = CURVES.get(key.curve.name)
            if self.curve is None:
                raise KeyFileError(f"the key is on the curve {key.curve.name}, which is not supported")
        elif isinstance(key, dsa.DSAPublicKey):
            self.key_type, self.bits = "dsa", key.key_size
        elif isinstance(key, ed448.Ed448PublicKey):
            self.key_type, self.bits = "ed448", 456
        elif isinstance(key, x25519.X25519PublicKey):
            self.key_type, self.bits = "x25519", 256
        elif isinstance(key, x448.X448PublicKey):
            self.key_type, self.bits = "x448", 448
        elif isinstance(key, mlkem.MLKEM768PublicKey):
            self.key_type, self.bits = "ml-kem-768", 768
        elif isinstance(key, mlkem.MLKEM1024PublicKey):
            self.key_type, self.bits = "ml-kem-1024", 1024
        else:
            raise KeyFileError("the key is of a kind that is not supported")

    # -- loading ---------------------------------------------------------------------------------------------

    @classmethod
    def from_spki_der(cls, octets: bytes) -> PublicKey:
        """Loads a SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).

        Args:
            octets: its DER, nothing after it.

        Raises:
            KeyFileError: it is none, of an unknown kind, or over a limit; the sentence says which.
        """
        octets = bytes(octets)
        if len(octets) > _KEY_OCTETS:
            raise KeyFileError(f"the key has {len(octets)} octets, which is more than any that is of use")
        pss, pss_only = None, False
        try:
            start, stop = der.expect(octets, 0, len(octets), der.SEQUENCE)
            if stop != len(octets):
                raise KeyFileError("there is something after the end of the key")
            if octets[start] == der.INTEGER:
                raise KeyFileError("it is a bare RSAPublicKey and no SubjectPublicKeyInfo")
            inner, end = der.expect(octets, start, stop, der.SEQUENCE)
            name, at = der.expect(octets, inner, end, der.OID)
            if octets[name:at] == _PSS_OCTETS:
                pss_only = True
                if at < end:
                    pss = pss_scheme(octets[at:end])
        except (der.DERError, IndexError) as error:
            raise KeyFileError(f"it is no public key in DER: {error or 'it ends too early'}") from None
        try:
            key = load_der_public_key(octets)
        except UnsupportedAlgorithm as error:
            raise KeyFileError(f"the key is of a kind that is not supported: {_first_sentence(error)}") from None
        except ValueError as error:
            raise KeyFileError(f"the public key is malformed: {_first_sentence(error)}") from None
        return cls(key, spki=octets, pss=pss, pss_only=pss_only)

    @classmethod
    def from_pem(cls, octets: bytes) -> PublicKey:
        """Loads the first `PUBLIC KEY` or `RSA PUBLIC KEY` block (RFC 7468 section 13).

        Raises:
            KeyFileError: there is none, or it cannot be used; the sentence says why.
        """
        for block in pem_blocks(octets):
            if block.label not in {"PUBLIC KEY", "RSA PUBLIC KEY"}:
                continue
            if block.der is None:
                raise KeyFileError("the PEM block is cut off" if not block.complete else "the PEM block is not base64")
            if block.label == "PUBLIC KEY":
                return cls.from_spki_der(block.der)
            return cls.rsa_from_pkcs1_der(block.der)
        raise KeyFileError("there is no PEM block with a public key in it")

    @classmethod
    def rsa_from_pkcs1_der(cls, octets: bytes) -> PublicKey:
        """Loads an RSAPublicKey (RFC 8017 appendix A.1.1), as RFC 6376 section 3.6.1 has it in DNS.

        Raises:
            KeyFileError: it is none, or over a limit; the sentence says which.
        """
        octets = bytes(octets)
        if len(octets) > _KEY_OCTETS:
            raise KeyFileError(f"the key has {len(octets)} octets, which is more than any that is of use")
        try:
            start, stop = der.expect(octets, 0, len(octets), der.SEQUENCE)
            if stop != len(octets):
                raise KeyFileError("there is something after the end of the key")
            modulus, at = der.expect(octets, start, stop, der.INTEGER)
            exponent, end = der.expect(octets, at, stop, der.INTEGER)
            n, e = der.integer(octets, modulus, at), der.integer(octets, exponent, end)
            if end != stop:
                raise KeyFileError("there is something after the exponent of the RSA key")
        except der.DERError as error:
            raise KeyFileError(f"it is no RSA key in DER: {error}") from None
        try:
            return cls(rsa.RSAPublicNumbers(e, n).public_key())
        except ValueError as error:
            raise KeyFileError(f"the RSA key is malformed: {_first_sentence(error)}") from None

    @classmethod
    def ed25519_from_raw(cls, octets: bytes) -> PublicKey:
        """Loads the 32 octets of an Ed25519 key, as RFC 8463 section 4 has it in DNS.

        Raises:
            KeyFileError: it does not have 32 octets.
        """
        if len(octets) != 32:
            raise KeyFileError(f"an Ed25519 key has 32 octets, this one {len(octets)}")
        try:
            return cls(ed25519.Ed25519PublicKey.from_public_bytes(bytes(octets)))
        except ValueError as error:
            raise KeyFileError(f"the Ed25519 key is malformed: {_first_sentence(error)}") from None

    @classmethod
    def unusable(cls, spki: bytes, trouble: str) -> PublicKey:
        """A key that is there and cannot be used, such as one of an unknown kind in a certificate.

        Args:
            spki: its SubjectPublicKeyInfo, as found.
            trouble: why it cannot be used, as part of a sentence.
        """
        return cls(None, spki=spki, trouble=trouble)

    # -- use -------------------------------------------------------------------------------------------------

    def spki_der(self) -> bytes:
        """The key as SubjectPublicKeyInfo in DER (RFC 5280 section 4.1.2.7)."""
        if not self._spki:
            self._spki = self._key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return self._spki

    def fits(self, scheme: SignatureScheme) -> bool:
        """Whether a signature of this scheme can be one by this key at all."""
        if scheme.key_type == "rsa-pss":
            return self.key_type == "rsa" or (self.key_type == "rsa-pss" and self._pss_allows(scheme))
        return scheme.key_type == self.key_type

    def verify(self, signature: bytes, octets: Buffer, scheme: SignatureScheme) -> bool:
        """Whether a signature over octets is one by this key.

        Args:
            signature: the signature; ECDSA and DSA in the DER of RFC 3279 section 2.2.
            octets: what was signed; any buffer. In DKIM's Ed25519 it is the digest (RFC 8463 section 3).
            scheme: how it was signed.

        Returns:
            Whether it is right. False too when the key does not fit the scheme, and for malformed signatures.
        """
        digest = scheme.digest
        if digest is not None:
            return self._verify(signature, octets, scheme, _HASHES[digest])
        if scheme.key_type != self.key_type or self._key is None:
            return False
        try:
            self._key.verify(signature, octets)
        except (InvalidSignature, ValueError):
            return False
        return True

    def verify_digest(self, signature: bytes, digest: bytes, scheme: SignatureScheme) -> bool:
        """Whether a signature over octets of this digest is one by this key (RSA, ECDSA and DSA).

        Args:
            signature: the signature; ECDSA and DSA in the DER of RFC 3279 section 2.2.
            digest: the digest of what was signed, by the scheme's digest.
            scheme: how it was signed.

        Returns:
            Whether it is right. False too when the key does not fit the scheme, and for malformed signatures.

        Raises:
            UsageError: the digest is not of its size, or the scheme is Ed25519 or Ed448, which sign octets.
        """
        name = scheme.digest
        if name is None:
            raise UsageError(f"{scheme} signs the octets themselves and no digest of them")
        if len(digest) != DIGEST_SIZES[name]:
            raise UsageError(f"a digest by {name} has {DIGEST_SIZES[name]} octets, this one {len(digest)}")
        return self._verify(signature, digest, scheme, _PREHASHED[name])

    def _verify(
        self, signature: bytes, octets: Buffer, scheme: SignatureScheme, hash_: hashes.HashAlgorithm | utils.Prehashed
    ) -> bool:
        """Verifies with a scheme that has a digest."""
        kind, key = scheme.key_type, self._key
        if (kind != self.key_type or self._pss is not None) and not self.fits(scheme):
            return False
        digest = scheme.digest
        assert digest is not None
        try:
            if kind == "rsa":
                key.verify(signature, octets, _PKCS1, hash_)
            elif kind == "ec":
                key.verify(signature, octets, (_ECDSA if hash_ is _HASHES[digest] else _ECDSA_PREHASHED)[digest])
            elif kind == "rsa-pss":
                key.verify(signature, octets, pss_padding(scheme, padding.PSS.AUTO), hash_)
            else:
                key.verify(signature, octets, hash_)
        except (InvalidSignature, ValueError):
            return False
        return True

    def _pss_allows(self, scheme: SignatureScheme) -> bool:
        """Whether the parameters in an RSASSA-PSS key allow the scheme (RFC 4055 section 3.3)."""
        own = self._pss
        if own is None:
            return True
        return (
            own.digest == scheme.digest
            and (own.mgf_digest or own.digest) == (scheme.mgf_digest or scheme.digest)
            and (scheme.salt_length is None or scheme.salt_length >= (own.salt_length or 0))
        )

    def encrypt_key(self, key: bytes, scheme: KeyTransport) -> bytes:
        """Encrypts a key for the holder of this RSA key (RFC 8017 section 7).

        Raises:
            KeyFileError: this is no RSA key that encrypts, or it is too small for the scheme.
        """
        if self.key_type != "rsa":
            raise KeyFileError(f"nothing can be encrypted to a key of the kind {self.key_type} by {scheme}")
        try:
            return bytes(self._key.encrypt(key, transport_padding(scheme)))
        except ValueError:
            raise KeyFileError(f"a key of {self.bits} bits is too small for {scheme}") from None

    def encapsulate(self) -> tuple[bytes, bytes]:
        """Makes a shared secret with the holder of this ML-KEM key (FIPS 203).

        Returns:
            The secret, and the ciphertext to send.

        Raises:
            KeyFileError: this is no ML-KEM key.
        """
        if not self.key_type.startswith("ml-kem-"):
            raise KeyFileError(f"a key of the kind {self.key_type} encapsulates nothing")
        secret, ciphertext = self._key.encapsulate()
        return secret, ciphertext

    @property
    def native(self) -> Any:
        """The key as `cryptography` has it, for the other modules of `mailsec.crypto`."""
        return self._key

    def same_key(self, other: PublicKey) -> bool:
        """Whether both are the same key, however it is encoded."""
        return self._key is not None and bool(self._key == other._key)

    def __eq__(self, other: object) -> bool:
        return self.spki_der() == other.spki_der() if isinstance(other, PublicKey) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.spki_der())

    def __repr__(self) -> str:
        return f"<PublicKey {self.curve or self.key_type} {self.bits} bits>"

    def __reduce__(self) -> tuple[Any, ...]:
        if self.trouble:
            return PublicKey.unusable, (self._spki, self.trouble)
        return PublicKey.from_spki_der, (self.spki_der(),)


_PSS_OCTETS: Final = bytes.fromhex("2a864886f70d01010a")
assert der.oid_text(_PSS_OCTETS, 0, len(_PSS_OCTETS)) == RSASSA_PSS_OID


def hash_algorithm(scheme: SignatureScheme) -> hashes.HashAlgorithm:
    """The digest of a scheme that has one, as `cryptography` has it."""
    return _HASHES[scheme.digest or ""]


def pss_padding(scheme: SignatureScheme, default: Any) -> padding.PSS:
    """The padding of an RSASSA-PSS scheme; `default` is the salt length where the scheme has none."""
    mask = _HASHES[scheme.mgf_digest or scheme.digest or ""]
    return padding.PSS(padding.MGF1(mask), default if scheme.salt_length is None else scheme.salt_length)


def transport_padding(scheme: KeyTransport) -> padding.AsymmetricPadding:
    """The padding of a key transport, as `cryptography` has it."""
    if scheme.digest is None:
        return _PKCS1
    mask = padding.MGF1(_HASHES[scheme.mgf_digest or scheme.digest])
    return padding.OAEP(mask, _HASHES[scheme.digest], scheme.label or None)


def _first_sentence(error: Exception) -> str:
    """What the library says, without the essay that follows."""
    return str(error).split(". ", maxsplit=1)[0].removesuffix(".")
