"""Keys of one's own: made, and forgotten."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from mailsec.crypto import PrivateIdentity
from mailsec.crypto.issue import make_own
from mailsec.crypto.private import PrivateKey
from mailsec.errors import UsageError
from mailsec.message import plain_address

if TYPE_CHECKING:
    from datetime import datetime

    from mailsec.hooks.types import KeptKey, KeyStore

__all__ = ["BITS", "CURVE", "DAYS", "KINDS", "Kind", "check_addresses", "make_key", "new_key", "remove_key"]

DAYS: Final = 3 * 365
"""How long a certificate that we make is valid, unless told otherwise."""

Kind: TypeAlias = Literal["rsa", "ec", "ed25519", "ed448"]

KINDS: Final[tuple[Kind, ...]] = ("rsa", "ec", "ed25519", "ed448")
"""The kinds of keys that we make."""

BITS: Final = 3072
"""The size of an RSA key, unless told otherwise."""

CURVE: Final = "P-256"
"""The curve of an EC key, unless told otherwise."""

_MAX_DAYS: Final = 10 * 365
_EARLY: Final = timedelta(hours=1)  # clocks differ: a certificate made now should be valid at its first reader's


def check_addresses(addresses: Sequence[str]) -> None:
    """Refuses what is no address.

    Raises:
        UsageError: one is none.
    """
    for address in addresses:
        if not plain_address(address) or not address.isprintable() or any(map(str.isspace, address)):
            raise UsageError(f"{address!r} is no e-mail address")


def new_key(kind: Kind, *, bits: int = BITS, curve: str = CURVE) -> PrivateKey:
    """Makes a private key.

    Args:
        kind: one of `KINDS`.
        bits: the size of an RSA key.
        curve: the curve of an EC key.

    Raises:
        UsageError: there is no such key, or it is too weak for mail.
    """
    if kind == "rsa" and bits < 2048:
        raise UsageError(f"an RSA key of {bits} bits is too weak for mail: 2048 is the least")
    return PrivateKey.generate(kind, bits=bits, curve=curve)


def make_key(
    store: KeyStore,
    key: PrivateKey,
    addresses: Sequence[str],
    *,
    now: datetime,
    days: int = DAYS,
    subject: str | None = None,
) -> KeptKey:
    """Keeps a new key with a certificate that it signs itself, and trusts that for its addresses.

    Args:
        store: where it is kept.
        key: the key.
        addresses: the addresses that it is for.
        now: the time.
        days: how long the certificate is valid.
        subject: the common name in it; by default the first address.

    Raises:
        UsageError: an address is none, the days are too few or too many, or the password of the store cannot be had.
        KeyFileError: the password of the store is wrong.
        StoreError: the store cannot be written.
    """
    check_addresses(addresses)
    if not 1 <= days <= _MAX_DAYS:
        raise UsageError(f"a certificate can be made for 1 to {_MAX_DAYS} days, not for {days}")
    now = now.replace(microsecond=0)
    end = now + timedelta(days=days)
    issued = make_own(key, addresses, not_before=now - _EARLY, not_after=end, subject=subject)
    kept = store.add_key(PrivateIdentity(key, issued.certificates), addresses)
    for address in addresses:
        store.trust(issued.certificate, address)  # one's own hand is known without asking
    return kept


def remove_key(store: KeyStore, key: KeptKey) -> None:
    """Forgets a key for good, and that its certificate was trusted for its addresses.

    Args:
        store: where it is kept.
        key: the key.

    Raises:
        StoreError: the store cannot be written.
    """
    store.remove_key(key.handle)
    for certificate in key.certificates[:1]:
        for address in key.addresses:
            store.distrust(certificate, address)
