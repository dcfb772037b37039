"""What a private key is known by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailsec.crypto.certificates import Certificate

__all__ = ["Identity", "named"]


@dataclass(frozen=True, slots=True)
class Identity:
    """A private key that can be used but not seen, under the name that it answers for.

    Plugins know it as `mailsec.hooks.Identity`.

    Attributes:
        name: an e-mail address for S/MIME, `selector._domainkey.domain` for DKIM.
        key_type: `"rsa"`, `"ec"`, `"ed25519"`, `"ed448"`, `"x25519"`, `"x448"`, `"dsa"`,
            `"ml-kem-768"` or `"ml-kem-1024"`.
        certificates: the certificate of the key and those of its issuers, as far as known; empty for DKIM.
        handle: what the key ring knows the key by; it means nothing to anybody else.
    """

    name: str
    key_type: str
    certificates: tuple[Certificate, ...] = ()
    handle: str = ""


def named(identities: Sequence[Identity], name: str | None) -> Sequence[Identity]:
    """Those of identities that are under a name (compared without regard to case); all where it is `None`."""
    if name is None:
        return identities
    wanted = name.casefold()
    return tuple(identity for identity in identities if identity.name.casefold() == wanted)
