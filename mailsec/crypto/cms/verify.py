"""Whether the signature of a signer is right (RFC 5652 sections 5.4 to 5.6 and 11.4).

This answers the mathematics and the form only. Whether the certificate can be trusted, is for e-mail, and names
the author is for the caller to find out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

from mailsec.crypto import names
from mailsec.crypto.cms import oids
from mailsec.crypto.cms.attributes import (
    MismatchError,
    UnknownAlgorithmError,
    check_form,
    check_protection,
    is_signing_certificate,
)
from mailsec.crypto.cms.content import Content, SignedContent, holds_attributes
from mailsec.crypto.cms.encode import integer
from mailsec.crypto.cms.limits import LIMITS
from mailsec.crypto.cms.signed import SignedData, SignerInfo, SubjectKeyIdentifier
from mailsec.crypto.schemes import DIGEST_OIDS, SCHEME_OIDS, SignatureScheme, scheme_of
from mailsec.errors import CMSError, LimitError, UsageError

if TYPE_CHECKING:
    from mailsec.crypto import Assessment, Certificate, PublicKey

_EDWARDS_DIGESTS = {"ed25519": "sha512", "ed448": "shake256"}


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
        others: where the outcome is good, certificates that would have done as well as `certificate`: for the same
            key, under the same identifier, and the signer did not commit to one (RFC 5035). Whoever shows a name
            from one of them must not hide those of the others.
        key: the key that verified the signature, where the outcome is good: that of `certificate`, of a DSA key
            without parameters with those of an issuer's (RFC 5280 section 4.1.2.7). Which issuer is the right one
            only a path can tell, and with parameters of one's own choice a signature can be forged: then the key
            must be the `key` of the path that is found.
    """

    signer: SignerInfo
    outcome: Outcome
    sentence: str
    certificate: Certificate | None = None
    scheme: SignatureScheme | None = None
    assessment: Assessment | None = None
    others: tuple[Certificate, ...] = ()
    key: PublicKey | None = None


def verify_signer(
    signer: SignerInfo, signed: SignedData, content: SignedContent, candidates: Sequence[Certificate] = ()
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
    return _verify(signer, content, (*signed.certificates, *candidates), signed.content_type)


def verify_countersignature(
    countersigner: SignerInfo, signer: SignerInfo, signed: SignedData, candidates: Sequence[Certificate] = ()
) -> SignerVerification:
    """Verifies a countersignature: somebody's signature over the signature value of a signer (RFC 5652 section 11.4).

    It vouches for nothing but that this somebody has seen that signature. It makes the signer's own result no
    better, and a bad one makes it no worse, since anybody can add one.

    Args:
        countersigner: one of `signer.countersigners()`.
        signer: the signer, or a countersigner who is countersigned in turn.
        signed: the SignedData, for its certificates.
        candidates: certificates from elsewhere that may be the countersigner's.
    """
    return _verify(countersigner, Content((signer.signature,)), (*signed.certificates, *candidates), None)


def _verify(
    signer: SignerInfo, content: SignedContent, known: Sequence[Certificate], content_type: str | None
) -> SignerVerification:
    certificates = tuple(islice(_named(signer, known), LIMITS.candidates))
    first = certificates[0] if certificates else None
    try:
        scheme = _scheme(signer)
        digest_name = _digest_name(signer, scheme)
        _check_attributes(signer, content, content_type)
        stated = signer.message_digest
        if not certificates:
            return SignerVerification(
                signer, Outcome.NO_CERTIFICATE, "the signer's certificate is not at hand", None, scheme
            )
        keys = {certificate: _keys(certificate, known) for certificate in certificates}
        if not any(keys.values()):
            missing = any(certificate.public_key.lacks_parameters for certificate in certificates)
            raise UnknownAlgorithmError(
                "the parameters of the signer's key are not at hand, since its issuer's certificate is missing"
                if missing
                else "the signer's key is of a kind that is not supported"
            )
        check_protection(signer)
        verified = {c: key for c in certificates for key in keys[c] if _verifies(signer, content, key, scheme)}
        right = list(verified)
        if not right:
            what = "the signature does not verify"
            if signer.signed_attributes is None:
                what = "the signature does not verify for this content"
            return SignerVerification(signer, Outcome.SIGNATURE, what, first, scheme)
        meant = [c for c in right if is_signing_certificate(signer, c)]
        if not meant:
            return SignerVerification(
                signer, Outcome.SIGNATURE, "the signature was made for another certificate", right[0], scheme
            )
        certificate, *others = meant
        if stated is not None and stated != content.digest(digest_name):
            return SignerVerification(
                signer, Outcome.DIGEST, "the content was changed after it was signed", certificate, scheme
            )
    except MismatchError as error:
        return SignerVerification(signer, Outcome.SIGNATURE, str(error), first)
    except (UnknownAlgorithmError, UsageError) as error:
        return SignerVerification(signer, Outcome.UNSUPPORTED, str(error), first)
    except (CMSError, LimitError) as error:
        return SignerVerification(signer, Outcome.MALFORMED, str(error), first)
    key = verified[certificate]
    assessment = _assess(digest_name if stated is not None else "", scheme, key)
    return SignerVerification(
        signer, Outcome.GOOD, "the signature is right", certificate, scheme, assessment, tuple(others), key
    )


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


def _keys(certificate: Certificate, known: Sequence[Certificate]) -> tuple[PublicKey, ...]:
    """The key of a certificate, or where it lacks parameters what it is with those of its possible issuers."""
    own = certificate.public_key
    if not own.trouble:
        return (own,)
    return tuple(dict.fromkeys(_inherited(certificate, known, [LIMITS.inheritances])))


def _inherited(certificate: Certificate, known: Sequence[Certificate], left: list[int]) -> Iterator[PublicKey]:
    """A key with the parameters of each possible issuer, who may have them from above in turn.

    Args:
        certificate: a certificate whose key has trouble.
        known: all certificates at hand.
        left: how many more signatures on certificates may be verified; counted down.
    """
    own = certificate.public_key
    if not own.lacks_parameters:
        return
    for issuer in known:
        if issuer.subject_key != certificate.issuer_key or issuer == certificate or left[0] <= 0:
            continue
        left[0] -= 1
        key = issuer.public_key
        for above in (key,) if not key.trouble else _inherited(issuer, known, left):
            found = own.with_parameters_of(above)
            if not found.trouble and certificate.is_signed_by(above):
                yield found


def _scheme(signer: SignerInfo) -> SignatureScheme:
    algorithm = signer.signature_algorithm
    kind = oids.KEY_ALGORITHMS.get(algorithm.oid)
    try:
        # With the identifier of a key, the digest is the one of the content.
        scheme = SignatureScheme(kind, _stated_digest(signer)) if kind else scheme_of(algorithm.der)
    except UsageError:
        scheme = None
    if scheme is None:
        raise UnknownAlgorithmError(f"the signature algorithm {algorithm.oid} is not known, or not with its parameters")
    if scheme.digest is None and algorithm.parameters:
        # RFC 8419 section 2.4, RFC 9882 section 2: not even NULL.
        raise CMSError("the signature algorithm has parameters, which it must not have")
    if (algorithm.oid in SCHEME_OIDS or scheme.key_type == "rsa") and not algorithm.plain:
        raise CMSError("the signature algorithm has parameters, which it must not have")
    return scheme


def _digest_name(signer: SignerInfo, scheme: SignatureScheme) -> str:
    """The digest of the content, which must go with the scheme; empty where there is none."""
    if scheme.key_type.startswith("ml-dsa-") and signer.signed_attributes is None:
        return ""  # RFC 9882 section 3.3: the field has no meaning, and is ignored
    name = _stated_digest(signer)
    if scheme.digest is not None:
        if scheme.digest != name:  # RFC 8933 section 3, RFC 4056 section 3
            raise CMSError("the signer names two different digests for the content")
    elif name != _EDWARDS_DIGESTS.get(scheme.key_type, name):  # RFC 8419 section 3
        raise CMSError("the digest is not the one that must go with this kind of signature")
    return name


def _stated_digest(signer: SignerInfo) -> str:
    algorithm = signer.digest_algorithm
    if algorithm.oid in oids.SHAKE_LENGTHS:
        name, bits = oids.SHAKE_LENGTHS[algorithm.oid]
        if algorithm.parameters != integer(bits):
            raise UnknownAlgorithmError("the digest algorithm is not known with this length")
        return name
    found = DIGEST_OIDS.get(algorithm.oid)
    if found is None:
        raise UnknownAlgorithmError(f"the digest algorithm {algorithm.oid} is not known")
    if not algorithm.plain:
        raise CMSError("the digest algorithm has parameters, which it must not have")
    return found


def _check_attributes(signer: SignerInfo, content: SignedContent, content_type: str | None) -> None:
    """Checks the form of the signed attributes, or that it is right that there are none.

    Raises:
        CMSError: they are not as they must be.
    """
    if signer.signed_attributes is not None:
        check_form(signer, content_type)
        return
    if content_type not in (oids.DATA, None):
        raise CMSError("signed attributes are missing, which this type of content needs")
    if holds_attributes(content):
        raise CMSError("the content is the signed attributes of some other signature")


def _verifies(signer: SignerInfo, content: SignedContent, key: PublicKey, scheme: SignatureScheme) -> bool:
    """Whether the key made the signature (RFC 5652 section 5.6)."""
    if signer.signed_attributes is not None:
        return any(key.verify(signer.signature, octets, scheme) for octets in signer.signed_octets())
    if scheme.digest is None:
        return key.verify(signer.signature, content.octets(), scheme)
    return key.verify_digest(signer.signature, content.digest(scheme.digest), scheme)


def _assess(digest_name: str, scheme: SignatureScheme, key: PublicKey) -> Assessment:
    """The worst that the algorithm policy says of what was used."""
    from mailsec.crypto import assess_content_digest, assess_signature

    judged = assess_signature(scheme, key, use="smime")
    if not digest_name:
        return judged
    order = ("accepted", "deprecated", "refused")
    return max(
        judged,
        assess_content_digest(digest_name, scheme),
        key=lambda assessment: order.index(assessment.status),
    )


__all__ = ["Outcome", "SignerVerification", "verify_countersignature", "verify_signer"]
