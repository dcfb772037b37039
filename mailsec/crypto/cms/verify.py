"""Whether the signature of a signer is right (RFC 5652 sections 5.4 to 5.6).

This answers the mathematics and the form only. Whether the certificate can be trusted, is for e-mail, and names
the author is for the caller to find out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

from mailsec.crypto import names
from mailsec.crypto.cms import oids
from mailsec.crypto.cms.limits import LIMITS
from mailsec.crypto.cms.signed import (
    AlgorithmIdentifier,
    SignedData,
    SignerInfo,
    SubjectKeyIdentifier,
)
from mailsec.crypto.cms.tlv import OCTET_STRING, SEQUENCE, SET, Element, context, read
from mailsec.crypto.digests import new_digest
from mailsec.crypto.schemes import DIGEST_OIDS, SignatureScheme, scheme_of
from mailsec.errors import CMSError, LimitError, UsageError

if TYPE_CHECKING:
    from mailsec.crypto import Assessment, Certificate


class Outcome(StrEnum):
    """What came of verifying one signer."""

    GOOD = "good"
    DIGEST = "digest"  # the content is not what was signed
    SIGNATURE = "signature"  # the signature value does not verify
    NO_CERTIFICATE = "no-certificate"  # the signer's certificate is not at hand
    UNSUPPORTED = "unsupported"  # an algorithm that we do not know
    MALFORMED = "malformed"  # the signer's structure breaks the standard


@dataclass(frozen=True, slots=True)
class SignerVerification:
    """The result for one signer.

    Attributes:
        signer: the signer.
        outcome: what came of it.
        sentence: the same for people; it quotes nothing from the message.
        certificate: the certificate whose key verified the signature or was tried; `None` where there is none.
        scheme: how the signature was made; `None` where that is unknown.
        assessment: what the algorithm policy says of digest, signature and key, the worst of all; `None` unless
            the outcome is good.
    """

    signer: SignerInfo
    outcome: Outcome
    sentence: str
    certificate: Certificate | None = None
    scheme: SignatureScheme | None = None
    assessment: Assessment | None = None


class Content:
    """The content that signers sign, in pieces, with its digests, each computed once.

    Args:
        pieces: the content in order; the buffers are referred to, not copied.
    """

    __slots__ = ("_digests", "_pieces")

    def __init__(self, pieces: Iterable[bytes | memoryview]) -> None:
        self._pieces = tuple(pieces)
        self._digests: dict[str, bytes] = {}

    def digest(self, name: str) -> bytes:
        """The digest of the content.

        Args:
            name: a name that `mailsec.crypto.new_digest` knows.

        Raises:
            UsageError: there is no such digest.
        """
        found = self._digests.get(name)
        if found is None:
            digest = new_digest(name)
            for piece in self._pieces:
                digest.update(piece)
            found = self._digests[name] = digest.digest()
        return found

    def octets(self) -> bytes | memoryview:
        """The content in one piece; copied only if it is in several."""
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)

    def starts_with(self, octets: bytes) -> bool:
        """Whether the content begins so."""
        start = b"".join(bytes(piece[: len(octets)]) for piece in self._pieces[: len(octets)])
        return start.startswith(octets)


def verify_signer(
    signer: SignerInfo, signed: SignedData, content: Content, candidates: Sequence[Certificate] = ()
) -> SignerVerification:
    """Verifies one signer's signature over content.

    Args:
        signer: one of `signed.signers`.
        signed: the SignedData.
        content: the content, encapsulated or detached.
        candidates: certificates from elsewhere that may be the signer's, where the SignedData lacks it.

    Returns:
        The result; a wrong or malformed signature is one like any other.
    """
    certificates = tuple(islice(_named(signer, (*signed.certificates, *candidates)), LIMITS.candidates))
    first = certificates[0] if certificates else None
    try:
        digest_name = _digest_name(signer)
        scheme = _scheme(signer, digest_name)
        _check_attributes(signer, signed, content)
        stated = signer.message_digest
        if not certificates:
            return SignerVerification(
                signer, Outcome.NO_CERTIFICATE, "the signer's certificate is not at hand", None, scheme
            )
        if all(c.public_key.trouble for c in certificates):
            raise _UnsupportedError("the signer's key is of a kind that is not supported")
        certificate = next((c for c in certificates if _verifies(signer, content, c, scheme)), None)
        if certificate is None:
            what = "the signature does not verify"
            if signer.signed_attributes is None:
                what = "the signature does not verify for this content"
            return SignerVerification(signer, Outcome.SIGNATURE, what, first, scheme)
        if not _is_signing_certificate(signer, certificate):
            return SignerVerification(
                signer, Outcome.SIGNATURE, "the signature was made for another certificate", certificate, scheme
            )
        if stated is not None and stated != content.digest(digest_name):
            return SignerVerification(
                signer, Outcome.DIGEST, "the content was changed after it was signed", certificate, scheme
            )
    except _UnsupportedError as error:
        return SignerVerification(signer, Outcome.UNSUPPORTED, str(error), first)
    except (CMSError, LimitError) as error:
        return SignerVerification(signer, Outcome.MALFORMED, str(error), first)
    return SignerVerification(
        signer, Outcome.GOOD, "the signature is right", certificate, scheme, _assess(digest_name, scheme, certificate)
    )


class _UnsupportedError(Exception):
    """An algorithm that we do not know; it never leaves this module."""


def _named(signer: SignerInfo, certificates: Iterable[Certificate]) -> Iterable[Certificate]:
    """The certificates that the signer's identifier means, each once (RFC 5652 section 5.3)."""
    sid, seen = signer.sid, set()
    for certificate in certificates:
        if isinstance(sid, SubjectKeyIdentifier):
            means = certificate.key_identifier == sid.octets
        else:
            # Some senders write the issuer's name with other string types than the certificate has.
            means = certificate.serial == sid.serial and (
                certificate.issuer_der == sid.issuer or certificate.issuer_key == names.canonical(sid.issuer)
            )
        if means and certificate.der not in seen:
            seen.add(certificate.der)
            yield certificate


def _digest_name(signer: SignerInfo) -> str:
    name = DIGEST_OIDS.get(signer.digest_algorithm.oid)
    if name is None:
        raise _UnsupportedError(f"the digest algorithm {signer.digest_algorithm.oid} is not known")
    if not signer.digest_algorithm.plain:
        raise CMSError("the digest algorithm has parameters, which it must not have")
    return name


def _scheme(signer: SignerInfo, digest_name: str) -> SignatureScheme:
    algorithm = signer.signature_algorithm
    kind = oids.KEY_ALGORITHMS.get(algorithm.oid)
    try:
        scheme = SignatureScheme(kind, digest_name) if kind else scheme_of(algorithm.der)
    except UsageError:
        scheme = None
    if scheme is None:
        raise _UnsupportedError(f"the signature algorithm {algorithm.oid} is not known, or not with its parameters")
    if scheme.key_type == "rsa" and not algorithm.plain:
        raise CMSError("the signature algorithm has parameters, which it must not have")
    if signer.signed_attributes is None and scheme.digest not in (None, digest_name):
        raise CMSError("the signer names two different digests for the content")
    return scheme


def _check_attributes(signer: SignerInfo, signed: SignedData, content: Content) -> None:
    """Checks what RFC 5652 sections 5.3 and 11 want of the signed attributes.

    Raises:
        CMSError: they are not so.
    """
    if signer.signed_attributes is None:
        if signed.content_type != oids.DATA:
            raise CMSError("signed attributes are missing, which this type of content needs")
        if content.starts_with(b"\x31") and _is_attributes(content):
            # The signature could have been taken from another message, whose signed attributes this content is:
            # nothing in it says whether attributes or content were signed.
            raise CMSError("the content is the signed attributes of some other signature")
        return
    content_type = signer.attribute(oids.CONTENT_TYPE)
    if content_type is None or signer.message_digest is None:
        raise CMSError("the signed attributes lack the content type or the message digest")
    if content_type.oid("the signed content type") != signed.content_type:
        raise CMSError("the signed content type is not the type of the content")
    signing_time = signer.attribute(oids.SIGNING_TIME)
    if signing_time is not None:
        signing_time.time("the signing time")
    signer.attribute(oids.SMIME_CAPABILITIES)
    protection = signer.attribute(oids.ALGORITHM_PROTECTION)
    if protection is not None and not _protects(protection, signer):
        raise CMSError("the algorithms are not the ones that the signer protected")


def _protects(protection: Element, signer: SignerInfo) -> bool:
    """Whether a CMSAlgorithmProtection names the signer's algorithms (RFC 6211 section 2)."""
    members = tuple(protection.expect(SEQUENCE, "the algorithm protection").children())
    if len(members) != 2 or members[1].tag != context(1):
        raise CMSError("the algorithm protection is malformed")
    return _same(AlgorithmIdentifier.of(members[0]), signer.digest_algorithm) and _same(
        AlgorithmIdentifier.of(members[1], context(1)), signer.signature_algorithm
    )


def _same(one: AlgorithmIdentifier, other: AlgorithmIdentifier) -> bool:
    """Whether two identifiers are the same, absent parameters and NULL being the same."""
    return one.oid == other.oid and (one.parameters == other.parameters or (one.plain and other.plain))


def _is_attributes(content: Content) -> bool:
    """Whether the whole content is the DER of signed attributes."""
    try:
        members = tuple(read(content.octets()).expect(SET, "attributes").children())
        types = set()
        for member in members:
            oid, values = member.expect(SEQUENCE, "an attribute").children()
            values.expect(SET, "values")
            types.add(oid.oid())
    except (CMSError, LimitError, ValueError):
        return False
    return oids.MESSAGE_DIGEST in types


def _verifies(signer: SignerInfo, content: Content, certificate: Certificate, scheme: SignatureScheme) -> bool:
    """Whether the certificate's key made the signature (RFC 5652 section 5.6)."""
    key = certificate.public_key
    if signer.signed_attributes is not None:
        return any(key.verify(signer.signature, octets, scheme) for octets in signer.signed_octets())
    if scheme.digest is None:
        return key.verify(signer.signature, bytes(content.octets()), scheme)
    return key.verify_digest(signer.signature, content.digest(scheme.digest), scheme)


def _is_signing_certificate(signer: SignerInfo, certificate: Certificate) -> bool:
    """Whether the certificate is the one that the signer committed to, if to any (RFC 5035 sections 3 and 4)."""
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
            raise _UnsupportedError(f"{what} uses a digest that is not known")
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
    """Whether an IssuerSerial names the certificate by its serial number (RFC 5035 section 4).

    The issuer is a GeneralNames that senders fill in many ways; the digest has already settled which it is.
    """
    members = tuple(element.expect(SEQUENCE, "an issuer and serial number").children())
    if len(members) != 2:
        raise CMSError("an issuer and serial number is malformed")
    return members[1].integer("a serial number") == certificate.serial


def _assess(digest_name: str, scheme: SignatureScheme, certificate: Certificate) -> Assessment:
    """The worst that the algorithm policy says of what was used."""
    from mailsec.crypto import assess_digest, assess_signature

    order = ("accepted", "deprecated", "refused")
    return max(
        assess_signature(scheme, certificate.public_key, use="smime"),
        assess_digest(digest_name),
        key=lambda assessment: order.index(assessment.status),
    )


__all__ = ["Content", "Outcome", "SignerVerification", "verify_signer"]
