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

# Content encryption: RFC 3565, RFC 5084, RFC 8103, RFC 3370 section 5, RFC 9709.
CONTENT_CIPHERS = {
    **{oid: name for name, oid in CAPABILITIES.items()},
    "2.16.840.1.101.3.4.1.7": "aes128-ccm",
    "2.16.840.1.101.3.4.1.27": "aes192-ccm",
    "2.16.840.1.101.3.4.1.47": "aes256-ccm",
    "1.2.840.113549.1.9.16.3.18": "chacha20-poly1305",
    "1.2.840.113549.3.7": "des-ede3-cbc",
    "1.2.840.113549.3.2": "rc2-cbc",
}
CEK_HKDF_SHA256 = "1.2.840.113549.1.9.16.3.31"

# Key transport: RFC 4055 section 4.1, RFC 8017 appendix B.2.
RSAES_OAEP = "1.2.840.113549.1.1.7"
P_SPECIFIED = "1.2.840.113549.1.1.9"

# Key wrap: RFC 3565 section 2.3.2, RFC 3370 section 4.3.1; the octets of their keys.
DES3_WRAP = "1.2.840.113549.1.9.16.3.6"
KEY_WRAPS = {
    "2.16.840.1.101.3.4.1.5": 16,
    "2.16.840.1.101.3.4.1.25": 24,
    "2.16.840.1.101.3.4.1.45": 32,
    DES3_WRAP: 24,
}
AES_WRAPS = {octets: oid for oid, octets in KEY_WRAPS.items() if oid != DES3_WRAP}

# Key agreement, as key derivation function and digest: RFC 5753 section 7.1.4 (standard and cofactor ECDH, which are
# the same on curves of prime order), RFC 8418 section 7.
KEY_AGREEMENTS = {
    "1.3.133.16.840.63.0.2": ("x963", "sha1"),
    "1.3.132.1.11.0": ("x963", "sha224"),
    "1.3.132.1.11.1": ("x963", "sha256"),
    "1.3.132.1.11.2": ("x963", "sha384"),
    "1.3.132.1.11.3": ("x963", "sha512"),
    "1.3.133.16.840.63.0.3": ("x963", "sha1"),
    "1.3.132.1.14.0": ("x963", "sha224"),
    "1.3.132.1.14.1": ("x963", "sha256"),
    "1.3.132.1.14.2": ("x963", "sha384"),
    "1.3.132.1.14.3": ("x963", "sha512"),
    "1.2.840.113549.1.9.16.3.19": ("hkdf", "sha256"),
    "1.2.840.113549.1.9.16.3.20": ("hkdf", "sha384"),
    "1.2.840.113549.1.9.16.3.21": ("hkdf", "sha512"),
}
STANDARD_ECDH = {"sha256": "1.3.132.1.11.1", "sha384": "1.3.132.1.11.2", "sha512": "1.3.132.1.11.3"}
EC_PUBLIC_KEY = "1.2.840.10045.2.1"
MONTGOMERY_KEYS = {"1.3.101.110": "x25519", "1.3.101.111": "x448"}

# Passwords: RFC 3211 section 2.3, RFC 8018 appendix A.2 and B.1.
PWRI_KEK = "1.2.840.113549.1.9.16.3.9"
PBKDF2 = "1.2.840.113549.1.5.12"
HMACS = {
    "1.2.840.113549.2.7": "sha1",
    "1.2.840.113549.2.8": "sha224",
    "1.2.840.113549.2.9": "sha256",
    "1.2.840.113549.2.10": "sha384",
    "1.2.840.113549.2.11": "sha512",
}
HMAC_SHA256 = "1.2.840.113549.2.9"

# Key encapsulation: RFC 9629 section 8, RFC 9936 section 3, RFC 8619 section 2.
ORI_KEM = "1.2.840.113549.1.9.16.13.3"
KEMS = {"2.16.840.1.101.3.4.4.2": "ml-kem-768", "2.16.840.1.101.3.4.4.3": "ml-kem-1024"}
HKDFS = {
    "1.2.840.113549.1.9.16.3.28": "sha256",
    "1.2.840.113549.1.9.16.3.29": "sha384",
    "1.2.840.113549.1.9.16.3.30": "sha512",
}
HKDF_SHA256 = "1.2.840.113549.1.9.16.3.28"

# Compression: RFC 3274 section 2.
ZLIB = "1.2.840.113549.1.9.16.3.8"
