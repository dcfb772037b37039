"""The settings of the plugin: the table `[plugins.smime]` of the configuration."""

from __future__ import annotations

from dataclasses import dataclass

DIGESTS = ("sha256", "sha384", "sha512")
REVOCATION = ("off", "soft", "hard")


@dataclass(frozen=True, slots=True)
class Settings:
    """How messages are signed, and how far revocation is looked up when they are verified.

    Attributes:
        opaque: whether the content goes inside the signature (application/pkcs7-mime), so that nothing on the
            way can change it but only readers with S/MIME can read it; else it stays readable beside the
            signature (multipart/signed).
        digest: `"sha256"`, `"sha384"` or `"sha512"`. Ed25519, Ed448 and ML-DSA keys have digests of their own.
        pss: whether RSA keys sign with RSASSA-PSS; some old clients verify only PKCS #1 v1.5.
        ml_dsa: whether keys for ML-DSA (RFC 9882) sign, before all others; few programs verify it yet.
        capabilities: the content encryption that is announced to be understood, the best liked first.
        revocation: whether CRLs and OCSP responders are asked if certificates were revoked: `"off"` asks nobody;
            `"soft"` counts what is revoked, and takes what cannot be found out for a note; with `"hard"` a signature
            counts only where it is known that nothing was revoked.

    Raises:
        ValueError: a setting has no such value.
    """

    opaque: bool = False
    digest: str = "sha256"
    pss: bool = False
    ml_dsa: bool = False
    capabilities: tuple[str, ...] = ("aes256-gcm", "aes128-gcm", "aes256-cbc", "aes128-cbc")
    revocation: str = "soft"

    def __post_init__(self) -> None:
        if self.digest not in DIGESTS:
            raise ValueError(f"digest must be one of {', '.join(DIGESTS)}, not {self.digest!r}")
        if self.revocation not in REVOCATION:
            raise ValueError(f"revocation must be one of {', '.join(REVOCATION)}, not {self.revocation!r}")
        from mailsec.crypto.cms import oids

        object.__setattr__(self, "capabilities", tuple(self.capabilities))  # TOML gives a list
        for name in self.capabilities:
            if name not in oids.CAPABILITIES:
                raise ValueError(f"capabilities: {name!r} is none of {', '.join(oids.CAPABILITIES)}")
