"""Name constraints (RFC 5280 section 4.2.1.10): which names an authority may certify."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mailsec.crypto import names
from mailsec.message.domains import plain_domain

if TYPE_CHECKING:
    from mailsec.crypto.certificates import Certificate
    from mailsec.crypto.extensions import NameConstraints

__all__ = ["violation"]


def violation(constraints: NameConstraints, certificate: Certificate, most: int) -> str:
    """Which of a certificate's names the constraints of an authority above do not allow.

    They bind addresses wherever they stand: rfc822Name, SmtpUTF8Mailbox (RFC 9598 section 6) and emailAddress
    in the subject, also where that does not count beside the others.

    Args:
        constraints: those of the authority.
        certificate: one below it.
        most: how many comparisons of names it may take.

    Returns:
        What is wrong, as part of a sentence; empty if all names are allowed.
    """
    permitted, excluded = constraints.permitted, constraints.excluded
    alternative = certificate.alternative_names
    unknown = alternative.others & (permitted.others | excluded.others)
    if unknown:
        return "its names are constrained in a way that is not supported"
    addresses = dict.fromkeys(alternative.emails + certificate.subject_emails)
    bases = permitted.count + excluded.count
    if (1 + len(certificate.subject_emails) + alternative.count) * bases > most:
        return "it has too many names to be compared with the constraints on them"
    for kind, found, within, allowed, forbidden in (
        ("address", addresses, _mailbox_within, permitted.emails, excluded.emails),
        ("host", alternative.hosts, _host_within, permitted.hosts, excluded.hosts),
        ("URI", alternative.uris, _uri_within, permitted.uris, excluded.uris),
    ):
        if not allowed and not forbidden:
            continue
        for name in found:
            if kind == "address" and "@" not in name:
                return f"its authority may certify some addresses only, and {name!r} is none"
            if kind == "URI" and not _host_of(name):
                return f"its authority may certify some URIs only, and {name!r} has no host"
            if allowed and not any(within(name, base) for base in allowed):
                return f"the {kind} {name} is not among those that its authority may certify"
            if any(within(name, base) for base in forbidden):
                return f"the {kind} {name} is among those that its authority may not certify"
    for octets in alternative.addresses:
        if permitted.addresses and not any(_ip_within(octets, base) for base in permitted.addresses):
            return "its IP address is not among those that its authority may certify"
        if any(_ip_within(octets, base) for base in excluded.addresses):
            return "its IP address is among those that its authority may not certify"
    directories = [names.canonical(name) for name in alternative.directories]
    if certificate.subject_key:
        directories.insert(0, certificate.subject_key)
    inside = [names.canonical(name) for name in permitted.directories]
    outside = [names.canonical(name) for name in excluded.directories]
    for subject in directories:
        if inside and not any(subject[: len(base)] == base for base in inside):
            return "its name is not among those that its authority may certify"
        if any(subject[: len(base)] == base for base in outside):
            return "its name is among those that its authority may not certify"
    return ""


def _mailbox_within(address: str, base: str) -> bool:
    """Whether a mailbox lies within a constraint: a mailbox, a host, or with a leading dot all hosts below a domain.

    Hosts are compared in A-labels (RFC 9598 section 5), with no mapping beyond case (IDNA 2008): an authority for
    `strasse.example` is none for `straße.example`.
    """
    local, _, host = address.rpartition("@")
    host = plain_domain(host)
    base_local, base_at, base_host = base.rpartition("@")
    base_host = plain_domain(base_host)
    if base_at:
        return local == base_local and host == base_host
    if base_host.startswith("."):
        return host.endswith(base_host)
    return host == base_host


def _host_within(host: str, base: str) -> bool:
    """Whether a dNSName is a constraint, or has labels before it; with a leading dot it must have some."""
    host, base = plain_domain(host), plain_domain(base)
    if not base:
        return True
    return host.endswith(base) if base.startswith(".") else host == base or host.endswith(f".{base}")


def _uri_within(uri: str, base: str) -> bool:
    """Whether the host of a URI is a constraint, or lies below one with a leading dot."""
    host, base = _host_of(uri), plain_domain(base)
    return host.endswith(base) if base.startswith(".") else host == base


def _host_of(uri: str) -> str:
    """The host of a URI where it is a domain name; else empty: no constraint can be applied to it."""
    try:
        host = urlsplit(uri).hostname or ""
    except ValueError:
        return ""
    return "" if not host or ":" in host or host.rpartition(".")[2].isdigit() else plain_domain(host)


def _ip_within(octets: bytes, base: bytes) -> bool:
    """Whether an iPAddress lies in a constraint of an address and a mask (RFC 4632 style)."""
    half = len(base) // 2
    if len(octets) != half:
        return False
    mask = int.from_bytes(base[half:])
    return int.from_bytes(octets) & mask == int.from_bytes(base[:half]) & mask
