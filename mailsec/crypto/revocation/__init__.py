"""Revocation of certificates: CRLs (RFC 5280 sections 5 and 6.3) and OCSP (RFC 6960). No I/O of its own."""

from __future__ import annotations

from datetime import datetime

from mailsec.crypto.revocation.check import (
    CertificateRevocation,
    PathRevocation,
    RevocationChecker,
    RevocationSource,
    RevocationStatus,
    has_sources,
)
from mailsec.crypto.revocation.crl import Entry, RevocationList
from mailsec.crypto.revocation.ocsp import OcspResponse
from mailsec.errors import InputError

__all__ = [
    "CertificateRevocation",
    "Entry",
    "OcspResponse",
    "PathRevocation",
    "RevocationChecker",
    "RevocationList",
    "RevocationSource",
    "RevocationStatus",
    "has_sources",
    "next_update",
]


def next_update(octets: bytes) -> datetime | None:
    """Until when a document is valid that is a CRL or an OCSP response; `None` if it is none, or does not say.

    Args:
        octets: any document.
    """
    try:
        return RevocationList(octets).next_update
    except InputError:
        pass
    try:
        ends = [answer.next_update for answer in OcspResponse(octets).answers]
    except InputError:
        return None
    known = [end for end in ends if end is not None]
    return min(known) if known and len(known) == len(ends) else None
