"""Verification of the DKIM-Signature fields of one message, as its body arrives (RFC 6376 section 6)."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from mailsec.crypto import ED25519, RSA_SHA1, RSA_SHA256, Status, assess_digest, assess_signature
from mailsec.errors import DnsTemporaryError, TemporaryError
from mailsec.hooks import AuthResult, Cause, Coverage, DnsAnswer, DnsFailure, Fact, Result
from mailsec_dkim.hashing import BodyHasher
from mailsec_dkim.header import hash_input, select_fields
from mailsec_dkim.keyrecord import KeyFault, KeyRecord, parse_key_record
from mailsec_dkim.limits import KEY_RECORDS, SIGNATURES
from mailsec_dkim.signature import Signature, SignatureFault, Signer, parse_signature

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailsec.crypto import SignatureScheme
    from mailsec.hooks import Context, Evidence, Resolver
    from mailsec.message import HeaderField, HeaderSection
    from mailsec_dkim.hashing import BodyHash

__all__ = ["DKIMVerification", "start"]

_SCHEMES: Final[dict[str, SignatureScheme]] = {
    "rsa-sha256": RSA_SHA256,
    "rsa-sha1": RSA_SHA1,
    "ed25519-sha256": ED25519,
}
_REFUSED: Final = Status.REFUSED
_NO_KEY: Final = KeyFault(Cause.NO_KEY, "no key for signature")
_EPOCH: Final = date(1970, 1, 1).toordinal()
_UNSIGNED: Final = (AuthResult("dkim", Result.NONE, "message not signed"),)


def start(header_section: HeaderSection, context: Context) -> DKIMVerification | Sequence[AuthResult]:
    """Begins with a message: finds and parses its signatures and asks for their keys.

    Args:
        header_section: the header section as received.
        context: what the runner hands to a verifier.

    Returns:
        What takes the body; or the results at once, where no signature needs the body.
    """
    found = header_section.all("dkim-signature")
    if not found:
        return _UNSIGNED
    results: list[AuthResult | None] = []
    signatures: list[tuple[HeaderField, Signature]] = []
    for field in found[:SIGNATURES]:
        try:
            signature = parse_signature(field.raw_value)
        except SignatureFault as fault:
            results.append(AuthResult("dkim", Result.PERMERROR, fault.reason, fault.cause, fault.properties))
            continue
        digest = assess_digest(signature.signer.digest)
        if digest.status is _REFUSED:
            reason = f"{signature.signer.algorithm} does not count (RFC 8301)"
            results.append(
                AuthResult(
                    "dkim", Result.POLICY, reason, Cause.WEAK, _properties(signature), evidence=_facts(signature)
                )
            )
            continue
        results.append(None)
        signatures.append((field, signature))
    if len(found) > SIGNATURES:
        reason = f"{len(found)} signatures; those after the first {SIGNATURES} were not tried"
        results.append(AuthResult("dkim", Result.PERMERROR, reason, Cause.LIMIT, {}))
    if not signatures:
        return [result for result in results if result is not None]
    return DKIMVerification(header_section, context, results, signatures)


class DKIMVerification:
    """Verifies the signatures of one message (implements `mailsec.hooks.Verification`).

    Args:
        header_section: the header section as received.
        context: what the runner hands to a verifier.
        results: results in the order of the signatures, `None` for each one that is still to be verified.
        signatures: those, each with its field.
    """

    __slots__ = ("_context", "_hasher", "_lookups", "_results", "_section", "_signatures")

    def __init__(
        self,
        header_section: HeaderSection,
        context: Context,
        results: list[AuthResult | None],
        signatures: list[tuple[HeaderField, Signature]],
    ) -> None:
        self._context = context
        self._results = results
        self._signatures = signatures
        self._section = header_section
        self._hasher = BodyHasher()
        for _, signature in signatures:
            self._hasher.want(signature.signer.body_canonicalization, signature.signer.digest, signature.length)
        self._lookups = _Lookups(context.resolver, {signature.signer.query_name for _, signature in signatures})

    def feed(self, octets: memoryview) -> None:
        """Takes the next octets of the body, as received."""
        self._hasher.feed(octets)

    async def finish(self) -> Sequence[AuthResult]:
        """Gives a result for each signature, in the order of the fields from the top."""
        self._hasher.finish()
        answers = await self._lookups.answers()
        done = iter(
            [
                self._verify(field, signature, answers[signature.signer.query_name])
                for field, signature in self._signatures
            ]
        )
        return [next(done) if result is None else result for result in self._results]

    def _verify(self, field: HeaderField, signature: Signature, answer: DnsAnswer | DnsFailure) -> AuthResult:
        """Judges one signature (RFC 6376 sections 6.1.2 and 6.1.3)."""
        signer = signature.signer
        properties = _properties(signature)
        if isinstance(answer, DnsFailure):
            reason = f"key unavailable: {answer.why}"
            return AuthResult(
                "dkim", Result.TEMPERROR, reason, Cause.DNS, properties, evidence=(answer, *_facts(signature))
            )
        records = _usable(signer, answer)
        if isinstance(records, KeyFault):
            return AuthResult(
                "dkim",
                Result.PERMERROR,
                records.reason,
                records.cause,
                properties,
                evidence=(answer, *_facts(signature)),
            )
        scheme = _SCHEMES[signer.algorithm]
        body = self._hasher.result(signer.body_canonicalization, signer.digest, signature.length)
        fault = _body_fault(signature, body)
        selected = select_fields(self._section, signer.signed, field.index)
        record = _strongest(records, scheme)
        assessment = assess_signature(scheme, record.public_key, use="dkim")
        if not fault and assessment.status is not _REFUSED:  # where no key is accepted none is worth the work
            signed = hash_input(self._section, selected, field.raw, signature.blank, signer.header_canonicalization)
            if scheme is ED25519:  # RFC 8463 section 3: what is signed is the digest
                signed = hashlib.sha256(signed).digest()
            for candidate in records:
                if candidate.public_key.verify(signature.value, signed, scheme):
                    record = candidate  # what is judged is the key that made the signature, whichever others there are
                    assessment = assess_signature(scheme, record.public_key, use="dkim")
                    break
            else:
                fault = (Cause.SIGNATURE, "signature did not verify")
        evidence: tuple[Evidence, ...] = (answer, *_facts(signature, record))
        if assessment.status is _REFUSED:
            return AuthResult(
                "dkim",
                Result.POLICY,
                f"{assessment.sentence} ({assessment.source})",
                Cause.WEAK,
                properties,
                evidence=evidence,
            )
        if record.testing:
            outcome = fault[1] if fault else "signature good"
            return AuthResult(
                "dkim",
                Result.POLICY,
                f"{outcome}, but the key is only being tested (t=y)",
                Cause.TEST_KEY,
                properties,
                evidence=evidence,
            )
        if fault:
            return AuthResult("dkim", Result.FAIL, fault[1], fault[0], properties, evidence=evidence)
        if signature.expiration is not None and signature.expiration < self._context.moment.at.timestamp():
            return AuthResult("dkim", Result.POLICY, "signature expired", Cause.EXPIRED, properties, evidence=evidence)
        coverage = self._coverage(selected, body)
        if signature.length is not None and body.total > signature.length:
            reason = f"only {signature.length} of {body.total} octets of the body are signed (l=)"
            return AuthResult("dkim", Result.POLICY, reason, Cause.PARTIAL, properties, coverage, evidence)
        return AuthResult("dkim", Result.PASS, "", None, properties, coverage, evidence)

    def _coverage(self, selected: list[tuple[int, bytes]], body: BodyHash) -> Coverage:
        start = self._section.body_start
        return Coverage(
            fields=tuple(sorted([index for index, _ in selected])),
            ranges=((start, start + body.covered),) if body.covered else (),
        )


class _Lookups:
    """Key look-ups, which are under way while the body arrives.

    They begin when the event loop gets its next turn: a message that is there as a whole needs no tasks.
    """

    __slots__ = ("_begin", "_names", "_resolver", "_tasks")

    def __init__(self, resolver: Resolver, names: set[str]) -> None:
        self._resolver = resolver
        self._names = names
        self._tasks: dict[str, asyncio.Task[DnsAnswer | DnsFailure]] = {}
        self._begin: asyncio.Handle | None = None
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return  # they are made when the body is complete
        self._begin = loop.call_soon(self._start)

    def _start(self) -> None:
        self._tasks = {name: asyncio.create_task(self._ask(name)) for name in self._names}

    async def answers(self) -> dict[str, DnsAnswer | DnsFailure]:
        if not self._tasks:
            if self._begin is not None:
                self._begin.cancel()
            if len(self._names) == 1:
                (name,) = self._names
                return {name: await self._ask(name)}
            self._start()
        try:
            return {name: await task for name, task in self._tasks.items()}
        finally:
            for task in self._tasks.values():
                task.cancel()

    async def _ask(self, name: str) -> DnsAnswer | DnsFailure:
        try:
            return await self._resolver.query(name, "TXT")
        except DnsTemporaryError as error:
            return DnsFailure(error.name, error.rdtype, error.why)
        except TemporaryError as error:  # such as the end of the time: it must not cost the other signatures
            return DnsFailure(name, "TXT", str(error))


def _usable(signer: Signer, answer: DnsAnswer) -> list[KeyRecord] | KeyFault:
    """The key records that fit a signer, or why there is none (RFC 6376 section 6.1.2)."""
    fault = _NO_KEY
    usable: list[KeyRecord] = []
    for octets in answer.texts[:KEY_RECORDS]:
        record = parse_key_record(octets)
        if isinstance(record, KeyRecord):
            misfit = _misfit(signer, record)
            if misfit is None:
                usable.append(record)
                continue
            record = misfit
        if fault.cause is Cause.NO_KEY:  # of several faults the first that is about a key says most
            fault = record
    return usable or fault


def _strongest(records: list[KeyRecord], scheme: SignatureScheme) -> KeyRecord:
    """The first record whose key the algorithm policy accepts; the first of all where it accepts none."""
    if len(records) == 1:
        return records[0]
    accepted = (one for one in records if assess_signature(scheme, one.public_key, use="dkim").status is not _REFUSED)
    return next(accepted, records[0])


def _misfit(signer: Signer, record: KeyRecord) -> KeyFault | None:
    """Why a key may not be used for a signer's signatures, if so."""
    if record.digests is not None and signer.digest not in record.digests:
        return KeyFault(Cause.KEY, "inappropriate hash algorithm")
    if record.key_type != signer.key_type:
        return KeyFault(Cause.KEY, "inappropriate key algorithm")
    if record.strict and not signer.exact:
        return KeyFault(Cause.KEY, "domain mismatch: the key (t=s) allows no subdomain of d= in i=")
    return None


def _body_fault(signature: Signature, body: BodyHash) -> tuple[Cause, str] | None:
    if signature.length is not None and signature.length > body.total:
        return Cause.DIGEST, "body hash did not verify: l= is more than the body has"
    if body.digest != signature.body_hash:
        return Cause.DIGEST, "body hash did not verify"
    return None


def _properties(signature: Signature) -> dict[str, str]:
    """The properties of RFC 8601 section 2.7.1 and RFC 6008."""
    signer = signature.signer
    return {
        "header.d": signer.domain,
        "header.i": signer.auid,
        "header.s": signer.selector,
        "header.a": signer.algorithm,
        "header.b": signature.label,
    }


def _facts(signature: Signature, record: KeyRecord | None = None) -> tuple[Fact, ...]:
    """What a reader may want to know besides."""
    signer = signature.signer
    bits = 0 if record is None else record.public_key.bits
    facts = _usual_facts(signer.header_canonicalization, signer.body_canonicalization, signer.algorithm, bits)
    if signature.timestamp is not None:
        facts += (Fact("signing time", _time(signature.timestamp)),)
    if signature.expiration is not None:
        facts += (Fact("expiration", _time(signature.expiration)),)
    if record is not None and record.notes:
        facts += (Fact("notes of the key's owner", record.notes),)
    return facts


@lru_cache(maxsize=64)
def _usual_facts(header: str, body: str, algorithm: str, bits: int) -> tuple[Fact, ...]:
    return (
        Fact("canonicalization", f"{header} header fields, {body} body"),
        Fact("algorithm", f"{algorithm} with a key of {bits} bits" if bits else algorithm),
    )


def _time(seconds: int) -> str:
    days, rest = divmod(seconds, 86_400)
    minutes, rest = divmod(rest, 60)
    try:
        return f"{_day(days)}T{minutes // 60:02}:{minutes % 60:02}:{rest:02}Z"
    except (OverflowError, ValueError):
        return f"{seconds} seconds after 1970"  # years that calendars of programs do not have


@lru_cache(maxsize=64)
def _day(days: int) -> str:
    return date.fromordinal(_EPOCH + days).isoformat()
