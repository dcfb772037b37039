"""The table `[plugins.dkim]` of the configuration."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["DEFAULT_OVERSIGNED", "DEFAULT_SIGNED", "Settings"]

DEFAULT_SIGNED = (
    "From",
    "Sender",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "To",
    "Cc",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-ID",
    "Content-Description",
    "In-Reply-To",
    "References",
    "Resent-Date",
    "Resent-From",
    "Resent-Sender",
    "Resent-To",
    "Resent-Cc",
    "Resent-Message-ID",
    "List-Id",
    "List-Help",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "List-Subscribe",
    "List-Post",
    "List-Owner",
    "List-Archive",
)
"""What is signed where it is there: the fields of RFC 6376 section 5.4.1 and those that say how the body is read."""

DEFAULT_OVERSIGNED = (
    "From",
    "Reply-To",
    "Subject",
    "Date",
    "Message-ID",
    "To",
    "Cc",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
)
"""What is signed once more than it is there, so that none can be added (RFC 6376 section 8.15)."""


@dataclass(frozen=True)
class Settings:
    """How messages are signed.

    Attributes:
        domain: the domain that signs (d=); nothing is signed while it is empty.
        selector: the selector of its key (s=). The key is the identity `selector._domainkey.domain` of the key ring.
        auid: the Agent or User Identifier (i=), such as `@example.org`; left out while it is empty.
        canonicalization: header and body algorithm (c=).
        expires: seconds after which the signature expires (x=); never if 0.
        signed: header fields that are signed where they are there.
        oversigned: those of them, and others, that are signed once more than they are there.
    """

    domain: str = ""
    selector: str = ""
    auid: str = ""
    canonicalization: str = "relaxed/relaxed"
    expires: int = 0
    signed: tuple[str, ...] = DEFAULT_SIGNED
    oversigned: tuple[str, ...] = DEFAULT_OVERSIGNED

    def __post_init__(self) -> None:
        if self.expires < 0:
            raise ValueError("expires should be a number of seconds, or 0 for signatures that never expire")
