"""Content encryption: which ciphers there are, their parameters, and the content going through them in pieces.

Nothing here says whether a cipher should be used; that is for the algorithm policy.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal, TypeAlias

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from mailsec.crypto.cms import encode, oids
from mailsec.crypto.cms.members import Members
from mailsec.crypto.cms.signed import AlgorithmIdentifier
from mailsec.crypto.cms.tlv import OCTET_STRING, SEQUENCE, read
from mailsec.errors import CMSError, UnsupportedError

Mode: TypeAlias = Literal["cbc", "gcm", "ccm", "chacha20-poly1305"]
Write: TypeAlias = Callable[[memoryview], object]

PIECE: Final = 256 << 10
"""Octets that go through a cipher at once where memory is to stay small: they fit the processor's cache."""

_SLACK: Final = 16  # what a cipher may want to write beyond its input
_CEK_SALT: Final = b"The Cryptographic Message Syntax"  # RFC 9709 section 2
_RC2_128_BITS: Final = 58  # RFC 2268 section 6: the version that stands for 128 effective bits
_TAGS: Final = {"gcm": range(12, 17), "ccm": (8, 10, 12, 14, 16), "chacha20-poly1305": (16,)}


@dataclass(frozen=True, slots=True)
class ContentCipher:
    """A cipher that contents are encrypted with.

    Attributes:
        name: its name here, such as `"aes256-gcm"`.
        oid: its object identifier.
        mode: its mode of operation.
        key_octets: the size of its key.
        block: the octets of a block, to whose multiple the content is padded; 1 where there is no padding.
    """

    name: str
    oid: str
    mode: Mode
    key_octets: int
    block: int = 1

    @property
    def authenticated(self) -> bool:
        """Whether a change of the encrypted content is noticed (RFC 5084 section 1)."""
        return self.mode != "cbc"


def _cipher(name: str, oid: str) -> ContentCipher:
    if name == "chacha20-poly1305":
        return ContentCipher(name, oid, "chacha20-poly1305", 32)
    if name in {"des-ede3-cbc", "rc2-cbc"}:
        return ContentCipher(name, oid, "cbc", 24 if name == "des-ede3-cbc" else 16, 8)
    size, _, mode = name.removeprefix("aes").partition("-")
    modes_: dict[str, Mode] = {"cbc": "cbc", "gcm": "gcm", "ccm": "ccm"}
    return ContentCipher(name, oid, modes_[mode], int(size) // 8, 16 if mode == "cbc" else 1)


CIPHERS: Final = {name: _cipher(name, oid) for oid, name in oids.CONTENT_CIPHERS.items()}
"""The ciphers by their names."""


@dataclass(frozen=True, slots=True)
class ContentEncryption:
    """A cipher with all that encrypting one content takes besides the key.

    Attributes:
        cipher: the cipher.
        nonce: its nonce or initialization vector.
        tag_octets: the size of the authentication tag; 0 where there is none.
        identifier: the cipher's AlgorithmIdentifier in DER.
        derived: whether the key is derived from the content-encryption key and the identifier, so that nobody
            can pass one algorithm off as another (RFC 9709).
    """

    cipher: ContentCipher
    nonce: bytes
    tag_octets: int
    identifier: bytes
    derived: bool = False

    @classmethod
    def read(cls, algorithm: AlgorithmIdentifier) -> ContentEncryption:
        """Reads the identifier of a content-encryption algorithm.

        Raises:
            UnsupportedError: it is not known.
            CMSError: its parameters are malformed.
        """
        derived = algorithm.oid == oids.CEK_HKDF_SHA256
        if derived:
            if not algorithm.parameters:
                raise CMSError("the content-encryption algorithm lacks the one that its key is derived for")
            algorithm = AlgorithmIdentifier.of(read(algorithm.parameters))
        name = oids.CONTENT_CIPHERS.get(algorithm.oid)
        if name is None:
            raise UnsupportedError(f"the content is encrypted with an algorithm that is not known: {algorithm.oid}")
        cipher = CIPHERS[name]
        nonce, tag_octets = _parameters(cipher, algorithm.parameters)
        return cls(cipher, nonce, tag_octets, algorithm.der, derived)

    @classmethod
    def new(cls, cipher: ContentCipher, random: Callable[[int], bytes], *, derived: bool) -> ContentEncryption:
        """Takes a cipher with a fresh nonce and the largest tag.

        Args:
            cipher: the cipher.
            random: gives so many random octets.
            derived: whether to derive the key (RFC 9709).
        """
        nonce = random(cipher.block if cipher.mode == "cbc" else 12)
        parameters = encode.octet_string(nonce)
        if cipher.mode in {"gcm", "ccm"}:
            parameters = encode.sequence(parameters, encode.integer(16))
        identifier = AlgorithmIdentifier(cipher.oid, parameters).der
        return cls(cipher, nonce, 16 if cipher.authenticated else 0, identifier, derived)

    @property
    def der(self) -> bytes:
        """The AlgorithmIdentifier as it stands in the structure."""
        if not self.derived:
            return self.identifier
        return AlgorithmIdentifier(oids.CEK_HKDF_SHA256, self.identifier).der

    def encrypted_length(self, length: int) -> int:
        """How many octets so many octets of content are when encrypted, without the tag."""
        return length + self.cipher.block - length % self.cipher.block if self.cipher.mode == "cbc" else length

    # -- decrypting ------------------------------------------------------------------------------------------

    def check(self, pieces: Sequence[memoryview], tag: bytes) -> None:
        """Checks what of the encrypted content can be checked without a key.

        Raises:
            CMSError: the content is no whole number of blocks, or the tag has another size than stated.
        """
        length = sum(map(len, pieces))
        if self.cipher.mode == "cbc" and (not length or length % self.cipher.block):
            raise CMSError("the encrypted content is not of whole blocks: it is cut off or damaged")
        if len(tag) != self.tag_octets:
            raise CMSError("the authentication tag has not the size that the algorithm states")
        if self.cipher.mode == "ccm" and length >> (8 * (15 - len(self.nonce))):
            raise CMSError("the encrypted content is longer than its nonce allows")

    def decrypt(self, key: bytes, pieces: Sequence[memoryview], aad: bytes, tag: bytes) -> memoryview | None:
        """Decrypts a whole content.

        Args:
            key: the content-encryption key.
            pieces: the encrypted content, which `check` has passed.
            aad: the additional authenticated data.
            tag: the authentication tag.

        Returns:
            The content, or `None` where the padding or the tag is wrong. It takes the same way until then.
        """
        key = self._key(key)
        if self.cipher.mode in {"ccm", "chacha20-poly1305"}:
            return self._decrypt_at_once(key, pieces, aad, tag)
        length = sum(map(len, pieces))
        out = bytearray(length + _SLACK)
        view, at = memoryview(out), 0
        decryptor = self._decryptor(key, aad, tag)
        for piece in pieces:
            at += decryptor.update_into(piece, view[at:])
        if not _holds(decryptor):
            return None
        if self.cipher.mode == "gcm":
            return view[:at].toreadonly()
        last = at - self.cipher.block
        kept = _unpadded(bytes(view[last:at]))
        return None if kept is None else view[: last + kept].toreadonly()

    def decrypt_to(self, key: bytes, pieces: Sequence[memoryview], aad: bytes, tag: bytes, write: Write) -> int | None:
        """Decrypts a content in pieces, after a first pass over all of it has shown that it holds.

        Args:
            key: the content-encryption key.
            pieces: the encrypted content, which `check` has passed.
            aad: the additional authenticated data.
            tag: the authentication tag.
            write: takes a piece of the content, which is its own only until it returns.

        Returns:
            How many octets the content has, or `None` where the padding or the tag is wrong; then nothing was
            written, unless the encrypted content was changed between the two passes.
        """
        if self.cipher.mode in {"ccm", "chacha20-poly1305"}:
            content = self.decrypt(key, pieces, aad, tag)
            if content is None:
                return None
            write(content)
            return len(content)
        key = self._key(key)
        if self._pass(key, pieces, aad, tag, None) is None:
            return None
        return self._pass(key, pieces, aad, tag, write)

    def _pass(
        self, key: bytes, pieces: Sequence[memoryview], aad: bytes, tag: bytes, write: Write | None
    ) -> int | None:
        """One pass of decryption; the last block is held back until the padding is known."""
        block = self.cipher.block if self.cipher.mode == "cbc" else 0
        scratch = memoryview(bytearray(PIECE + 2 * _SLACK))
        decryptor = self._decryptor(key, aad, tag)
        held, total = 0, 0
        for piece in pieces:
            for start in range(0, len(piece), PIECE):
                filled = held + decryptor.update_into(piece[start : start + PIECE], scratch[held:])
                ready = max(0, filled - block)
                if write is not None and ready:
                    write(scratch[:ready].toreadonly())
                total += ready
                held = filled - ready
                scratch[:held] = bytes(scratch[ready:filled])
        if not _holds(decryptor):
            return None
        if not block:
            return total
        kept = _unpadded(bytes(scratch[:held]))
        if kept and write is not None:
            write(scratch[:kept].toreadonly())
        return None if kept is None else total + kept

    def _decrypt_at_once(self, key: bytes, pieces: Sequence[memoryview], aad: bytes, tag: bytes) -> memoryview | None:
        """Decrypts in a mode that takes no pieces."""
        try:
            return memoryview(self._aead(key).decrypt(self.nonce, b"".join((*pieces, tag)), aad))
        except InvalidTag:
            return None

    # -- encrypting ------------------------------------------------------------------------------------------

    def encrypt(self, key: bytes, pieces: Iterable[memoryview], aad: bytes) -> Iterator[bytes]:
        """Encrypts a content in pieces; the last one is the authentication tag where there is one.

        Args:
            key: the content-encryption key.
            pieces: the content.
            aad: the additional authenticated data.
        """
        key = self._key(key)
        if self.cipher.mode in {"ccm", "chacha20-poly1305"}:
            sealed = memoryview(self._aead(key).encrypt(self.nonce, b"".join(pieces), aad))
            for start in range(0, len(sealed) - self.tag_octets, PIECE):
                yield bytes(sealed[start : min(start + PIECE, len(sealed) - self.tag_octets)])
            yield bytes(sealed[-self.tag_octets :])
            return
        mode: modes.Mode = modes.GCM(self.nonce) if self.cipher.mode == "gcm" else modes.CBC(self.nonce)
        cipher: Any = Cipher(_algorithm(self.cipher, key), mode)
        encryptor = cipher.encryptor()
        if aad:
            encryptor.authenticate_additional_data(aad)
        total = 0
        for piece in pieces:
            total += len(piece)
            for start in range(0, len(piece), PIECE):
                yield encryptor.update(piece[start : start + PIECE])
        if self.cipher.mode == "gcm":
            encryptor.finalize()
            yield encryptor.tag
            return
        count = self.encrypted_length(total) - total
        yield encryptor.update(bytes((count,)) * count) + encryptor.finalize()

    # -- both ------------------------------------------------------------------------------------------------

    def _key(self, key: bytes) -> bytes:
        """The key that the cipher takes, derived if it must be (RFC 9709 section 2)."""
        if not self.derived:
            return key
        return HKDF(hashes.SHA256(), len(key), _CEK_SALT, self.identifier).derive(key)

    def _decryptor(self, key: bytes, aad: bytes, tag: bytes) -> Any:
        mode: modes.Mode = modes.CBC(self.nonce)
        if self.cipher.mode == "gcm":
            mode = modes.GCM(self.nonce, tag, min_tag_length=len(tag))
        cipher: Any = Cipher(_algorithm(self.cipher, key), mode)
        decryptor = cipher.decryptor()
        if aad:
            decryptor.authenticate_additional_data(aad)
        return decryptor

    def _aead(self, key: bytes) -> Any:
        return ChaCha20Poly1305(key) if self.cipher.mode != "ccm" else AESCCM(key, self.tag_octets)


def _unpadded(last: bytes) -> int | None:
    """How much of the last block is content (RFC 5652 section 6.3), found in constant time."""
    unpadder = padding.PKCS7(8 * len(last)).unpadder()
    try:
        return len(unpadder.update(last) + unpadder.finalize())
    except ValueError:
        return None


def _holds(decryptor: Any) -> bool:
    """Whether the tag, if there is one, is right."""
    try:
        decryptor.finalize()
    except InvalidTag:
        return False
    return True


@lru_cache(maxsize=1)
def _old_ciphers() -> tuple[Any, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that they are old is for the algorithm policy to say
        from cryptography.hazmat.decrepit.ciphers.algorithms import RC2, TripleDES
    return RC2, TripleDES


def triple_des(key: bytes) -> Any:
    """Triple DES with three keys, as `cryptography` has it; for reading old mail."""
    return _old_ciphers()[1](key)


def _algorithm(cipher: ContentCipher, key: bytes) -> Any:
    if cipher.name == "rc2-cbc":
        return _old_ciphers()[0](key)
    return triple_des(key) if cipher.name == "des-ede3-cbc" else AES(key)


def _parameters(cipher: ContentCipher, parameters: bytes) -> tuple[bytes, int]:
    """Reads the parameters of a cipher: nonce and size of the tag (RFC 5084 section 3, RFC 3370 section 5)."""
    what = "the parameters of the content-encryption algorithm"
    if not parameters:
        raise CMSError(f"{what} are missing")
    element = read(parameters)
    if cipher.name == "rc2-cbc":
        members = Members(element.expect(SEQUENCE, what), what)
        if members.next("the size of the key").integer(what) != _RC2_128_BITS:
            raise UnsupportedError("the content is encrypted with RC2 and a key of less or more than 128 bits")
        element = members.next("the initialization vector")
        members.end()
    tag_octets = 16 if cipher.mode == "chacha20-poly1305" else 12 if cipher.authenticated else 0
    if cipher.mode in {"gcm", "ccm"}:
        members = Members(element.expect(SEQUENCE, what), what)
        element = members.next("the nonce")
        stated = members.optional(0x02, constructed=False)
        members.end()
        tag_octets = tag_octets if stated is None else stated.integer("the size of the authentication tag")
    if cipher.authenticated and tag_octets not in _TAGS[cipher.mode]:
        raise UnsupportedError(f"an authentication tag of {tag_octets} octets is not taken")
    nonce = element.expect(OCTET_STRING, what, constructed=False).octets()
    sizes = {"cbc": (cipher.block,), "gcm": range(8, 65), "ccm": range(7, 14), "chacha20-poly1305": (12,)}
    if len(nonce) not in sizes[cipher.mode]:
        raise CMSError(f"the nonce or initialization vector has {len(nonce)} octets, which is not possible")
    return nonce, tag_octets


__all__ = ["CIPHERS", "PIECE", "ContentCipher", "ContentEncryption", "Write", "triple_des"]
