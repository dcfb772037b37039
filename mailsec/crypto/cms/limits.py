"""The limits that hold while CMS structures are read: all of them, in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CMSLimits:
    """How much of a CMS structure is read before it counts as an attack.

    Attributes:
        depth: how deep elements may nest where the reader follows them.
        elements: how many element headers are read in one structure. A streamed content of 50 MB in segments
            of 1 KB has 50,000.
        certificates: how many certificates a SignedData may carry.
        crls: how many revocation lists it may carry.
        signers: how many signers it may have; each costs a signature verification and a search for a path.
        countersigners: how many countersignatures one signer may have.
        attributes: how many attributes one signer may have.
        candidates: how many certificates under the name that a signer gives are tried.
    """

    depth: int = 32
    elements: int = 500_000
    certificates: int = 200
    crls: int = 200
    signers: int = 8
    countersigners: int = 8
    attributes: int = 100
    candidates: int = 4


LIMITS = CMSLimits()
"""The limits in force unless a caller says otherwise."""
