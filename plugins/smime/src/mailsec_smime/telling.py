"""Facts for the reader: who countersigned, what is asked for, what else came along, and what encryption did.

None of them makes a result better or worse.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from mailsec.crypto import describe_key, name_in_words
from mailsec.crypto.cms import (
    CIPHERS,
    KEKRecipientInfo,
    KEMRecipientInfo,
    KeyAgreeRecipientInfo,
    KeyTransRecipientInfo,
    Outcome,
    PasswordRecipientInfo,
    oids,
    receipt_request,
    verify_countersignature,
)
from mailsec.crypto.cms.decryption import read_transport
from mailsec.errors import CMSError, LimitError, UnsupportedError
from mailsec.hooks import Fact
from mailsec_smime.certifying import path_evidence

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailsec.crypto import Certificate
    from mailsec.crypto.cms import (
        Decryption,
        EnvelopedData,
        Receipt,
        RecipientInfo,
        SignedData,
        SignerInfo,
        SignerVerification,
    )
    from mailsec.hooks import Evidence
    from mailsec_smime.paths import TrustedPaths

_MANY = 10
"""How many names, addresses or kinds one fact lists."""
_LONG = 320
"""How many characters of one of them."""
_OCTETS = 64
"""Octets of an identifier that are shown."""

_SECURITY_LABEL, _CONTENT_HINTS = "1.2.840.113549.1.9.16.2.2", "1.2.840.113549.1.9.16.2.4"
_TOLD = frozenset(
    {
        oids.CONTENT_TYPE,
        oids.MESSAGE_DIGEST,
        oids.SIGNING_TIME,
        oids.SMIME_CAPABILITIES,
        oids.SIGNING_CERTIFICATE,
        oids.SIGNING_CERTIFICATE_V2,
        oids.ALGORITHM_PROTECTION,
        oids.ENCRYPTION_KEY_PREFERENCE,
        oids.RECEIPT_REQUEST,
        oids.COUNTERSIGNATURE,
        _SECURITY_LABEL,
        _CONTENT_HINTS,
    }
)
"""Attributes that are told in words of their own, or that only serve the signature."""

_CLASSES = ("unmarked", "unclassified", "restricted", "confidential", "secret", "top secret")
"""The classifications of RFC 2634 section 3.2."""

_KINDS = {
    "extended": "extended certificate",
    "attribute-v1": "attribute certificate of version 1",
    "attribute-v2": "attribute certificate",
    "other": "certificate of another kind",
}

_UTF8_STRING, _PRINTABLE_STRING, _INTEGER, _OID = 0x0C, 0x13, 0x02, 0x06


# -- signatures ----------------------------------------------------------------------------------------------


def signer_facts(
    verification: SignerVerification, signed: SignedData, paths: TrustedPaths, known: Sequence[Certificate]
) -> Iterator[Evidence]:
    """What a signer asks for, and what others have added to the signature.

    Args:
        verification: what came of the signature.
        signed: the structure it stands in.
        paths: finds paths.
        known: certificates at hand from elsewhere.
    """
    signer = verification.signer
    yield from _asked(signer)
    yield from _also_signed(signer)
    for other in verification.others[:_MANY]:
        yield Fact("the same key also has the certificate", _who(other))
    yield from _countersigned(signer, signed, paths, known)
    if added := _names(one.name for one in signer.unsigned_attributes if one.oid not in _TOLD):
        yield Fact("added and signed by nobody", f"{added}; it counts for nothing here")


def along_facts(signed: SignedData) -> Iterator[Evidence]:
    """What came along that is not read: certificates of other kinds, such as attribute certificates."""
    kinds = Counter(one.kind for one in signed.certificate_choices if one.kind != "certificate")
    unread = sum(one.kind == "certificate" for one in signed.certificate_choices) - len(signed.certificates)
    parts = [_count(number, _KINDS[kind]) for kind, number in kinds.items()]
    if unread:
        parts.append(_count(unread, "certificate that cannot be read", "certificates that cannot be read"))
    if parts:
        yield Fact("came along and was not read", ", ".join(parts))
    if signed.crls:
        yield Fact("came along", _count(len(signed.crls), "revocation list"))


def _asked(signer: SignerInfo) -> Iterator[Fact]:
    """The receipt that a signer asks for (RFC 2634 section 2.7)."""
    name = "a receipt is asked for"
    try:
        request = receipt_request(signer)
    except (CMSError, LimitError) as error:
        yield Fact(name, f"in a way that cannot be read: {error}. None is sent")
        return
    if request is None:
        return
    if request.receipts_from is not None:
        who = _few(request.receipts_from) or "nobody by an e-mail address"
    else:
        who = "everybody who gets it" if request.tier == "all" else "those who get it directly, not through a list"
    to = f", to be sent to {_few(request.receipts_to)}" if request.receipts_to else ""
    yield Fact(name, f"from {who}{to}. None is ever sent by itself")


def _also_signed(signer: SignerInfo) -> Iterator[Fact]:
    """Attributes that the signature covers, beside those that serve it."""
    for oid, name, read in (
        (_SECURITY_LABEL, "security label, as the signer claims", _label),
        (_CONTENT_HINTS, "what the content is, as the signer claims", _hints),
    ):
        try:
            if words := read(signer, oid):
                yield Fact(name, words)
        except CMSError as error:
            yield Fact(name, f"cannot be read: {error}")
    others = _names(one.name for one in signer.signed_attributes or () if one.oid not in _TOLD)
    if others:
        yield Fact("signed too", others)


def _label(signer: SignerInfo, oid: str) -> str:
    """ESSSecurityLabel (RFC 2634 section 3.2): how secret the content is, under which policy."""
    value = signer.attribute(oid)
    if value is None:
        return ""
    words = []
    for member in list(value.expect(0x31, "the security label").children())[:_MANY]:
        if member.tag == _INTEGER:
            number = member.integer()
            words.append(_CLASSES[number] if 0 <= number < len(_CLASSES) else f"classification {number}")
        elif member.tag == _OID:
            words.append(f"policy {member.oid()}")
        elif member.tag in {_UTF8_STRING, _PRINTABLE_STRING}:
            words.append(f"“{bytes(member.contents)[:_LONG].decode('utf-8', 'replace')}”")
    return ", ".join(words)


def _hints(signer: SignerInfo, oid: str) -> str:
    """The description in ContentHints (RFC 2634 section 2.9)."""
    value = signer.attribute(oid)
    if value is None:
        return ""
    members = list(value.expect(0x30, "the content hints").children())[:2]
    words = [bytes(one.contents)[:_LONG].decode("utf-8", "replace") for one in members if one.tag == _UTF8_STRING]
    types = [oids.CONTENT_TYPES.get(one.oid(), one.oid()) for one in members if one.tag == _OID]
    return ", ".join([*(f"“{one}”" for one in words), *types])


def _countersigned(
    signer: SignerInfo, signed: SignedData, paths: TrustedPaths, known: Sequence[Certificate]
) -> Iterator[Evidence]:
    """Who signed the signature (RFC 5652 section 11.4), and whether that holds."""
    name = "countersigned"
    try:
        countersigners = signer.countersigners()
    except (CMSError, LimitError) as error:
        yield Fact(name, f"in a way that cannot be read: {error}. That changes nothing")
        return
    for one in countersigners:
        found = verify_countersignature(one, signer, signed, known)
        certificate = found.certificate
        who = "by somebody whose certificate is not at hand" if certificate is None else f"by {_who(certificate)}"
        if found.outcome is not Outcome.GOOD or certificate is None:
            why = "" if certificate is None else f": {found.sentence}"
            yield Fact(name, f"{who}, and that does not hold{why}. Anybody can add such a thing; it changes nothing")
            continue
        path = paths.of_countersigners.validate(certificate)
        trust = "a certificate that you trust" if path.failure is None else f"no trusted certificate ({path.sentence})"
        yield Fact(
            name,
            f"{who}: the signature over this signature is right, under {trust[: 2 * _LONG]}. "
            "It says that they saw this signature; it vouches for nothing in the message",
        )
        yield path_evidence(path, "countersigner")


# -- receipts ------------------------------------------------------------------------------------------------


def receipt_facts(receipt: Receipt) -> Iterator[Fact]:
    """What a signed receipt is for (RFC 2634 section 2.8)."""
    kind = oids.CONTENT_TYPES.get(receipt.content_type, receipt.content_type)
    yield Fact("receipt for", f"the message whose content has the identifier {_identifier(receipt.identifier)}")
    yield Fact("content that was received", kind)
    yield Fact("signature of the message that was received", f"{receipt.signature[:16].hex(' ', 2)} …")


def _identifier(octets: bytes) -> str:
    """An identifier as text where it is text, else in hexadecimal."""
    more = " …" if len(octets) > _OCTETS else ""
    shown = octets[:_OCTETS]
    text = shown.decode("ascii", "replace")
    return (text if text.isprintable() and text.isascii() and text else shown.hex()) + more


# -- encryption ----------------------------------------------------------------------------------------------


def encryption_facts(enveloped: EnvelopedData, decryption: Decryption | None) -> Iterator[Fact]:
    """What encryption did: how, to how many, and by which key it was undone.

    Args:
        enveloped: the encrypted structure.
        decryption: what came of decrypting it; `None` where nothing did.
    """
    yield Fact("content encryption", _cipher(enveloped))
    yield Fact("encrypted to", _recipients(enveloped.recipients))
    if decryption is None:
        return
    if decryption.identity is not None:
        key = _own(decryption.identity.certificates[0]) if decryption.identity.certificates else ""
        yield Fact("decrypted with the key of", f"{decryption.identity.name}{key}")
    yield Fact("how the key reached you", _way(enveloped.recipients[decryption.recipient]))
    yield Fact("what encryption says of the author", "nothing: whoever knows your certificate can encrypt to you")


def _cipher(enveloped: EnvelopedData) -> str:
    name = oids.CONTENT_CIPHERS.get(enveloped.algorithm.oid)
    if name is None:
        return f"an algorithm that is not known ({enveloped.algorithm.oid})"
    words = "Triple DES in CBC mode" if name == "des-ede3-cbc" else _in_capitals(name)
    cipher = CIPHERS.get(name)
    if cipher is None:
        return words
    noticed = "a change on the way would be noticed" if cipher.authenticated else "nothing notices a change on the way"
    return f"{words}: {noticed}"


def _in_capitals(name: str) -> str:
    """A cipher's name as people write it, such as AES-256-GCM."""
    return {"chacha20-poly1305": "ChaCha20-Poly1305"}.get(name, name.upper().replace("AES", "AES-"))


def _recipients(recipients: Sequence[RecipientInfo]) -> str:
    keys = passwords = shared = 0
    for one in recipients:
        if isinstance(one, KeyAgreeRecipientInfo):
            keys += len(one.encrypted_keys)
        elif isinstance(one, PasswordRecipientInfo):
            passwords += 1
        elif isinstance(one, KEKRecipientInfo):
            shared += 1
        else:
            keys += 1
    parts = [_count(keys, "key")] if keys else []
    parts += [_count(passwords, "password")] if passwords else []
    parts += [_count(shared, "shared key")] if shared else []
    return ", ".join(parts) or "nobody"


def _way(recipient: RecipientInfo) -> str:
    try:
        match recipient:
            case KeyTransRecipientInfo():
                return f"encrypted by {read_transport(recipient.algorithm)}"
            case KeyAgreeRecipientInfo():
                return "wrapped by a key that was agreed on with a fresh one of the sender's (ECDH)"
            case KEMRecipientInfo():
                kem = oids.KEMS.get(recipient.kem.oid, recipient.kem.oid)
                return f"wrapped by a key that was encapsulated for yours ({kem.upper()})"
            case _:
                return "wrapped by a key or password that you share"
    except (UnsupportedError, CMSError):
        return "in a way that has no name here"


def _own(certificate: Certificate) -> str:
    return f" ({describe_key(certificate.public_key)}, certificate valid to {certificate.not_after:%Y-%m-%d})"


# -- words ---------------------------------------------------------------------------------------------------


def _who(certificate: Certificate) -> str:
    name = name_in_words(certificate.subject_der)
    emails = [one for one in certificate.emails if one != name]
    return f"{name} <{_few(emails)}>" if emails else name


def _names(names: Iterator[str]) -> str:
    return _few([*dict.fromkeys(names)])


def _few(texts: Sequence[str]) -> str:
    shown = [one if len(one) <= _LONG else f"…{one[-_LONG:]}" for one in texts[:_MANY]]
    if len(texts) > _MANY:
        shown.append(f"{len(texts) - _MANY} more")
    return ", ".join(shown)


def _count(number: int, one: str, more: str = "") -> str:
    return f"1 {one}" if number == 1 else f"{number} {more or f'{one}s'}"
