"""A key made of a password, so that guessing passwords is slow."""

from __future__ import annotations

from typing import Final

from mailsec.errors import KeyFileError, UsageError

__all__ = ["COST", "SALT_OCTETS", "stretch_password"]

COST: Final = 1 << 15
"""The cost of scrypt (RFC 7914 section 2, N) for new keys: with blocks of 1 KiB it takes 32 MiB and some 0.3 s."""

SALT_OCTETS: Final = 16
_PASSES: Final = 3  # p: as slow to guess as one pass over twice the memory
_COSTS: Final = (1 << 10, 1 << 18)  # a store that was tampered with must not take all memory
_PASSWORD_OCTETS: Final = 1024


def stretch_password(password: bytes, salt: bytes, cost: int = COST) -> bytes:
    """Makes a key of a password by scrypt (RFC 7914), as text in hexadecimal.

    Args:
        password: the password, of 1 to 1024 octets.
        salt: random octets that are kept with what is encrypted.
        cost: scrypt's N, a power of two.

    Raises:
        UsageError: the password is empty or too long.
        KeyFileError: the salt or the cost is out of bounds, so that they were damaged.
    """
    if not 0 < len(password) <= _PASSWORD_OCTETS:
        raise UsageError(f"a password has 1 to {_PASSWORD_OCTETS} octets")
    if len(salt) != SALT_OCTETS or not _COSTS[0] <= cost <= _COSTS[1] or cost & (cost - 1):
        raise KeyFileError("what the password is stretched by is damaged")
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt=salt, length=32, n=cost, r=8, p=_PASSES).derive(password).hex().encode("ascii")
