"""The shared cryptographic backend: keys, certificates, trust, paths, and the algorithm policy. No I/O.

Names are imported when they are first used: a program that verifies DKIM loads no X.509.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailsec.crypto.algorithms import (
        POLICY_VERSION,
        AlgorithmPolicy,
        Assessment,
        Status,
        assess_content_digest,
        assess_content_encryption,
        assess_digest,
        assess_key,
        assess_key_transport,
        assess_signature,
    )
    from mailsec.crypto.certificates import Certificate, load_certificates
    from mailsec.crypto.describing import (
        Line,
        describe_certificate,
        describe_key,
        describe_scheme,
        grouped,
        name_in_words,
    )
    from mailsec.crypto.digests import DIGEST_SIZES, Digest, new_digest
    from mailsec.crypto.identity import Identity
    from mailsec.crypto.issuers import fetch_issuers
    from mailsec.crypto.keyring import MemoryKeyRing, PrivateIdentity, load_identities, load_identity
    from mailsec.crypto.keys import PublicKey
    from mailsec.crypto.paths import (
        ENCRYPTION_RULES,
        PathFailure,
        PathResult,
        PathRules,
        PathTrouble,
        PathValidator,
        validate_path,
    )
    from mailsec.crypto.private import PrivateKey
    from mailsec.crypto.schemes import (
        ECDSA_SHA1,
        ECDSA_SHA256,
        ECDSA_SHA384,
        ECDSA_SHA512,
        ED448,
        ED25519,
        ML_DSA_44,
        ML_DSA_65,
        ML_DSA_87,
        RSA_PSS_SHA256,
        RSA_PSS_SHA384,
        RSA_PSS_SHA512,
        RSA_SHA1,
        RSA_SHA256,
        RSA_SHA384,
        RSA_SHA512,
        SignatureScheme,
        scheme_of,
    )
    from mailsec.crypto.transport import RSAES_OAEP_SHA256, RSAES_PKCS1, TRANSPORT_DIGESTS, KeyTransport
    from mailsec.crypto.trust import StaticTrust

_NAMES = {
    "algorithms": (
        "POLICY_VERSION",
        "Assessment",
        "Status",
        "assess_content_encryption",
        "assess_digest",
        "assess_key",
        "assess_key_transport",
        "assess_content_digest",
        "AlgorithmPolicy",
        "assess_signature",
    ),
    "certificates": ("Certificate", "load_certificates"),
    "describing": (
        "Line",
        "describe_certificate",
        "describe_key",
        "describe_scheme",
        "grouped",
        "name_in_words",
    ),
    "digests": ("DIGEST_SIZES", "Digest", "new_digest"),
    "identity": ("Identity",),
    "issuers": ("fetch_issuers",),
    "keyring": ("MemoryKeyRing", "PrivateIdentity", "load_identities", "load_identity"),
    "keys": ("PublicKey",),
    "paths": (
        "ENCRYPTION_RULES",
        "PathFailure",
        "PathResult",
        "PathRules",
        "PathTrouble",
        "PathValidator",
        "validate_path",
    ),
    "private": ("PrivateKey",),
    "schemes": (
        "ECDSA_SHA1",
        "ECDSA_SHA256",
        "ECDSA_SHA384",
        "ECDSA_SHA512",
        "ED448",
        "ED25519",
        "ML_DSA_44",
        "ML_DSA_65",
        "ML_DSA_87",
        "RSA_PSS_SHA256",
        "RSA_PSS_SHA384",
        "RSA_PSS_SHA512",
        "RSA_SHA1",
        "RSA_SHA256",
        "RSA_SHA384",
        "RSA_SHA512",
        "SignatureScheme",
        "scheme_of",
    ),
    "transport": ("RSAES_OAEP_SHA256", "RSAES_PKCS1", "TRANSPORT_DIGESTS", "KeyTransport"),
    "trust": ("StaticTrust",),
}
_HOMES = {name: f"mailsec.crypto.{module}" for module, names in _NAMES.items() for name in names}

__all__ = [
    "DIGEST_SIZES",
    "ECDSA_SHA1",
    "ECDSA_SHA256",
    "ECDSA_SHA384",
    "ECDSA_SHA512",
    "ED448",
    "ED25519",
    "ENCRYPTION_RULES",
    "ML_DSA_44",
    "ML_DSA_65",
    "ML_DSA_87",
    "POLICY_VERSION",
    "RSAES_OAEP_SHA256",
    "RSAES_PKCS1",
    "RSA_PSS_SHA256",
    "RSA_PSS_SHA384",
    "RSA_PSS_SHA512",
    "RSA_SHA1",
    "RSA_SHA256",
    "RSA_SHA384",
    "RSA_SHA512",
    "TRANSPORT_DIGESTS",
    "AlgorithmPolicy",
    "Assessment",
    "Certificate",
    "Digest",
    "Identity",
    "KeyTransport",
    "Line",
    "MemoryKeyRing",
    "PathFailure",
    "PathResult",
    "PathRules",
    "PathTrouble",
    "PathValidator",
    "PrivateIdentity",
    "PrivateKey",
    "PublicKey",
    "SignatureScheme",
    "StaticTrust",
    "Status",
    "assess_content_digest",
    "assess_content_encryption",
    "assess_digest",
    "assess_key",
    "assess_key_transport",
    "assess_signature",
    "describe_certificate",
    "describe_key",
    "describe_scheme",
    "fetch_issuers",
    "grouped",
    "load_certificates",
    "load_identities",
    "load_identity",
    "name_in_words",
    "new_digest",
    "scheme_of",
    "validate_path",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'mailsec.crypto' has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
