"""Cryptographic Message Syntax (RFC 5652): SignedData read from BER and DER, verified, and written as DER.

    signed = parse_signed_data(octets)
    content = Content(signed.content)
    for signer in signed.signers:
        verify_signer(signer, signed, content).outcome

    pieces = sign(content, (NewSigner(identity, RSA_SHA256),), detached=True, keys=keys, signing_time=now)

Encrypted structures are recognised by `parse_content_info` and not opened.
"""

from __future__ import annotations

from mailsec.crypto.cms import oids
from mailsec.crypto.cms.build import add_signers, build_certificates_only, build_signed_data, countersign, sign
from mailsec.crypto.cms.content import Content, SignedContent, StreamedContent
from mailsec.crypto.cms.limits import LIMITS, CMSLimits
from mailsec.crypto.cms.receipts import Receipt, ReceiptRequest, parse_receipt, receipt_request
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
from mailsec.crypto.cms.signing import NewSigner, content_digest, micalg
from mailsec.crypto.cms.verify import Outcome, SignerVerification, verify_countersignature, verify_signer

__all__ = [
    "LIMITS",
    "AlgorithmIdentifier",
    "Attribute",
    "CMSLimits",
    "CertificateChoice",
    "Content",
    "ContentInfo",
    "IssuerAndSerialNumber",
    "NewSigner",
    "Outcome",
    "Receipt",
    "ReceiptRequest",
    "SignedContent",
    "SignedData",
    "SignerInfo",
    "SignerVerification",
    "StreamedContent",
    "SubjectKeyIdentifier",
    "add_signers",
    "build_certificates_only",
    "build_signed_data",
    "content_digest",
    "countersign",
    "micalg",
    "oids",
    "parse_content_info",
    "parse_receipt",
    "parse_signed_data",
    "receipt_request",
    "sign",
    "verify_countersignature",
    "verify_signer",
]
