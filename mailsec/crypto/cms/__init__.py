"""Cryptographic Message Syntax (RFC 5652), read from BER and DER, and written as DER.

SignedData is verified and made:

    signed = parse_signed_data(octets)
    content = Content(signed.content)
    for signer in signed.signers:
        verify_signer(signer, signed, content).outcome

    pieces = sign(content, (NewSigner(identity, RSA_SHA256),), detached=True, keys=keys, signing_time=now)

EnvelopedData and AuthEnvelopedData (RFC 5083) are decrypted and made:

    content, decryption = decrypt(parse_enveloped_data(octets), keys)
    octets = b"".join(encrypt((content,), [CertificateRecipient(certificate)], cipher="aes256-gcm"))

CompressedData (RFC 3274) is read by `decompress` and made by `compress`. What encrypts and compresses is imported when
it is first used: a program that verifies signatures does not pay for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from mailsec.crypto.cms.ciphers import CIPHERS, ContentCipher, ContentEncryption
    from mailsec.crypto.cms.compressed import compress, decompress, decompress_to
    from mailsec.crypto.cms.decryption import Decryption, decrypt, decrypt_to, find_recipients
    from mailsec.crypto.cms.encryption import CertificateRecipient, Recipient, encrypt
    from mailsec.crypto.cms.enveloped import EnvelopedData, parse_enveloped_data
    from mailsec.crypto.cms.recipients import (
        KEKRecipientInfo,
        KEMRecipientInfo,
        KeyAgreeRecipientInfo,
        KeyTransRecipientInfo,
        OtherRecipientInfo,
        PasswordRecipientInfo,
        RecipientInfo,
    )
    from mailsec.crypto.cms.secrets import Password, Secret, SharedKey

_LATER = {
    "ciphers": ("CIPHERS", "ContentCipher", "ContentEncryption"),
    "compressed": ("compress", "decompress", "decompress_to"),
    "decryption": ("Decryption", "decrypt", "decrypt_to", "find_recipients"),
    "encryption": ("CertificateRecipient", "Recipient", "encrypt"),
    "enveloped": ("EnvelopedData", "parse_enveloped_data"),
    "recipients": (
        "KEKRecipientInfo",
        "KEMRecipientInfo",
        "KeyAgreeRecipientInfo",
        "KeyTransRecipientInfo",
        "OtherRecipientInfo",
        "PasswordRecipientInfo",
        "RecipientInfo",
    ),
    "secrets": ("Password", "Secret", "SharedKey"),
}
_HOMES = {name: f"mailsec.crypto.cms.{module}" for module, names in _LATER.items() for name in names}

__all__ = [
    "CIPHERS",
    "LIMITS",
    "AlgorithmIdentifier",
    "Attribute",
    "CMSLimits",
    "CertificateChoice",
    "CertificateRecipient",
    "Content",
    "ContentCipher",
    "ContentEncryption",
    "ContentInfo",
    "Decryption",
    "EnvelopedData",
    "IssuerAndSerialNumber",
    "KEKRecipientInfo",
    "KEMRecipientInfo",
    "KeyAgreeRecipientInfo",
    "KeyTransRecipientInfo",
    "NewSigner",
    "OtherRecipientInfo",
    "Outcome",
    "Password",
    "PasswordRecipientInfo",
    "Receipt",
    "ReceiptRequest",
    "Recipient",
    "RecipientInfo",
    "Secret",
    "SharedKey",
    "SignedContent",
    "SignedData",
    "SignerInfo",
    "SignerVerification",
    "StreamedContent",
    "SubjectKeyIdentifier",
    "add_signers",
    "build_certificates_only",
    "build_signed_data",
    "compress",
    "content_digest",
    "countersign",
    "decompress",
    "decompress_to",
    "decrypt",
    "decrypt_to",
    "encrypt",
    "find_recipients",
    "micalg",
    "oids",
    "parse_content_info",
    "parse_enveloped_data",
    "parse_receipt",
    "parse_signed_data",
    "receipt_request",
    "sign",
    "verify_countersignature",
    "verify_signer",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'mailsec.crypto.cms' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
