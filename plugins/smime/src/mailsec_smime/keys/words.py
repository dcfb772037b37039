"""Keys and certificates in words, and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from mailsec.message import safe_text

if TYPE_CHECKING:
    from datetime import datetime

    from mailsec.crypto import Certificate, PublicKey
    from mailsec.hooks import Identity, KeptKey, KnownCertificate, TrustDecision

_LONG: Final = 300
_ADDRESSES: Final = 5
_DECRYPTS: Final = frozenset({"keyEncipherment", "keyAgreement", "dataEncipherment"})
_SIGNS: Final = frozenset({"digitalSignature", "nonRepudiation"})


def spaced(fingerprint: str) -> str:
    """A fingerprint in groups of four digits, to be read aloud."""
    return " ".join(fingerprint[at : at + 4] for at in range(0, len(fingerprint), 4)).upper()


def key_kind(key: PublicKey) -> str:
    """The kind of a key in words, such as `RSA of 3072 bits` or `P-256`."""
    if key.key_type in {"rsa", "rsa-pss", "dsa"}:
        return f"{key.key_type.upper()} of {key.bits} bits"
    return key.curve or key.key_type.capitalize()


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


def describe_key(key: KeptKey, now: datetime) -> list[str]:
    """A key in some lines."""
    certificate = key.certificates[0] if key.certificates else None
    lines = [
        f"{_addresses(key.addresses)}, {key_kind(key.public_key)}, {can_do(key.public_key, certificate)}",
    ]
    if certificate is None:
        lines.append(f"no certificate yet; key {key.handle[:16]}")
    else:
        lines += describe_certificate(certificate, now)
    return lines


def describe_identity(identity: Identity, now: datetime) -> list[str]:
    """A key that lies elsewhere, in some lines."""
    if not identity.certificates:
        return [f"{_short(identity.name)}, {identity.key_type}, no certificate"]
    own = identity.certificates[0]
    first = f"{_short(identity.name)}, {key_kind(own.public_key)}, {can_do(own.public_key, own)}"
    return [first, *describe_certificate(own, now)]


def describe_certificate(certificate: Certificate, now: datetime, *, whole: bool = False) -> list[str]:
    """A certificate in some lines: whose, by whom, until when, and its fingerprint."""
    subject = _short(certificate.subject) or "(no name)"
    issuer = "itself" if certificate.is_self_issued else _short(certificate.issuer) or "(no name)"
    lines = [f"{subject}, certified by {issuer}"]
    if whole:
        lines.append(f"for {_addresses(certificate.emails) or 'no e-mail address'}")
        key = certificate.public_key
        lines.append(f"{key.trouble or key_kind(key)}, {'an authority' if certificate.is_ca else 'no authority'}")
    lines += [validity(certificate, now), f"SHA-256 {spaced(certificate.fingerprint)}"]
    return lines


def validity(certificate: Certificate, now: datetime) -> str:
    """When a certificate is valid, and whether that is now."""
    if now < certificate.not_before:
        return f"not valid before {certificate.not_before:%Y-%m-%d}"
    if now > certificate.not_after:
        return f"expired on {certificate.not_after:%Y-%m-%d}"
    return f"valid until {certificate.not_after:%Y-%m-%d}"


def certificate_json(certificate: Certificate) -> dict[str, Any]:
    """A certificate for programs."""
    return {
        "schema": 1,
        "kind": "certificate",
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "serial": f"{certificate.serial:x}",
        "addresses": list(certificate.emails),
        "key": key_kind(certificate.public_key),
        "authority": certificate.is_ca,
        "not_before": certificate.not_before.isoformat(),
        "not_after": certificate.not_after.isoformat(),
        "sha256": certificate.fingerprint,
    }


def key_json(key: KeptKey) -> dict[str, Any]:
    """A kept key for programs, without its private half."""
    return {
        "schema": 1,
        "kind": "key",
        "handle": key.handle,
        "addresses": list(key.addresses),
        "key": key_kind(key.public_key),
        "added": key.added.isoformat(),
        "certificates": [certificate_json(one) for one in key.certificates],
    }


def identity_json(identity: Identity) -> dict[str, Any]:
    """A key that lies elsewhere, for programs."""
    return {
        "schema": 1,
        "kind": "identity",
        "handle": identity.handle,
        "addresses": [identity.name],
        "certificates": [certificate_json(one) for one in identity.certificates],
    }


def decision_json(decision: TrustDecision) -> dict[str, Any]:
    """A trust decision for programs."""
    return {
        "schema": 1,
        "kind": "trust",
        "address": decision.address or None,
        "added": decision.added.isoformat(),
        "certificate": certificate_json(decision.certificate),
    }


def known_json(known: KnownCertificate) -> dict[str, Any]:
    """A correspondent's certificate for programs."""
    return {
        "schema": 1,
        "kind": "known",
        "address": known.address,
        "source": known.source,
        "detail": known.detail,
        "seen": known.seen.isoformat(),
        "certificate": certificate_json(known.certificate),
    }


def _short(text: str) -> str:
    return safe_text(text if len(text) <= _LONG else f"{text[:_LONG]}…")


def _addresses(addresses: tuple[str, ...]) -> str:
    more = len(addresses) - _ADDRESSES
    shown = ", ".join(_short(address) for address in addresses[:_ADDRESSES])
    return f"{shown} and {more} more" if more > 0 else shown
