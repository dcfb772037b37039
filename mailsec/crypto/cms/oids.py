"""The object identifiers of CMS and S/MIME, with where they come from."""

from __future__ import annotations

from collections.abc import Mapping

from mailsec.crypto.schemes import SchemeType

# Content types: RFC 5652 sections 4 to 9, RFC 5083, RFC 3274, RFC 5035.
DATA = "1.2.840.113549.1.7.1"
SIGNED_DATA = "1.2.840.113549.1.7.2"
ENVELOPED_DATA = "1.2.840.113549.1.7.3"
DIGESTED_DATA = "1.2.840.113549.1.7.5"
ENCRYPTED_DATA = "1.2.840.113549.1.7.6"
AUTH_ENVELOPED_DATA = "1.2.840.113549.1.9.16.1.23"
COMPRESSED_DATA = "1.2.840.113549.1.9.16.1.9"

CONTENT_TYPES = {
    DATA: "data",
    SIGNED_DATA: "signed-data",
    ENVELOPED_DATA: "enveloped-data",
    DIGESTED_DATA: "digested-data",
    ENCRYPTED_DATA: "encrypted-data",
    AUTH_ENVELOPED_DATA: "authEnveloped-data",
    COMPRESSED_DATA: "compressed-data",
    "1.2.840.113549.1.9.16.1.1": "signed-receipt",
    "1.2.840.113549.1.9.16.1.2": "authenticated-data",
    "1.2.840.113549.1.9.16.1.4": "time-stamp token",
}

# Attributes: RFC 5652 section 11, RFC 8551 section 2.5, RFC 5035 sections 3 and 5, RFC 6211.
CONTENT_TYPE = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
SIGNING_TIME = "1.2.840.113549.1.9.5"
COUNTERSIGNATURE = "1.2.840.113549.1.9.6"
SMIME_CAPABILITIES = "1.2.840.113549.1.9.15"
SIGNING_CERTIFICATE = "1.2.840.113549.1.9.16.2.12"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
ALGORITHM_PROTECTION = "1.2.840.113549.1.9.52"

# Public key algorithms that stand where a signature algorithm should (RFC 3370 section 3.2, RFC 5753): the digest
# is then the one of the SignerInfo's digestAlgorithm.
RSA = "1.2.840.113549.1.1.1"
KEY_ALGORITHMS: Mapping[str, SchemeType] = {
    RSA: "rsa",
    "1.2.840.10040.4.1": "dsa",
    "1.2.840.10045.2.1": "ec",
}

# Signature algorithms as they are written: RFC 4056, RFC 5754, RFC 5753, RFC 8419.
MGF1 = "1.2.840.113549.1.1.8"
RSA_PSS = "1.2.840.113549.1.1.10"
SIGNATURES: Mapping[tuple[SchemeType, str | None], str] = {
    ("rsa", "sha256"): "1.2.840.113549.1.1.11",
    ("rsa", "sha384"): "1.2.840.113549.1.1.12",
    ("rsa", "sha512"): "1.2.840.113549.1.1.13",
    ("rsa-pss", "sha256"): RSA_PSS,
    ("rsa-pss", "sha384"): RSA_PSS,
    ("rsa-pss", "sha512"): RSA_PSS,
    ("ec", "sha256"): "1.2.840.10045.4.3.2",
    ("ec", "sha384"): "1.2.840.10045.4.3.3",
    ("ec", "sha512"): "1.2.840.10045.4.3.4",
    ("ed25519", None): "1.3.101.112",
    ("ed448", None): "1.3.101.113",
}

# Content encryption that can be announced in smimeCapabilities: RFC 3565, RFC 5084.
CAPABILITIES = {
    "aes256-gcm": "2.16.840.1.101.3.4.1.46",
    "aes192-gcm": "2.16.840.1.101.3.4.1.26",
    "aes128-gcm": "2.16.840.1.101.3.4.1.6",
    "aes256-cbc": "2.16.840.1.101.3.4.1.42",
    "aes192-cbc": "2.16.840.1.101.3.4.1.22",
    "aes128-cbc": "2.16.840.1.101.3.4.1.2",
}
