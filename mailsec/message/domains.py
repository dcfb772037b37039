"""Domain names and addresses compared as what they name: whole, and in either spelling.

A verdict rests on such comparisons, so that there is one of them, for the core and for plugins. What is equal in
the plain form is the same; nothing is mapped beyond case and spelling, since names that IDNA 2003 took for one
belong to different people today (RFC 5894 section 7.2).
"""

from __future__ import annotations

import unicodedata

__all__ = ["matching_address", "plain_address", "plain_domain", "same_address", "same_domain"]

_LONGEST = 253
"""Characters of the longest domain name (RFC 1035 section 2.3.4); Punycode and normalization take far more than
linear time, and what comes in a message has no length that one could rely on."""
_LONGEST_LABEL = 63


def plain_domain(domain: str) -> str:
    """A domain name in lower case and A-labels (RFC 5890 section 2.3.2.1), without the last dot.

    What is too long to be a name or a label stays as it is, but for its case.

    Args:
        domain: in A-labels or U-labels.
    """
    domain = domain.removesuffix(".").lower()
    if domain.isascii() or len(domain) > _LONGEST:
        return domain
    return ".".join(map(_plain_label, unicodedata.normalize("NFC", domain).split(".")))


def _plain_label(label: str) -> str:
    if label.isascii() or len(label) > _LONGEST_LABEL:
        return label
    return f"xn--{label.encode('punycode').decode()}"


def same_domain(one: str, other: str) -> bool:
    """Whether two domain names are equal; one is never compared with the end of the other.

    Args:
        one: a domain name.
        other: another.
    """
    plain = plain_domain(one)
    return bool(plain) and plain == plain_domain(other)


def plain_address(address: str) -> str:
    """An address with its domain in the plain form, its local part as it is; empty for what is no address.

    Only its own server knows whether two local parts mean one mailbox (RFC 5321 section 2.4).

    Args:
        address: an addr-spec, without display name and angle brackets.
    """
    local, _, domain = address.rpartition("@")
    plain = plain_domain(domain)
    return f"{local}@{plain}" if local and plain else ""


def same_address(one: str, other: str) -> bool:
    """Whether two addresses are the same mailbox, as far as anybody but its own server can tell.

    Args:
        one: an addr-spec.
        other: another.
    """
    plain = plain_address(one)
    return bool(plain) and plain == plain_address(other)


def matching_address(one: str, other: str) -> bool:
    """Whether two addresses match as those in a protected and an outer From field do (RFC 9788 section 4.4.5).

    Local parts are compared without regard to the case of ASCII letters. That is enough to tell a field that somebody
    has exchanged, and not enough to tell whose a certificate is.

    Args:
        one: an addr-spec.
        other: another.
    """
    return same_address(_small_local(one), _small_local(other))


def _small_local(address: str) -> str:
    local, at, domain = address.rpartition("@")
    return f"{local.encode('utf-8', 'surrogatepass').lower().decode('utf-8', 'surrogatepass')}{at}{domain}"
