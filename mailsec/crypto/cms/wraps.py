"""Keys that encrypt keys: key wrap, the wrap for passwords, and what derives the keys that wrap.

What does not unwrap gives `None`: whether to tell anybody is for the caller.
"""

from __future__ import annotations

from collections.abc import Callable
from hmac import compare_digest
from typing import Any, Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.kdf.x963kdf import X963KDF
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from mailsec.crypto.cms import encode, oids
from mailsec.crypto.cms.ciphers import CIPHERS, triple_des
from mailsec.crypto.cms.members import Members
from mailsec.crypto.cms.signed import AlgorithmIdentifier
from mailsec.crypto.cms.tlv import INTEGER, OCTET_STRING, SEQUENCE, context, read
from mailsec.crypto.digests import new_digest
from mailsec.errors import CMSError, LimitError, UnsupportedError

_HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - key derivation needs no collision resistance
    "sha224": hashes.SHA224(),
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}
_DES3_WRAP_IV: Final = bytes.fromhex("4adda22c79e82105")  # RFC 3217 section 3.1
_SALT_OCTETS: Final = 1024
_HMAC_SHA1: Final = "1.2.840.113549.2.7"


# -- key wrap ------------------------------------------------------------------------------------------------


def wrap_octets(algorithm: AlgorithmIdentifier) -> int:
    """The octets of the key that a key wrap algorithm takes.

    Raises:
        UnsupportedError: the algorithm is not known, or not with its parameters.
    """
    octets = oids.KEY_WRAPS.get(algorithm.oid)
    if octets is None or not algorithm.plain:
        raise UnsupportedError(
            f"the content-encryption key is wrapped by an algorithm that is not known: {algorithm.oid}"
        )
    return octets


def unwrap(algorithm: AlgorithmIdentifier, key: bytes, wrapped: bytes) -> bytes | None:
    """Unwraps a key (RFC 3394, RFC 3217 section 3.2); `None` where it was not wrapped with this one.

    Args:
        algorithm: one that `wrap_octets` knows.
        key: the key-encryption key, of its size.
        wrapped: the wrapped key.
    """
    if algorithm.oid == oids.DES3_WRAP:
        return _unwrap_des3(key, wrapped)
    try:
        return aes_key_unwrap(key, wrapped)
    except (InvalidUnwrap, ValueError):
        return None


def wrap(key: bytes, secret: bytes) -> bytes:
    """Wraps a key by AES (RFC 3394), with the size that the key-encryption key has."""
    return aes_key_wrap(key, secret)


def wrap_algorithm(octets: int) -> AlgorithmIdentifier:
    """The AES key wrap with a key of so many octets (RFC 3565 section 2.3.2)."""
    return AlgorithmIdentifier(oids.AES_WRAPS[octets], b"")


def _unwrap_des3(key: bytes, wrapped: bytes) -> bytes | None:
    if len(wrapped) != 40:
        return None
    inner = _cbc(triple_des(key), _DES3_WRAP_IV, wrapped, encrypt=False)[::-1]
    octets = _cbc(triple_des(key), inner[:8], inner[8:], encrypt=False)
    digest = new_digest("sha1")
    digest.update(octets[:24])
    return octets[:24] if compare_digest(digest.digest()[:8], octets[24:]) else None


def _cbc(algorithm: Any, iv: bytes, octets: bytes, *, encrypt: bool) -> bytes:
    cipher: Any = Cipher(algorithm, modes.CBC(iv))
    worker = cipher.encryptor() if encrypt else cipher.decryptor()
    return bytes(worker.update(octets) + worker.finalize())


# -- passwords -----------------------------------------------------------------------------------------------


def read_pwri(algorithm: AlgorithmIdentifier) -> tuple[str, bytes]:
    """Reads the key encryption of a password: the name of its cipher and the initialization vector (RFC 3211).

    Raises:
        UnsupportedError: it is not known.
        CMSError: it is malformed.
    """
    if algorithm.oid != oids.PWRI_KEK or not algorithm.parameters:
        raise UnsupportedError(f"a password encrypts the key by an algorithm that is not known: {algorithm.oid}")
    inner = AlgorithmIdentifier.of(read(algorithm.parameters))
    cipher = CIPHERS.get(oids.CONTENT_CIPHERS.get(inner.oid, ""))
    if cipher is None or cipher.mode != "cbc" or cipher.name == "rc2-cbc":
        raise UnsupportedError(f"a password encrypts the key with a cipher that is not known: {inner.oid}")
    what = "the parameters of a password's cipher"
    if not inner.parameters:
        raise CMSError(f"{what} are missing")
    iv = read(inner.parameters).expect(OCTET_STRING, what, constructed=False).octets()
    if len(iv) != cipher.block:
        raise CMSError(f"{what} are malformed")
    return cipher.name, iv


def unwrap_pwri(cipher: str, iv: bytes, key: bytes, wrapped: bytes) -> bytes | None:
    """Unwraps a key by the algorithm PWRI-KEK (RFC 3211 section 2.3.2); `None` where it was not wrapped so."""
    block = CIPHERS[cipher].block
    if len(wrapped) < 2 * block or len(wrapped) % block:
        return None
    # The outer of the two passes has the last block of the inner one as its initialization vector.
    last = _cbc(_pwri(cipher, key), wrapped[-2 * block : -block], wrapped[-block:], encrypt=False)
    inner = _cbc(_pwri(cipher, key), last, wrapped, encrypt=False)
    octets = _cbc(_pwri(cipher, key), iv, inner, encrypt=False)
    length, found = octets[0], octets[4 : 4 + octets[0]]
    check = bytes(one ^ other for one, other in zip(octets[1:4], octets[4:7], strict=True))
    right = compare_digest(check, b"\xff\xff\xff") and 3 <= length <= len(octets) - 4
    return found if right else None


def wrap_pwri(cipher: str, iv: bytes, key: bytes, secret: bytes, random: Callable[[int], bytes]) -> bytes:
    """Wraps a key by the algorithm PWRI-KEK (RFC 3211 section 2.3.1)."""
    block = CIPHERS[cipher].block
    octets = bytes((len(secret),)) + bytes(octet ^ 0xFF for octet in secret[:3]) + secret
    octets += random(max(2 * block - len(octets), -len(octets) % block))
    inner = _cbc(_pwri(cipher, key), iv, octets, encrypt=True)
    return _cbc(_pwri(cipher, key), inner[-block:], inner, encrypt=True)


def _pwri(cipher: str, key: bytes) -> Any:
    return triple_des(key) if cipher == "des-ede3-cbc" else AES(key)


class PBKDF2:
    """PBKDF2 with its parameters (RFC 8018 section 5.2).

    Attributes:
        salt: the salt.
        iterations: how often it hashes.
        digest: the digest of the HMAC.
        key_octets: the size of the key that the parameters state; `None` where they do not.
    """

    __slots__ = ("digest", "iterations", "key_octets", "salt")

    def __init__(self, salt: bytes, iterations: int, digest: str = "sha256", key_octets: int | None = None) -> None:
        self.salt = salt
        self.iterations = iterations
        self.digest = digest
        self.key_octets = key_octets

    @classmethod
    def read(cls, algorithm: AlgorithmIdentifier | None, limit: int) -> PBKDF2:
        """Reads its identifier.

        Raises:
            UnsupportedError: it is another algorithm.
            CMSError: it is malformed.
            LimitError: it hashes more often than the limit.
        """
        what = "the key derivation of a password"
        if algorithm is None or algorithm.oid != oids.PBKDF2:
            raise UnsupportedError(f"{what} is not known: {'it is absent' if algorithm is None else algorithm.oid}")
        if not algorithm.parameters:
            raise CMSError(f"{what} is malformed")
        members = Members(read(algorithm.parameters).expect(SEQUENCE, what), what)
        salt = members.next("a salt")
        if salt.tag != OCTET_STRING:
            raise UnsupportedError(f"{what} takes its salt from elsewhere")
        iterations = members.next("a number of iterations").integer(what)
        size = members.optional(INTEGER, constructed=False)
        named = members.optional(SEQUENCE)
        members.end()
        function = AlgorithmIdentifier.of(named) if named else AlgorithmIdentifier(_HMAC_SHA1, b"")
        digest = oids.HMACS.get(function.oid)
        if digest is None or not function.plain:
            raise UnsupportedError(f"{what} uses a function that is not known: {function.oid}")
        if iterations > limit:
            raise LimitError(f"{what} wants {iterations} iterations, and {limit} are the most that are done")
        octets = salt.octets()
        if iterations < 1 or len(octets) > _SALT_OCTETS:
            raise CMSError(f"{what} is malformed")
        return cls(octets, iterations, digest, size.integer(what) if size else None)

    def identifier(self) -> AlgorithmIdentifier:
        """Its identifier; for SHA-256, with which we write it."""
        function = encode.sequence(encode.oid(oids.HMAC_SHA256), encode.NULL)
        parameters = (encode.octet_string(self.salt), encode.integer(self.iterations), function)
        return AlgorithmIdentifier(oids.PBKDF2, encode.sequence(*parameters))

    def derive(self, password: bytes, octets: int) -> bytes:
        """The key of a password."""
        return PBKDF2HMAC(_HASHES[self.digest], octets, self.salt, self.iterations).derive(password)


# -- what derives keys from shared secrets -------------------------------------------------------------------


def agreed_key(kdf: str, digest: str, secret: bytes, ukm: bytes | None, wrapping: AlgorithmIdentifier) -> bytes:
    """The key-encryption key of a key agreement (RFC 5753 section 7.2, RFC 8418 section 2).

    Args:
        kdf: `"x963"` or `"hkdf"`.
        digest: its digest.
        secret: the shared secret Z.
        ukm: the user keying material, where there is any.
        wrapping: the key wrap algorithm.
    """
    octets = wrap_octets(wrapping)
    info = encode.sequence(
        wrapping.der,
        b"" if ukm is None else encode.constructed(context(0), encode.octet_string(ukm)),
        encode.constructed(context(2), encode.octet_string((8 * octets).to_bytes(4))),
    )
    if kdf == "hkdf":
        return HKDF(_HASHES[digest], octets, ukm, info).derive(secret)
    return X963KDF(_HASHES[digest], octets, info).derive(secret)


def encapsulated_key(digest: str, secret: bytes, ukm: bytes | None, wrapping: AlgorithmIdentifier) -> bytes:
    """The key-encryption key of a key encapsulation (RFC 9629 section 5, RFC 9936 section 2.2.1), by HKDF."""
    octets = wrap_octets(wrapping)
    info = encode.sequence(
        wrapping.der,
        encode.integer(octets),
        b"" if ukm is None else encode.constructed(context(0), encode.octet_string(ukm)),
    )
    return HKDF(_HASHES[digest], octets, None, info).derive(secret)


__all__ = [
    "PBKDF2",
    "agreed_key",
    "encapsulated_key",
    "read_pwri",
    "unwrap",
    "unwrap_pwri",
    "wrap",
    "wrap_algorithm",
    "wrap_octets",
    "wrap_pwri",
]
