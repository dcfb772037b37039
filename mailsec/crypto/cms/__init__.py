"""Cryptographic Message Syntax (RFC 5652): SignedData read from BER and DER, verified, and written as DER.

    signed = parse_signed_data(octets)
    content = Content(signed.content)
    for signer in signed.signers:
        verify_signer(signer, signed, content).outcome

Encrypted structures are recognised by `parse_content_info` and not opened.
"""

from __future__ import annotations

from mailsec.crypto.cms import oids
from mailsec.crypto.cms.build import build_signed_data, content_digest, micalg
from mailsec.crypto.cms.limits import LIMITS, CMSLimits
from mailsec.crypto.cms.signed import (
    AlgorithmIdentifier,
    Attribute,
    CertificateChoice,
    ContentInfo,
    IssuerAndSerialNumber,
    SignedData,
    SignerInfo,
    SubjectKeyIdentifier,
    parse_content_info,
    parse_signed_data,
)
from mailsec.crypto.cms.verify import Content, Outcome, SignerVerification, verify_signer

__all__ = [
    "LIMITS",
    "AlgorithmIdentifier",
    "Attribute",
    "CMSLimits",
    "CertificateChoice",
    "Content",
    "ContentInfo",
    "IssuerAndSerialNumber",
    "Outcome",
    "SignedData",
    "SignerInfo",
    "SignerVerification",
    "SubjectKeyIdentifier",
    "build_signed_data",
    "content_digest",
    "micalg",
    "oids",
    "parse_content_info",
    "parse_signed_data",
    "verify_signer",
]
