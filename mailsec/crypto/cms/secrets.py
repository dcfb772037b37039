"""Secrets that two parties share and that no certificate belongs to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from mailsec.errors import UsageError

PASSWORD_OCTETS = 1024


@dataclass(frozen=True, slots=True)
class SharedKey:
    """A key-encryption key that was handed over before (RFC 5652 section 6.2.3).

    Attributes:
        identifier: what both sides know the key by.
        key: the key, for AES key wrap: 16, 24 or 32 octets.

    Raises:
        UsageError: the key has another size.
    """

    identifier: bytes
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.key) not in (16, 24, 32):
            raise UsageError(f"a shared key has 16, 24 or 32 octets, this one {len(self.key)}")

    def __str__(self) -> str:
        return f"the shared key {self.identifier.hex()}"


@dataclass(frozen=True, slots=True)
class Password:
    """A password that both sides know (RFC 5652 section 6.2.4).

    Attributes:
        octets: the password; text is in UTF-8.

    Raises:
        UsageError: it is empty or too long.
    """

    octets: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not 0 < len(self.octets) <= PASSWORD_OCTETS:
            raise UsageError(f"a password has 1 to {PASSWORD_OCTETS} octets")

    def __str__(self) -> str:
        return "the password"


Secret: TypeAlias = SharedKey | Password

__all__ = ["Password", "Secret", "SharedKey"]
