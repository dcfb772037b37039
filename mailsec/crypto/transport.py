"""Key transport: how a content-encryption key is encrypted with an RSA key (RFC 8017 section 7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from mailsec.errors import UsageError

__all__ = ["RSAES_OAEP_SHA256", "RSAES_PKCS1", "TRANSPORT_DIGESTS", "KeyTransport"]

TRANSPORT_DIGESTS: Final = ("sha1", "sha224", "sha256", "sha384", "sha512")
"""The digests that RSAES-OAEP can be used with in CMS (RFC 4055 section 2.1, RFC 3560 section 2.2)."""


@dataclass(frozen=True, slots=True)
class KeyTransport:
    """How a key is encrypted with an RSA key.

    Attributes:
        digest: for RSAES-OAEP its digest, one of `TRANSPORT_DIGESTS`; `None` is RSAES-PKCS1-v1_5.
        mgf_digest: for RSAES-OAEP, the digest of the mask generation function; `None` is the same as `digest`.
        label: for RSAES-OAEP, the label (pSource); mail leaves it empty.

    Raises:
        UsageError: the digest is unknown, or RSAES-PKCS1-v1_5 was given what it does not have.
    """

    digest: str | None = None
    mgf_digest: str | None = None
    label: bytes = b""

    def __post_init__(self) -> None:
        for digest in (self.digest, self.mgf_digest):
            if digest is not None and digest not in TRANSPORT_DIGESTS:
                raise UsageError(f"RSAES-OAEP is not used with the digest {digest!r}")
        if self.digest is None and (self.mgf_digest is not None or self.label):
            raise UsageError("RSAES-PKCS1-v1_5 has neither a mask nor a label")

    def __str__(self) -> str:
        return "RSAES-PKCS1-v1_5" if self.digest is None else f"RSAES-OAEP with {self.digest}"


RSAES_PKCS1: Final = KeyTransport()
"""RSAES-PKCS1-v1_5, which every receiver understands (RFC 8551 section 2.3)."""
RSAES_OAEP_SHA256: Final = KeyTransport("sha256")
"""RSAES-OAEP with SHA-256 and MGF1 by SHA-256 (RFC 8551 section 2.3)."""
