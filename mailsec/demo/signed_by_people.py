"""Messages that people signed, with S/MIME."""

from __future__ import annotations

from datetime import timedelta

from mailsec.demo.careless import armoured, part_of, two_signers
from mailsec.demo.example import Example, collector
from mailsec.demo.world import BOB, CAROL, World
from mailsec.message import parse
from mailsec.message.compose import Entity, attachment, multipart, text, write_message

__all__ = ["BY_PEOPLE"]

BY_PEOPLE: list[Example] = []
example = collector(BY_PEOPLE)

ALICE = "alice@example.org"
CONTRACT = "Hello Robin,\n\nhere is the version that we agreed on: 100 euros a month, from May on.\n\nRegards, Alice\n"


@example("signed in clear by RSA", "verified", 7)
async def smime_rsa(world: World) -> bytes:
    return await world.protect(world.draft("Contract, final version", CONTRACT), world.certify(ALICE))


@example("the signature around the content (opaque)", "verified", 7)
async def smime_opaque(world: World) -> bytes:
    return await world.protect(world.draft("Contract, sealed", CONTRACT), world.certify(ALICE), opaque=True)


@example("signed by RSA-PSS with SHA-512", "verified", 7)
async def smime_pss(world: World) -> bytes:
    draft = world.draft("Contract, by another padding", CONTRACT)
    return await world.protect(draft, world.certify(ALICE), pss=True, digest="sha512")


@example("signed by an elliptic curve key (P-256)", "verified", 7)
async def smime_ec(world: World) -> bytes:
    draft = world.draft("Minutes of Monday", "Hello,\n\nthe minutes are in the wiki.\n\nBob\n", BOB)
    return await world.protect(draft, world.certify("bob@example.net", "ec"))


@example("signed by Ed25519", "verified", 7)
async def smime_ed25519(world: World) -> bytes:
    draft = world.draft("Keys of today", "Hello,\n\nshort keys, long life.\n\nCarol\n", CAROL)
    return await world.protect(draft, world.certify("carol@example.com", "ed25519"))


@example("signed by the author and by the domain", "verified", 7)
async def smime_and_dkim(world: World) -> bytes:
    draft = world.draft("Doubly signed", CONTRACT)
    return await world.seal(await world.protect(draft, world.certify(ALICE)), "example.org")


@example("signed, with an attachment and text in HTML", "verified", 7)
async def smime_with_attachment(world: World) -> bytes:
    draft = world.draft(
        "Invoice 2231 as agreed",
        "The invoice is attached.\n",
        html="<p>The invoice is <b>attached</b>.</p>",
        attachments=(attachment(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n%%EOF\n", "invoice-2231.pdf", "application/pdf"),),
    )
    return await world.protect(draft, world.certify(ALICE))


@example("changed after it was signed", "failed", 2)
async def smime_tampered(world: World) -> bytes:
    signed = await world.protect(world.draft("Contract, changed version", CONTRACT), world.certify(ALICE))
    return signed.replace(b"100 euros", b"900 euros", 1)


@example("two signers, the second one over another text", "warning", 3)
async def smime_two_signers(world: World) -> bytes:
    draft = world.draft("Signed by both of us", CONTRACT)
    first = await world.protect(draft, world.certify(ALICE))
    second = await world.protect(draft.replace(b"100 euros", b"100 francs"), world.certify("bob@example.net"))
    signatures = [part_of(parse(one), "application/pkcs7-signature") for one in (first, second)]
    return first.replace(armoured(signatures[0]), armoured(two_signers(*signatures)))


@example("the certificate had expired", "warning", 4)
async def smime_expired(world: World) -> bytes:
    end = world.at - timedelta(days=30)
    signer = world.certify(ALICE, "ec", label="expired", not_before=end - timedelta(days=365), not_after=end)
    draft = world.draft("Signed with an old card", CONTRACT)
    return await world.protect(draft, signer, at=end - timedelta(days=1))


@example("the certificate comes from an authority that nobody knows", "warning", 4)
async def smime_unknown_issuer(world: World) -> bytes:
    signer = world.certify(ALICE, "ec", label="stranger", authority=world.stranger)
    return await world.protect(world.draft("Signed by a stranger's authority", CONTRACT), signer)


@example("the certificate is one for web servers", "warning", 4)
async def smime_wrong_purpose(world: World) -> bytes:
    signer = world.certify(ALICE, "ec", label="server", purposes=("serverAuth",))
    return await world.protect(world.draft("Signed by a web server", CONTRACT), signer)


@example("the key of the certificate is too short (RSA of 1024 bits)", "warning", 4)
async def smime_weak_key(world: World) -> bytes:
    signer = world.certify(ALICE, "rsa", label="weak", bits=1024)
    return await world.protect(world.draft("Signed with a short key", CONTRACT), signer)


@example("well signed, but by somebody other than the author", "warning", 5)
async def smime_other_person(world: World) -> bytes:
    signer = world.certify("mallory@example.com", "ec")
    return await world.protect(world.draft("Please pay to this account", CONTRACT), signer)


@example("a signed part, and a footer of a mailing list beside it", "warning", 6)
async def smime_partly_signed(world: World) -> bytes:
    message = parse(await world.protect(world.draft("[lists] Contract", CONTRACT), world.certify(ALICE)))
    content = [field for field in message.header if field.key.startswith("content-")]
    fields = [
        (field.name, field.value) for field in message.header if field not in content and field.key != "mime-version"
    ]
    signed = Entity(tuple(field.raw for field in content), bytes(message.body))
    footer = text("_______________\nTo leave this list pay 10 euros to its owner.\n")
    return write_message([*fields, ("List-Id", "<contracts.lists.example.com>")], multipart("mixed", signed, footer))
