"""Keys and certificates in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailsec.crypto.describing import describe_key, grouped
from mailsec.message import safe_text

if TYPE_CHECKING:
    from datetime import datetime

    from mailsec.crypto import Certificate, PublicKey
    from mailsec.hooks.types import CertificateSource, Identity, KeptKey

__all__ = [
    "called",
    "can_do",
    "certificate_lines",
    "describe_identity",
    "describe_kept_key",
    "issuer_of",
    "origin",
    "short",
    "short_list",
    "spaced",
    "subject_of",
    "validity",
]

_LONG: Final = 300
_ADDRESSES: Final = 5
_DECRYPTS: Final = frozenset({"keyEncipherment", "keyAgreement", "dataEncipherment"})
_SIGNS: Final = frozenset({"digitalSignature", "nonRepudiation"})


def spaced(fingerprint: str) -> str:
    """A fingerprint in groups of four digits, to be read aloud."""
    return grouped(fingerprint).upper()


def can_do(key: PublicKey, certificate: Certificate | None) -> str:
    """What a key may be used for, by its kind and its certificate."""
    signs = key.key_type in {"rsa", "rsa-pss", "ec", "ed25519", "ed448", "dsa"}
    decrypts = key.key_type in {"rsa", "ec", "x25519", "x448"}
    usage = None if certificate is None else certificate.key_usage
    if usage is not None:
        signs, decrypts = signs and bool(usage & _SIGNS), decrypts and bool(usage & _DECRYPTS)
    return {
        (True, True): "signs and decrypts",
        (True, False): "only signs",
        (False, True): "only decrypts",
        (False, False): "neither signs nor decrypts mail",
    }[signs, decrypts]


def describe_kept_key(key: KeptKey, now: datetime) -> list[str]:
    """A key in some lines."""
    certificate = key.certificates[0] if key.certificates else None
    lines = [
        f"{short_list(key.addresses)}, {describe_key(key.public_key)}, {can_do(key.public_key, certificate)}",
    ]
    if certificate is None:
        lines.append(f"no certificate yet; key {key.handle[:16]}")
    else:
        lines += certificate_lines(certificate, now)
    return lines


def describe_identity(identity: Identity, now: datetime) -> list[str]:
    """A key that lies elsewhere, in some lines."""
    if not identity.certificates:
        return [f"{short(identity.name)}, {identity.key_type}, no certificate"]
    own = identity.certificates[0]
    first = f"{short(identity.name)}, {describe_key(own.public_key)}, {can_do(own.public_key, own)}"
    return [first, *certificate_lines(own, now)]


def certificate_lines(certificate: Certificate, now: datetime, *, whole: bool = False) -> list[str]:
    """A certificate in some lines: whose, by whom, until when, and its fingerprint."""
    lines = [f"{subject_of(certificate)}, certified by {issuer_of(certificate)}"]
    if whole:
        lines.append(f"for {short_list(certificate.emails) or 'no e-mail address'}")
        key = certificate.public_key
        lines.append(f"{describe_key(key)}, {'an authority' if certificate.is_ca else 'no authority'}")
    lines += [validity(certificate, now), f"SHA-256 {spaced(certificate.fingerprint)}"]
    return lines


def subject_of(certificate: Certificate) -> str:
    """Whose certificate it is, by the name in it."""
    return short(certificate.subject) or "(no name)"


def called(certificate: Certificate) -> str:
    """Whose certificate it is, in few words: the common name, where the name in it is nothing else."""
    subject = certificate.subject
    common = subject.removeprefix("CN=")
    return short(common) if common != subject and not set("=,+\\") & set(common) else subject_of(certificate)


def issuer_of(certificate: Certificate) -> str:
    """Who has signed a certificate, by the name in it."""
    return "itself" if certificate.is_self_issued else short(certificate.issuer) or "(no name)"


def origin(source: CertificateSource, detail: str) -> str:
    """Where a correspondent's certificate comes from."""
    words = {"message": "from a verified message", "file": "imported", "smimea": "from the DNS (SMIMEA)"}[source]
    return f"{words}: {short(detail)}" if detail else words


def validity(certificate: Certificate, now: datetime) -> str:
    """When a certificate is valid, and whether that is now."""
    if now < certificate.not_before:
        return f"not valid before {certificate.not_before:%Y-%m-%d}"
    if now > certificate.not_after:
        return f"expired on {certificate.not_after:%Y-%m-%d}"
    return f"valid until {certificate.not_after:%Y-%m-%d}"


def short(text: str) -> str:
    """A foreign text, safe to show and not endless."""
    return safe_text(text if len(text) <= _LONG else f"{text[:_LONG]}…")


def short_list(addresses: tuple[str, ...]) -> str:
    """Some addresses, safe to show, and how many more there are."""
    more = len(addresses) - _ADDRESSES
    shown = ", ".join(short(address) for address in addresses[:_ADDRESSES])
    return f"{shown} and {more} more" if more > 0 else shown
