"""Revocation of certificates: CRLs (RFC 5280 sections 5 and 6.3) and OCSP (RFC 6960). No I/O of its own."""

from __future__ import annotations

from mailsec.crypto.revocation.check import PathRevocation, RevocationChecker, RevocationStatus, has_sources
from mailsec.crypto.revocation.crl import Entry, RevocationList
from mailsec.crypto.revocation.ocsp import OcspResponse

__all__ = [
    "Entry",
    "OcspResponse",
    "PathRevocation",
    "RevocationChecker",
    "RevocationList",
    "RevocationStatus",
    "has_sources",
]
