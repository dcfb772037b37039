"""Signatures that no good signer makes: weak, partial, forged. The demonstration shows what becomes of them.

What plugins sign is sound, so what is not has to be made here, by the shortest way that there is.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import b64encode, encodebytes
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mailsec.crypto import der
from mailsec.crypto.cms import encode
from mailsec.message import Insert, Message, apply, parse

__all__ = ["TinyRsa", "armoured", "sign_domain", "two_signers"]

SIGNED = ("from", "to", "subject", "date", "message-id")
_SHA256_INFO = bytes.fromhex("3031300d060960864801650304020105000420")  # RFC 8017 section 9.2, note 1
_RSA_ENCRYPTION = "1.2.840.113549.1.1.1"


@dataclass(frozen=True, slots=True, repr=False)
class TinyRsa:
    """An RSA key of 512 bits, which no library makes any more; a good one is broken in hours.

    Attributes:
        modulus: the modulus.
        private: the private exponent.
    """

    modulus: int
    private: int

    @classmethod
    def generate(cls) -> TinyRsa:
        """Makes a new key."""
        while True:
            p, q = _prime(256), _prime(256)
            if p != q and (p - 1) % 65537 and (q - 1) % 65537:
                return cls(p * q, pow(65537, -1, (p - 1) * (q - 1)))

    def spki_der(self) -> bytes:
        """The public key as SubjectPublicKeyInfo (RFC 8017 appendix A.1.1)."""
        key = encode.sequence(encode.integer(self.modulus), encode.integer(65537))
        algorithm = encode.sequence(encode.oid(_RSA_ENCRYPTION), encode.NULL)
        return encode.sequence(algorithm, encode.primitive(der.BIT_STRING, b"\0" + key))

    def sign(self, octets: bytes) -> bytes:
        """Signs by RSASSA-PKCS1-v1_5 with SHA-256 (RFC 8017 section 8.2.1)."""
        encoded = _SHA256_INFO + hashlib.sha256(octets).digest()
        padded = b"\0\1" + b"\xff" * (64 - 3 - len(encoded)) + b"\0" + encoded
        return pow(int.from_bytes(padded), self.private, self.modulus).to_bytes(64)


def _prime(bits: int) -> int:
    """A probable prime with its two highest bits set (Miller-Rabin, 40 rounds)."""
    while True:
        number = secrets.randbits(bits) | (3 << (bits - 2)) | 1
        if all(number % small for small in (3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37)) and _is_prime(number):
            return number


def _is_prime(number: int) -> bool:
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for _ in range(40):
        power = pow(secrets.randbelow(number - 3) + 2, odd, number)
        if power in (1, number - 1):
            continue
        for _ in range(twos - 1):
            power = power * power % number
            if power == number - 1:
                break
        else:
            return False
    return True


def sign_domain(
    octets: bytes,
    domain: str,
    selector: str,
    sign: Callable[[bytes], bytes],
    *,
    algorithm: str = "rsa-sha256",
    length: bool = False,
) -> bytes:
    """Adds a DKIM-Signature with simple canonicalization (RFC 6376 section 3.4), whatever it is worth.

    Args:
        octets: the message, with CRLF.
        domain: d=.
        selector: s=.
        sign: signs octets as the algorithm wants it.
        algorithm: a=.
        length: whether l= limits what is signed to the body as it is now.
    """
    message = parse(octets)
    body = bytes(message.body).rstrip(b"\r\n") + b"\r\n"
    digest = hashlib.new(algorithm.rpartition("-")[2], body, usedforsecurity=False).digest()
    names = [name for name in SIGNED if message.header.first(name) is not None]
    limit = f" l={len(body)};" if length else ""
    field = (
        f"DKIM-Signature: v=1; a={algorithm}; c=simple/simple; d={domain}; s={selector};{limit}\r\n"
        f" h={':'.join(names)};\r\n bh={b64encode(digest).decode('ascii')};\r\n b="
    ).encode("ascii")
    fields = [message.header.last(name) for name in names]
    signed = b"".join(found.raw for found in fields if found is not None) + field
    value = b64encode(sign(signed))
    return apply(message, [Insert(field + value + b"\r\n")])


def two_signers(first: bytes, second: bytes) -> bytes:
    """Puts the signers of two SignedData into one (RFC 5652 section 5.1).

    Args:
        first: a ContentInfo in DER with detached content.
        second: another one; where it signed other content, its signer's signature is now wrong.
    """
    version, digests, content, certificates, signers = _members(first)
    _, more_digests, _, more_certificates, more_signers = _members(second)
    signed = encode.sequence(
        version,
        encode.set_of(sorted({*_inside(digests), *_inside(more_digests)})),
        content,
        encode.set_of(sorted({*_inside(certificates), *_inside(more_certificates)}), 0xA0),
        encode.set_of([*_inside(signers), *_inside(more_signers)]),
    )
    kind = next(_inside(first))
    return encode.sequence(kind, encode.constructed(0xA0, signed))


def armoured(octets: bytes) -> bytes:
    """Octets in base64 with CRLF."""
    return encodebytes(octets).replace(b"\n", b"\r\n")


def part_of(message: Message, content_type: str) -> bytes:
    """The decoded content of the first part of a type."""
    return next(part.content for part in message.walk() if part.content_type == content_type)


def _members(content_info: bytes) -> list[bytes]:
    """The members of the SignedData in a ContentInfo, each whole."""
    wrapped = list(_inside(content_info))[1]
    return list(_inside(next(_inside(wrapped))))


def _inside(element: bytes) -> Iterator[bytes]:
    """The members of a constructed element, each whole."""
    _, start, stop = der.read(element, 0, len(element))
    for _, begin, _, end in der.children(element, start, stop):
        yield element[begin:end]
