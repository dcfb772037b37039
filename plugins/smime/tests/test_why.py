"""What a result says of why: certificates and what is wrong with each, countersignatures, receipts, encryption."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest

from mailsec.crypto import ECDSA_SHA256, RSA_SHA256, Certificate, MemoryKeyRing, PrivateKey, StaticTrust
from mailsec.crypto.cms import (
    CertificateRecipient,
    Content,
    NewSigner,
    countersign,
    encrypt,
    parse_signed_data,
    sign,
)
from mailsec.crypto.cms.limits import LIMITS
from mailsec.crypto.issue import Issued, issue, make_authority
from mailsec.crypto.revocation.issue import information_access
from mailsec.errors import FetchError
from mailsec.hooks import AuthResult, Cause, CertificatePath, Fact, Opened, Opener, Result
from mailsec.hooks.manager import Registered
from mailsec.message import parse
from mailsec.net.fetcher import HttpFetcher
from mailsec.pipeline import Report, Runner, Services
from mailsec.pipeline.chains import offered_issuers
from mailsec.pipeline.replay import keep, load
from mailsec.testing import make_context, make_resolver
from mailsec_smime.opening import CONTENT_TYPES, open_part
from mailsec_smime.settings import Settings

ALICE = "alice@example.org"
ENTITY = b"Content-Type: text/plain\r\n\r\nHello.\r\n"
DAY = timedelta(days=1)
OPENER = Registered(
    Opener(name="smime", methods=("smime",), content_types=CONTENT_TYPES, open=open_part), "smime", "smime", "1"
)


def mail(octets: bytes, kind: str = "signed-data", author: str = ALICE) -> bytes:
    head = f"From: {author}\r\nContent-Type: application/pkcs7-mime; smime-type={kind}\r\n"
    return f"{head}Content-Transfer-Encoding: base64\r\n\r\n".encode() + base64.encodebytes(octets)


def signer_of(issued: Issued, chain: Sequence[Certificate] = (), **options: Any) -> tuple[NewSigner, MemoryKeyRing]:
    ring = MemoryKeyRing()
    ring.add(ALICE, issued.key, (issued.certificate, *(chain or issued.certificates[1:])))
    scheme = ECDSA_SHA256 if issued.key.public_key.key_type == "ec" else RSA_SHA256
    return NewSigner(ring.identities()[0], scheme, **options), ring


def signed(issued: Issued, now: datetime, chain: Sequence[Certificate] = (), **options: Any) -> bytes:
    signer, ring = signer_of(issued, chain, **options)
    return b"".join(sign(Content((ENTITY,)), [signer], detached=False, keys=ring, signing_time=now))


async def opened(message: bytes, anchors: Sequence[Certificate], now: datetime, **options: Any) -> Opened:
    root = parse(message)
    found = open_part(root.root, make_context(header=root.header, at=now, anchors=anchors, **options))
    found = await found if isinstance(found, Awaitable) else found
    assert isinstance(found, Opened)
    return found


async def result_of(message: bytes, anchors: Sequence[Certificate], now: datetime, **options: Any) -> AuthResult:
    (result,) = (await opened(message, anchors, now, **options)).results
    return result


def facts(result: AuthResult) -> dict[str, str]:
    return {one.name: one.value for one in result.evidence if isinstance(one, Fact)}


def paths(result: AuthResult, role: str) -> list[CertificatePath]:
    return [one for one in result.evidence if isinstance(one, CertificatePath) and one.role == role]


def told(path: CertificatePath) -> list[tuple[int, str, str]]:
    return [(one.place, one.kind, one.sentence) for one in path.notes]


# -- what is wrong with which certificate (RFC 5280 section 6.1) ---------------------------------------------


class World:
    """A root, authorities below it, and a leaf of each."""

    def __init__(self, pki: Any, now: datetime) -> None:
        self.now = now
        self.valid: dict[str, Any] = {"not_before": now - 10 * DAY, "not_after": now + 10 * DAY}
        self.expired: dict[str, Any] = {"not_before": now - 10 * DAY, "not_after": now - DAY}
        self.rsa: PrivateKey = pki.alice["rsa"].key
        self.ec: PrivateKey = pki.alice["p256"].key
        self.root = make_authority("Root", key=pki.authority.key, **self.valid)

    @property
    def anchors(self) -> tuple[Certificate, ...]:
        return (self.root.certificate,)

    def authority(self, name: str = "Middle", **options: Any) -> Issued:
        return make_authority(name, parent=self.root, **{"key": self.ec, **self.valid, **options})

    def leaf(self, authority: Issued | None, *emails: str, **options: Any) -> Issued:
        return issue(authority, *(emails or (ALICE,)), **{"key": self.rsa, **self.valid, **options})


@pytest.fixture(scope="module")
def world(pki: Any, now: datetime) -> World:
    return World(pki, now)


Leaf = Callable[[World], Issued]
WRONG: list[tuple[str, Leaf, int, str]] = [
    ("6.1.3 (a)(2)", lambda w: w.leaf(w.authority(), **w.expired), 0, "expired on"),
    ("6.1.3 (a)(2)", lambda w: w.leaf(w.authority(**w.expired)), 1, "Middle expired on"),
    ("4.2.1.12", lambda w: w.leaf(w.authority(), purposes=("serverAuth",)), 0, "is not for mail"),
    ("4.2.1.12", lambda w: w.leaf(w.authority(purposes=("serverAuth",))), 1, "the authority CN=Middle is not for mail"),
    ("4.2.1.10", lambda w: w.leaf(w.authority(excluded=("example.org",))), 0, "CN=Middle may not certify"),
    ("4.2.1.9", lambda w: w.leaf(w.authority(is_ca=False)), 1, "CN=Middle is not an authority"),
    ("4.2.1.3", lambda w: w.leaf(w.authority(usage=("cRLSign",))), 1, "the key of CN=Middle is not for signing cert"),
    ("4.2.1.3", lambda w: w.leaf(w.authority(), usage=("keyEncipherment",)), 0, "is not for signing"),
]


@pytest.mark.parametrize(("section", "leaf", "place", "words"), WRONG)
async def test_what_is_wrong_stands_at_the_certificate(
    world: World, section: str, leaf: Leaf, place: int, words: str
) -> None:
    result = await result_of(mail(signed(leaf(world), world.now)), world.anchors, world.now)
    (path,) = paths(result, "signer")
    assert path.anchored
    (note,) = [one for one in path.notes if one.kind == "failure"]
    assert note.place == place, section
    assert words in note.sentence


async def test_what_is_right_has_nothing_wrong(world: World) -> None:
    result = await result_of(mail(signed(world.leaf(world.authority()), world.now)), world.anchors, world.now)
    assert (result.result, result.cause) == (Result.PASS, None)
    (path,) = paths(result, "signer")
    assert [kind for _, kind, _ in told(path)] == []
    assert not paths(result, "tried")


async def test_a_path_that_ends_nowhere_says_where(world: World, pki: Any) -> None:
    result = await result_of(mail(signed(world.leaf(world.authority()), world.now)), pki.anchors, world.now)
    (path,) = paths(result, "signer")
    assert (len(path.certificates), path.anchored) == (2, False)
    assert told(path) == [(1, "failure", "the issuer CN=Root is not known")]


async def test_all_paths_that_were_tried(world: World) -> None:
    """RFC 4158 section 2.4: two certificates of one authority; the one that has expired is told of too."""
    old, new = world.authority(purposes=("serverAuth",)), world.authority()
    leaf = world.leaf(new)
    message = mail(signed(leaf, world.now, (old.certificate, new.certificate)))
    result = await result_of(message, world.anchors, world.now)
    assert result.result is Result.PASS
    both = [*paths(result, "tried"), *paths(result, "signer")]
    assert len(both) <= 2
    assert {one.certificates[1] for one in both} <= {old.certificate.der, new.certificate.der}
    wrong = world.authority(**world.expired)
    message = mail(signed(leaf, world.now, (old.certificate, wrong.certificate)))
    result = await result_of(message, world.anchors, world.now)
    assert result.cause is Cause.NOT_VALID
    (chosen,), (tried,) = paths(result, "signer"), paths(result, "tried")
    assert (chosen.certificates[1], tried.certificates[1]) == (wrong.certificate.der, old.certificate.der)
    assert [place for place, kind, _ in told(tried) if kind == "failure"] == [1]


# -- countersignatures (RFC 5652 section 11.4) ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("trusted", "spoiled", "words"),
    [
        (True, False, "the signature over this signature is right, under a certificate that you trust"),
        (False, False, "the signature over this signature is right, under no trusted certificate"),
        (True, True, "that does not hold: the signature does not verify"),
    ],
)
async def test_who_countersigned(world: World, trusted: bool, spoiled: bool, words: str) -> None:
    leaf = world.leaf(world.authority())
    notary = world.leaf(world.root if trusted else None, "notary@example.net", key=world.ec, subject="Notary")
    octets = signed(leaf, world.now)
    signer, ring = signer_of(notary)
    made = b"".join(countersign(parse_signed_data(octets), 0, signer, keys=ring, signing_time=world.now))
    if spoiled:
        signature = parse_signed_data(made).signers[0].countersigners()[0].signature
        made = made.replace(signature, signature[:-1] + bytes([signature[-1] ^ 1]))
    result = await result_of(mail(made), world.anchors, world.now)
    assert (result.result, result.reason) == (Result.PASS, "")  # it makes nothing better and nothing worse
    said = facts(result)["countersigned"]
    assert said.startswith("by Notary <notary@example.net>")
    assert words in said
    assert ("vouches for nothing in the message" in said) is not spoiled
    assert len(paths(result, "countersigner")) == (0 if spoiled else 1)


async def test_many_countersignatures_change_nothing(world: World) -> None:
    """Anybody can add some: their certificates are looked at under limits of their own."""
    octets = signed(world.leaf(world.authority()), world.now)
    signer, ring = signer_of(world.leaf(None, "notary@example.net", key=world.ec))
    for _ in range(LIMITS.countersigners):
        octets = b"".join(countersign(parse_signed_data(octets), 0, signer, keys=ring, signing_time=world.now))
    result = await result_of(mail(octets), world.anchors, world.now)
    assert result.result is Result.PASS
    assert len(paths(result, "countersigner")) == LIMITS.countersigners


# -- receipts (RFC 2634 section 2) ---------------------------------------------------------------------------


@pytest.mark.peer
async def test_receipts_by_openssl(openssl: Any, pki: Any, now: datetime) -> None:
    ask = ("-receipt_request_from", "bob@example.org", "-receipt_request_to", ALICE)
    octets = openssl(
        "cms", "-sign", "-binary", "-outform", "DER", "-nodetach", *pki.files("rsa"), *ask, stdin=ENTITY
    )  # fmt: skip
    result = await result_of(mail(octets), pki.anchors, now)
    assert result.result is Result.PASS
    said = facts(result)["a receipt is asked for"]
    assert said == f"from bob@example.org, to be sent to {ALICE}. None is ever sent by itself"
    given = openssl("cms", "-sign_receipt", "-inform", "DER", "-outform", "DER", *pki.files("p256"), stdin=octets)
    found = await opened(mail(given, "signed-receipt"), pki.anchors, now)
    (receipt,) = found.results
    assert (found.octets, receipt.result, receipt.cause, receipt.coverage) == (None, Result.NONE, None, None)
    assert receipt.reason == "it is a signed receipt for another message, and vouches for nothing in this one"
    assert facts(receipt)["receipt for"].startswith("the message whose content has the identifier ")
    assert facts(receipt)["content that was received"] == "data"
    at = given.rindex(parse_signed_data(given).signers[0].signature)
    spoiled = given[:at] + bytes([given[at] ^ 1]) + given[at + 1 :]
    broken = await result_of(mail(spoiled, "signed-receipt"), pki.anchors, now)
    assert broken.result in {Result.FAIL, Result.PERMERROR}


async def test_a_receipt_verifies_nothing(openssl: Any, pki: Any, now: datetime) -> None:
    """A message that holds a receipt is vouched for by nobody, however good the receipt is."""
    octets = openssl("cms", "-sign", "-binary", "-outform", "DER", "-nodetach", *pki.files("rsa"),
                     "-receipt_request_all", "-receipt_request_to", ALICE, stdin=ENTITY)  # fmt: skip
    given = openssl("cms", "-sign_receipt", "-inform", "DER", "-outform", "DER", *pki.files("rsa"), stdin=octets)
    services = Services(make_resolver(), trust=StaticTrust(pki.anchors))
    report = await Runner([], [OPENER], services=services).check(parse(mail(given, "signed-receipt")))
    assert report.verdict.level == "unauthenticated"


# -- encryption (RFC 8551 section 3.3) -----------------------------------------------------------------------

CIPHERS = [
    ("aes256-gcm", "AES-256-GCM: a change on the way would be noticed"),
    ("aes128-cbc", "AES-128-CBC: nothing notices a change on the way"),
]


@pytest.mark.parametrize(("cipher", "words"), CIPHERS)
async def test_what_encryption_did(cipher: str, words: str, pki: Any, now: datetime) -> None:
    recipients = [CertificateRecipient(pki.alice[kind].certificate) for kind in ("rsa", "both")]
    octets = b"".join(encrypt((ENTITY,), recipients, cipher=cipher))
    result = await result_of(mail(octets, "enveloped-data"), pki.anchors, now, keys=pki.keyring("rsa"))
    said = facts(result)
    assert said["content encryption"] == words
    assert said["encrypted to"] == "2 keys"
    assert said["decrypted with the key of"].startswith(f"{ALICE} (RSA of 2048 bits, certificate valid to ")
    assert said["how the key reached you"].startswith("encrypted by RSAES-")
    assert said["what encryption says of the author"].startswith("nothing: ")
    assert result.result is Result.NONE
    closed = await result_of(mail(octets, "enveloped-data"), pki.anchors, now, keys=pki.keyring("p256"))
    assert facts(closed) == {"content encryption": words, "encrypted to": "2 keys"}


# -- whom to encrypt to (RFC 8551 section 2.5.3) -------------------------------------------------------------


def signing_only(world: World, **options: Any) -> Issued:
    return world.leaf(world.root, key=world.ec, usage=("digitalSignature",), subject="Alice", **options)


def encrypting(world: World, *emails: str, **options: Any) -> Certificate:
    return world.leaf(world.root, *emails, **{"usage": ("keyEncipherment",), "subject": "Alice", **options}).certificate


Wanted = Callable[[World], Certificate]
PREFERENCES: list[tuple[str, Wanted, str]] = [
    ("it is in the message and good", encrypting, ""),
    ("it has expired", lambda w: encrypting(w, **w.expired), "expired on"),
    ("it is somebody else's", lambda w: encrypting(w, "bob@example.org"), "not for the address of the author"),
    ("its key only signs", lambda w: signing_only(w).certificate, "not for encryption"),
    ("nobody trusts it", lambda w: w.leaf(None, subject="Alice").certificate, "not trusted"),
]


@pytest.mark.parametrize(("name", "wanted", "words"), PREFERENCES)
async def test_the_certificate_that_the_signer_names(world: World, name: str, wanted: Wanted, words: str) -> None:
    certificate = wanted(world)
    octets = signed(world.leaf(world.root), world.now, encryption_certificate=certificate)
    result = await result_of(mail(octets), world.anchors, world.now)
    (path,) = paths(result, "encryption")
    assert path.certificates[0] == certificate.der
    sentences = "; ".join(sentence for _, kind, sentence in told(path) if kind == "failure")
    assert (words in sentences) if words else (path.anchored and not sentences), name


async def test_a_certificate_that_did_not_come_along(world: World) -> None:
    wanted = encrypting(world)
    octets = signed(world.leaf(world.root), world.now, encryption_certificate=wanted)
    serial = wanted.serial_der
    other = wanted.der.replace(serial, serial[:-1] + bytes([serial[-1] ^ 1]), 1)
    bare = octets.replace(wanted.der, other, 1)
    result = await result_of(mail(bare), world.anchors, world.now)
    (path,) = paths(result, "encryption")
    assert (path.certificates, path.anchored) == ((), False)
    assert "did not come along" in path.notes[0].sentence


async def test_where_none_is_named(world: World) -> None:
    """Section 2.5.3.1: the signature's own where it encrypts, else another of the same subject in the message."""
    both = await result_of(mail(signed(world.leaf(world.root), world.now)), world.anchors, world.now)
    assert not paths(both, "encryption")
    along = encrypting(world)
    octets = signed(signing_only(world), world.now, (along,))
    (path,) = paths(await result_of(mail(octets), world.anchors, world.now), "encryption")
    assert path.certificates[0] == along.der
    octets = signed(signing_only(world), world.now, (encrypting(world, "bob@example.org"),))
    assert not paths(await result_of(mail(octets), world.anchors, world.now), "encryption")


# -- issuers that did not come along (RFC 5280 section 4.2.2.1) ----------------------------------------------


class Server:
    """A web server that notes what it is asked for."""

    def __init__(self) -> None:
        self.documents: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        path = request.split(b" ")[1].decode()
        self.asked.append(path)
        body = self.documents.get(path)
        status = "200 OK" if body is not None else "404 Not Found"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body or b'')}\r\nConnection: close\r\n\r\n".encode())
        writer.write(body or b"")
        await writer.drain()
        writer.close()

    def url(self, path: str) -> str:
        return f"http://ca.example:{self.port}{path}"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    listening = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = listening.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        listening.close()
        await asyncio.sleep(0)


class Scene:
    """A message whose signer's issuer did not come along, and where it is offered."""

    def __init__(self, world: World, server: Server) -> None:
        self.world = world
        self.middle = world.authority()
        server.documents["/middle.cer"] = self.middle.certificate.der
        access = information_access(issuer_url=server.url("/middle.cer"))
        leaf = world.leaf(self.middle, extra=[access])
        ring = MemoryKeyRing()
        ring.add(ALICE, leaf.key, (leaf.certificate,))
        signer = NewSigner(ring.identities()[0], RSA_SHA256)
        self.octets = b"".join(sign(Content((ENTITY,)), [signer], detached=False, keys=ring, signing_time=world.now))
        resolver = make_resolver("ca.example. A 127.0.0.1\n")
        self.fetcher = HttpFetcher(resolver, allowed=[ip_network("127.0.0.0/8")])

    async def check(
        self, message: bytes | None = None, *, fetch: bool, keys: MemoryKeyRing | None = None, services: Any = None
    ) -> Report:
        if services is None:
            trust = StaticTrust(self.world.anchors)
            services = Services(make_resolver(), self.fetcher, trust, keys or MemoryKeyRing())
        runner = Runner([], [OPENER], services=services, settings={"smime": Settings()})
        return await runner.check(parse(message or mail(self.octets)), fetch_issuers=fetch)


@pytest.fixture
async def scene(world: World, server: Server) -> AsyncIterator[Scene]:
    made = Scene(world, server)
    yield made
    await made.fetcher.close()


async def test_nothing_is_fetched_unasked(scene: Scene, server: Server) -> None:
    """It would tell whoever runs the server that the message is being read."""
    report = await scene.check(fetch=False)
    assert server.asked == []
    assert report.results[0].cause is Cause.UNTRUSTED
    assert offered_issuers(report) == (server.url("/middle.cer"),)


async def test_fetched_when_asked_for(scene: Scene, server: Server) -> None:
    report = await scene.check(fetch=True)
    assert server.asked == ["/middle.cer"]
    assert report.verdict.level == "verified"
    assert offered_issuers(report) == ()
    recorded = load(keep(report))
    assert recorded.fetch_issuers
    again = await scene.check(fetch=recorded.fetch_issuers, services=recorded.services)
    assert again.results[0].result is Result.PASS
    assert server.asked == ["/middle.cer"]


async def test_what_could_not_be_had_is_said(scene: Scene, server: Server) -> None:
    server.documents.clear()
    report = await scene.check(fetch=True)
    assert report.results[0].cause is Cause.UNTRUSTED
    assert server.asked == ["/middle.cer"]
    assert offered_issuers(report) == (server.url("/middle.cer"),)


@pytest.mark.parametrize(("cipher", "asked"), [("aes256-gcm", ["/middle.cer"]), ("aes256-cbc", [])])
async def test_a_url_that_may_carry_the_plaintext_away(
    cipher: str, asked: list[str], scene: Scene, server: Server, pki: Any
) -> None:
    """EFAIL (RFC 8551 section 6): out of an encryption that notices no change, nothing causes a fetch."""
    head = b"Content-Type: application/pkcs7-mime; smime-type=signed-data\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    inner = head + base64.encodebytes(scene.octets).replace(b"\n", b"\r\n")
    recipient = CertificateRecipient(pki.alice["rsa"].certificate)
    message = mail(b"".join(encrypt((inner,), [recipient], cipher=cipher)), "enveloped-data")
    report = await scene.check(message, fetch=False, keys=pki.keyring("rsa"))
    assert bool(offered_issuers(report)) is bool(asked)
    await scene.check(message, fetch=True, keys=pki.keyring("rsa"))
    assert server.asked == asked


async def test_a_server_that_never_answers(scene: Scene) -> None:
    """The rest of the time is enough for the result."""

    class Never:
        async def fetch(self, url: str, *, data: bytes | None = None, limit: int = 1 << 20) -> Any:
            del url, data, limit
            await asyncio.sleep(60)
            raise FetchError("never")

    services = Services(make_resolver(), Never(), StaticTrust(scene.world.anchors))
    runner = Runner([], [OPENER], services=services, settings={"smime": Settings()}, timeout=1.0)
    report = await runner.check(parse(mail(scene.octets)), fetch_issuers=True)
    assert report.results[0].cause is Cause.UNTRUSTED
