"""From a verified signer to a result in the vocabulary of RFC 8601 and RFC 7281."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from mailsec.crypto import PathFailure, Status, describe_key, describe_scheme
from mailsec.crypto.cms import IssuerAndSerialNumber, Outcome, SignerVerification, oids
from mailsec.crypto.revocation import PathRevocation, RevocationChecker, RevocationStatus, has_sources
from mailsec.hooks import (
    CAPABILITIES_FACT,
    AuthResult,
    Cause,
    CertificatePath,
    Coverage,
    Evidence,
    Fact,
    Opened,
    Result,
)
from mailsec_smime.certifying import encryption_evidence, path_evidence, tried_evidence, with_revocation_notes
from mailsec_smime.identity import author_trouble
from mailsec_smime.settings import Settings
from mailsec_smime.telling import signer_facts

if TYPE_CHECKING:
    from mailsec.crypto import Certificate, PathResult
    from mailsec.crypto.cms import SignedData
    from mailsec.hooks import OpenerContext
    from mailsec.message import HeaderSection
    from mailsec_smime.paths import TrustedPaths

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


_SHARE = 0.75
"""The share of the time left that may be spent on asking whether certificates were revoked."""

_NO_SOURCE = "the certificates name no CRL and no responder that could tell whether they were revoked"


def judge(
    verification: SignerVerification,
    signed: SignedData,
    paths: TrustedPaths,
    *,
    part: str,
    size: int,
    header: HeaderSection,
    known: Sequence[Certificate] = (),
) -> AuthResult:
    """Judges one signer.

    Args:
        verification: what came of the signature.
        signed: the structure it stands in.
        paths: finds paths for the certificates of all signers of the structure.
        part: the section number of the part that holds the signature.
        size: how many octets the signed content has; a good signature covers all of them.
        header: the header section that names the author.
        known: certificates at hand besides those in the structure.
    """
    certificate, signer = verification.certificate, verification.signer
    properties = {"body.smime-part": part or "1"}
    evidence: list[Evidence] = []
    if signer.signing_time is not None:
        evidence.append(Fact("signing time, as the signer claims", signer.signing_time.isoformat()))
    if verification.scheme is not None:
        evidence.append(Fact("signature algorithm", describe_scheme(verification.scheme)))
    trouble = ""
    if certificate is not None:
        address, trouble = author_trouble(header, certificate)
        if address:
            properties["body.smime-identifier"] = address[-_LONG:]
        properties["body.smime-serial"] = f"{certificate.serial:x}"
        properties["body.smime-issuer"] = certificate.issuer[:_LONG]
        if announced := [_CAPABILITIES[one.oid] for one in signer.capabilities[:_MANY] if one.oid in _CAPABILITIES]:
            evidence.append(Fact(CAPABILITIES_FACT, ", ".join(announced)))
    elif isinstance(signer.sid, IssuerAndSerialNumber):
        properties["body.smime-serial"] = f"{signer.sid.serial:x}"

    if verification.outcome is not Outcome.GOOD or certificate is None:
        result, cause = _BAD[verification.outcome]
        if certificate is not None:
            evidence.append(Fact("key", describe_key(certificate.public_key)))
        evidence += signer_facts(verification, signed, paths, known)
        return AuthResult("smime", result, verification.sentence, cause, properties, evidence=tuple(evidence))

    found: list[tuple[Cause, str]] = []
    notes: list[str] = []
    assessment = verification.assessment
    if assessment is not None and assessment.status is Status.REFUSED:
        found.append((Cause.WEAK, assessment.sentence))
    elif assessment is not None and assessment.status is Status.DEPRECATED:
        notes.append(assessment.sentence)
    validated = paths.validate(certificate)
    evidence[:0] = [path_evidence(validated), *tried_evidence(certificate, paths)]
    evidence += encryption_evidence(signer, certificate, signed, paths)
    evidence += signer_facts(verification, signed, paths, known)
    if validated.failure is not None:
        found.append((_PATH[validated.failure], validated.sentence[: 4 * _LONG]))
    elif verification.key is not None and validated.key != verification.key:
        found.append((Cause.UNTRUSTED, "the parameters of the signer's key are not those of its issuer"))
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


def with_revocation(
    opened: Opened,
    verifications: Sequence[SignerVerification],
    paths: TrustedPaths,
    lists: Sequence[memoryview],
    context: OpenerContext,
) -> Opened | Awaitable[Opened]:
    """Looks up whether certificates of signers were revoked, as the settings want it.

    Nothing is asked about a path that is not valid or does not end at a trust anchor.

    Args:
        opened: what was opened, with the result of `judge` for each signer, in order.
        verifications: what came of the signatures, in the same order.
        paths: what validated the paths.
        lists: the revocation information that came with the message.
        context: whose fetcher, time and settings count.

    Returns:
        The same with what was found out; to be awaited where somebody must be asked.
    """
    mode = (context.settings if isinstance(context.settings, Settings) else Settings()).revocation
    if mode == "off":
        return opened
    wanted = [_to_be_asked(*one, paths) for one in zip(verifications, opened.results, strict=True)]
    if not any(path is not None and (lists or has_sources(path.path)) for path in wanted):
        unknown = PathRevocation(RevocationStatus.UNKNOWN, _NO_SOURCE, asked=False)
        results = (
            one if path is None else _revised(one, unknown, mode)
            for one, path in zip(opened.results, wanted, strict=True)
        )
        return replace(opened, results=tuple(results))
    return _looked_up(opened, wanted, RevocationChecker(paths.validator, context.fetcher, lists=lists), mode, context)


def _to_be_asked(verification: SignerVerification, result: AuthResult, paths: TrustedPaths) -> PathResult | None:
    """The path to ask about; `None` where there is nothing to ask."""
    if verification.certificate is None or result.result not in {Result.PASS, Result.POLICY}:
        return None
    path = paths.validate(verification.certificate)
    valid = path.failure is None or path.failure is PathFailure.NOT_VALID
    return path if path.anchored and valid and len(path.path) > 1 else None


async def _looked_up(
    opened: Opened,
    paths: Sequence[PathResult | None],
    checker: RevocationChecker,
    mode: str,
    context: OpenerContext,
) -> Opened:
    results: list[AuthResult] = []
    end = asyncio.get_running_loop().time() + _SHARE * context.remaining()
    for result, path in zip(opened.results, paths, strict=True):
        if path is None:
            results.append(result)
            continue
        try:
            async with asyncio.timeout_at(end):
                found = await checker.check(path)
        except TimeoutError:
            sentence = "whether the certificates were revoked is not known: nobody answered in time"
            found = PathRevocation(RevocationStatus.UNKNOWN, sentence)
        results.append(_revised(result, found, mode))
    return replace(opened, results=tuple(results))


def _revised(result: AuthResult, found: PathRevocation, mode: str) -> AuthResult:
    """A result with what was found out about revocation."""
    sentence = found.sentence[: 4 * _LONG]
    evidence: tuple[Evidence, ...] = (*_noted(result.evidence, found), Fact("revocation", sentence))
    if found.status is RevocationStatus.REVOKED:
        return replace(
            result, result=Result.FAIL, reason=sentence, cause=Cause.REVOKED, coverage=None, evidence=evidence
        )
    reason = "; ".join(filter(None, (result.reason, sentence)))
    if found.status is RevocationStatus.UNKNOWN and mode == "hard":
        cause = result.cause or Cause.REVOCATION_UNKNOWN
        return replace(result, result=Result.POLICY, reason=reason, cause=cause, evidence=evidence)
    if found.status is RevocationStatus.UNKNOWN and found.asked and result.result is Result.PASS:
        return replace(result, reason=reason, evidence=evidence)
    return replace(result, evidence=evidence)


def _noted(evidence: Sequence[Evidence], found: PathRevocation) -> Iterator[Evidence]:
    """Evidence with what was found out about revocation at the signer's path."""
    for one in evidence:
        if isinstance(one, CertificatePath) and one.role == "signer":
            yield from with_revocation_notes(one, found)
        else:
            yield one
