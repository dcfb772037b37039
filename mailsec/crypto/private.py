"""Private keys: loading, making, signing, decrypting keys. What they are never shows in text, errors or pickles."""

from __future__ import annotations

import binascii
import os
import re
from typing import TYPE_CHECKING, Final, Literal, NoReturn, TypeAlias

from cryptography.exceptions import InternalError, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import (
    dsa,
    ec,
    ed448,
    ed25519,
    mldsa,
    mlkem,
    padding,
    rsa,
    utils,
    x448,
    x25519,
)
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
)

from mailsec.crypto.costs import check_costs
from mailsec.crypto.keys import CURVES, PublicKey, hash_algorithm, pss_padding, transport_padding
from mailsec.crypto.pem import PEMBlock, encode_pem, looks_like_pem, pem_blocks
from mailsec.crypto.rejection import choose, stand_in
from mailsec.crypto.schemes import SignatureScheme
from mailsec.errors import KeyFileError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from typing_extensions import Buffer

    from mailsec.crypto.certificates import Certificate
    from mailsec.crypto.transport import KeyTransport

__all__ = ["KeyKind", "PrivateKey"]

KeyKind: TypeAlias = Literal[
    "rsa",
    "ec",
    "ed25519",
    "ed448",
    "x25519",
    "x448",
    "dsa",
    "ml-dsa-44",
    "ml-dsa-65",
    "ml-dsa-87",
    "ml-kem-768",
    "ml-kem-1024",
]

_FILE_OCTETS: Final = 1 << 20  # no file with a key and its certificates comes near
_PASSWORD_OCTETS: Final = 1024
_KEYS: Final = 16  # private keys in one file
_RSA_BITS: Final = (1024, 16_384)
_DSA_BITS: Final = frozenset({1024, 2048, 3072, 4096})
_ENCRYPTED: Final = "ENCRYPTED PRIVATE KEY"
_LABELS: Final = frozenset({"PRIVATE KEY", _ENCRYPTED, "RSA PRIVATE KEY", "EC PRIVATE KEY", "DSA PRIVATE KEY"})
_KINDS: Final[tuple[tuple[type[Any], KeyKind], ...]] = (
    (rsa.RSAPrivateKey, "rsa"),
    (ec.EllipticCurvePrivateKey, "ec"),
    (ed25519.Ed25519PrivateKey, "ed25519"),
    (ed448.Ed448PrivateKey, "ed448"),
    (x25519.X25519PrivateKey, "x25519"),
    (x448.X448PrivateKey, "x448"),
    (dsa.DSAPrivateKey, "dsa"),
    (mlkem.MLKEM768PrivateKey, "ml-kem-768"),
    (mlkem.MLKEM1024PrivateKey, "ml-kem-1024"),
    (mldsa.MLDSA44PrivateKey, "ml-dsa-44"),
    (mldsa.MLDSA65PrivateKey, "ml-dsa-65"),
    (mldsa.MLDSA87PrivateKey, "ml-dsa-87"),
)


class PrivateKey:
    """A private key. Key rings hold it; it shows nothing of itself, cannot be pickled, and leaves only by `to_pem`.

    Attributes:
        key_type: what kind of key it is.
        public_key: the public half.
    """

    __slots__ = ("_key", "_secret", "key_type", "public_key")

    _key: Any
    _secret: bytes | None
    key_type: KeyKind
    public_key: PublicKey

    def __init__(self, key: Any) -> None:
        for type_, kind in _KINDS:
            if isinstance(key, type_):
                self.key_type = kind
                break
        else:
            raise KeyFileError("the private key is of a kind that is not supported")
        self._key = key
        self._secret = None
        octets = self._key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.public_key = PublicKey.from_spki_der(octets)
        if self.key_type == "dsa" and not self._fits_itself():
            raise KeyFileError("the private key is damaged: its two halves do not belong together")

    def _fits_itself(self) -> bool:
        """Whether the public half is that of the private one, which of DSA keys alone the library does not look at.

        A signature by a key that somebody has changed on the disk can give the key away.
        """
        scheme = SignatureScheme("dsa", "sha256")
        return self.public_key.verify(self.sign(b"", scheme), b"", scheme)

    @classmethod
    def generate(cls, key_type: KeyKind, *, bits: int = 2048, curve: str = "P-256") -> PrivateKey:
        """Makes a new key.

        Args:
            key_type: which kind.
            bits: the size of an RSA or DSA key.
            curve: the curve of an EC key, one of `mailsec.crypto.keys.CURVES`.

        Raises:
            UsageError: there is no such kind, size or curve.
        """
        if key_type == "rsa":
            if not _RSA_BITS[0] <= bits <= _RSA_BITS[1]:
                raise UsageError(f"an RSA key can be made with {_RSA_BITS[0]} to {_RSA_BITS[1]} bits, not with {bits}")
            return cls(rsa.generate_private_key(65537, bits))
        if key_type == "ec":
            for name, ours in CURVES.items():
                if curve in {name, ours}:
                    return cls(ec.generate_private_key(_CURVE_TYPES[name]()))
            raise UsageError(f"there is no curve named {curve!r}")
        if key_type == "dsa":
            if bits not in _DSA_BITS:
                raise UsageError(f"no DSA key can be made with {bits} bits")
            return cls(dsa.generate_private_key(bits))
        makers: dict[str, Any] = {
            "ed25519": ed25519.Ed25519PrivateKey,
            "ed448": ed448.Ed448PrivateKey,
            "x25519": x25519.X25519PrivateKey,
            "x448": x448.X448PrivateKey,
            "ml-kem-768": mlkem.MLKEM768PrivateKey,
            "ml-kem-1024": mlkem.MLKEM1024PrivateKey,
            "ml-dsa-44": mldsa.MLDSA44PrivateKey,
            "ml-dsa-65": mldsa.MLDSA65PrivateKey,
            "ml-dsa-87": mldsa.MLDSA87PrivateKey,
        }
        if key_type not in makers:
            raise UsageError(f"there is no kind of key named {key_type!r}")
        return cls(makers[key_type].generate())

    @classmethod
    def load(cls, octets: bytes, password: bytes | None = None) -> PrivateKey:
        """Loads one private key; see `load_all`.

        Raises:
            KeyFileError: as `load_all`, and where there is more than one key.
        """
        keys = cls.load_all(octets, password)
        if len(keys) > 1:
            raise KeyFileError(f"there are {len(keys)} private keys in it where there should be one")
        return keys[0]

    @classmethod
    def load_all(cls, octets: bytes, password: bytes | None = None) -> tuple[PrivateKey, ...]:
        """Loads all private keys in PEM text, or the one in DER.

        The forms are PKCS#8 (RFC 5958), PKCS#1 (RFC 8017), SEC 1 (RFC 5915) and OpenSSL's for DSA.

        Args:
            octets: the file's content.
            password: the password, if the key is encrypted; one that is not needed is passed over.

        Raises:
            KeyFileError: there is no key in it, the password is wrong or missing, or a key is of an unknown
                kind or cut off; the sentence says which.
        """
        if len(octets) > _FILE_OCTETS:
            raise KeyFileError(f"the file has {len(octets)} octets, which is more than any with a key in it")
        octets = bytes(octets)
        if not looks_like_pem(octets):
            return (cls._load_der(octets, password),)
        keys: list[PrivateKey] = []
        for block in pem_blocks(octets):
            if block.label == "OPENSSH PRIVATE KEY":
                raise KeyFileError("the private key is one for SSH, which has no place in mail")
            if block.label in _LABELS:
                if len(keys) == _KEYS:
                    raise KeyFileError(f"there are more than {_KEYS} private keys in it")
                keys.append(cls._load_block(block, password))
        if not keys:
            raise KeyFileError("there is no private key in it")
        return tuple(keys)

    @classmethod
    def _load_block(cls, block: PEMBlock, password: bytes | None) -> PrivateKey:
        if not block.complete:
            raise KeyFileError("the private key is cut off: its END line is missing")
        if block.der is not None:
            return cls._load_der(block.der, password, encrypted=block.label == _ENCRYPTED)
        if b"ENCRYPTED" not in block.encoded:
            raise KeyFileError("the private key is damaged: it is not base64")
        encoded = _old_encrypted(block)
        secret = _check_password(password, needed=True)
        try:
            return cls(load_pem_private_key(encoded, secret))
        except UnsupportedAlgorithm:
            raise KeyFileError("the private key is encrypted with an algorithm that is not supported") from None
        except (ValueError, TypeError, InternalError):
            raise KeyFileError("the password is wrong, or the private key is damaged") from None

    @classmethod
    def _load_der(cls, octets: bytes, password: bytes | None, *, encrypted: bool = False) -> PrivateKey:
        check_costs(octets)
        # The library's own words are not passed on: they might one day say something of the key.
        try:
            return cls(load_der_private_key(octets, None))
        except UnsupportedAlgorithm:
            raise KeyFileError("the private key is of a kind or on a curve that is not supported") from None
        except (ValueError, InternalError):  # the latter for an Edwards or Montgomery key of a wrong length
            if encrypted:
                raise KeyFileError("the encrypted private key is damaged") from None
            raise KeyFileError("there is no private key in it, or a damaged one") from None
        except TypeError:
            encrypted = True  # the library wants a password
        secret = _check_password(password, needed=encrypted)
        try:
            return cls(load_der_private_key(octets, secret))
        except UnsupportedAlgorithm:
            raise KeyFileError("the private key is encrypted with an algorithm that is not supported") from None
        except (ValueError, TypeError, InternalError):
            raise KeyFileError("the password is wrong, or the private key is damaged") from None

    def sign(self, octets: Buffer, scheme: SignatureScheme) -> bytes:
        """Signs octets.

        Args:
            octets: what to sign; any buffer.
            scheme: how.

        Returns:
            The signature; ECDSA and DSA in the DER of RFC 3279 section 2.2.

        Raises:
            KeyFileError: the key does not fit the scheme, or is too small for its digest.
        """
        return self._sign(octets, scheme, prehashed=False)

    def sign_digest(self, digest: bytes, scheme: SignatureScheme) -> bytes:
        """Signs octets of this digest, by RSA, ECDSA or DSA.

        Raises:
            KeyFileError: the key does not fit the scheme, or is too small for its digest.
            UsageError: the digest has the wrong size, or the scheme has none.
        """
        if scheme.digest is None:
            raise UsageError(f"{scheme} signs the octets themselves and no digest of them")
        if len(digest) != hash_algorithm(scheme).digest_size:
            raise UsageError(f"a digest of {len(digest)} octets is none by {scheme.digest}")
        return self._sign(digest, scheme, prehashed=True)

    def _sign(self, octets: Buffer, scheme: SignatureScheme, *, prehashed: bool) -> bytes:
        if not self.public_key.fits(scheme):
            raise KeyFileError(f"a key of the kind {self.public_key.key_type} cannot sign by {scheme}")
        if scheme.digest is None:
            return bytes(self._key.sign(octets))
        hash_: Any = hash_algorithm(scheme)
        if prehashed:
            hash_ = utils.Prehashed(hash_)
        try:
            if scheme.key_type == "rsa":
                return bytes(self._key.sign(octets, padding.PKCS1v15(), hash_))
            if scheme.key_type == "rsa-pss":
                return bytes(self._key.sign(octets, pss_padding(scheme, padding.PSS.DIGEST_LENGTH), hash_))
            return bytes(self._key.sign(octets, ec.ECDSA(hash_) if scheme.key_type == "ec" else hash_))
        except ValueError:
            raise KeyFileError(f"a key of {self.public_key.bits} bits is too small to sign by {scheme}") from None

    def decrypt_key(self, octets: bytes, scheme: KeyTransport, length: int) -> bytes:
        """Decrypts a key that was encrypted for this RSA key, with implicit rejection.

        Whatever is wrong with the padding or the length (RFC 3218 section 2.3) gives octets that mean nothing, the
        same ones for the same encrypted key. They are made in any case, so that it takes as long where they are
        not needed. (OpenSSL does the same for the padding alone, and gives a key of some other length.)

        Args:
            octets: the encrypted key.
            scheme: how it was encrypted.
            length: how many octets the key must have.

        Returns:
            Always `length` octets.

        Raises:
            KeyFileError: this is no RSA key that decrypts.
        """
        if self.public_key.key_type != "rsa":
            raise KeyFileError(f"a key of the kind {self.public_key.key_type} decrypts no keys by {scheme}")
        instead = stand_in(self._rejection_secret(), octets, length)
        try:
            found = bytes(self._key.decrypt(octets, transport_padding(scheme)))
        except ValueError:
            found = b""
        return choose(found, instead)

    def _rejection_secret(self) -> bytes:
        """A secret of this RSA key for implicit rejection: the same wherever the key is loaded."""
        if self._secret is None:
            exponent = self._key.private_numbers().d
            digest = hashes.Hash(hashes.SHA256())
            digest.update(b"mailsec implicit rejection" + exponent.to_bytes((self.public_key.bits + 7) // 8))
            self._secret = digest.finalize()
        return self._secret

    def agree(self, peer: PublicKey) -> bytes:
        """The shared secret of this key and a peer's by ECDH, X25519 or X448 (RFC 5753, RFC 7748).

        Args:
            peer: the peer's key, of the same kind and on the same curve.

        Returns:
            The secret Z as it goes into a key derivation function. For a peer's key of low order, which gives
            no secret (RFC 7748 section 6), random octets.

        Raises:
            KeyFileError: this key agrees on no keys, or none with the peer's.
        """
        if self.key_type not in {"ec", "x25519", "x448"}:
            raise KeyFileError(f"a key of the kind {self.key_type} agrees on no keys")
        if (peer.key_type, peer.curve) != (self.key_type, self.public_key.curve):
            raise KeyFileError("the two keys are not of the same kind, so they cannot agree on a key")
        instead = os.urandom((self.public_key.bits + 7) // 8)
        try:
            if self.key_type == "ec":
                return bytes(self._key.exchange(ec.ECDH(), peer.native))
            return bytes(self._key.exchange(peer.native))
        except ValueError:
            return instead

    def decapsulate(self, octets: bytes) -> bytes:
        """The shared secret in an ML-KEM ciphertext, with the implicit rejection of FIPS 203.

        Args:
            octets: the ciphertext.

        Returns:
            32 octets; random ones where the ciphertext has not the size that it must have.

        Raises:
            KeyFileError: this is no ML-KEM key.
        """
        if not self.key_type.startswith("ml-kem-"):
            raise KeyFileError(f"a key of the kind {self.key_type} decapsulates nothing")
        instead = os.urandom(32)
        try:
            return bytes(self._key.decapsulate(octets))
        except ValueError:
            return instead

    def to_pem(self, password: bytes | None = None) -> bytes:
        """The key as PKCS#8 in PEM, for whoever must keep it: encrypted if there is a password.

        Raises:
            UsageError: the password is empty or too long.
        """
        encryption: KeySerializationEncryption = NoEncryption()
        if password is not None:
            _check_new_password(password)
            encryption = BestAvailableEncryption(password)
        return bytes(self._key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))

    def to_pkcs12(self, certificates: Sequence[Certificate], password: bytes, *, old: bool = False) -> bytes:
        """The key with certificates as PKCS#12 (RFC 7292), encrypted.

        Args:
            certificates: the key's certificate first, then those of its issuers.
            password: what to encrypt it with.
            old: whether to encrypt with 3DES and SHA-1, which is all that older programs can read.

        Raises:
            UsageError: the password is empty or too long, or there is no certificate.
            KeyFileError: keys of this kind cannot be kept as PKCS#12.
        """
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import pkcs12

        _check_new_password(password)
        if not certificates:
            raise UsageError("a PKCS#12 file needs the certificate of the key")
        encryption: KeySerializationEncryption = BestAvailableEncryption(password)
        if old:
            builder = PrivateFormat.PKCS12.encryption_builder().hmac_hash(hashes.SHA1())  # noqa: S303
            builder = builder.key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
            encryption = builder.build(password)
        own, *rest = (x509.load_der_x509_certificate(certificate.der) for certificate in certificates)
        try:
            return pkcs12.serialize_key_and_certificates(None, self._key, own, rest, encryption)
        except (TypeError, ValueError):
            raise KeyFileError(f"keys of the kind {self.key_type} cannot be kept as PKCS#12") from None

    def __repr__(self) -> str:
        return f"<PrivateKey {self.key_type}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a private key cannot be pickled or copied")


_CURVE_TYPES: Final[dict[str, type[ec.EllipticCurve]]] = {
    curve.name: curve
    for curve in (
        ec.SECP192R1,
        ec.SECP224R1,
        ec.SECP256R1,
        ec.SECP384R1,
        ec.SECP521R1,
        ec.SECP256K1,
        ec.BrainpoolP256R1,
        ec.BrainpoolP384R1,
        ec.BrainpoolP512R1,
    )
}


_DEK_INFO: Final = re.compile(rb"DEK-Info: ?([A-Z0-9-]{1,32}),([0-9A-Fa-f]{1,64})")
_IV_OCTETS: Final = {b"DES-CBC": 8, b"DES-EDE3-CBC": 8, b"AES-128-CBC": 16, b"AES-192-CBC": 16, b"AES-256-CBC": 16}


def _old_encrypted(block: PEMBlock) -> bytes:
    """A key that is encrypted in OpenSSL's old way (RFC 1421 section 4.6.1.3), written anew as it should be.

    The library ends in a panic, which is no exception that anybody catches, where the initialization vector is short.

    Raises:
        KeyFileError: it is damaged, or encrypted with another cipher.
    """
    damaged = "the private key is damaged: what it is encrypted with cannot be read"
    lines = [line.strip() for line in block.encoded.splitlines()[1:-1]]
    found = [match for line in lines if b":" in line and (match := _DEK_INFO.fullmatch(line))]
    if len(found) != 1:
        raise KeyFileError(damaged)
    cipher, vector = found[0][1], found[0][2]
    if cipher not in _IV_OCTETS:
        raise KeyFileError("the private key is encrypted with an algorithm that is not supported")
    if len(vector) != 2 * _IV_OCTETS[cipher]:
        raise KeyFileError(damaged)
    try:
        octets = binascii.a2b_base64(b"".join(line for line in lines if b":" not in line), strict_mode=True)
    except binascii.Error:
        raise KeyFileError("the private key is damaged: it is not base64") from None
    if not octets or len(octets) % _IV_OCTETS[cipher]:
        raise KeyFileError("the private key is damaged: it is cut off")
    start, *rest = encode_pem(block.label, octets).splitlines(keepends=True)
    return b"".join((start, b"Proc-Type: 4,ENCRYPTED\nDEK-Info: ", cipher, b",", vector, b"\n\n", *rest))


def _check_new_password(password: bytes) -> None:
    if not 0 < len(password) <= _PASSWORD_OCTETS:
        raise UsageError(f"a password has 1 to {_PASSWORD_OCTETS} octets")


def _check_password(password: bytes | None, *, needed: bool) -> bytes | None:
    if password is None:
        if needed:
            raise KeyFileError("the private key is encrypted and no password was given")
        return None
    if len(password) > _PASSWORD_OCTETS:
        raise KeyFileError(f"the password is longer than {_PASSWORD_OCTETS} octets")
    return password
