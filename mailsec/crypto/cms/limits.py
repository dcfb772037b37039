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
        inheritances: from how many issuers a signer's key is tried that takes its parameters from above.
        recipients: how many recipients an encrypted structure may have.
        trials: how many keys are tried on it; each costs an operation with the key and decrypting the content.
        iterations: how often a password may be hashed, all trials together; five million take seconds.
        key_octets: how long an encrypted key, or another value that leads to one, may be.
        decompressed: how many octets may come out of a CompressedData.
    """

    depth: int = 32
    elements: int = 500_000
    certificates: int = 200
    crls: int = 200
    signers: int = 8
    countersigners: int = 8
    attributes: int = 100
    candidates: int = 4
    inheritances: int = 8
    recipients: int = 1000
    trials: int = 8
    iterations: int = 5_000_000
    key_octets: int = 16_384
    decompressed: int = 128 << 20


LIMITS = CMSLimits()
"""The limits in force unless a caller says otherwise."""
