"""Signing and encrypting an outgoing message, in every order, with its header fields (RFC 8551, RFC 9788)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsec.errors import UsageError
from mailsec.hooks import Form
from mailsec.message import same_address
from mailsec.message.protect import plain_entity, protected_entity
from mailsec_smime.encrypting import encrypt_to
from mailsec_smime.settings import Settings
from mailsec_smime.signing import sign

if TYPE_CHECKING:
    from mailsec.hooks import Protection, ProtectorContext
    from mailsec.message import Message


def protect(message: Message, protection: Protection, context: ProtectorContext) -> bytes:
    """Signs a message with a key of its author, encrypts it to its recipients, or both.

    Protected are the content and, unless the writer wants otherwise, the header fields; copies of these stay outside,
    of a message that is encrypted as far as its confidentiality policy has it.

    Args:
        message: the message to send.
        protection: what is wanted.
        context: keys, recipients, trust anchors and the time; the settings are a `Settings` or `None` for its defaults.

    Raises:
        UsageError: the message cannot be protected as asked; nothing is then half done.
        KeyFileError: the key ring cannot sign.
    """
    settings = context.settings if isinstance(context.settings, Settings) else Settings()
    form = protection.form or _form(protection, settings)
    if form is None:
        return bytes(message)
    author = protection.author or _author(message)
    if protection.header_protection:
        taken = protected_entity(
            message,
            encrypted=form.encrypts,
            policy=protection.confidentiality,
            hidden=protection.hidden,
            legacy_display=protection.legacy_display,
        )
    else:
        taken = plain_entity(message)
    entity = taken.entity
    if form in {Form.CLEAR, Form.OPAQUE}:
        entity = sign(entity, author, context, opaque=form is Form.OPAQUE)
    else:
        # Inside an encryption nothing changes the content on its way, so that it need not be readable there.
        if form in {Form.SIGNED_ENCRYPTED, Form.TRIPLE}:
            entity = sign(entity, author, context, opaque=True)
        entity = encrypt_to(entity, _readers(author, protection), context)
        if form in {Form.ENCRYPTED_SIGNED, Form.TRIPLE}:
            entity = sign(entity, author, context, opaque=settings.opaque)
    return b"".join((taken.header, b"MIME-Version: 1.0\r\n", entity))


def _form(protection: Protection, settings: Settings) -> Form | None:
    if protection.encrypt:
        return Form.SIGNED_ENCRYPTED if protection.sign else Form.ENCRYPTED
    if protection.sign:
        return Form.OPAQUE if settings.opaque else Form.CLEAR
    return None


def _author(message: Message) -> str:
    authors = message.authors
    if len(authors) != 1:
        raise UsageError("the message does not name one author in From, so it is not known who protects it")
    return authors[0].address


def _readers(author: str, protection: Protection) -> list[str]:
    """Whom to encrypt to, the author too, each once."""
    if not protection.recipients:
        raise UsageError("there is nobody to encrypt to: the message was not encrypted and must not be sent")
    readers: list[str] = []
    for address in (*protection.recipients, author):
        if not any(same_address(address, reader) for reader in readers):
            readers.append(address)
    return readers
