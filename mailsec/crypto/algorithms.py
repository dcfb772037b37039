"""The algorithm policy: which algorithms and key sizes are accepted, deprecated or refused, why, and who says so.

This is the only place that decides it. The tables are read from the top; the first row that fits counts. A
signature is judged by its key, its digest and its use together, and the worst of these is the judgement; so is an
encrypted content by its cipher and by the way of its key.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal, Protocol, TypeAlias

from mailsec.crypto.digests import DIGEST_SIZES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mailsec.crypto.keys import PublicKey
    from mailsec.crypto.schemes import SignatureScheme
    from mailsec.crypto.transport import KeyTransport

__all__ = [
    "POLICY_VERSION",
    "AlgorithmPolicy",
    "Assessment",
    "KeyUse",
    "Status",
    "Use",
    "assess_content_digest",
    "assess_content_encryption",
    "assess_digest",
    "assess_key",
    "assess_key_transport",
    "assess_signature",
    "worst",
]

POLICY_VERSION: Final = "2"
"""Grows by one with each change of the tables; kept with evidence, so that an old judgement can be understood."""

Use: TypeAlias = Literal["dkim", "smime", "certificate"]
KeyUse: TypeAlias = Use | Literal["encryption"]


class Status(StrEnum):
    """What the policy says of an algorithm."""

    ACCEPTED = "accepted"
    DEPRECATED = "deprecated"  # counts, and is better replaced
    REFUSED = "refused"  # does not count


@dataclass(frozen=True, slots=True)
class Assessment:
    """A judgement of the policy.

    Attributes:
        status: accepted, deprecated or refused.
        sentence: what is judged and why, for people.
        source: the standard that says so.
    """

    status: Status
    sentence: str
    source: str


class KeyJudge(Protocol):
    """Judges a key."""

    def __call__(self, key: PublicKey, *, use: KeyUse) -> Assessment:
        """As `assess_key`."""
        ...


class SignatureJudge(Protocol):
    """Judges a signature."""

    def __call__(self, scheme: SignatureScheme, key: PublicKey, *, use: Use) -> Assessment:
        """As `assess_signature`."""
        ...


_ACCEPTED, _DEPRECATED, _REFUSED = Status.ACCEPTED, Status.DEPRECATED, Status.REFUSED

# digest: status, reason, source
_DIGESTS: Final[Mapping[str, tuple[Status, str, str]]] = {
    "md5": (_REFUSED, "collisions are made in seconds", "RFC 6151 section 2; RFC 8551 appendix B.1"),
    "sha1": (_REFUSED, "collisions have been made", "RFC 8301 section 3.1; RFC 8551 appendix B.1; NIST SP 800-131A"),
    "sha224": (
        _DEPRECATED,
        "its 112 bits of strength are the least that is allowed",
        "NIST SP 800-131A rev. 2 table 8",
    ),
    "sha256": (_ACCEPTED, "it is the digest that everybody must know", "RFC 8551 section 2.1; RFC 8301 section 3.1"),
    "sha384": (_ACCEPTED, "it is strong", "RFC 5754 section 2.3"),
    "sha512": (_ACCEPTED, "it is strong", "RFC 8551 section 2.1"),
    "sha3-256": (_ACCEPTED, "it is strong", "RFC 9688 section 2; FIPS 202"),
    "sha3-384": (_ACCEPTED, "it is strong", "RFC 9688 section 2; FIPS 202"),
    "sha3-512": (_ACCEPTED, "it is strong", "RFC 9688 section 2; FIPS 202"),
    "shake128": (_ACCEPTED, "it is strong", "RFC 8702 section 3.1; FIPS 202"),
    "shake256": (_ACCEPTED, "it is strong", "RFC 8419 section 3.1; FIPS 202"),
}

_ANY: Final = frozenset({"dkim", "smime", "certificate", "encryption"})
_DKIM: Final = frozenset({"dkim"})
_X509: Final = frozenset({"smime", "certificate"})
_CMS: Final = frozenset({"smime", "certificate", "encryption"})
_ENCRYPTION: Final = frozenset({"encryption"})
_TOO_LONG: Final = "verifying with it would cost more time than a message may take"

# uses, kind of key, from and to how many bits, status, reason, source
_SIZES: Final[tuple[tuple[frozenset[str], str, int, int, Status, str, str], ...]] = (
    (_DKIM, "rsa", 0, 1023, _REFUSED, "keys under 1024 bits do not count", "RFC 8301 section 3.2"),
    (_DKIM, "rsa", 1024, 2047, _DEPRECATED, "signers should use 2048 bits or more", "RFC 8301 section 3.2"),
    (_DKIM, "rsa", 2048, 8192, _ACCEPTED, "it is long enough", "RFC 8301 section 3.2"),
    (
        _CMS,
        "rsa",
        0,
        2047,
        _REFUSED,
        "keys under 2048 bits are historical",
        "RFC 8551 section 4.3; RFC 8550 section 4.3",
    ),
    (_CMS, "rsa", 2048, 8192, _ACCEPTED, "it is long enough", "RFC 8551 section 4.3; RFC 8550 section 4.3"),
    (_ANY, "rsa", 8193, 1 << 20, _REFUSED, _TOO_LONG, "RFC 8551 section 6"),
    (_X509, "dsa", 0, 2047, _REFUSED, "DSA keys under 2048 bits are too weak", "NIST SP 800-131A rev. 2 table 2"),
    (_X509, "dsa", 2048, 4096, _DEPRECATED, "DSA is for reading old mail only", "RFC 8551 appendix B.2; FIPS 186-5"),
    (_DKIM, "ed25519", 256, 256, _ACCEPTED, "it is strong", "RFC 8463"),
    (_X509, "ed25519", 256, 256, _ACCEPTED, "it is strong", "RFC 8551 section 2.2; RFC 8410"),
    (_X509, "ed448", 456, 456, _ACCEPTED, "it is strong", "RFC 8419; RFC 8410"),
    (_ENCRYPTION, "x25519", 256, 256, _ACCEPTED, "it is strong", "RFC 8551 section 2.3; RFC 8418"),
    (_ENCRYPTION, "x448", 448, 448, _ACCEPTED, "it is strong", "RFC 8418"),
    (_ENCRYPTION, "ml-kem-768", 768, 768, _ACCEPTED, "it resists quantum computers", "RFC 9936; FIPS 203"),
    (_ENCRYPTION, "ml-kem-1024", 1024, 1024, _ACCEPTED, "it resists quantum computers", "RFC 9936; FIPS 203"),
    (_X509, "ml-dsa-44", 128, 128, _ACCEPTED, "it is strong", "RFC 9882; FIPS 204"),
    (_X509, "ml-dsa-65", 192, 192, _ACCEPTED, "it is strong", "RFC 9882; FIPS 204"),
    (_X509, "ml-dsa-87", 256, 256, _ACCEPTED, "it is strong", "RFC 9882; FIPS 204"),
)

# curve: status, reason, source
_CURVES: Final[Mapping[str, tuple[Status, str, str]]] = {
    "P-192": (_REFUSED, "its 96 bits of strength are too few", "NIST SP 800-131A rev. 2 table 2"),
    "P-224": (_DEPRECATED, "its 112 bits of strength are the least that is allowed", "NIST SP 800-131A rev. 2 table 2"),
    "P-256": (_ACCEPTED, "it is strong", "RFC 8551 section 2.2; RFC 8550 section 4.3"),
    "P-384": (_ACCEPTED, "it is strong", "RFC 5753 section 7; RFC 8550 section 4.3"),
    "P-521": (_ACCEPTED, "it is strong", "RFC 5753 section 7; RFC 8550 section 4.3"),
    "secp256k1": (_DEPRECATED, "no standard for mail knows this curve", "SEC 2 section 2.4.1"),
    "brainpoolP256r1": (_ACCEPTED, "it is strong", "RFC 5639; BSI TR-02102-1"),
    "brainpoolP384r1": (_ACCEPTED, "it is strong", "RFC 5639; BSI TR-02102-1"),
    "brainpoolP512r1": (_ACCEPTED, "it is strong", "RFC 5639; BSI TR-02102-1"),
}

_MALLEABLE: Final = "nobody notices when the encrypted content is changed"
_OLD: Final = "it is for reading old mail only"

# cipher: status when read, status when written, reason, source
_CONTENT: Final[Mapping[str, tuple[Status, Status, str, str]]] = {
    "aes128-gcm": (_ACCEPTED, _ACCEPTED, "it is strong", "RFC 8551 section 2.7; RFC 5084"),
    "aes192-gcm": (_ACCEPTED, _ACCEPTED, "it is strong", "RFC 5084"),
    "aes256-gcm": (_ACCEPTED, _ACCEPTED, "it is strong", "RFC 8551 section 2.7; RFC 5084"),
    "aes128-ccm": (_ACCEPTED, _ACCEPTED, "it is strong", "RFC 5084"),
    "aes192-ccm": (_ACCEPTED, _ACCEPTED, "it is strong", "RFC 5084"),
    "aes256-ccm": (_ACCEPTED, _ACCEPTED, "it is strong", "RFC 5084"),
    "chacha20-poly1305": (_ACCEPTED, _ACCEPTED, "it is strong", "RFC 8551 section 2.7; RFC 8103"),
    "aes128-cbc": (_DEPRECATED, _DEPRECATED, _MALLEABLE, "RFC 8551 sections 2.7 and 6"),
    "aes192-cbc": (_DEPRECATED, _DEPRECATED, _MALLEABLE, "RFC 8551 section 6"),
    "aes256-cbc": (_DEPRECATED, _DEPRECATED, _MALLEABLE, "RFC 8551 section 6"),
    "des-ede3-cbc": (_DEPRECATED, _REFUSED, _OLD, "RFC 8551 appendix B.2; NIST SP 800-131A rev. 2 section 2"),
    "rc2-cbc": (_DEPRECATED, _REFUSED, _OLD, "RFC 8551 appendix B.2"),
}
_KEY_NAMES: Final = {
    "ed25519": "Ed25519",
    "ed448": "Ed448",
    "x25519": "X25519",
    "x448": "X448",
    "ml-kem-768": "ML-KEM-768",
    "ml-kem-1024": "ML-KEM-1024",
    "ml-dsa-44": "ML-DSA-44",
    "ml-dsa-65": "ML-DSA-65",
    "ml-dsa-87": "ML-DSA-87",
}
_CONTENT_NAMES: Final = {"chacha20-poly1305": "ChaCha20-Poly1305", "des-ede3-cbc": "Triple DES", "rc2-cbc": "RC2"}

# DKIM names its algorithms one by one; whatever is not here does not exist there.
_DKIM_SCHEMES: Final[Mapping[tuple[str, str | None], tuple[Status, str, str]]] = {
    ("rsa", "sha256"): (_ACCEPTED, "it is the algorithm that everybody must know", "RFC 8301 section 3.1"),
    ("rsa", "sha1"): (_REFUSED, "RSA with SHA-1 does not count", "RFC 8301 section 3.1"),
    ("ed25519", None): (_ACCEPTED, "it is strong", "RFC 8463 section 3"),
}

_RANK: Final = {Status.ACCEPTED: 0, Status.DEPRECATED: 1, Status.REFUSED: 2}
_DIGEST_NAMES: Final = {
    "md5": "MD5",
    "sha1": "SHA-1",
    "sha224": "SHA-224",
    "sha256": "SHA-256",
    "sha384": "SHA-384",
    "sha512": "SHA-512",
    "sha3-256": "SHA3-256",
    "sha3-384": "SHA3-384",
    "sha3-512": "SHA3-512",
    "shake128": "SHAKE128",
    "shake256": "SHAKE256",
}


# What a digest of the content must measure to be no weaker than the signature (RFC 9882 section 3.3 table 1).
_CONTENT_BITS: Final = {"ml-dsa-44": 256, "ml-dsa-65": 384, "ml-dsa-87": 512}


def assess_content_digest(name: str, scheme: SignatureScheme) -> Assessment:
    """Judges the digest of the content in a signature whose scheme signs attributes that hold it.

    Args:
        name: the digest, one of `mailsec.crypto.DIGEST_SIZES`.
        scheme: how the attributes are signed.
    """
    judged = assess_digest(name)
    wanted = _CONTENT_BITS.get(scheme.key_type, 0)
    if judged.status is not _ACCEPTED or DIGEST_SIZES.get(name, 0) * 8 >= wanted:
        return judged
    sentence = f"{_DIGEST_NAMES[name]}: it is weaker than the {_KEY_NAMES[scheme.key_type]} signature that rests on it"
    return Assessment(_DEPRECATED, sentence, "RFC 9882 section 3.3")


@lru_cache(maxsize=64)
def assess_digest(name: str) -> Assessment:
    """Judges a digest that a signature rests on.

    Args:
        name: one of `mailsec.crypto.DIGEST_SIZES`, such as `"sha256"`; an unknown one is refused.
    """
    if name not in _DIGESTS:
        return Assessment(_REFUSED, "a digest that is not known", "RFC 8551 section 2.1")
    status, reason, source = _DIGESTS[name]
    return Assessment(status, f"{_DIGEST_NAMES[name]}: {reason}", source)


def assess_key(key: PublicKey, *, use: KeyUse) -> Assessment:
    """Judges a key by its kind and size.

    Args:
        key: the key.
        use: what it is for: DKIM signatures, S/MIME signatures, those on certificates, or encrypting to it.
    """
    if key.trouble:
        return Assessment(_REFUSED, f"the key cannot be used: {key.trouble}", "RFC 8551 section 2.2")
    return _assess_key(key.key_type, key.bits, key.curve, use)


def assess_content_encryption(name: str, *, writing: bool = False) -> Assessment:
    """Judges a cipher for contents.

    Args:
        name: one of `mailsec.crypto.cms.CIPHERS`, such as `"aes256-gcm"`; an unknown one is refused.
        writing: whether something is to be encrypted with it; by default it has been, and is read.
    """
    if name not in _CONTENT:
        return Assessment(_REFUSED, "a cipher that is not known", "RFC 8551 section 2.7")
    reading, written, reason, source = _CONTENT[name]
    shown = _CONTENT_NAMES.get(name, f"{name[:3].upper()}-{name[3:6]} in {name[7:].upper()} mode")
    return Assessment(written if writing else reading, f"{shown}: {reason}", source)


def assess_key_transport(scheme: KeyTransport) -> Assessment:
    """Judges how a content-encryption key is encrypted with an RSA key, whatever the key."""
    if scheme.digest is None:
        reason = "receivers must know it, and its padding has been attacked again and again"
        return Assessment(_DEPRECATED, f"{scheme}: {reason}", "RFC 8551 sections 2.3 and 6; RFC 3218")
    return Assessment(_ACCEPTED, f"{scheme}: it is strong", "RFC 8551 section 2.3; RFC 3560")


def worst(*assessments: Assessment) -> Assessment:
    """The worst of several judgements; of equals the first."""
    return max(assessments, key=lambda assessment: _RANK[assessment.status])


def assess_signature(scheme: SignatureScheme, key: PublicKey, *, use: Use) -> Assessment:
    """Judges a signature by its scheme and key, whatever its value.

    Args:
        scheme: how it is made.
        key: what is to verify it.
        use: where it stands: in DKIM, in S/MIME, or on a certificate.

    Returns:
        The worst of what the policy says of the key, the digest and their use.
    """
    own = assess_key(key, use=use)
    if own.status is _REFUSED:
        return own
    if not key.fits(scheme):
        return Assessment(
            _REFUSED, f"a key of the kind {key.key_type} makes no signatures by {scheme}", "RFC 8551 section 2.2"
        )
    judged = _assess_scheme(scheme, use)
    return own if _RANK[own.status] >= _RANK[judged.status] else judged


@dataclass(frozen=True, slots=True)
class AlgorithmPolicy:
    """What says which algorithms count, for code that may be asked to judge by another policy than that in force.

    Attributes:
        key: judges a key, as `assess_key`.
        signature: judges a signature, as `assess_signature`.
    """

    key: KeyJudge = assess_key
    signature: SignatureJudge = assess_signature


@lru_cache(maxsize=1024)
def _assess_key(key_type: str, bits: int, curve: str | None, use: KeyUse) -> Assessment:
    if key_type == "ec" and use != "dkim":
        status, reason, source = _CURVES[curve or ""]
        return Assessment(status, f"the curve {curve}: {reason}", source)
    kind = "rsa" if key_type == "rsa-pss" and use in _X509 else key_type
    for uses, row_kind, low, high, status, reason, source in _SIZES:
        if use in uses and kind == row_kind and low <= bits <= high:
            shown = f"{kind.upper()} with {bits} bits" if kind in {"rsa", "dsa"} else _KEY_NAMES.get(kind, kind)
            return Assessment(status, f"{shown}: {reason}", source)
    if use == "encryption":
        return Assessment(_REFUSED, f"nothing is encrypted to keys of the kind {key_type}", "RFC 8551 section 2.3")
    source = "RFC 6376 section 3.3" if use == "dkim" else "RFC 8551 section 2.2"
    return Assessment(_REFUSED, f"keys of the kind {key_type} make no such signatures", source)


@lru_cache(maxsize=256)
def _assess_scheme(scheme: SignatureScheme, use: Use) -> Assessment:
    if use == "dkim":
        row = _DKIM_SCHEMES.get((scheme.key_type, scheme.digest))
        if row is None:
            return Assessment(_REFUSED, f"{scheme} is no algorithm of DKIM", "RFC 6376 section 3.3")
        return Assessment(row[0], f"{scheme}: {row[1]}", row[2])
    if scheme.digest is None:
        source = "RFC 9882; FIPS 204" if scheme.key_type.startswith("ml-") else "RFC 8551 section 2.2"
        return Assessment(_ACCEPTED, f"{scheme}: it is strong", source)
    judged = assess_digest(scheme.digest)
    if scheme.mgf_digest is None or judged.status is _REFUSED:
        return judged
    # The mask of RSASSA-PSS needs no collision resistance, so a weak digest there is old rather than wrong.
    if assess_digest(scheme.mgf_digest).status is _ACCEPTED:
        return judged
    return Assessment(_DEPRECATED, f"{scheme} with a mask by {scheme.mgf_digest}: it is old", "RFC 8017 appendix B.2.1")
