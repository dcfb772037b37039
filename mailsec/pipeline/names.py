"""Domain names compared as names: whole, without regard to case, in either spelling."""

from __future__ import annotations

import unicodedata

__all__ = ["plain_domain", "same_domain"]


def plain_domain(domain: str) -> str:
    """A domain name in lower case and A-labels (RFC 5890), without the last dot.

    Args:
        domain: in A-labels or U-labels.
    """
    domain = domain.strip().removesuffix(".").lower()
    if domain.isascii():
        return domain
    labels = unicodedata.normalize("NFC", domain).split(".")
    # no mapping beyond case (IDNA 2008): names that IDNA 2003 took for one belong to different people today
    return ".".join(one if one.isascii() else f"xn--{one.encode('punycode').decode()}" for one in labels)


def same_domain(one: str, other: str) -> bool:
    """Whether two domain names are equal; one is never compared with the end of the other.

    Args:
        one: a domain name.
        other: another.
    """
    plain = plain_domain(one)
    return bool(plain) and plain == plain_domain(other)
