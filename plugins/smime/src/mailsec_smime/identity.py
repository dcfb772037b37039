"""Whether a certificate is the author's (RFC 8551 section 3, RFC 8550 section 3)."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from mailsec.message import Mailbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailsec.crypto import Certificate
    from mailsec.message import HeaderSection

_SHOWN: Final = 5
_LONG: Final = 320  # octets of the longest address (RFC 5321 section 4.5.3.1)


def same_address(one: str, other: str) -> bool:
    """Whether two addresses are the same mailbox as far as anybody but its own server can tell.

    Local parts are compared exactly (RFC 5321 section 2.4), domains without regard to case and to whether their
    labels are A-labels or U-labels (RFC 5890). Nothing is mapped beyond that: `straße` is not `strasse`.
    """
    key = _key(one)
    return key is not None and key == _key(other)


def _key(address: str) -> tuple[str, tuple[str, ...]] | None:
    """What is equal for equal addresses; `None` for what is no address."""
    local, _, domain = address.rpartition("@")
    return (local, _domain(domain)) if local else None


def _domain(domain: str) -> tuple[str, ...]:
    return tuple(map(_label, domain.lower().removesuffix(".").split(".")))


def _label(label: str) -> str:
    if label.startswith("xn--"):
        try:
            text = label[4:].encode("ascii").decode("punycode")
            # What is no A-label of a U-label stays as it is: `xn--example-` is not `example` (RFC 5891 section 5.4).
            if not text.isascii() and text == _plain(text) and text.encode("punycode").decode() == label[4:]:
                return text
        except UnicodeError:
            pass
        return label
    return _plain(label)


def _plain(label: str) -> str:
    return unicodedata.normalize("NFC", label.lower())


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
    certified = {key: email for email in reversed(emails) if (key := _key(email)) is not None}
    keys = [_key(mailbox.address) if mailbox.valid else None for mailbox in mailboxes]
    theirs = [certified[key] for key in keys if key is not None and key in certified]
    if len(theirs) == len(mailboxes):
        return theirs[0], ""
    if not emails:
        return "", "the certificate names no e-mail address"
    others = [mailbox.address for mailbox, key in zip(mailboxes, keys, strict=True) if key not in certified]
    return (theirs or [first])[0], f"the certificate is for {_few(emails)}, the message from {_few(others)}"


def _few(addresses: Sequence[str]) -> str:
    """Some addresses for a sentence: certificates and From fields may have thousands."""
    shown = [address if len(address) <= _LONG else f"…{address[-_LONG:]}" for address in addresses[:_SHOWN]]
    if len(addresses) > _SHOWN:
        shown.append(f"{len(addresses) - _SHOWN} more")
    return ", ".join(shown)
