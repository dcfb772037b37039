"""Signature schemes: a kind of key, a digest, and a padding where there is one.

Schemes are what CMS, X.509 and DKIM name by their own means: object identifiers in the first two, names
such as `rsa-sha256` in the last. `scheme_of` reads the DER form.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from mailsec.crypto import der
from mailsec.crypto.digests import DIGEST_SIZES
from mailsec.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
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
    "SchemeType",
    "SignatureScheme",
    "scheme_of",
]

SchemeType: TypeAlias = Literal[
    "rsa", "rsa-pss", "ec", "dsa", "ed25519", "ed448", "ml-dsa-44", "ml-dsa-65", "ml-dsa-87"
]

_PURE: Final = frozenset({"ed25519", "ed448", "ml-dsa-44", "ml-dsa-65", "ml-dsa-87"})
_SHAKES: Final = frozenset({"shake128", "shake256"})


@dataclass(frozen=True, slots=True)
class SignatureScheme:
    """How a signature is made.

    Attributes:
        key_type: `"rsa"` is RSASSA-PKCS1-v1_5 and `"rsa-pss"` RSASSA-PSS (RFC 8017 section 8), which an RSA
            key can do both; `"ec"` is ECDSA.
        digest: the digest that is signed, a name of `DIGEST_SIZES`; `None` for Ed25519, Ed448 (RFC 8032) and
            ML-DSA (FIPS 204 section 5.2, with an empty context), which take the octets themselves.
        salt_length: for RSASSA-PSS, the octets of salt; `None` signs with as many as the digest has and
            verifies any.
        mgf_digest: for RSASSA-PSS, the digest of the mask generation function; `None` is the same as `digest`.

    Raises:
        UsageError: the digest is unknown, or missing, or not wanted.
    """

    key_type: SchemeType
    digest: str | None = None
    salt_length: int | None = None
    mgf_digest: str | None = None

    def __post_init__(self) -> None:
        if self.key_type in _PURE:
            if self.digest is not None:
                raise UsageError(f"{self.key_type} signatures have no digest of their own")
        elif self.digest not in DIGEST_SIZES or self.digest in _SHAKES:
            raise UsageError(f"no {self.key_type} signature can be made over the digest {self.digest!r}")
        if self.mgf_digest is not None and self.mgf_digest not in DIGEST_SIZES:
            raise UsageError(f"there is no digest named {self.mgf_digest!r}")

    def __str__(self) -> str:
        kind = "ecdsa" if self.key_type == "ec" else self.key_type
        return kind if self.digest is None else f"{kind}-{self.digest}"


RSA_SHA1: Final = SignatureScheme("rsa", "sha1")
RSA_SHA256: Final = SignatureScheme("rsa", "sha256")
RSA_SHA384: Final = SignatureScheme("rsa", "sha384")
RSA_SHA512: Final = SignatureScheme("rsa", "sha512")
RSA_PSS_SHA256: Final = SignatureScheme("rsa-pss", "sha256", 32)
RSA_PSS_SHA384: Final = SignatureScheme("rsa-pss", "sha384", 48)
RSA_PSS_SHA512: Final = SignatureScheme("rsa-pss", "sha512", 64)
ECDSA_SHA1: Final = SignatureScheme("ec", "sha1")
ECDSA_SHA256: Final = SignatureScheme("ec", "sha256")
ECDSA_SHA384: Final = SignatureScheme("ec", "sha384")
ECDSA_SHA512: Final = SignatureScheme("ec", "sha512")
ED25519: Final = SignatureScheme("ed25519")
ED448: Final = SignatureScheme("ed448")
ML_DSA_44: Final = SignatureScheme("ml-dsa-44")
ML_DSA_65: Final = SignatureScheme("ml-dsa-65")
ML_DSA_87: Final = SignatureScheme("ml-dsa-87")

RSASSA_PSS_OID: Final = "1.2.840.113549.1.1.10"
MGF1_OID: Final = "1.2.840.113549.1.1.8"

SCHEME_OIDS: Final[Mapping[str, SignatureScheme]] = {
    "1.2.840.113549.1.1.4": SignatureScheme("rsa", "md5"),  # RFC 3279 section 2.2.1
    "1.2.840.113549.1.1.5": RSA_SHA1,
    "1.3.14.3.2.29": RSA_SHA1,  # the same, by OIW
    "1.2.840.113549.1.1.14": SignatureScheme("rsa", "sha224"),  # RFC 4055 section 5
    "1.2.840.113549.1.1.11": RSA_SHA256,
    "1.2.840.113549.1.1.12": RSA_SHA384,
    "1.2.840.113549.1.1.13": RSA_SHA512,
    "2.16.840.1.101.3.4.3.14": SignatureScheme("rsa", "sha3-256"),
    "2.16.840.1.101.3.4.3.15": SignatureScheme("rsa", "sha3-384"),
    "2.16.840.1.101.3.4.3.16": SignatureScheme("rsa", "sha3-512"),
    "1.2.840.10040.4.3": SignatureScheme("dsa", "sha1"),  # RFC 3279 section 2.2.2
    "2.16.840.1.101.3.4.3.1": SignatureScheme("dsa", "sha224"),  # RFC 5758 section 3.1
    "2.16.840.1.101.3.4.3.2": SignatureScheme("dsa", "sha256"),
    "2.16.840.1.101.3.4.3.3": SignatureScheme("dsa", "sha384"),
    "2.16.840.1.101.3.4.3.4": SignatureScheme("dsa", "sha512"),
    "1.2.840.10045.4.1": ECDSA_SHA1,  # RFC 3279 section 2.2.3
    "1.2.840.10045.4.3.1": SignatureScheme("ec", "sha224"),  # RFC 5758 section 3.2
    "1.2.840.10045.4.3.2": ECDSA_SHA256,
    "1.2.840.10045.4.3.3": ECDSA_SHA384,
    "1.2.840.10045.4.3.4": ECDSA_SHA512,
    "2.16.840.1.101.3.4.3.10": SignatureScheme("ec", "sha3-256"),
    "2.16.840.1.101.3.4.3.11": SignatureScheme("ec", "sha3-384"),
    "2.16.840.1.101.3.4.3.12": SignatureScheme("ec", "sha3-512"),
    "1.3.101.112": ED25519,  # RFC 8410 section 3
    "1.3.101.113": ED448,
    "2.16.840.1.101.3.4.3.17": ML_DSA_44,  # RFC 9881 section 2, RFC 9882 section 2
    "2.16.840.1.101.3.4.3.18": ML_DSA_65,
    "2.16.840.1.101.3.4.3.19": ML_DSA_87,
}
"""Signature schemes by the object identifiers that name them, except RSASSA-PSS, which has its parameters elsewhere."""

DIGEST_OIDS: Final[Mapping[str, str]] = {
    "1.2.840.113549.2.5": "md5",
    "1.3.14.3.2.26": "sha1",
    "2.16.840.1.101.3.4.2.4": "sha224",
    "2.16.840.1.101.3.4.2.1": "sha256",
    "2.16.840.1.101.3.4.2.2": "sha384",
    "2.16.840.1.101.3.4.2.3": "sha512",
    "2.16.840.1.101.3.4.2.8": "sha3-256",
    "2.16.840.1.101.3.4.2.9": "sha3-384",
    "2.16.840.1.101.3.4.2.10": "sha3-512",
    "2.16.840.1.101.3.4.2.11": "shake128",
    "2.16.840.1.101.3.4.2.12": "shake256",
}
"""Digests by their object identifiers (RFC 8017 appendix A.2.1, RFC 8702, FIPS 202)."""


def scheme_of(identifier: bytes) -> SignatureScheme | None:
    """The scheme that an AlgorithmIdentifier in DER names (RFC 5280 section 4.1.1.2).

    Args:
        identifier: the whole SEQUENCE of object identifier and parameters.

    Returns:
        The scheme, or `None` if the identifier is malformed or names no signature scheme that we know.
    """
    try:
        start, stop = der.expect(identifier, 0, len(identifier), der.SEQUENCE)
        inner, at = der.expect(identifier, start, stop, der.OID)
        oid = der.oid_text(identifier, inner, at)
        if oid == RSASSA_PSS_OID:
            return pss_scheme(identifier[at:stop])
    except der.DERError:
        return None
    return SCHEME_OIDS.get(oid)


def pss_scheme(parameters: bytes) -> SignatureScheme | None:
    """The scheme that RSASSA-PSS-params in DER describe (RFC 4055 section 3.1).

    Returns:
        The scheme, or `None` if a digest or mask generation function is not known, or a value is out of range.

    Raises:
        der.DERError: the parameters are malformed.
    """
    digest, mgf_digest, salt, trailer, last = "sha1", "sha1", 20, 1, 0
    start, stop = der.expect(parameters, 0, len(parameters), der.SEQUENCE)
    if stop != len(parameters):
        raise der.DERError("there is something after the RSASSA-PSS parameters")
    for tag, _, inner, end in der.children(parameters, start, stop):
        if tag <= last:
            raise der.DERError("an RSASSA-PSS parameter is there twice, or out of its order")
        last = tag
        if tag == 0xA0:
            digest = _digest_name(parameters, inner, end)
        elif tag == 0xA1:
            inside, end_inside = der.expect(parameters, inner, end, der.SEQUENCE)
            name, at = der.expect(parameters, inside, end_inside, der.OID)
            if der.oid_text(parameters, name, at) != MGF1_OID:
                return None
            mgf_digest = _digest_name(parameters, at, end_inside)
        elif tag == 0xA2:
            salt = der.integer(parameters, *der.expect(parameters, inner, end, der.INTEGER))
        elif tag == 0xA3:
            trailer = der.integer(parameters, *der.expect(parameters, inner, end, der.INTEGER))
        else:
            raise der.DERError("unknown RSASSA-PSS parameter")
    if not digest or not mgf_digest or not 0 <= salt <= 512 or trailer != 1:
        return None
    return SignatureScheme("rsa-pss", digest, salt, None if mgf_digest == digest else mgf_digest)


def _digest_name(octets: bytes, start: int, stop: int) -> str:
    inner, end = der.expect(octets, start, stop, der.SEQUENCE)
    name, at = der.expect(octets, inner, end, der.OID)
    if end != stop or octets[at:end] not in {b"", b"\x05\x00"}:  # RFC 4055 section 2.1: both are taken
        raise der.DERError("a digest has parameters, or something stands after it")
    found = DIGEST_OIDS.get(der.oid_text(octets, name, at), "")
    return "" if found in _SHAKES else found
