"""Keys and certificates as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mailsec.crypto import describe_key

if TYPE_CHECKING:
    from mailsec.crypto import Certificate
    from mailsec.hooks import Identity, KeptKey, KnownCertificate, TrustDecision


def certificate_json(certificate: Certificate) -> dict[str, Any]:
    """A certificate for programs."""
    return {
        "schema": 1,
        "kind": "certificate",
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "serial": f"{certificate.serial:x}",
        "addresses": list(certificate.emails),
        "key": describe_key(certificate.public_key),
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
        "key": describe_key(key.public_key),
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
