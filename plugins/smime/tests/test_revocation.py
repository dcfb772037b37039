"""Revocation in the result of a signed message: off, soft and hard, and the moment that matters."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from mailsec.crypto import RSA_SHA256, MemoryKeyRing, PrivateKey, StaticTrust
from mailsec.crypto.cms import Content, build_signed_data
from mailsec.crypto.issue import Issued, issue, make_authority
from mailsec.crypto.revocation.issue import Revoked, information_access, make_crl, make_ocsp_response, points
from mailsec.crypto.revocation.ocsp import get_url, make_request
from mailsec.errors import FetchError
from mailsec.hooks import AuthResult, Cause, CertificatePath, Fact, Fetched, Opened, Opener, Result
from mailsec.hooks.manager import Registered
from mailsec.message import parse
from mailsec.pipeline import Runner, Services
from mailsec.pipeline.replay import keep, load
from mailsec.testing import make_context, make_resolver
from mailsec_smime.opening import CONTENT_TYPES, open_part
from mailsec_smime.settings import Settings

ENTITY = b"Content-Type: text/plain\r\n\r\nHello.\r\n"
CRL, OCSP = "http://crl.example/a", "http://ocsp.example"
DAY = timedelta(days=1)


class World:
    """An authority, and Alice's certificate that says where its revocation is told."""

    def __init__(self, now: datetime, pki: Any, *extra: Any, address: str = "alice@example.org") -> None:
        self.now = now
        validity: dict[str, Any] = {"not_before": now - 10 * DAY, "not_after": now + 10 * DAY}
        key: PrivateKey = pki.alice["rsa"].key
        self.root = make_authority("Revoking", key=pki.authority.key, **validity)
        self.alice: Issued = issue(self.root, address, key=key, extra=extra, **validity)

    def message(self) -> bytes:
        keys = MemoryKeyRing()
        keys.add_file(self.alice.to_pem())
        octets = build_signed_data(
            Content((ENTITY,)), detached=False, keys=keys, identity=keys.identities()[0], scheme=RSA_SHA256,
            signing_time=self.now,
        )  # fmt: skip
        head = b"From: Alice <alice@example.org>\r\nContent-Type: application/pkcs7-mime; smime-type=signed-data\r\n"
        return head + b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(octets)

    def crl(self, at: datetime | None = None, reason: str = "", invalid_since: datetime | None = None) -> bytes:
        entries = [] if at is None else [Revoked(self.alice.certificate.serial, at, reason, invalid_since)]
        return make_crl(self.root, entries, this_update=self.now - DAY, next_update=self.now + DAY)

    def answer(self, state: str | Revoked) -> bytes:
        serial = self.alice.certificate.serial
        return make_ocsp_response(
            self.root, self.root.certificate, [(serial, state)], this_update=self.now - DAY, next_update=self.now + DAY
        )

    async def opened(
        self, mode: str | None = "soft", documents: Mapping[str, bytes] | None = None, at: datetime | None = None
    ) -> AuthResult:
        message = parse(self.message())
        context = make_context(
            header=message.header, at=at or self.now, anchors=[self.root.certificate], documents=documents,
            settings=None if mode is None else Settings(revocation=mode),
        )  # fmt: skip
        found = open_part(message.root, context)
        opened = await found if isinstance(found, Awaitable) else found
        assert isinstance(opened, Opened)
        (result,) = opened.results
        return result


@pytest.fixture(scope="module")
def make(pki: Any, now: datetime) -> Callable[..., World]:
    return lambda *extra, **options: World(now, pki, *extra, **options)


@pytest.fixture(scope="module")
def world(make: Callable[..., World]) -> World:
    return make(points(CRL))


Documents = Callable[[World], dict[str, bytes]]
NOTHING: Documents = lambda w: {}  # noqa: E731
FINE: Documents = lambda w: {CRL: w.crl()}  # noqa: E731
GONE: Documents = lambda w: {CRL: w.crl(w.now - DAY, "superseded")}  # noqa: E731
LATER: Documents = lambda w: {CRL: w.crl(w.now + DAY)}  # noqa: E731
STOLEN: Documents = lambda w: {CRL: w.crl(w.now + DAY, "keyCompromise", w.now - DAY)}  # noqa: E731

CASES: list[tuple[str | None, str, Documents, Result, Cause | None]] = [
    ("soft", "good", FINE, Result.PASS, None),
    ("soft", "revoked", GONE, Result.FAIL, Cause.REVOKED),
    ("soft", "revoked later", LATER, Result.PASS, None),
    ("soft", "revoked later, stolen before", STOLEN, Result.FAIL, Cause.REVOKED),
    ("soft", "not known", NOTHING, Result.PASS, None),
    ("hard", "good", FINE, Result.PASS, None),
    ("hard", "revoked", GONE, Result.FAIL, Cause.REVOKED),
    ("hard", "not known", NOTHING, Result.POLICY, Cause.REVOCATION_UNKNOWN),
    ("off", "revoked", GONE, Result.PASS, None),
    (None, "revoked", GONE, Result.FAIL, Cause.REVOKED),
]


@pytest.mark.parametrize(("mode", "name", "documents", "result", "cause"), CASES)
async def test_modes(
    world: World, mode: str | None, name: str, documents: Documents, result: Result, cause: Cause | None
) -> None:
    found = await world.opened(mode, documents(world))
    assert (found.result, found.cause) == (result, cause), found.reason
    assert (found.coverage is None) is (result is Result.FAIL)
    facts = [one.value for one in found.evidence if isinstance(one, Fact) and one.name == "revocation"]
    assert bool(facts) is (mode != "off")
    if name == "not known":
        assert f"{CRL} is not among the documents" in found.reason
    elif result is Result.PASS:
        assert not found.reason
    else:
        assert "was revoked on" in found.reason


async def test_the_responder_is_asked(make: Callable[..., World]) -> None:
    world = make(information_access(ocsp_url=OCSP))
    url = get_url(OCSP, make_request(world.alice.certificate, world.root.certificate)) or ""
    assert (await world.opened("hard", {url: world.answer("good")})).result is Result.PASS
    found = await world.opened("hard", {url: world.answer(Revoked(0, world.now - DAY))})
    assert (found.result, found.cause) == (Result.FAIL, Cause.REVOKED)


async def test_certificates_that_say_nothing_of_revocation(make: Callable[..., World]) -> None:
    """Soft: nothing to note in the result; hard: it counts."""
    world = make()
    found = await world.opened("soft")
    assert (found.result, found.reason) == (Result.PASS, "")
    assert any(isinstance(one, Fact) and "name no CRL" in one.value for one in found.evidence)
    found = await world.opened("hard")
    assert (found.result, found.cause) == (Result.POLICY, Cause.REVOCATION_UNKNOWN)


def notes(result: AuthResult) -> list[tuple[int, str, str]]:
    (path,) = [one for one in result.evidence if isinstance(one, CertificatePath) and one.role == "signer"]
    return [(note.place, note.kind, note.sentence) for note in path.notes]


async def test_each_certificate_says_what_is_known_of_it(make: Callable[..., World], world: World) -> None:
    """Who told it, and when that was known to be right (RFC 5280 section 5.1.2.4, RFC 6960 section 2.4)."""
    asked = make(information_access(ocsp_url=OCSP))
    url = get_url(OCSP, make_request(asked.alice.certificate, asked.root.certificate)) or ""
    when = f"{asked.now - DAY:%Y-%m-%d %H:%M} UTC"
    good = await asked.opened("soft", {url: asked.answer("good")})
    assert notes(good) == [(0, "good", f"not revoked: OCSP by Revoking at {OCSP}, {when}")]
    bad = await asked.opened("soft", {url: asked.answer(Revoked(0, asked.now - DAY, "keyCompromise"))})
    day = f"{asked.now - DAY:%Y-%m-%d}"
    assert notes(bad) == [(0, "revoked", f"revoked on {day} (keyCompromise): OCSP by Revoking at {OCSP}, {when}")]
    assert notes(await world.opened("soft", FINE(world))) == [(0, "good", f"not revoked: CRL by Revoking, {when}")]
    ((place, kind, sentence),) = notes(await world.opened("soft"))
    assert (place, kind) == (0, "unknown")
    assert sentence.startswith(f"revocation not known: {CRL} is not among the documents")


async def test_a_path_around_a_revoked_authority_says_what_it_avoids(pki: Any, now: datetime) -> None:
    """RFC 4158 section 2.4: of two certificates of one authority one was revoked."""
    valid: dict[str, Any] = {"not_before": now - 10 * DAY, "not_after": now + 10 * DAY}
    root = make_authority("Root", key=pki.authority.key, **valid)
    key: PrivateKey = pki.alice["p256"].key
    first, second = (
        make_authority("Middle", key=key, parent=root, extra=[points(CRL)], **{**valid, "not_after": now + days * DAY})
        for days in (9, 8)
    )
    leaf = issue(first, "alice@example.org", key=pki.alice["rsa"].key, **valid)
    keys = MemoryKeyRing()
    keys.add("alice@example.org", leaf.key, (leaf.certificate, first.certificate, second.certificate))
    octets = build_signed_data(
        Content((ENTITY,)), detached=False, keys=keys, identity=keys.identities()[0], scheme=RSA_SHA256,
        signing_time=now,
    )  # fmt: skip
    head = b"From: alice@example.org\r\nContent-Type: application/pkcs7-mime; smime-type=signed-data\r\n"
    message = parse(head + b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(octets))
    for revoked, kept in ((first, second), (second, first)):
        crl = make_crl(
            root, [Revoked(revoked.certificate.serial, now - DAY)], this_update=now - DAY, next_update=now + DAY
        )
        context = make_context(header=message.header, at=now, anchors=[root.certificate], documents={CRL: crl})
        found = open_part(message.root, context)
        opened = await found if isinstance(found, Awaitable) else found
        assert isinstance(opened, Opened)
        (result,) = opened.results
        assert result.result is Result.PASS
        paths = [one for one in result.evidence if isinstance(one, CertificatePath)]
        chosen = next(one for one in paths if one.role == "signer")
        assert chosen.certificates[1] == kept.certificate.der
        for left in (one for one in paths if one.role == "tried"):
            assert left.certificates[1] == revoked.certificate.der
            assert any((note.place, note.kind) == (1, "revoked") for note in left.notes)


async def test_a_revoked_certificate_for_another_address(make: Callable[..., World]) -> None:
    """What is worse decides; a reason that was there before stays where the rest is unknown."""
    world = make(points(CRL), address="mallory@example.net")
    assert (await world.opened("soft", GONE(world))).cause is Cause.REVOKED
    found = await world.opened("hard")
    assert (found.result, found.cause) == (Result.POLICY, Cause.OTHER_IDENTITY)
    assert "not known" in found.reason
    assert (await world.opened("soft")).reason == (await world.opened("off")).reason


async def test_nobody_is_asked_about_a_path_without_an_anchor(world: World, pki: Any) -> None:
    message = parse(world.message())
    context = make_context(header=message.header, at=world.now, anchors=[pki.alice["ed25519"].certificate])
    opened = open_part(message.root, context)
    assert isinstance(opened, Opened)  # and no awaitable: there is nothing to wait for
    assert opened.results[0].cause is Cause.UNTRUSTED


OPENER = Registered(
    Opener(name="smime", methods=("smime",), content_types=CONTENT_TYPES, open=open_part), "smime", "smime", "1"
)


class _Fetcher:
    """Answers after a while, or never."""

    def __init__(self, documents: Mapping[str, bytes], *, hang: bool = False) -> None:
        self._documents, self._hang = documents, hang
        self.asked: list[str] = []

    async def fetch(self, url: str, *, data: bytes | None = None, limit: int = 1 << 20) -> Fetched:
        self.asked.append(url)
        if self._hang:
            await asyncio.sleep(60)
        if url not in self._documents:
            raise FetchError(f"{url} is not there")
        return Fetched(url, 200, "application/pkix-crl", self._documents[url])


def runner(world: World, fetcher: Any, mode: str = "hard", **options: Any) -> Runner:
    services = Services(make_resolver(), fetcher=fetcher, trust=StaticTrust([world.root.certificate]))
    return Runner([], [OPENER], services=services, settings={"smime": Settings(revocation=mode)}, **options)


async def test_in_the_pipeline(world: World) -> None:
    """The document is kept as evidence, and the check can be repeated from it without a network."""
    fetcher = _Fetcher({CRL: world.crl(world.now - DAY)})
    report = await runner(world, fetcher).check(parse(world.message()))
    (result,) = report.results
    assert (result.result, result.cause) == (Result.FAIL, Cause.REVOKED)
    assert report.verdict.level == "failed"
    assert fetcher.asked == [CRL]
    recorded = load(keep(report))
    again = Runner(
        [], [OPENER], services=recorded.services, settings={"smime": Settings()}, conditions=recorded.conditions
    )
    (repeated,) = (await again.check(parse(world.message()), moment=recorded.moment)).results
    assert (repeated.result, repeated.cause, repeated.reason) == (result.result, result.cause, result.reason)
    assert any(isinstance(one, CertificatePath) for one in repeated.evidence)


@pytest.mark.parametrize(("mode", "level"), [("soft", "verified"), ("hard", "warning")])
async def test_somebody_who_never_answers(world: World, mode: str, level: str) -> None:
    """The rest of the time is enough for the result."""
    report = await runner(world, _Fetcher({}, hang=True), mode, timeout=2.0).check(parse(world.message()))
    (result,) = report.results
    assert "nobody answered in time" in result.reason
    assert report.verdict.level == level


def test_settings() -> None:
    with pytest.raises(ValueError, match="revocation must be one of off, soft, hard"):
        Settings(revocation="maybe")
