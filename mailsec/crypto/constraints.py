"""Name constraints (RFC 5280 section 4.2.1.10): which names an authority may certify."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    bases = len(permitted.emails) + len(excluded.emails)
    paths = len(permitted.directories) + len(excluded.directories)
    if len(addresses) * bases + (1 + len(alternative.directories)) * paths > most:
        return "it has too many names to be compared with the constraints on them"
    if bases:
        for address in addresses:
            if "@" not in address:
                return f"its authority may certify some addresses only, and {address!r} is none"
            if permitted.emails and not any(_mailbox_within(address, base) for base in permitted.emails):
                return f"the address {address} is not among those that its authority may certify"
            if any(_mailbox_within(address, base) for base in excluded.emails):
                return f"the address {address} is among those that its authority may not certify"
    directories = [names.canonical(name) for name in alternative.directories]
    if certificate.subject_key:
        directories.insert(0, certificate.subject_key)
    allowed = [names.canonical(name) for name in permitted.directories]
    forbidden = [names.canonical(name) for name in excluded.directories]
    for name in directories:
        if allowed and not any(name[: len(base)] == base for base in allowed):
            return "its name is not among those that its authority may certify"
        if any(name[: len(base)] == base for base in forbidden):
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
