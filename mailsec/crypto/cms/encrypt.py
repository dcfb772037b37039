"""Making an EnvelopedData (RFC 5652 section 6) or AuthEnvelopedData (RFC 5083) in DER, in pieces.

Every message gets a content-encryption key, nonce and ephemeral keys of its own. Nobody gets less than was asked
for: a recipient who cannot be encrypted to is an error that names him.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from mailsec.crypto.algorithms import Status, assess_content_encryption, assess_key
from mailsec.crypto.cms import encode, oids, wraps
from mailsec.crypto.cms.ciphers import CIPHERS, ContentEncryption
from mailsec.crypto.cms.secrets import Password, SharedKey
from mailsec.crypto.cms.signed import AlgorithmIdentifier
from mailsec.crypto.cms.tlv import BIT_STRING, OCTET_STRING, SEQUENCE, SET, context
from mailsec.crypto.schemes import DIGEST_OIDS
from mailsec.crypto.transport import RSAES_PKCS1, KeyTransport
from mailsec.errors import KeyFileError, UsageError

if TYPE_CHECKING:
    from typing_extensions import Buffer

    from mailsec.crypto import Certificate

_ITERATIONS: Final = 600_000  # of PBKDF2 with SHA-256: what OWASP advises since 2023
_SALT_OCTETS: Final = 16
_DIGESTS: Final = {name: oid for oid, name in DIGEST_OIDS.items()}
_USAGES: Final = {"rsa": "keyEncipherment", "ec": "keyAgreement", "x25519": "keyAgreement", "x448": "keyAgreement"}
_KEM_OIDS: Final = {name: oid for oid, name in oids.KEMS.items()}
_MONTGOMERY_OIDS: Final = {name: oid for oid, name in oids.MONTGOMERY_KEYS.items()}
_HKDF_AGREEMENTS: Final = {"x25519": "1.2.840.113549.1.9.16.3.19", "x448": "1.2.840.113549.1.9.16.3.21"}

Random: TypeAlias = Callable[[int], bytes]
"""Gives so many octets that nobody can foresee."""


@dataclass(frozen=True, slots=True)
class CertificateRecipient:
    """A recipient by certificate.

    Attributes:
        certificate: the recipient's certificate, for an RSA, EC, X25519, X448 or ML-KEM key.
        transport: how the key is encrypted, if it is an RSA key.
        by_key_identifier: whether to name the certificate by its key identifier, not by issuer and serial number.
    """

    certificate: Certificate
    transport: KeyTransport = RSAES_PKCS1
    by_key_identifier: bool = False

    def __str__(self) -> str:
        return self.certificate.emails[0] if self.certificate.emails else self.certificate.subject


Recipient: TypeAlias = CertificateRecipient | SharedKey | Password


def encrypt(
    content: Iterable[Buffer],
    recipients: Sequence[Recipient],
    *,
    cipher: str = "aes256-cbc",
    length: int | None = None,
    content_type: str = oids.DATA,
    derived: bool = False,
    random: Random = os.urandom,
) -> Iterator[bytes]:
    """Encrypts a content to recipients.

    Args:
        content: the content in pieces.
        recipients: who can decrypt it; at least one.
        cipher: one of `CIPHERS` that the algorithm policy lets us write with. One with authentication makes an
            AuthEnvelopedData, another an EnvelopedData.
        length: the octets of the content, where `content` is no sequence, whose pieces are summed up.
        content_type: the type of the content, dotted.
        derived: whether to derive the key from cipher and content-encryption key (RFC 9709), which keeps others
            from passing one cipher off as another, and which few receivers understand.
        random: where randomness comes from, as far as it is not made where keys are made.

    Returns:
        A ContentInfo in DER, in pieces. Nothing is left to go wrong when they are taken but the content's length.

    Raises:
        UsageError: there is no recipient or one who cannot be encrypted to, or something else is asked for that
            cannot be. While the pieces are taken: the content has not the length that was stated.
    """
    known = CIPHERS.get(cipher)
    judged = assess_content_encryption(cipher, writing=True)
    if known is None or judged.status is Status.REFUSED:
        raise UsageError(f"nothing is encrypted with {cipher}: {judged.sentence}")
    if not recipients:
        raise UsageError("there is nobody to encrypt to")
    if length is None:
        if not isinstance(content, Sequence):
            raise UsageError("the length of the content must be given where it comes in pieces one by one")
        length = sum(memoryview(piece).nbytes for piece in content)
    encryption = ContentEncryption.new(known, random, derived=derived)
    key = random(known.key_octets)
    if len(key) != known.key_octets:
        raise UsageError("the source of randomness gives not as many octets as it is asked for")
    infos = [_recipient_info(recipient, key, random) for recipient in recipients]
    attributes = b""
    if known.authenticated and content_type != oids.DATA:  # RFC 5083 section 2.1
        attributes = encode.sequence(encode.oid(oids.CONTENT_TYPE), encode.set_of((encode.oid(content_type),)))
    version = 0 if known.authenticated else _version(recipients)
    head, tail = _frame(encryption, content_type, (version, infos), attributes, length)
    aad = encode.set_of((attributes,), SET) if attributes else b""
    sealed = encryption.encrypt(key, _measured(content, length), aad)
    return _written(head, sealed, tail, encryption)


def _written(head: bytes, sealed: Iterator[bytes], tail: bytes, encryption: ContentEncryption) -> Iterator[bytes]:
    """The pieces in order. The tag, which is the last of what is sealed, comes after what stands before it."""
    yield head
    last: bytes | None = None
    for piece in sealed:
        if last:
            yield last
        last = piece
    if encryption.cipher.authenticated:
        yield tail
    yield last or b""


def _measured(content: Iterable[Buffer], length: int) -> Iterator[memoryview]:
    """The pieces of the content, as long as they have the length that was written before."""
    left = length
    for piece in content:
        view = memoryview(piece).cast("B")
        left -= len(view)
        if left < 0:
            break
        yield view
    if left:
        raise UsageError(f"the content has not the {length} octets that were stated")


def _frame(
    encryption: ContentEncryption,
    content_type: str,
    recipients: tuple[int, Sequence[bytes]],
    attributes: bytes,
    length: int,
) -> tuple[bytes, bytes]:
    """What stands before the encrypted content, and what between it and the tag."""
    version, infos = recipients
    size = encryption.encrypted_length(length)
    head = encode.header(context(0), size)
    head = encode.oid(content_type) + encryption.der + head
    head = encode.header(SEQUENCE, len(head) + size, constructed=True) + head
    authenticated = encryption.cipher.authenticated
    tail = encode.set_of((attributes,), context(1)) if attributes else b""
    if authenticated:
        tail += encode.header(OCTET_STRING, encryption.tag_octets)
    head = encode.integer(version) + encode.set_of(infos) + head
    size += len(tail) + encryption.tag_octets
    head = encode.header(SEQUENCE, len(head) + size, constructed=True) + head
    head = encode.header(context(0), len(head) + size, constructed=True) + head
    head = encode.oid(oids.AUTH_ENVELOPED_DATA if authenticated else oids.ENVELOPED_DATA) + head
    return encode.header(SEQUENCE, len(head) + size, constructed=True) + head, tail


def _version(recipients: Sequence[Recipient]) -> int:
    """The version of an EnvelopedData (RFC 5652 section 6.1)."""
    kinds = {
        one.certificate.public_key.key_type if isinstance(one, CertificateRecipient) else type(one).__name__
        for one in recipients
    }
    if kinds & {"Password", *_KEM_OIDS}:
        return 3
    by_key_identifier = any(isinstance(one, CertificateRecipient) and one.by_key_identifier for one in recipients)
    return 0 if kinds == {"rsa"} and not by_key_identifier else 2


# -- recipients ----------------------------------------------------------------------------------------------


def _recipient_info(recipient: Recipient, key: bytes, random: Random) -> bytes:
    if isinstance(recipient, SharedKey):
        return _kek(recipient, key)
    if isinstance(recipient, Password):
        return _password(recipient, key, random)
    _check(recipient)
    kind = recipient.certificate.public_key.key_type
    try:
        if kind == "rsa":
            return _key_trans(recipient, key)
        return _kem(recipient, key) if kind in _KEM_OIDS else _key_agree(recipient, key)
    except KeyFileError as error:
        raise UsageError(f"nothing can be encrypted to {recipient}: {error}") from None


def _check(recipient: CertificateRecipient) -> None:
    """Whether a certificate is one to encrypt to (RFC 8550 section 4.4.2).

    Raises:
        UsageError: it is not.
    """
    certificate = recipient.certificate
    judged = assess_key(certificate.public_key, use="encryption")
    if judged.status is Status.REFUSED:
        raise UsageError(f"nothing can be encrypted to {recipient}: {judged.sentence}")
    wanted = _USAGES.get(certificate.public_key.key_type, "keyEncipherment")
    if certificate.key_usage is not None and wanted not in certificate.key_usage:
        raise UsageError(f"nothing can be encrypted to {recipient}: the certificate is not for encryption")
    if recipient.by_key_identifier and certificate.key_identifier is None:
        raise UsageError(f"nothing can be encrypted to {recipient} by key identifier: the certificate has none")


def _rid(recipient: CertificateRecipient) -> bytes:
    certificate = recipient.certificate
    if recipient.by_key_identifier:
        return encode.primitive(context(0), certificate.key_identifier or b"")
    return encode.sequence(certificate.issuer_der, encode.integer(certificate.serial))


def _key_trans(recipient: CertificateRecipient, key: bytes) -> bytes:
    encrypted = recipient.certificate.public_key.encrypt_key(key, recipient.transport)
    return encode.sequence(
        encode.integer(2 if recipient.by_key_identifier else 0),
        _rid(recipient),
        _transport(recipient.transport),
        encode.octet_string(encrypted),
    )


def _transport(scheme: KeyTransport) -> bytes:
    """The AlgorithmIdentifier of a key transport (RFC 3370 section 4.2.1, RFC 4055 section 4.1)."""
    if scheme.digest is None:
        return encode.sequence(encode.oid(oids.RSA), encode.NULL)
    mask = scheme.mgf_digest or scheme.digest
    members = []
    if scheme.digest != "sha1":  # which is the default, and DER leaves defaults out
        members.append(encode.constructed(context(0), _digest(scheme.digest)))
    if mask != "sha1":
        function = encode.sequence(encode.oid(oids.MGF1), _digest(mask))
        members.append(encode.constructed(context(1), function))
    if scheme.label:
        source = encode.sequence(encode.oid(oids.P_SPECIFIED), encode.octet_string(scheme.label))
        members.append(encode.constructed(context(2), source))
    return encode.sequence(encode.oid(oids.RSAES_OAEP), encode.sequence(*members))


def _digest(name: str) -> bytes:
    return encode.sequence(encode.oid(_DIGESTS[name]), encode.NULL)


def _key_agree(recipient: CertificateRecipient, key: bytes) -> bytes:
    """A KeyAgreeRecipientInfo with an ephemeral key (RFC 5753 section 3.1, RFC 8418 section 3.2)."""
    from mailsec.crypto.private import PrivateKey

    public = recipient.certificate.public_key
    kind = public.key_type
    digest = "sha256" if public.bits <= 256 else "sha384" if public.bits <= 384 else "sha512"
    if kind == "ec":
        ephemeral = PrivateKey.generate("ec", curve=public.curve or "")
        algorithm, kdf, scheme = oids.EC_PUBLIC_KEY, "x963", oids.STANDARD_ECDH[digest]
    else:
        ephemeral = PrivateKey.generate("x25519" if kind == "x25519" else "x448")
        algorithm, kdf, scheme = _MONTGOMERY_OIDS[kind], "hkdf", _HKDF_AGREEMENTS[kind]
    wrapping = wraps.wrap_algorithm(_wrap_octets(key))
    kek = wraps.agreed_key(kdf, digest, ephemeral.agree(public), None, wrapping)
    originator = encode.constructed(
        context(1),
        encode.sequence(encode.oid(algorithm)),
        encode.primitive(BIT_STRING, b"\0" + ephemeral.public_key.raw()),
    )
    rid = _rid(recipient)
    if recipient.by_key_identifier:
        inner = encode.octet_string(recipient.certificate.key_identifier or b"")
        rid = encode.constructed(context(0), inner)
    return encode.constructed(
        context(1),
        encode.integer(3),
        encode.constructed(context(0), originator),
        AlgorithmIdentifier(scheme, wrapping.der).der,
        encode.sequence(encode.sequence(rid, encode.octet_string(wraps.wrap(kek, key)))),
    )


def _wrap_octets(key: bytes) -> int:
    """The size of the key that wraps: never weaker than what it wraps (RFC 5753 section 8)."""
    return len(key) if len(key) in oids.AES_WRAPS else 32


def _kem(recipient: CertificateRecipient, key: bytes) -> bytes:
    """A KEMRecipientInfo with ML-KEM, HKDF by SHA-256 and AES-256 key wrap (RFC 9936 section 2.1)."""
    public = recipient.certificate.public_key
    secret, ciphertext = public.encapsulate()
    wrapping = wraps.wrap_algorithm(32)
    kek = wraps.encapsulated_key("sha256", secret, None, wrapping)
    info = encode.sequence(
        encode.integer(0),
        _rid(recipient),
        encode.sequence(encode.oid(_KEM_OIDS[public.key_type])),
        encode.octet_string(ciphertext),
        encode.sequence(encode.oid(oids.HKDF_SHA256)),
        encode.integer(32),
        wrapping.der,
        encode.octet_string(wraps.wrap(kek, key)),
    )
    return encode.constructed(context(4), encode.oid(oids.ORI_KEM), info)


def _kek(secret: SharedKey, key: bytes) -> bytes:
    if len(secret.key) < min(len(key), 32):
        raise UsageError(f"{secret} is shorter than the key that it is to wrap")
    return encode.constructed(
        context(2),
        encode.integer(4),
        encode.sequence(encode.octet_string(secret.identifier)),
        wraps.wrap_algorithm(len(secret.key)).der,
        encode.octet_string(wraps.wrap(secret.key, key)),
    )


def _password(secret: Password, key: bytes, random: Random) -> bytes:
    """A PasswordRecipientInfo with PBKDF2 and PWRI-KEK with AES (RFC 3211 section 2)."""
    octets = _wrap_octets(key)
    cipher = CIPHERS[f"aes{8 * octets}-cbc"]
    derivation = wraps.PBKDF2(random(_SALT_OCTETS), _ITERATIONS)
    iv = random(cipher.block)
    inner = AlgorithmIdentifier(cipher.oid, encode.octet_string(iv)).der
    named = derivation.identifier()
    wrapped = wraps.wrap_pwri(cipher.name, iv, derivation.derive(secret.octets, octets), key, random)
    return encode.constructed(
        context(3),
        encode.integer(0),
        encode.constructed(context(0), encode.oid(named.oid), named.parameters),
        AlgorithmIdentifier(oids.PWRI_KEK, inner).der,
        encode.octet_string(wrapped),
    )


__all__ = ["CertificateRecipient", "Random", "Recipient", "encrypt"]
