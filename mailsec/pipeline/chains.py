"""Certification paths as outlines: each certificate with what is known of it, its issuer under it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from mailsec.errors import CertificateError
from mailsec.hooks.types import Anchors, CertificatePath, Result
from mailsec.pipeline.reason import Reason, short

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailsec.crypto import Certificate
    from mailsec.hooks.types import CertificateNote
    from mailsec.pipeline.report import Report

__all__ = ["chain", "offered_issuers", "origins"]

_ADDRESSES = 20  # addresses of one certificate that are shown
_URLS = 10  # of places where issuers are offered

_TITLES = {
    "signer": "certificate",
    "tried": "also tried, another path for the certificate",
    "countersigner": "the countersigner's certificate",
    "encryption": "to be encrypted to by another certificate",
}
_BAD = frozenset(("failure", "revoked"))


def chain(path: CertificatePath, known: Mapping[str, str]) -> Reason:
    """A path as an outline: the certificate that it is about on top, each issuer under what it issued.

    Args:
        path: the path.
        known: where the trust in anchors comes from, by fingerprint; see `origins`.
    """
    title = _TITLES[path.role]
    notes: dict[int, list[CertificateNote]] = {}
    for note in path.notes:
        notes.setdefault(note.place, []).append(note)
    valid = path.anchored and not any(note.kind in _BAD for note in path.notes)
    if not path.certificates:
        return Reason(title, Result.FAIL, tuple(_told(notes.get(0, []))))
    last = len(path.certificates) - 1
    found: Reason | None = None
    for place in range(last, -1, -1):
        der, told = path.certificates[place], notes.get(place, [])
        result = Result.PASS if valid else Result.NONE
        if any(note.kind in _BAD for note in told):
            result = Result.FAIL
        name = "issued by" if place else f"{title}:"
        closed = not place and path.role != "signer"
        above = () if found is None else (found,)
        try:
            certificate = _certificate(der)
        except CertificateError as error:
            found = Reason(f"{name} one that cannot be read: {short(str(error))}", result, above, closed)
            continue
        lines = [*_told([note for note in told if note.kind in _BAD]), *_lines(certificate)]
        lines += _told([note for note in told if note.kind not in _BAD])
        if place == last:
            lines += _end(certificate, path, known)
        elif not place:
            lines.append(_fingerprint(certificate))
        found = Reason(f"{name} {_name(certificate)}", result, (*lines, *above), closed, der)
    assert found is not None
    return found


def origins(report: Report) -> Mapping[str, str]:
    """Where the trust in anchors comes from, by fingerprint, as the evidence of a report tells it."""
    found: dict[str, str] = {}
    for alone in (False, True):  # what is trusted for one address alone may be an anchor too
        for one in (one for run in report.runs for one in run.evidence if isinstance(one, Anchors)):
            if bool(one.address) is not alone:
                continue
            with suppress(TypeError, ValueError):  # a plugin may have put in anything
                more = f", for {one.address} alone" if alone else ""
                found |= {mark: f"{origin}{more}" for mark, origin in one.origins if not alone or mark not in found}
    return found


def offered_issuers(report: Report) -> tuple[str, ...]:
    """Where issuers' certificates that are missing are offered (RFC 5280 section 4.2.2.1), the likeliest first.

    They are URLs that a certificate names, so foreign text. None is given for what lies inside an encryption that
    would not notice a change: such a URL may have been put together there to carry the plaintext away.

    Args:
        report: the report.
    """
    found: dict[str, None] = {}
    for result in report.results:
        for one in result.evidence:
            if isinstance(one, CertificatePath) and _lacks_issuer(one) and not report.is_malleable(result.layer):
                with suppress(CertificateError, TypeError, AttributeError):  # a plugin may have put in anything
                    for der in reversed(one.certificates):
                        found |= dict.fromkeys(_urls(_certificate(der)))
    return tuple(found)[:_URLS]


def _lacks_issuer(path: CertificatePath) -> bool:
    return path.role == "signer" and not path.anchored


def _urls(certificate: Certificate) -> Iterator[str]:
    return (url for url in certificate.issuer_urls if url.lower().startswith(("http://", "https://")))


def _certificate(der: bytes) -> Certificate:
    from mailsec.crypto import Certificate

    return Certificate.from_der(der)


def _name(certificate: Certificate) -> str:
    from mailsec.crypto import name_in_words

    return name_in_words(certificate.subject_der)


def _lines(certificate: Certificate) -> Iterator[Reason]:
    from mailsec.crypto import describe_key

    if certificate.emails:
        more = len(certificate.emails) - _ADDRESSES
        addresses = [*certificate.emails[:_ADDRESSES], *([f"{more} more"] if more > 0 else [])]
        yield Reason(f"for {short(', '.join(addresses))}")
    period = f"valid {certificate.not_before:%Y-%m-%d} to {certificate.not_after:%Y-%m-%d}"
    yield Reason(f"{period}, key: {describe_key(certificate.public_key)}")


def _told(notes: list[CertificateNote]) -> Iterator[Reason]:
    for note in notes:
        yield Reason(short(note.sentence), Result.FAIL if note.kind in _BAD else None)


def _fingerprint(certificate: Certificate) -> Reason:
    from mailsec.crypto import grouped

    return Reason(f"SHA-256 {grouped(certificate.fingerprint, 8)}", detail=True)


def _end(certificate: Certificate, path: CertificatePath, known: Mapping[str, str]) -> Iterator[Reason]:
    """What is said of the last certificate of a path."""
    yield _fingerprint(certificate)
    if path.anchored:
        origin = known.get(certificate.fingerprint, "")
        yield Reason(f"your trust anchor: {short(origin)}" if origin else "your trust anchor")
        return
    if not any(note.kind in _BAD for note in path.notes):
        yield Reason("no trust anchor at the end of this path", Result.FAIL)
    if not certificate.is_self_issued:
        yield Reason(f"issued by {_issuer(certificate)}, whose certificate is not at hand", Result.NONE)
    for url in [*_urls(certificate)][:_URLS] if _lacks_issuer(path) else ():
        yield Reason(f"its issuer's certificate is offered at {short(url)}")


def _issuer(certificate: Certificate) -> str:
    from mailsec.crypto import name_in_words

    return name_in_words(certificate.issuer_der)
