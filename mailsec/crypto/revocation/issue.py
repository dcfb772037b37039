"""Makes CRLs and OCSP responses for tests and the demonstration, of any kind and fault, as `mailsec.crypto.issue` does.

Nothing here is random, and times are arguments.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from mailsec.crypto import extensions as ext
from mailsec.crypto import issue
from mailsec.crypto.certificates import Certificate, Extension
from mailsec.crypto.cms import encode
from mailsec.crypto.revocation import crl, ocsp

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from mailsec.crypto.issue import Issued
    from mailsec.crypto.schemes import SignatureScheme

__all__ = [
    "Revoked",
    "delta_indicator",
    "information_access",
    "issuing_point",
    "make_crl",
    "make_ocsp_response",
    "points",
]

_GENERALIZED: Final = 0x18
_REASONS: Final = {name: code for code, name in crl.REASON_CODES.items()}


@dataclass(frozen=True, slots=True)
class Revoked:
    """An entry of a CRL.

    Attributes:
        serial: the certificate's serial number.
        at: since when it is revoked, aware.
        reason: why, a name of CRLReason; empty where it is not said.
        invalid_since: since when its key may have been in other hands.
        issuer: the certificate's issuer (a Name in DER), where it changes in an indirect CRL.
        extra: more extensions.
    """

    serial: int
    at: datetime
    reason: str = ""
    invalid_since: datetime | None = None
    issuer: bytes = b""
    extra: tuple[Extension, ...] = ()


def make_crl(
    issuer: Issued,
    entries: Iterable[Revoked | bytes] = (),
    *,
    this_update: datetime,
    next_update: datetime | None,
    number: int | None = 1,
    extra: Sequence[Extension] = (),
    scheme: SignatureScheme | None = None,
) -> bytes:
    """Makes a CRL in DER.

    Args:
        issuer: who signs it.
        entries: what is revoked; also entries that are encoded already.
        this_update: when it is issued, aware.
        next_update: when the next one is; `None` leaves that out.
        number: its number; `None` leaves the extension out.
        extra: more extensions.
        scheme: how to sign; by default what fits the issuer's key.
    """
    scheme = issue.default_scheme(issuer.key) if scheme is None else scheme
    algorithm = issue.algorithm_identifier(scheme)
    revoked = [entry if isinstance(entry, bytes) else _entry(entry) for entry in entries]
    extensions = list(extra)
    if number is not None:
        extensions.append(Extension("2.5.29.20", critical=False, value=encode.integer(number)))
    tbs = encode.sequence(
        encode.integer(1),
        algorithm,
        issuer.certificate.subject_der,
        encode.time(this_update),
        b"" if next_update is None else encode.time(next_update),
        encode.sequence(*revoked) if revoked else b"",
        encode.constructed(0x80, encode.sequence(*map(issue.encode_extension, extensions))) if extensions else b"",
    )
    return encode.sequence(tbs, algorithm, issue.bit_string(issuer.key.sign(tbs, scheme)))


def _entry(entry: Revoked) -> bytes:
    extensions = list(entry.extra)
    if entry.reason:
        value = encode.primitive(0x0A, bytes((_REASONS[entry.reason],)))
        extensions.append(Extension("2.5.29.21", critical=False, value=value))
    if entry.invalid_since is not None:
        extensions.append(Extension("2.5.29.24", critical=False, value=_time(entry.invalid_since)))
    if entry.issuer:
        value = encode.sequence(encode.constructed(0x84, entry.issuer))
        extensions.append(Extension("2.5.29.29", critical=True, value=value))
    rest = encode.sequence(*map(issue.encode_extension, extensions)) if extensions else b""
    return encode.sequence(encode.integer(entry.serial), encode.time(entry.at), rest)


def issuing_point(
    url: str = "",
    *,
    users_only: bool = False,
    authorities_only: bool = False,
    attributes_only: bool = False,
    indirect: bool = False,
    reasons: Sequence[str] = (),
) -> Extension:
    """The extension that says which certificates a CRL is about (RFC 5280 section 5.2.5)."""
    members = [_point_name(url)] if url else []
    flags = ((0x81, users_only), (0x82, authorities_only))
    members += [encode.primitive(tag, b"\xff") for tag, flag in flags if flag]
    if reasons:
        members.append(encode.primitive(0x83, _reason_flags(reasons)))
    members += [encode.primitive(tag, b"\xff") for tag, flag in ((0x84, indirect), (0x85, attributes_only)) if flag]
    return Extension("2.5.29.28", critical=True, value=encode.sequence(*members))


def delta_indicator(base: int) -> Extension:
    """The extension that makes a CRL a delta from another number (RFC 5280 section 5.2.4)."""
    return Extension("2.5.29.27", critical=True, value=encode.integer(base))


def points(*urls: str, reasons: Sequence[str] = (), issuer: bytes = b"", freshest: bool = False) -> Extension:
    """The extension that says where CRLs are (RFC 5280 section 4.2.1.13), a point for each URL.

    Args:
        urls: where they are.
        reasons: the reasons that they tell; all where there are none.
        issuer: their issuer (a Name in DER), where that is another one.
        freshest: whether it is about delta CRLs (section 4.2.1.15).
    """
    rest = encode.primitive(0x81, _reason_flags(reasons)) if reasons else b""
    rest += encode.constructed(0x82, encode.constructed(0x84, issuer)) if issuer else b""
    value = encode.sequence(*(encode.sequence(_point_name(url) + rest) for url in urls))
    return Extension(ext.FRESHEST_CRL if freshest else ext.CRL_DISTRIBUTION_POINTS, critical=False, value=value)


def information_access(*, ocsp_url: str = "", issuer_url: str = "") -> Extension:
    """The extension that says where the responder and the issuer's certificate are (RFC 5280 section 4.2.2.1)."""
    found = [(ext.ACCESS_OCSP, ocsp_url), (ext.ACCESS_ISSUERS, issuer_url)]
    value = encode.sequence(
        *(encode.sequence(encode.oid(method), encode.primitive(0x86, url.encode())) for method, url in found if url)
    )
    return Extension(ext.AUTHORITY_INFORMATION_ACCESS, critical=False, value=value)


def make_ocsp_response(
    responder: Issued,
    issuer: Certificate,
    answers: Iterable[tuple[int, Revoked | str]],
    *,
    this_update: datetime,
    next_update: datetime | None,
    by_key: bool = False,
    certificates: Sequence[Certificate] = (),
    nonce: bytes = b"",
    extra: Sequence[Extension] = (),
) -> bytes:
    """Makes an OCSPResponse in DER (RFC 6960 section 4.2).

    Args:
        responder: who signs it.
        issuer: the issuer of the certificates.
        answers: serial numbers, each with `"good"`, `"unknown"` or the entry that says since when it is revoked.
        this_update: when it is made, aware.
        next_update: when there will be a newer one; `None` leaves that out.
        by_key: whether the responder is named by its key instead of its name.
        certificates: the certificates that come along.
        nonce: the nonce that was asked with.
        extra: extensions of each answer.
    """
    scheme = issue.default_scheme(responder.key)
    names = (hashlib.sha1(issuer.subject_der, usedforsecurity=False).digest(), _key_hash(issuer))
    sha1 = encode.sequence(encode.oid("1.3.14.3.2.26"), encode.NULL)
    members: list[bytes] = []
    for serial, state in answers:
        identifier = encode.sequence(sha1, *map(encode.octet_string, names), encode.integer(serial))
        rest = [_time(this_update)]
        if next_update is not None:
            rest.append(encode.constructed(0x80, _time(next_update)))
        extensions = list(extra)
        if isinstance(state, Revoked) and state.invalid_since is not None:
            extensions.append(Extension("2.5.29.24", critical=False, value=_time(state.invalid_since)))
        if extensions:
            rest.append(encode.constructed(0x81, encode.sequence(*map(issue.encode_extension, extensions))))
        members.append(encode.sequence(identifier, _status(state), *rest))
    own = responder.certificate
    name = (
        encode.constructed(0x82, encode.octet_string(_key_hash(own)))
        if by_key
        else encode.constructed(0x81, own.subject_der)
    )
    data = [name, _time(this_update), encode.sequence(*members)]
    if nonce:
        extension = Extension("1.3.6.1.5.5.7.48.1.2", critical=False, value=encode.octet_string(nonce))
        data.append(encode.constructed(0x81, encode.sequence(issue.encode_extension(extension))))
    tbs = encode.sequence(*data)
    along = encode.constructed(0x80, encode.sequence(*(one.der for one in certificates))) if certificates else b""
    signature = issue.bit_string(responder.key.sign(tbs, scheme))
    basic = encode.sequence(tbs, issue.algorithm_identifier(scheme), signature, along)
    body = encode.sequence(encode.oid("1.3.6.1.5.5.7.48.1.1"), encode.octet_string(basic))
    return encode.sequence(encode.primitive(0x0A, b"\0"), encode.constructed(0x80, body))


# -- pieces of DER -----------------------------------------------------------------------------------------------


def _status(state: Revoked | str) -> bytes:
    if not isinstance(state, Revoked):
        return encode.primitive({"good": 0x80, "unknown": 0x82}[state], b"")
    reason = b""
    if state.reason:
        reason = encode.constructed(0x80, encode.primitive(0x0A, bytes((_REASONS[state.reason],))))
    return encode.constructed(0x81, _time(state.at), reason)


def _key_hash(certificate: Certificate) -> bytes:
    return hashlib.sha1(ocsp.key_bits(certificate), usedforsecurity=False).digest()


def _time(moment: datetime) -> bytes:
    return encode.primitive(_GENERALIZED, f"{moment:%Y%m%d%H%M%S}Z".encode())


def _point_name(url: str) -> bytes:
    return encode.constructed(0x80, encode.constructed(0x80, encode.primitive(0x86, url.encode())))


def _reason_flags(reasons: Sequence[str]) -> bytes:
    bits = sum(1 << (15 - ext.REASONS.index(reason)) for reason in reasons)
    octets = bits.to_bytes(2).rstrip(b"\0")
    unused = (octets[-1] & -octets[-1]).bit_length() - 1 if octets else 0
    return bytes((unused,)) + octets
