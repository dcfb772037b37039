"""Encrypting a MIME entity to recipients: whose certificates can be used, and with which cipher."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from mailsec.crypto import ENCRYPTION_RULES
from mailsec.crypto.cms import CIPHERS, CertificateRecipient, encrypt
from mailsec.errors import UsageError
from mailsec.message import same_address
from mailsec_smime.paths import TrustedPaths
from mailsec_smime.settings import Settings
from mailsec_smime.signing import wrapped
from mailsec_smime.spooling import Piece

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mailsec.crypto import Certificate
    from mailsec.hooks import ProtectorContext

_NAMED: Final = 20
"""How many recipients one sentence names."""


def encrypt_to(entity: Sequence[Piece], addresses: Sequence[str], context: ProtectorContext) -> Iterator[bytes]:
    """Encrypts a MIME entity and gives the entity that it becomes, in pieces; see `enveloped_data`."""
    kind, octets = enveloped_data(entity, addresses, context)
    return wrapped(octets, kind)


def enveloped_data(
    content: Sequence[Piece], addresses: Sequence[str], context: ProtectorContext
) -> tuple[str, Iterator[bytes]]:
    """Encrypts a content of any kind to recipients.

    The certificate of each recipient is the first of those known that can be used: whose path ends at a trust anchor
    or which is trusted for that address alone, that is valid now, and whose key encrypts. The cipher is the first of
    the settings' that all recipients are known to understand; of who has announced nothing all is expected (RFC 8551
    section 2.7.1).

    Args:
        content: what is encrypted, in pieces.
        addresses: who can decrypt it.
        context: what is known of recipients, the trust anchors and the time.

    Returns:
        The smime-type of what it becomes (RFC 8551 section 3.2.2), and the structure in DER, in pieces.

    Raises:
        UsageError: there is nobody to encrypt to, or recipients without a certificate that can be used; the sentence
            names them all. Nothing is encrypted then.
    """
    if not addresses:
        raise UsageError("there is nobody to encrypt to: the message was not encrypted and must not be sent")
    found: list[Certificate] = []
    missing: list[str] = []
    for address in addresses:
        certificate, why = _certificate(address, context)
        if certificate is None:
            missing.append(f"{address} ({why})")
        elif certificate not in found:
            found.append(certificate)
    if missing:
        more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
        raise UsageError(
            "the message was not encrypted and must not be sent: there is no certificate to encrypt to "
            f"{', '.join(missing[:_NAMED])}{more}"
        )
    recipients = [CertificateRecipient(certificate) for certificate in found]
    cipher = _cipher(addresses, context)
    kind = "authEnveloped-data" if CIPHERS[cipher].authenticated else "enveloped-data"
    return kind, encrypt(content, recipients, cipher=cipher)


def _certificate(address: str, context: ProtectorContext) -> tuple[Certificate | None, str]:
    """The certificate to use for an address, or why there is none."""
    known = [
        *(identity.certificates[0] for identity in context.keys.identities() if identity.certificates),
        *context.correspondents.certificates(address),
    ]
    paths = TrustedPaths(known, context.trust, address, context.moment.at, ENCRYPTION_RULES)
    why = "none is known"
    for certificate in known:
        if not any(same_address(address, email) for email in certificate.emails):
            continue
        if not certificate.encrypts:
            why = "its certificate is not for encryption"
            continue
        validated = paths.validate(certificate)
        if validated.failure is None:
            return certificate, ""
        why = validated.sentence
    return None, why


def _cipher(addresses: Sequence[str], context: ProtectorContext) -> str:
    settings = context.settings if isinstance(context.settings, Settings) else Settings()
    announced = [set(names) for names in _announced(addresses, context)]
    for cipher in settings.capabilities:
        if all(cipher in names for names in announced):
            return cipher
    raise UsageError(
        "the message was not encrypted and must not be sent: no cipher of the setting capabilities "
        f"({', '.join(settings.capabilities)}) is understood by all recipients"
    )


def _announced(addresses: Sequence[str], context: ProtectorContext) -> Iterator[tuple[str, ...]]:
    for address in addresses:
        if names := context.correspondents.capabilities(address):
            yield names
