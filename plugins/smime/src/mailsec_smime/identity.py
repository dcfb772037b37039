"""Whether a certificate is the author's (RFC 8551 section 3, RFC 8550 section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailsec.message import Mailbox, find_payload, parse, plain_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailsec.crypto import Certificate
    from mailsec.hooks import OpenerContext
    from mailsec.message import HeaderSection

_SHOWN: Final = 5
_LONG: Final = 320  # octets of the longest address (RFC 5321 section 4.5.3.1)


def author_header(entity: bytes | memoryview, context: OpenerContext) -> HeaderSection:
    """The header section that names the author of what was signed.

    That is the protected one where there is one with a From field: a signature is bound to the author whom it covers,
    whoever stands outside (RFC 9788 section 4.4.1.2). Which of both is shown is decided when all is known.

    Args:
        entity: what was signed.
        context: that of the opener.
    """
    if not context.around_message:
        return context.header
    payload = find_payload(parse(entity).root, context.header)
    return context.header if payload is None or payload.header.first("from") is None else payload.header


def author_trouble(header: HeaderSection, certificate: Certificate) -> tuple[str, str]:
    """Compares a certificate with the author of the message.

    Args:
        header: the header section that names the author.
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
    certified = {plain: email for email in reversed(emails) if (plain := plain_address(email))}
    authors = [plain_address(mailbox.address) if mailbox.valid else "" for mailbox in mailboxes]
    theirs = [certified[author] for author in authors if author in certified]
    if len(theirs) == len(mailboxes):
        return theirs[0], ""
    if not emails:
        return "", "the certificate names no e-mail address"
    others = [mailbox.address for mailbox, plain in zip(mailboxes, authors, strict=True) if plain not in certified]
    return (theirs or [first])[0], f"the certificate is for {_few(emails)}, the message from {_few(others)}"


def _few(addresses: Sequence[str]) -> str:
    """Some addresses for a sentence: certificates and From fields may have thousands."""
    shown = [address if len(address) <= _LONG else f"…{address[-_LONG:]}" for address in addresses[:_SHOWN]]
    if len(addresses) > _SHOWN:
        shown.append(f"{len(addresses) - _SHOWN} more")
    return ", ".join(shown)
