"""Messages that domains signed, with DKIM."""

from __future__ import annotations

from datetime import timedelta

from mailsec.crypto import RSA_SHA1, RSA_SHA256
from mailsec.demo.careless import TinyRsa, sign_domain
from mailsec.demo.example import Example, collector
from mailsec.demo.letters import PIXEL
from mailsec.demo.world import BOB, CAROL, World
from mailsec.message.compose import attachment, image

__all__ = ["BY_DOMAINS"]

BY_DOMAINS: list[Example] = []
example = collector(BY_DOMAINS)

NEWS = "Hello Robin,\n\nthe train leaves at 100 minutes past eight.\n\nAlice\n"


@example("signed by the author's domain, RSA", "authenticated", 11)
async def dkim_rsa(world: World) -> bytes:
    return await world.seal(world.draft("When the train leaves", NEWS), "example.org")


@example("signed by the author's domain, Ed25519", "authenticated", 11)
async def dkim_ed25519(world: World) -> bytes:
    draft = world.draft("Lunch?", "At noon, as always.\n\nBob\n", BOB)
    return await world.seal(draft, "example.net", "ed", kind="ed25519")


@example("signed twice by the author's domain, RSA and Ed25519", "authenticated", 11)
async def dkim_both(world: World) -> bytes:
    draft = world.draft("Slides", "They are on the server.\n\nCarol\n", CAROL)
    return await world.seal(await world.seal(draft, "example.com"), "example.com", "ed", kind="ed25519")


@example("simple canonicalization", "authenticated", 11)
async def dkim_simple(world: World) -> bytes:
    return await world.seal(world.draft("Simply signed", NEWS), "example.org", canonicalization="simple/simple")


@example("HTML with an image inside and an attachment, signed by the domain", "authenticated", 11)
async def dkim_html_and_image(world: World) -> bytes:
    draft = world.draft(
        "The logo",
        "The logo is a blue dot.\n",
        html='<p>The logo: <img src="cid:logo@example.org" alt="a blue dot"></p>',
        images=(image(PIXEL, "logo@example.org", filename="logo.png"),),
        attachments=(attachment("día;noche\n1;2\n".encode(), "números – 数字.csv", "text/csv"),),
    )
    return await world.seal(draft, "example.org")


@example("a good signature of the domain beside a broken one of a list", "authenticated", 11)
async def dkim_one_of_two(world: World) -> bytes:
    broken = await world.seal(world.draft("[list] Two signatures", NEWS), "lists.example.com")
    return await world.seal(broken.replace(b"100 minutes", b"200 minutes"), "example.org")


@example("l= leaves out what was appended", "warning", 10)
async def dkim_appended(world: World) -> bytes:
    key = world.key("l._domainkey.example.org")
    world.publish("example.org", "l", key.public_key)
    draft = world.draft("Only the beginning is signed", NEWS)
    signed = sign_domain(draft, "example.org", "l", lambda octets: key.sign(octets, RSA_SHA256), length=True)
    return signed + b"\r\nPS: our account has changed. Please pay to the new one.\r\n"


@example("the body changed after it was signed", "warning", 14)
async def dkim_tampered_body(world: World) -> bytes:
    signed = await world.seal(world.draft("When the train does not leave", NEWS), "example.org")
    return signed.replace(b"100 minutes", b"900 minutes", 1)


@example("the subject changed after it was signed", "warning", 14)
async def dkim_tampered_subject(world: World) -> bytes:
    signed = await world.seal(world.draft("Nothing urgent", NEWS), "example.org")
    return signed.replace(b"Subject: Nothing urgent", b"Subject: Very urgent!", 1)


@example("signed only by a service that sends for others", "unauthenticated", 15)
async def dkim_other_domain(world: World) -> bytes:
    return await world.seal(world.draft("Newsletter of May", NEWS), "mailer.example.com", "svc")


@example("signed only by a domain below the author's", "unauthenticated", 15)
async def dkim_subdomain(world: World) -> bytes:
    return await world.seal(world.draft("From a machine of ours", NEWS), "hosts.example.org")


@example("signed by RSA with SHA-1", "unauthenticated", 16)
async def dkim_sha1(world: World) -> bytes:
    key = world.key("old._domainkey.example.org")
    world.publish("example.org", "old", key.public_key)
    draft = world.draft("Greetings from 2007", NEWS)
    return sign_domain(draft, "example.org", "old", lambda octets: key.sign(octets, RSA_SHA1), algorithm="rsa-sha1")


@example("signed by RSA with 512 bits", "unauthenticated", 16)
async def dkim_short_key(world: World) -> bytes:
    key = TinyRsa.generate()
    world.publish("example.org", "tiny", key.spki_der())
    return sign_domain(world.draft("Greetings from 1999", NEWS), "example.org", "tiny", key.sign)


@example("the domain only tests its key (t=y)", "unauthenticated", 16)
async def dkim_test_mode(world: World) -> bytes:
    return await world.seal(world.draft("We are testing", NEWS), "example.org", "test", flags=" t=y;")


@example("the signature had expired (x=)", "unauthenticated", 16)
async def dkim_expired(world: World) -> bytes:
    then = world.at - timedelta(days=10)
    return await world.seal(world.draft("Late mail", NEWS), "example.org", at=then, expires=86_400)


@example("the key is not in DNS", "unauthenticated", 17)
async def dkim_missing_key(world: World) -> bytes:
    return await world.seal(world.draft("The key is gone", NEWS), "example.org", "gone", publish=False)
