"""Implicit rejection: what stands in for a key that does not decrypt, always the same for the same octets.

Fresh random octets would give it away that there was no key: sent again, the same message would end otherwise, since
one wrong key in 256 gives a right padding in CBC. So what stands in is made of the encrypted octets and a secret
that goes with the private key, as the drafts that guide implementations of RSA have it (draft-kario-rsa-guidance).
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["choose", "stand_in"]

_INFO: Final = b"mailsec implicit rejection"


def stand_in(secret: bytes, octets: bytes, length: int) -> bytes:
    """Octets that nobody can tell without the secret: an HMAC over what was encrypted (HKDF, RFC 5869).

    Args:
        secret: what goes with the private key, known to nobody else.
        octets: what did not decrypt.
        length: how many octets to give.
    """
    return HKDF(hashes.SHA256(), length, secret, _INFO).derive(octets)


def choose(found: bytes, instead: bytes) -> bytes:
    """What was found if it has the right length, else what stands in for it; both must be made before."""
    return (instead, found)[len(found) == len(instead)]
