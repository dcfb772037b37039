"""Certification paths as evidence: what is wrong with which certificate, what was tried, and whom to encrypt to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsec.crypto import ENCRYPTION_RULES
from mailsec.crypto.cms import IssuerAndSerialNumber, oids
from mailsec.crypto.revocation import RevocationStatus
from mailsec.errors import CMSError
from mailsec.hooks import CertificateNote, CertificatePath
from mailsec.message import same_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Literal

    from mailsec.crypto import Certificate, PathResult
    from mailsec.crypto.cms import SignedData, SignerInfo, SubjectKeyIdentifier
    from mailsec.crypto.revocation import CertificateRevocation, PathRevocation
    from mailsec_smime.paths import TrustedPaths

_LONG = 1000
"""How many characters a note may have."""


def path_evidence(
    result: PathResult, role: Literal["signer", "tried", "countersigner", "encryption"] = "signer"
) -> CertificatePath:
    """A path with what is wrong with it, each at the certificate that it is wrong with."""
    notes = tuple(CertificateNote(one.place, "failure", one.sentence[:_LONG]) for one in result.troubles)
    return CertificatePath(tuple(one.der for one in result.path), result.anchored, notes, role)


def tried_evidence(certificate: Certificate, paths: TrustedPaths) -> Iterator[CertificatePath]:
    """The other paths of a certificate that were tried, with what is wrong with each."""
    chosen = paths.validate(certificate).path
    for one in paths.validator.tried(certificate):
        if one.path != chosen:
            yield path_evidence(one, "tried")


def with_revocation_notes(path: CertificatePath, found: PathRevocation) -> Iterator[CertificatePath]:
    """A path with what was found out about the revocation of its certificates.

    Where another one had to be taken around a revoked authority, that comes first, and then the one that was left.
    """
    if not found.path:
        yield path
        return
    certificates = tuple(one.der for one in found.path)
    notes = path.notes if certificates == path.certificates else ()
    told = (*notes, *_notes(certificates, found.certificates))
    yield CertificatePath(certificates, True, told, path.role)
    if found.avoided is not None:
        left = tuple(one.der for one in found.avoided.path)
        yield CertificatePath(left, True, tuple(_notes(left, found.avoided.certificates)), "tried")


def _notes(path: Sequence[bytes], found: Sequence[CertificateRevocation]) -> Iterator[CertificateNote]:
    for one in found:
        if one.certificate.der not in path:
            continue
        place = path.index(one.certificate.der)
        kind: Literal["good", "revoked", "unknown"] = "unknown"
        if one.status is RevocationStatus.REVOKED and one.entry is not None:
            reason = "" if one.entry.reason == "unspecified" else f" ({one.entry.reason})"
            kind, sentence = "revoked", f"revoked on {one.entry.at:%Y-%m-%d}{reason}: {_source(one)}"
        elif one.status is RevocationStatus.GOOD:
            kind = "good"
            sentence = f"not revoked: {_source(one)}" if one.source else "its issuer never revokes it (RFC 9608)"
        else:
            sentence = f"revocation not known: {'; '.join(one.why) or 'it names no CRL and no responder'}"
        yield CertificateNote(place, kind, sentence[:_LONG])


def _source(found: CertificateRevocation) -> str:
    source = found.source
    if source is None:
        return "nobody says who told"
    when = f"{source.this_update:%Y-%m-%d %H:%M} UTC"
    if source.kind == "CRL":
        return f"CRL by {source.by}, {when}"
    return f"OCSP by {source.by} at {source.url}, {when}"


def encryption_evidence(
    signer: SignerInfo, certificate: Certificate, signed: SignedData, paths: TrustedPaths
) -> Iterator[CertificatePath]:
    """The certificate that the signer is to be encrypted to, where it is another than the signature's.

    The one that the signer names counts (RFC 8551 section 2.5.3), and no other in its place. Where none is named and
    the signature's own cannot be encrypted to, one that came along for the same subject will do (section 2.5.3.1).
    """
    wanted = signer.encryption_key_preference
    if wanted is None and not _names_one(signer):
        if certificate.encrypts:
            return
        for other in dict.fromkeys(signed.certificates):
            if other.subject_key == certificate.subject_key and other.encrypts:
                found = _judged(other, paths)
                if found.anchored and not found.notes:
                    yield found
                    return
        return
    if wanted is not None:
        named = [one for one in dict.fromkeys((certificate, *signed.certificates)) if _is_meant(wanted, one)]
        if certificate in named and certificate.encrypts:
            return
        if named:
            yield _judged(named[0], paths)
            return
    why = "the certificate that the signer names to be encrypted to did not come along"
    yield CertificatePath((), anchored=False, notes=(CertificateNote(0, "failure", why),), role="encryption")


def _names_one(signer: SignerInfo) -> bool:
    try:
        return signer.attribute(oids.ENCRYPTION_KEY_PREFERENCE) is not None
    except CMSError:
        return True


def _is_meant(wanted: IssuerAndSerialNumber | SubjectKeyIdentifier, certificate: Certificate) -> bool:
    if isinstance(wanted, IssuerAndSerialNumber):
        return certificate.serial == wanted.serial and certificate.issuer_der == wanted.issuer
    return certificate.key_identifier == wanted.octets


def _judged(certificate: Certificate, paths: TrustedPaths) -> CertificatePath:
    """A path to encrypt by: to an anchor, for the address in question, and with a key that encrypts."""
    found = path_evidence(paths.for_rules(ENCRYPTION_RULES).validate(certificate), "encryption")
    notes = list(found.notes)
    if not certificate.encrypts:
        notes.append(CertificateNote(0, "failure", "its key is not for encryption"))
    if paths.address is None or not any(same_address(paths.address, one) for one in certificate.emails):
        notes.append(CertificateNote(0, "failure", "it is not for the address of the author"))
    return CertificatePath(found.certificates, found.anchored, tuple(notes), "encryption")
