"""Decisions on whom one trusts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsec.errors import UsageError
from mailsec.message import plain_address, same_address

if TYPE_CHECKING:
    from datetime import datetime

    from mailsec.crypto import Certificate
    from mailsec.hooks.types import KeyStore

__all__ = ["AS_AUTHORITY", "digits", "names_address", "scopes", "trust_certificate", "what_it_means"]

AS_AUTHORITY = ""
"""What stands for an address where an authority is trusted, for whatever it certifies."""


def digits(text: str) -> str:
    """A fingerprint, however it is written, as hexadecimal digits; empty where it is none."""
    found = "".join(text.replace(":", " ").split()).lower()
    return found if found and all(one in "0123456789abcdef" for one in found) else ""


def names_address(certificate: Certificate, address: str) -> bool:
    """Whether a certificate is for an address."""
    return any(same_address(address, one) for one in certificate.emails)


def scopes(certificate: Certificate) -> tuple[str, ...]:
    """What a certificate can be trusted for: each of its addresses, or `AS_AUTHORITY` where it is an authority's."""
    addresses = tuple(dict.fromkeys(one for one in certificate.emails if plain_address(one)))
    return (AS_AUTHORITY, *addresses) if certificate.is_ca else addresses


def what_it_means(address: str) -> str:
    """What comes of trusting a certificate, as a sentence; the address is as it was given."""
    if address == AS_AUTHORITY:
        return "It would be trusted for whatever addresses it certifies."
    return f"It would be trusted for {address} alone, and for nothing that it signs."


def trust_certificate(store: KeyStore, certificate: Certificate, address: str, now: datetime) -> None:
    """Trusts a certificate, once its fingerprint was confirmed.

    Args:
        store: where decisions are kept.
        certificate: the certificate.
        address: the one address that it is trusted for, or `AS_AUTHORITY`.
        now: the time.

    Raises:
        UsageError: the certificate is not for that address.
        StoreError: the store cannot be written.
    """
    if address and not names_address(certificate, address):
        raise UsageError(f"the certificate is not for {address!r}, so it can vouch for nothing there")
    store.trust(certificate, address)
    if address:
        store.remember(address, certificate, "file", "trusted", now)
