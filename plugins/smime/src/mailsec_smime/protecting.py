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
from mailsec_smime.spooling import IN_MEMORY, Piece, spooled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mailsec.hooks import Protection, ProtectorContext
    from mailsec.message import Message


def protect(message: Message, protection: Protection, context: ProtectorContext) -> bytes:
    """Signs or encrypts a message, and gives the whole in one piece; see `protect_pieces`."""
    return b"".join(protect_pieces(message, protection, context))


def protect_pieces(message: Message, protection: Protection, context: ProtectorContext) -> tuple[Piece, ...]:
    """Signs a message with a key of its author, encrypts it to its recipients, or both.

    Protected are the content and, unless the writer wants otherwise, the header fields; copies of these stay outside,
    of a message that is encrypted as far as its confidentiality policy has it. A large message is held in unlinked
    files on its way, and not in memory.

    Args:
        message: the message to send.
        protection: what is wanted.
        context: keys, recipients, trust anchors and the time; the settings are a `Settings` or `None` for its defaults.

    Returns:
        The protected message; nothing is left to go wrong when its pieces are written.

    Raises:
        StoreError: there is no room for a temporary file.
        UsageError: the message cannot be protected as asked; nothing is then half done.
        KeyFileError: the key ring cannot sign.
    """
    settings = context.settings if isinstance(context.settings, Settings) else Settings()
    form = protection.form or _form(protection, settings)
    if form is None:
        return (message.octets,)
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
    entity: tuple[Piece, ...] = tuple(taken.pieces()) if len(message) <= IN_MEMORY else (spooled(taken.pieces()),)
    if form in {Form.CLEAR, Form.OPAQUE}:
        entity = _held(sign(entity, author, context, opaque=form is Form.OPAQUE), clear=form is Form.CLEAR)
    else:
        # Inside an encryption nothing changes the content on its way, so that it need not be readable there.
        if form in {Form.SIGNED_ENCRYPTED, Form.TRIPLE}:
            entity = _held(sign(entity, author, context, opaque=True))
        entity = _held(encrypt_to(entity, _readers(author, protection), context))
        if form in {Form.ENCRYPTED_SIGNED, Form.TRIPLE}:
            entity = _held(sign(entity, author, context, opaque=settings.opaque), clear=not settings.opaque)
    return (taken.header, b"MIME-Version: 1.0\r\n", *entity)


def _held(pieces: Iterator[Piece], *, clear: bool = False) -> tuple[Piece, ...]:
    """Holds what became of an entity. A clear-signed one is the entity itself with something around it."""
    return tuple(pieces) if clear else (spooled(pieces),)


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
