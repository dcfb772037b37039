"""Cryptographic Message Syntax (RFC 5652), read from BER and DER, and written as DER.

SignedData is verified and made:

    signed = parse_signed_data(octets)
    content = Content(signed.content)
    for signer in signed.signers:
        verify_signer(signer, signed, content).outcome

EnvelopedData and AuthEnvelopedData (RFC 5083) are decrypted and made:

    content, decryption = decrypt(parse_enveloped_data(octets), keys)
    octets = b"".join(encrypt((content,), [CertificateRecipient(certificate)], cipher="aes256-gcm"))

CompressedData (RFC 3274) is read by `decompress` and made by `compress`.
"""

from __future__ import annotations

from mailsec.crypto.cms import oids
from mailsec.crypto.cms.build import build_signed_data, content_digest, micalg
from mailsec.crypto.cms.ciphers import CIPHERS, ContentCipher, ContentEncryption
from mailsec.crypto.cms.compressed import compress, decompress, decompress_to
from mailsec.crypto.cms.decrypt import Decryption, decrypt, decrypt_to, find_recipients
from mailsec.crypto.cms.encrypt import CertificateRecipient, Recipient, encrypt
from mailsec.crypto.cms.enveloped import EnvelopedData, parse_enveloped_data
from mailsec.crypto.cms.limits import LIMITS, CMSLimits
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
    "OtherRecipientInfo",
    "Outcome",
    "Password",
    "PasswordRecipientInfo",
    "Recipient",
    "RecipientInfo",
    "Secret",
    "SharedKey",
    "SignedData",
    "SignerInfo",
    "SignerVerification",
    "SubjectKeyIdentifier",
    "build_signed_data",
    "compress",
    "content_digest",
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
    "parse_signed_data",
    "verify_signer",
]
