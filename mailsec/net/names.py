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
from mailsec.message.domains import plain_domain

__all__ = ["LABELS", "absolute_name", "plain_name", "record_of", "record_type"]

MAX_TEXT = 1024
"""Characters of a name that are looked at; the longest domain name has 253 (RFC 1035 section 2.3.4)."""


class _Labels(dns.name.IDNACodec):
    """U-labels become the A-labels that verdicts compare, so that the key of one name is never asked of another.

    dnspython's own codec maps as IDNA 2003 did, which takes `straße` for `strasse`.
    """

    def encode(self, label: str) -> bytes:
        plain = label if label.isascii() else plain_domain(label)
        octets = plain.encode("ascii", "backslashreplace")  # not ASCII where it is too long
        if len(octets) > 63:
            raise dns.name.LabelTooLong
        return octets


LABELS: dns.name.IDNACodec = _Labels()  # type: ignore[no-untyped-call]
"""How U-labels are written in the DNS; for whatever else reads names."""

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
    backslash is no escape. U-labels become A-labels as `mailsec.message.plain_domain` has them (RFC 5891), and
    nothing is mapped to another name.

    Args:
        name: a name of A-labels or U-labels, with or without the last dot; it is always absolute.

    Returns:
        `None` for an empty name, an empty label, and a label over 63 or a name over 255 octets (RFC 1035
        section 2.3.4).
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
            labels.append(LABELS.encode(label))
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
