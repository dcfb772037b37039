"""Names and records on their way between mailsec's types and dnspython's.

Names come out of messages, so they are hostile: what is no domain name is not an error, it just does not exist.
"""

from __future__ import annotations

import dns.exception
import dns.name
import dns.rdata
import dns.rdatatype
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TXT import TXT

from mailsec.errors import UsageError
from mailsec.hooks.types import DnsRecord, MailExchange

__all__ = ["absolute_name", "plain_name", "record_of", "record_type"]

MAX_TEXT = 1024
"""Characters of a name that are looked at; the longest domain name has 253 (RFC 1035 section 2.3.4)."""

# IDEOGRAPHIC FULL STOP and its forms separate labels too (RFC 3490 section 3.1).
_FULL_STOPS = str.maketrans(dict.fromkeys("\u3002\uff0e\uff61", "."))


def plain_name(name: str) -> str:
    """The name as answers carry it: in lower case, without the last dot.

    Args:
        name: a domain name as text.
    """
    return name.lower().removesuffix(".")


def absolute_name(name: str) -> dns.name.Name | None:
    r"""The domain name that a text means, or `None` where it can be none.

    Labels are taken literally, since they come from signatures and addresses and not from master files: a
    backslash is no escape. U-labels become A-labels (RFC 3490; the names of RFC 5891 that differ are rare).

    Args:
        name: a name of A-labels or U-labels, with or without the last dot; it is always absolute.

    Returns:
        `None` for an empty name, an empty label, a label over 63 or a name over 255 octets (RFC 1035
        section 2.3.4), or a label that IDNA does not allow.
    """
    if not name or len(name) > MAX_TEXT:
        return None
    if name == ".":
        return dns.name.root
    if not name.isascii():
        name = name.translate(_FULL_STOPS)
    labels: list[bytes] = []
    try:
        for label in name.removesuffix(".").split("."):
            if not label:
                return None
            labels.append(label.encode("ascii") if label.isascii() else dns.name.IDNA_2003.encode(label))
        return dns.name.Name([*labels, b""])
    except (dns.exception.DNSException, UnicodeError):
        return None


def record_type(text: str) -> dns.rdatatype.RdataType:
    """The record type of a name such as `"TXT"`.

    Raises:
        UsageError: there is no such type, or it is one that only a question of another kind may have (`ANY`).
    """
    try:
        rdtype = dns.rdatatype.from_text(text)
    except (dns.exception.DNSException, ValueError):
        raise UsageError(f"{text!r} is no DNS record type") from None
    if dns.rdatatype.is_metatype(rdtype):
        raise UsageError(f"{text!r} is no type that a DNS record has")
    return rdtype


def record_of(rdata: dns.rdata.Rdata) -> DnsRecord:
    """A record in mailsec's form (see `mailsec.hooks.DnsRecord`).

    Args:
        rdata: a record of any type.
    """
    if isinstance(rdata, TXT):
        return b"".join(rdata.strings)
    if isinstance(rdata, MX):
        return MailExchange(rdata.preference, _host(rdata.exchange))
    if rdata.rdtype in (dns.rdatatype.CNAME, dns.rdatatype.NS, dns.rdatatype.PTR):
        return _host(rdata.target)  # type: ignore[attr-defined]
    return rdata.to_text()


def _host(name: dns.name.Name) -> str:
    """A name as text, in lower case: a server may repeat the letters of whoever happened to ask."""
    return name.to_text(omit_final_dot=True).lower()
