"""The limits that hold while certificates are read, and paths of them searched and validated, in one place."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["INTEGER_OCTETS", "LIMITS", "PathLimits"]

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
    """

    depth: int = 10
    signatures: int = 100
    paths: int = 256
    key_bits: int = 8192
    comparisons: int = 100_000


LIMITS = PathLimits()
"""The limits in force unless a caller says otherwise."""
