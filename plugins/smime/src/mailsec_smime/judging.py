"""From a verified signer to a result in the vocabulary of RFC 8601 and RFC 7281."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mailsec.crypto import PathFailure, SignatureScheme, Status
from mailsec.crypto.cms import IssuerAndSerialNumber, Outcome, SignerVerification, oids
from mailsec.hooks import CAPABILITIES_FACT, AuthResult, Cause, CertificatePath, Coverage, Evidence, Fact, Result
from mailsec_smime.identity import author_trouble

if TYPE_CHECKING:
    from mailsec.hooks import OpenerContext
    from mailsec_smime.paths import SignerPaths

_LONG = 1000
"""How many characters of a certificate's texts are reported."""

_CAPABILITIES = {oid: name for name, oid in oids.CAPABILITIES.items()}
_MANY = 64
"""How many announced capabilities are looked at."""

_BAD: Mapping[Outcome, tuple[Result, Cause]] = {
    Outcome.DIGEST: (Result.FAIL, Cause.DIGEST),
    Outcome.SIGNATURE: (Result.FAIL, Cause.SIGNATURE),
    Outcome.MALFORMED: (Result.PERMERROR, Cause.SYNTAX),
    Outcome.UNSUPPORTED: (Result.PERMERROR, Cause.UNSUPPORTED),
    # RFC 7281 section 4: permerror also where the signer's certificate is not available.
    Outcome.NO_CERTIFICATE: (Result.PERMERROR, Cause.UNSUPPORTED),
}
_PATH: Mapping[PathFailure, Cause] = {
    PathFailure.MALFORMED: Cause.UNTRUSTED,
    PathFailure.UNTRUSTED: Cause.UNTRUSTED,
    PathFailure.WEAK: Cause.WEAK,
    PathFailure.PURPOSE: Cause.PURPOSE,
    PathFailure.NOT_VALID: Cause.NOT_VALID,
}


def judge(
    verification: SignerVerification,
    validator: SignerPaths,
    *,
    part: str,
    size: int,
    context: OpenerContext,
) -> AuthResult:
    """Judges one signer.

    Args:
        verification: what came of the signature.
        validator: finds paths for the certificates of all signers of the structure.
        part: the section number of the part that holds the signature.
        size: how many octets the signed content has; a good signature covers all of them.
        context: whose trust, time and header section count.
    """
    certificate, signer = verification.certificate, verification.signer
    properties = {"body.smime-part": part or "1"}
    evidence: list[Evidence] = []
    if signer.signing_time is not None:
        evidence.append(Fact("signing time, as the signer claims", signer.signing_time.isoformat()))
    if verification.scheme is not None:
        evidence.append(Fact("signature algorithm", _in_words(verification.scheme)))
    trouble = ""
    if certificate is not None:
        address, trouble = author_trouble(context.header, certificate)
        if address:
            properties["body.smime-identifier"] = address[-_LONG:]
        properties["body.smime-serial"] = f"{certificate.serial:x}"
        properties["body.smime-issuer"] = certificate.issuer[:_LONG]
        key = certificate.public_key
        kind = f"{key.curve or key.key_type.upper()}, {key.bits} bits"
        evidence.append(Fact("key", key.trouble or kind))
        if known := [_CAPABILITIES[one.oid] for one in signer.capabilities[:_MANY] if one.oid in _CAPABILITIES]:
            evidence.append(Fact(CAPABILITIES_FACT, ", ".join(known)))
    elif isinstance(signer.sid, IssuerAndSerialNumber):
        properties["body.smime-serial"] = f"{signer.sid.serial:x}"

    if verification.outcome is not Outcome.GOOD or certificate is None:
        result, cause = _BAD[verification.outcome]
        return AuthResult("smime", result, verification.sentence, cause, properties, evidence=tuple(evidence))

    found: list[tuple[Cause, str]] = []
    notes: list[str] = []
    assessment = verification.assessment
    if assessment is not None and assessment.status is Status.REFUSED:
        found.append((Cause.WEAK, assessment.sentence))
    elif assessment is not None and assessment.status is Status.DEPRECATED:
        notes.append(assessment.sentence)
    validated = validator.validate(certificate)
    evidence.append(CertificatePath(tuple(c.der for c in validated.path), validated.anchored))
    if validated.failure is not None:
        found.append((_PATH[validated.failure], validated.sentence[: 4 * _LONG]))
    if trouble:
        found.append((Cause.OTHER_IDENTITY, trouble))
    sentences = [sentence for _, sentence in found] or notes
    return AuthResult(
        "smime",
        Result.POLICY if found else Result.PASS,
        "; ".join(sentences),
        found[0][0] if found else None,
        properties,
        Coverage(ranges=((0, size),) if size else ()),
        tuple(evidence),
    )


def _in_words(scheme: SignatureScheme) -> str:
    names = {"rsa": "RSASSA-PKCS1-v1_5", "rsa-pss": "RSASSA-PSS", "ec": "ECDSA", "dsa": "DSA"}
    name = names.get(scheme.key_type, scheme.key_type.capitalize())
    return name if scheme.digest is None else f"{name} with {scheme.digest.upper().replace('SHA', 'SHA-', 1)}"
