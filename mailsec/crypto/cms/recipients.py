"""The recipients of an encrypted structure (RFC 5652 section 6.2, RFC 9629 section 3), as they were sent.

Reading checks the form only. An algorithm that we do not know harms nobody but the recipient who has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from mailsec.crypto.cms import oids
from mailsec.crypto.cms.limits import LIMITS, CMSLimits
from mailsec.crypto.cms.members import Members, limited
from mailsec.crypto.cms.signed import AlgorithmIdentifier, IssuerAndSerialNumber, SubjectKeyIdentifier
from mailsec.crypto.cms.tlv import BIT_STRING, OCTET_STRING, SEQUENCE, Element, context
from mailsec.errors import CMSError, LimitError

RecipientIdentifier: TypeAlias = IssuerAndSerialNumber | SubjectKeyIdentifier


@dataclass(frozen=True, slots=True)
class KeyTransRecipientInfo:
    """A recipient whose RSA key decrypts the content-encryption key (RFC 5652 section 6.2.1).

    Attributes:
        rid: the certificate of the key.
        algorithm: how the key is encrypted.
        encrypted_key: the encrypted key.
    """

    rid: RecipientIdentifier
    algorithm: AlgorithmIdentifier
    encrypted_key: bytes


@dataclass(frozen=True, slots=True)
class OriginatorPublicKey:
    """The key that the originator made for this message (RFC 5652 section 6.2.2).

    Attributes:
        algorithm: the kind of key; for an elliptic curve, mostly without the curve.
        octets: the key.
    """

    algorithm: AlgorithmIdentifier
    octets: bytes


@dataclass(frozen=True, slots=True)
class KeyAgreeRecipientInfo:
    """Recipients who agree with the originator on a key that wraps the key (RFC 5652 section 6.2.2).

    Attributes:
        originator: the originator's key; `None` where it is named by a certificate.
        ukm: what else goes into the key that wraps, where there is something.
        algorithm: how the key that wraps comes about, with the algorithm of wrapping as its parameters.
        encrypted_keys: each recipient's certificate, and the key wrapped for it.
    """

    originator: OriginatorPublicKey | None
    ukm: bytes | None
    algorithm: AlgorithmIdentifier
    encrypted_keys: tuple[tuple[RecipientIdentifier, bytes], ...]


@dataclass(frozen=True, slots=True)
class KEKRecipientInfo:
    """Recipients who share a key-encryption key with the originator (RFC 5652 section 6.2.3).

    Attributes:
        identifier: what the key is known by.
        algorithm: how the key is wrapped.
        encrypted_key: the wrapped key.
    """

    identifier: bytes
    algorithm: AlgorithmIdentifier
    encrypted_key: bytes


@dataclass(frozen=True, slots=True)
class PasswordRecipientInfo:
    """Recipients who know a password (RFC 5652 section 6.2.4, RFC 3211).

    Attributes:
        derivation: how a key is made of the password; `None` where nothing says it.
        algorithm: how the key is wrapped.
        encrypted_key: the wrapped key.
    """

    derivation: AlgorithmIdentifier | None
    algorithm: AlgorithmIdentifier
    encrypted_key: bytes


@dataclass(frozen=True, slots=True)
class KEMRecipientInfo:
    """A recipient whose key decapsulates a secret (RFC 9629 section 3).

    Attributes:
        rid: the certificate of the key.
        kem: the key encapsulation mechanism.
        ciphertext: what it encapsulates the secret in.
        kdf: how the key that wraps is made of the secret.
        kek_octets: the size of that key.
        ukm: what else goes into it, where there is something.
        algorithm: how the key is wrapped.
        encrypted_key: the wrapped key.
    """

    rid: RecipientIdentifier
    kem: AlgorithmIdentifier
    ciphertext: bytes
    kdf: AlgorithmIdentifier
    kek_octets: int
    ukm: bytes | None
    algorithm: AlgorithmIdentifier
    encrypted_key: bytes


@dataclass(frozen=True, slots=True)
class OtherRecipientInfo:
    """A recipient of a kind that we do not know (RFC 5652 section 6.2.5).

    Attributes:
        oid: the kind, dotted; empty where the standard gives no such choice.
    """

    oid: str


RecipientInfo: TypeAlias = (
    KeyTransRecipientInfo
    | KeyAgreeRecipientInfo
    | KEKRecipientInfo
    | PasswordRecipientInfo
    | KEMRecipientInfo
    | OtherRecipientInfo
)


def read_recipients(element: Element, limits: CMSLimits = LIMITS) -> tuple[RecipientInfo, ...]:
    """Reads RecipientInfos.

    Args:
        element: the SET OF them.
        limits: the limits to keep.

    Raises:
        CMSError: one is malformed, or there is none.
        LimitError: there are too many, or one is too long.
    """
    found = tuple(_recipient(member, limits) for member in limited(element, limits.recipients, "recipients"))
    if not found:
        raise CMSError("the structure has no recipients")
    keys = sum(len(one.encrypted_keys) for one in found if isinstance(one, KeyAgreeRecipientInfo))
    if keys > limits.recipients:
        raise LimitError(f"there are more than {limits.recipients} recipients")
    return found


def _recipient(element: Element, limits: CMSLimits) -> RecipientInfo:
    if element.tag == SEQUENCE:
        return _key_trans(Members(element, "a recipient"), limits)
    if not element.constructed:
        raise CMSError("among the recipients stands something that is none")
    members = Members(element, "a recipient")
    if element.tag == context(1):
        return _key_agree(members, limits)
    if element.tag == context(2):
        return _kek(members, limits)
    if element.tag == context(3):
        return _password(members, limits)
    if element.tag != context(4):
        return OtherRecipientInfo("")
    oid = members.next("a kind").oid("the kind of a recipient")
    value = members.next("a value")
    members.end()
    if oid != oids.ORI_KEM:
        return OtherRecipientInfo(oid)
    return _kem(Members(value.expect(SEQUENCE, "a recipient"), "a recipient"), limits)


def _key_trans(members: Members, limits: CMSLimits) -> KeyTransRecipientInfo:
    members.next("a version").integer("the version of a recipient")
    rid = _identifier(members.next("an identifier"), context(0))
    algorithm = AlgorithmIdentifier.of(members.next("an algorithm"))
    encrypted_key = _octets(members.next("an encrypted key"), limits)
    members.end()
    return KeyTransRecipientInfo(rid, algorithm, encrypted_key)


def _key_agree(members: Members, limits: CMSLimits) -> KeyAgreeRecipientInfo:
    members.next("a version").integer("the version of a recipient")
    wrapped = members.next("an originator").expect(context(0), "an originator", constructed=True)
    inner = Members(wrapped, "an originator")
    originator = _originator(inner.next("a key"), limits)
    inner.end()
    ukm = members.optional(context(1))
    algorithm = AlgorithmIdentifier.of(members.next("an algorithm"))
    keys = members.next("encrypted keys").expect(SEQUENCE, "the encrypted keys of a recipient")
    members.end()
    return KeyAgreeRecipientInfo(
        originator,
        None if ukm is None else _only(ukm, limits),
        algorithm,
        tuple(_encrypted_key(key, limits) for key in limited(keys, limits.recipients, "recipients")),
    )


def _originator(element: Element, limits: CMSLimits) -> OriginatorPublicKey | None:
    if element.tag != context(1) or not element.constructed:
        return None  # a certificate: keys that are not made for one message are not supported
    members = Members(element, "an originator's key")
    algorithm = AlgorithmIdentifier.of(members.next("an algorithm"))
    bits = members.next("the key").expect(BIT_STRING, "an originator's key", constructed=False).contents
    members.end()
    if not 1 < len(bits) <= limits.key_octets or bits[0]:
        raise CMSError("an originator's key is malformed")
    return OriginatorPublicKey(algorithm, bytes(bits[1:]))


def _encrypted_key(element: Element, limits: CMSLimits) -> tuple[RecipientIdentifier, bytes]:
    members = Members(element.expect(SEQUENCE, "an encrypted key"), "an encrypted key")
    named = members.next("an identifier")
    if named.tag == context(0) and named.constructed:
        # RecipientKeyIdentifier: the date and other attributes that may follow say nothing to us.
        rid: RecipientIdentifier = SubjectKeyIdentifier(
            _octets(Members(named, "a recipient's identifier").next("a key identifier"), limits)
        )
    else:
        rid = _identifier(named, SEQUENCE)
    encrypted_key = _octets(members.next("the key"), limits)
    members.end()
    return rid, encrypted_key


def _kek(members: Members, limits: CMSLimits) -> KEKRecipientInfo:
    members.next("a version").integer("the version of a recipient")
    named = members.next("an identifier").expect(SEQUENCE, "the identifier of a shared key")
    identifier = _octets(Members(named, "the identifier of a shared key").next("octets"), limits)
    algorithm = AlgorithmIdentifier.of(members.next("an algorithm"))
    encrypted_key = _octets(members.next("an encrypted key"), limits)
    members.end()
    return KEKRecipientInfo(identifier, algorithm, encrypted_key)


def _password(members: Members, limits: CMSLimits) -> PasswordRecipientInfo:
    members.next("a version").integer("the version of a recipient")
    derivation = members.optional(context(0))
    algorithm = AlgorithmIdentifier.of(members.next("an algorithm"))
    encrypted_key = _octets(members.next("an encrypted key"), limits)
    members.end()
    return PasswordRecipientInfo(
        None if derivation is None else AlgorithmIdentifier.of(derivation, context(0)), algorithm, encrypted_key
    )


def _kem(members: Members, limits: CMSLimits) -> KEMRecipientInfo:
    members.next("a version").integer("the version of a recipient")
    rid = _identifier(members.next("an identifier"), context(0))
    kem = AlgorithmIdentifier.of(members.next("a mechanism"))
    ciphertext = _octets(members.next("a ciphertext"), limits)
    kdf = AlgorithmIdentifier.of(members.next("a key derivation"))
    kek_octets = members.next("the size of a key").integer("the size of a key")
    ukm = members.optional(context(0))
    algorithm = AlgorithmIdentifier.of(members.next("an algorithm"))
    encrypted_key = _octets(members.next("an encrypted key"), limits)
    members.end()
    return KEMRecipientInfo(
        rid,
        kem,
        ciphertext,
        kdf,
        kek_octets,
        None if ukm is None else _only(ukm, limits),
        algorithm,
        encrypted_key,
    )


def _identifier(element: Element, key_identifier: int) -> RecipientIdentifier:
    """Reads a RecipientIdentifier; `key_identifier` is the tag that a subject key identifier has there."""
    if element.tag == key_identifier == context(0):
        return SubjectKeyIdentifier(element.octets())
    members = Members(element.expect(SEQUENCE, "a recipient's identifier"), "a recipient's identifier")
    issuer = members.next("an issuer").expect(SEQUENCE, "an issuer's name")
    serial = members.next("a serial number").integer("a serial number")
    members.end()
    return IssuerAndSerialNumber(bytes(issuer.raw), serial)


def _only(element: Element, limits: CMSLimits) -> bytes:
    """The octets of the one OCTET STRING in an EXPLICIT element."""
    members = Members(element, "the user keying material")
    octets = _octets(members.next("octets"), limits)
    members.end()
    return octets


def _octets(element: Element, limits: CMSLimits) -> bytes:
    if element.tag != OCTET_STRING:
        raise CMSError("a recipient is malformed")
    if element.end - element.body > limits.key_octets:
        raise LimitError(f"a recipient holds more than {limits.key_octets} octets where a key should be")
    return element.octets()


def oaep_parameters(element: Element) -> tuple[AlgorithmIdentifier, AlgorithmIdentifier, AlgorithmIdentifier]:
    """Reads RSAES-OAEP-params (RFC 4055 section 4.1).

    Returns:
        The digest, the mask generation function and the source of the label; defaults where they are absent.

    Raises:
        CMSError: they are malformed.
    """
    what = "the parameters of RSAES-OAEP"
    members = Members(element.expect(SEQUENCE, what), what)
    found = []
    for number, default in enumerate((_SHA1, _MGF1_SHA1, _NO_LABEL)):
        wrapped = members.optional(context(number))
        if wrapped is None:
            found.append(default)
            continue
        inner = Members(wrapped, what)
        found.append(AlgorithmIdentifier.of(inner.next("an algorithm")))
        inner.end()
    members.end()
    return found[0], found[1], found[2]


_SHA1 = AlgorithmIdentifier("1.3.14.3.2.26", b"")
_MGF1_SHA1 = AlgorithmIdentifier(oids.MGF1, _SHA1.der)
_NO_LABEL = AlgorithmIdentifier(oids.P_SPECIFIED, b"\x04\x00")

__all__ = [
    "KEKRecipientInfo",
    "KEMRecipientInfo",
    "KeyAgreeRecipientInfo",
    "KeyTransRecipientInfo",
    "OriginatorPublicKey",
    "OtherRecipientInfo",
    "PasswordRecipientInfo",
    "RecipientIdentifier",
    "RecipientInfo",
    "oaep_parameters",
    "read_recipients",
]
