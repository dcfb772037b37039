"""Whether a certificate is the author's (RFC 8551 section 3, RFC 8550 section 3)."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from mailsec.message import Mailbox

if TYPE_CHECKING:
    from mailsec.crypto import Certificate
    from mailsec.message import HeaderSection


def same_address(one: str, other: str) -> bool:
    """Whether two addresses are the same mailbox as far as anybody but its own server can tell.

    Local parts are compared exactly (RFC 5321 section 2.4), domains without regard to case and to whether their
    labels are A-labels or U-labels (RFC 5890). Nothing is mapped beyond that: `straße` is not `strasse`.
    """
    local, _, domain = one.rpartition("@")
    other_local, _, other_domain = other.rpartition("@")
    return bool(local) and local == other_local and _domain(domain) == _domain(other_domain)


def _domain(domain: str) -> tuple[str, ...]:
    return tuple(map(_label, domain.lower().removesuffix(".").split(".")))


def _label(label: str) -> str:
    if label.startswith("xn--"):
        try:
            return unicodedata.normalize("NFC", label[4:].encode("ascii").decode("punycode").lower())
        except UnicodeError:
            return label
    return unicodedata.normalize("NFC", label)


def author_trouble(header: HeaderSection, certificate: Certificate) -> tuple[str, str]:
    """Compares a certificate with the author of the message.

    Args:
        header: the header section of the message in transit.
        certificate: the signer's.

    Returns:
        The address in the certificate that stands for the signer (empty if it has none), and why the certificate
        does not vouch for the author: an empty text where it does.
    """
    emails = certificate.emails
    fields = header.all("from")
    addresses = header.addresses("from")
    mailboxes = [address for address in addresses if isinstance(address, Mailbox)]
    first = emails[0] if emails else ""
    if len(fields) != 1 or not addresses or len(mailboxes) != len(addresses):
        return first, "the message does not have one From field with its author's address"
    authors = [mailbox.address for mailbox in mailboxes]
    theirs = [author for author in authors if any(same_address(author, email) for email in emails)]
    if len(theirs) == len(authors):
        return theirs[0], ""
    if not emails:
        return "", "the certificate names no e-mail address"
    others = ", ".join(author for author in authors if author not in theirs)
    return (theirs or [first])[0], f"the certificate is for {', '.join(emails)}, the message from {others}"
