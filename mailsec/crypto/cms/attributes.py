"""What a verifier checks of the signed attributes (RFC 5652 sections 5.3 and 11, RFC 6211, RFC 5035)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsec.crypto.cms import oids
from mailsec.crypto.cms.signed import AlgorithmIdentifier, SignerInfo
from mailsec.crypto.cms.tlv import OCTET_STRING, SEQUENCE, Element, context
from mailsec.crypto.digests import new_digest
from mailsec.crypto.schemes import DIGEST_OIDS, scheme_of
from mailsec.errors import CMSError

if TYPE_CHECKING:
    from mailsec.crypto import Certificate


class UnknownAlgorithmError(Exception):
    """An algorithm that we do not know; it never leaves `mailsec.crypto.cms`."""


class MismatchError(Exception):
    """The signer signed that something is otherwise than it is; it never leaves `mailsec.crypto.cms`."""


def check_form(signer: SignerInfo, content_type: str | None) -> None:
    """Checks the form of the signed attributes, which must be there.

    Args:
        signer: the signer.
        content_type: the type of the content; `None` for a countersignature, which must not state one.

    Raises:
        CMSError: an attribute that must be there is not, is there twice, or is malformed.
    """
    stated = signer.attribute(oids.CONTENT_TYPE)
    if content_type is None:
        if stated is not None:
            raise CMSError("a countersignature states a content type, which it must not")
        if signer.message_digest is None:
            raise CMSError("the signed attributes lack the message digest")
    else:
        if stated is None or signer.message_digest is None:
            raise CMSError("the signed attributes lack the content type or the message digest")
        if stated.oid("the signed content type") != content_type:
            raise CMSError("the signed content type is not the type of the content")
    signing_time = signer.attribute(oids.SIGNING_TIME)
    if signing_time is not None:
        signing_time.time("the signing time")
    for oid in (oids.SMIME_CAPABILITIES, oids.ENCRYPTION_KEY_PREFERENCE, oids.RECEIPT_REQUEST):
        signer.attribute(oid)


def check_protection(signer: SignerInfo) -> None:
    """Checks that a CMSAlgorithmProtection, if there is one, names the signer's algorithms (RFC 6211 section 3.1).

    Raises:
        MismatchError: it names others.
        CMSError: it is there twice, or malformed.
    """
    value = signer.attribute(oids.ALGORITHM_PROTECTION)
    if value is None:
        return
    members = tuple(value.expect(SEQUENCE, "the algorithm protection").children())
    if len(members) != 2 or members[1].tag != context(1):
        raise CMSError("the algorithm protection is malformed")
    digest = AlgorithmIdentifier.of(members[0])
    signature = AlgorithmIdentifier.of(members[1], context(1))
    if not (_same(digest, signer.digest_algorithm) and _same(signature, signer.signature_algorithm)):
        raise MismatchError("the algorithms are not the ones that the signer protected")


def _same(one: AlgorithmIdentifier, other: AlgorithmIdentifier) -> bool:
    """Whether two identifiers are the same; absent parameters and NULL are, and defaults whether written or not."""
    if one.oid != other.oid:
        return False
    if one.parameters == other.parameters or (one.plain and other.plain):
        return True
    return one.oid == oids.RSA_PSS and scheme_of(one.der) == scheme_of(other.der) is not None


def is_signing_certificate(signer: SignerInfo, certificate: Certificate) -> bool:
    """Whether the certificate is the one that the signer committed to, if to any (RFC 5035 sections 3 and 5).

    Args:
        signer: the signer.
        certificate: the certificate whose key verifies the signature.

    Raises:
        CMSError: an attribute is malformed.
        UnknownAlgorithmError: the certificate is named by a digest that is not known.
    """
    for oid, default in ((oids.SIGNING_CERTIFICATE_V2, "sha256"), (oids.SIGNING_CERTIFICATE, "sha1")):
        value = signer.attribute(oid)
        if value is None:
            continue
        what = "the signing certificate attribute"
        certs = next(value.expect(SEQUENCE, what).children(), None)
        first = next(certs.expect(SEQUENCE, what).children(), None) if certs else None
        if first is None:
            raise CMSError(f"{what} is malformed")
        members = list(first.expect(SEQUENCE, what).children())
        name: str | None = default
        if oid == oids.SIGNING_CERTIFICATE_V2 and members and members[0].tag == SEQUENCE:
            name = DIGEST_OIDS.get(AlgorithmIdentifier.of(members.pop(0)).oid)
        if name is None:
            raise UnknownAlgorithmError(f"{what} uses a digest that is not known")
        if not members:
            raise CMSError(f"{what} is malformed")
        digest = new_digest(name)
        digest.update(certificate.der)
        stated = members[0].expect(OCTET_STRING, what, constructed=members[0].constructed).octets()
        if stated != digest.digest():
            return False
        if len(members) > 1 and not _is_issuer_serial(members[1], certificate):
            return False
    return True


def _is_issuer_serial(element: Element, certificate: Certificate) -> bool:
    """Whether an IssuerSerial names the certificate by its serial number (RFC 5035 section 5).

    The issuer is a GeneralNames that senders fill in many ways; the digest has already settled which it is.
    """
    members = tuple(element.expect(SEQUENCE, "an issuer and serial number").children())
    if len(members) != 2:
        raise CMSError("an issuer and serial number is malformed")
    return members[1].integer("a serial number") == certificate.serial


__all__ = ["MismatchError", "UnknownAlgorithmError", "check_form", "check_protection", "is_signing_certificate"]
