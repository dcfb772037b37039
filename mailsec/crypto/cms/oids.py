"""The object identifiers of CMS and S/MIME, with where they come from."""

from __future__ import annotations

from collections.abc import Mapping

from mailsec.crypto.schemes import SchemeType

# Content types: RFC 5652 sections 4 to 9, RFC 5083, RFC 3274, RFC 2634 section 2.8, RFC 3161, RFC 5272, RFC 5958.
DATA = "1.2.840.113549.1.7.1"
SIGNED_DATA = "1.2.840.113549.1.7.2"
ENVELOPED_DATA = "1.2.840.113549.1.7.3"
DIGESTED_DATA = "1.2.840.113549.1.7.5"
ENCRYPTED_DATA = "1.2.840.113549.1.7.6"
AUTH_ENVELOPED_DATA = "1.2.840.113549.1.9.16.1.23"
COMPRESSED_DATA = "1.2.840.113549.1.9.16.1.9"
RECEIPT = "1.2.840.113549.1.9.16.1.1"

CONTENT_TYPES = {
    DATA: "data",
    SIGNED_DATA: "signed-data",
    ENVELOPED_DATA: "enveloped-data",
    DIGESTED_DATA: "digested-data",
    ENCRYPTED_DATA: "encrypted-data",
    AUTH_ENVELOPED_DATA: "authEnveloped-data",
    COMPRESSED_DATA: "compressed-data",
    RECEIPT: "signed-receipt",
    "1.2.840.113549.1.9.16.1.2": "authenticated-data",
    "1.2.840.113549.1.9.16.1.4": "time-stamp token",
    "1.2.840.113549.1.9.16.1.6": "content info",
    "1.2.840.113549.1.9.16.1.19": "content collection",
    "1.2.840.113549.1.9.16.1.20": "content with attributes",
    "1.3.6.1.5.5.7.12.2": "certificate request",
    "1.3.6.1.5.5.7.12.3": "certificate response",
    "2.16.840.1.101.2.1.2.78.5": "asymmetric key package",
    "1.3.6.1.4.1.311.2.1.4": "authenticode",
}

# Attributes: RFC 5652 section 11, RFC 8551 section 2.5, RFC 2634, RFC 5035 sections 3 and 5, RFC 6211.
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"
COUNTERSIGNATURE = "1.2.840.113549.1.9.6"
SMIME_CAPABILITIES = "1.2.840.113549.1.9.15"
SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
ALGORITHM_PROTECTION = "1.2.840.113549.1.9.52"
ENCRYPTION_KEY_PREFERENCE = "1.2.840.113549.1.9.16.2.11"
RECEIPT_REQUEST = "1.2.840.113549.1.9.16.2.1"
MESSAGE_SIGNATURE_DIGEST = "1.2.840.113549.1.9.16.2.5"

ATTRIBUTES = {
    CONTENT_TYPE: "content type",
    MESSAGE_DIGEST: "message digest",
    SIGNING_TIME: "signing time",
    COUNTERSIGNATURE: "countersignature",
    SMIME_CAPABILITIES: "S/MIME capabilities",
    SIGNING_CERTIFICATE: "signing certificate",
    SIGNING_CERTIFICATE_V2: "signing certificate v2",
    ALGORITHM_PROTECTION: "algorithm protection",
    ENCRYPTION_KEY_PREFERENCE: "encryption key preference",
    RECEIPT_REQUEST: "receipt request",
    MESSAGE_SIGNATURE_DIGEST: "message signature digest",
    "1.2.840.113549.1.9.16.2.2": "security label",
    "1.2.840.113549.1.9.16.2.3": "mailing list expansion history",
    "1.2.840.113549.1.9.16.2.4": "content hints",
    "1.2.840.113549.1.9.16.2.7": "content identifier",
    "1.2.840.113549.1.9.16.2.9": "equivalent labels",
    "1.2.840.113549.1.9.16.2.10": "content reference",
    "1.2.840.113549.1.9.16.2.14": "signature time stamp",
    "1.2.840.113549.1.9.16.2.15": "signature policy",
    "1.3.6.1.4.1.311.16.4": "encryption key preference of Microsoft",
}

# Public key algorithms that stand where a signature algorithm should (RFC 3370 section 3.2, RFC 5753): the digest
# is then the one of the SignerInfo's digestAlgorithm.
RSA = "1.2.840.113549.1.1.1"
KEY_ALGORITHMS: Mapping[str, SchemeType] = {
    RSA: "rsa",
    "1.2.840.10040.4.1": "dsa",
    "1.2.840.10045.2.1": "ec",
}

# SHAKE with its output length as a parameter (RFC 8419 section 2.3): the digest, and its bits.
SHAKE256_LEN = "2.16.840.1.101.3.4.2.18"
SHAKE_LENGTHS = {"2.16.840.1.101.3.4.2.17": ("shake128", 256), SHAKE256_LEN: ("shake256", 512)}

# RFC 4056.
MGF1 = "1.2.840.113549.1.1.8"
RSA_PSS = "1.2.840.113549.1.1.10"

# Content encryption that can be announced in smimeCapabilities: RFC 3565, RFC 5084.
CAPABILITIES = {
    "aes256-gcm": "2.16.840.1.101.3.4.1.46",
    "aes192-gcm": "2.16.840.1.101.3.4.1.26",
    "aes128-gcm": "2.16.840.1.101.3.4.1.6",
    "aes256-cbc": "2.16.840.1.101.3.4.1.42",
    "aes192-cbc": "2.16.840.1.101.3.4.1.22",
    "aes128-cbc": "2.16.840.1.101.3.4.1.2",
}
