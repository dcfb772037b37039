"""The limits that hold while certificates are read, and paths of them searched and validated, in one place."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = [
    "INTEGER_OCTETS",
    "KEY_FILE_LIMITS",
    "LIMITS",
    "REVOCATION_LIMITS",
    "KeyFileLimits",
    "PathLimits",
    "RevocationLimits",
]

INTEGER_OCTETS = 64
"""Octets of a serial number or another number that is no key; RFC 5280 section 4.1.2.2 allows twenty."""


@dataclass(frozen=True, slots=True)
class PathLimits:
    """How much work the certificates of one signed structure may cost, all its signers together.

    Attributes:
        depth: certificates in a path, the anchor included.
        signatures: signatures on certificates that are verified.
        paths: partial paths that are looked at; authorities that certify each other make very many.
        key_bits: longer RSA keys cost too much time, and the algorithm policy refuses them all the same.
        comparisons: of the names in one certificate with the name constraints in another.
        told: paths of one certificate that are remembered with what is wrong with them, to be told.
    """

    depth: int = 10
    signatures: int = 100
    paths: int = 256
    key_bits: int = 8192
    comparisons: int = 100_000
    told: int = 8


LIMITS = PathLimits()
"""The limits in force unless a caller says otherwise."""


@dataclass(frozen=True, slots=True)
class RevocationLimits:
    """How much work it may be to find out whether the certificates of one signed structure are revoked.

    Attributes:
        list_octets: of one CRL; half a million entries have some 20 MB.
        entries: of one CRL whose extensions are read; the others are passed over by their length.
        answer_octets: of one OCSP response.
        answers: single responses in one OCSP response.
        responders: certificates in one OCSP response that may be the responder's.
        fetches: documents that are fetched, all certificates together.
        octets: of these documents together, after which no more are fetched.
        lists: CRLs that are kept at once, those in the message included.
        points: distribution points of one certificate that are looked at.
        signatures: signatures on CRLs and OCSP responses that are verified.
        depth: how far issuers of CRLs lead to further issuers of CRLs.
        issuers: certificates that are taken from one document that was fetched for its issuer's certificates.
        issuer_octets: of such a document.
    """

    list_octets: int = 32 << 20
    entries: int = 100_000
    answer_octets: int = 1 << 17
    answers: int = 64
    responders: int = 8
    fetches: int = 24
    octets: int = 64 << 20
    lists: int = 64
    points: int = 16
    signatures: int = 64
    depth: int = 4
    issuers: int = 16
    issuer_octets: int = 1 << 18


REVOCATION_LIMITS = RevocationLimits()
"""The limits in force unless a caller says otherwise."""


@dataclass(frozen=True, slots=True)
class KeyFileLimits:
    """How much loading a file with private keys may cost.

    Attributes:
        work: how often passwords are hashed, all in one file together; for scrypt the product of its parameters.
        memory: octets that scrypt may take.
        number_octets: of a number; an RSA key of 16,384 bits has one of 2049.
        key_octets: of an encrypted key; an RSA key of 16,384 bits has less than 10,000.
        elements: that are looked at.
        depth: how deep structures may lie in strings and be looked at.
    """

    work: int = 10_000_000
    memory: int = 256 << 20
    number_octets: int = 2049
    key_octets: int = 12_288
    elements: int = 50_000
    depth: int = 6


KEY_FILE_LIMITS = KeyFileLimits()
"""The limits in force unless a caller says otherwise."""
