"""Messages signed and encrypted in every form, with their header fields (RFC 8551 section 3, RFC 9788 section 5)."""

from __future__ import annotations

import re
from base64 import encodebytes
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from mailsec.crypto import MemoryKeyRing, PrivateKey
from mailsec.crypto.issue import issue
from mailsec.errors import UsageError
from mailsec.hooks import Form, Protection, Result
from mailsec.message import parse
from mailsec.message.compose import Draft, attachment
from mailsec.pipeline import FieldState
from mailsec.testing import TestContext, make_context
from mailsec_smime.protecting import protect
from mailsec_smime.settings import Settings

U, S, E, SE = FieldState
ALICE, BOB = "alice@example.org", "bob@example.com"


@pytest.fixture(scope="session")
def people(pki: Any, now: datetime) -> dict[str, Any]:
    """Recipients, by what there is about them."""

    def person(address: str, **how: Any) -> Any:
        times = {"not_before": now - timedelta(days=1), "not_after": now + timedelta(days=30)}
        return issue(how.pop("authority", pki.authority), address, **{**times, **how})

    key = PrivateKey.generate("rsa")
    return {
        "rsa": person(BOB, key=key),
        "ec": person("carol@example.com", key=PrivateKey.generate("ec"), usage=("digitalSignature", "keyAgreement")),
        "signs": person("dora@example.com", key=key, usage=("digitalSignature",)),
        "expired": person("erich@example.com", key=key, not_after=now - timedelta(hours=1)),
        "unknown issuer": person("fritz@example.com", key=key, authority=None),
        "ed25519": person("gerda@example.com", key=PrivateKey.generate("ed25519")),
        "encrypts": person("heinz@example.com", key=key, usage=("keyEncipherment",)),
        "x25519": person("ida@example.com", key=PrivateKey.generate("x25519"), usage=("keyAgreement",)),
        "ml-kem": person("jan@example.com", key=PrivateKey.generate("ml-kem-768"), usage=("keyEncipherment",)),
    }


def ring(*issued: Any) -> MemoryKeyRing:
    keys = MemoryKeyRing()
    for one in issued:
        keys.add_file(one.to_pem())
    return keys


@pytest.fixture
def desk(pki: Any, people: dict[str, Any], now: datetime) -> TestContext:
    """Alice's: her key, and the certificates of all whom she knows."""
    certificates = [one.certificate for one in people.values()]
    return make_context(keys=pki.keyring("rsa"), anchors=pki.anchors, recipients=certificates, at=now)


DRAFT = Draft(
    author="Alice Example <alice@example.org>",
    to="Bob Tester <bob@example.com>",
    subject="Grüße aus der Küche",
    date=datetime.fromisoformat("2026-05-01T09:12:00+02:00"),
    message_id="<1@example.org>",
    plain="Dear Bob,\n\nthe soup is ready.\n",
    html="<html><body><p>Dear Bob,</p><p>the soup is ready.</p></body></html>",
    fields=(("Keywords", "Soup"), ("Reply-To", "kitchen@example.org")),
)
MESSAGE = DRAFT.compose()


def wanted(form: Form, *recipients: str, **more: Any) -> Protection:
    return Protection(form.signs, form.encrypts, ALICE, recipients or (BOB,), form, **more)


KINDS = {
    Form.CLEAR: ["multipart/signed"],
    Form.OPAQUE: ["signed-data"],
    Form.ENCRYPTED: ["authEnveloped-data"],
    Form.SIGNED_ENCRYPTED: ["authEnveloped-data", "signed-data"],
    Form.ENCRYPTED_SIGNED: ["multipart/signed", "authEnveloped-data"],
    Form.TRIPLE: ["multipart/signed", "authEnveloped-data", "signed-data"],
}
STATES = {
    Form.CLEAR: (S, S),
    Form.OPAQUE: (S, S),
    Form.ENCRYPTED: (E, U),
    Form.SIGNED_ENCRYPTED: (SE, S),
    Form.ENCRYPTED_SIGNED: (E, U),
    Form.TRIPLE: (SE, S),
}


def wrapping(part: Any) -> str:
    return part.media.params.get("smime-type", part.content_type)  # type: ignore[no-any-return]


@pytest.mark.parametrize("form", Form)
async def test_each_form_is_read_by_its_recipient(
    form: Form, desk: TestContext, people: dict[str, Any], check: Callable[..., Any]
) -> None:
    """What was asked for is what is there: the layers, the state of each field, the verdict."""
    octets = protect(parse(MESSAGE), wanted(form), desk)
    assert octets.isascii()
    assert octets.count(b"\n") == octets.count(b"\r\n") == octets.count(b"\r")
    report = await check(octets, keys=ring(people["rsa"]))
    assert [wrapping(layer.opened) for layer in report.layers[1:]] == KINDS[form]
    subject, to = STATES[form]
    states = {one.field.key: one.state for one in report.shown}
    assert {states["subject"], states["keywords"]} == {subject}
    assert {states[name] for name in ("from", "to", "date", "message-id", "reply-to")} == {to}
    assert report.shown.subject == "Grüße aus der Küche"
    outer = parse(octets)
    assert outer.subject == ("[...]" if form.encrypts else "Grüße aus der Küche")
    assert (outer.header.first("keywords") is None) == form.encrypts
    expected = "verified" if form.signs else "unauthenticated"
    assert str(report.verdict.level) == expected
    if to is S:
        assert report.verdict.sentence == "alice@example.org signed the whole body and its header."
    plain = next(part for part in report.layers[-1].message.walk() if part.content_type == "text/plain")
    assert plain.text.endswith("the soup is ready.\n")


@pytest.mark.parametrize("form", Form)
async def test_without_header_protection_nothing_is_said_of_the_header(
    form: Form, desk: TestContext, people: dict[str, Any], check: Callable[..., Any]
) -> None:
    octets = protect(parse(MESSAGE), wanted(form, header_protection=False), desk)
    assert parse(octets).subject == "Grüße aus der Küche"
    report = await check(octets, keys=ring(people["rsa"]))
    assert report.shown.scheme is None
    assert {one.state for one in report.shown} == {U}
    if form.signs:
        assert "Subject, Date, To and Reply-To are not covered" in report.verdict.sentence


@pytest.mark.parametrize("form", [Form.ENCRYPTED, Form.TRIPLE])
async def test_the_writer_can_read_it_again(form: Form, desk: TestContext, pki: Any, check: Callable[..., Any]) -> None:
    report = await check(protect(parse(MESSAGE), wanted(form), desk), keys=pki.keyring("rsa"))
    assert report.shown.subject == "Grüße aus der Küche"


async def test_nobody_else_can(desk: TestContext, people: dict[str, Any], check: Callable[..., Any]) -> None:
    report = await check(protect(parse(MESSAGE), wanted(Form.TRIPLE), desk), keys=ring(people["ec"]))
    assert report.shown.scheme is None
    assert "not encrypted to any of your keys" in report.verdict.sentence
    assert b"soup" not in bytes(report.message)


@pytest.mark.parametrize("kind", ["rsa", "ec"])
@pytest.mark.parametrize("form", [Form.ENCRYPTED, Form.SIGNED_ENCRYPTED])
def test_openssl_decrypts(
    openssl: Callable[..., bytes], desk: TestContext, people: dict[str, Any], tmp_path: Any, kind: str, form: Form
) -> None:
    """RFC 8551 section 3.3: another program reads what we wrote."""
    bob = people[kind]
    (tmp_path / "bob.pem").write_bytes(bob.certificate.to_pem())
    (tmp_path / "bob.key").write_bytes(bob.key.to_pem())
    context = replace(desk, settings=Settings(capabilities=("aes256-cbc",)))
    octets = protect(parse(MESSAGE), wanted(form, bob.certificate.emails[0]), context)
    assert wrapping(parse(octets).root) == "enveloped-data"
    files = ("-recip", str(tmp_path / "bob.pem"), "-inkey", str(tmp_path / "bob.key"))
    inner = parse(openssl("cms", "-decrypt", *files, stdin=octets).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
    if form is Form.SIGNED_ENCRYPTED:
        assert wrapping(inner.root) == "signed-data"
    else:
        assert inner.root.media.params["hp"] == "cipher"
        assert inner.subject == "Grüße aus der Küche"


@pytest.mark.parametrize("kind", ["ec", "encrypts", "x25519", "ml-kem"])
async def test_keys_that_encrypt(desk: TestContext, people: dict[str, Any], kind: str, check: Any) -> None:
    """RFC 8550 section 4.4.2: a certificate for encryption alone is none for signing, and will do."""
    (address,) = people[kind].certificate.emails
    octets = protect(parse(MESSAGE), wanted(Form.ENCRYPTED, address), desk)
    report = await check(octets, keys=ring(people[kind]))
    assert [layer.reached for layer in report.layers[1:]] == ["encrypted"]


def test_a_certificate_that_is_trusted_for_its_address_alone(desk: TestContext, people: dict[str, Any]) -> None:
    trusted = people["unknown issuer"].certificate
    wants = wanted(Form.ENCRYPTED, "fritz@example.com")
    his = replace(desk, trust=OneAddress(desk.trust.anchors(), "fritz@example.com", trusted))
    assert b"smime-type=authEnveloped-data" in protect(parse(MESSAGE), wants, his)
    hers = replace(desk, trust=OneAddress(desk.trust.anchors(), "zoe@example.com", trusted))
    with pytest.raises(UsageError, match="fritz@"):
        protect(parse(MESSAGE), wants, hers)


@dataclass
class OneAddress:
    """Trusts anchors, and one certificate for one address."""

    known: Sequence[Any]
    address: str
    certificate: Any

    def anchors(self) -> Sequence[Any]:
        return self.known

    def trusted_for(self, address: str) -> Sequence[Any]:
        return (self.certificate,) if address == self.address else ()


REFUSED = {
    "nobody": ((), "nobody to encrypt to"),
    "not known": (("zoe@example.com",), r"zoe@example.com \(none is known\)"),
    "only for signatures": (("dora@example.com",), r"dora@.* not for encryption"),
    "a key that cannot": (("gerda@example.com",), r"gerda@.* not for encryption"),
    "expired": (("erich@example.com",), r"erich@"),
    "of nobody's authority": (("fritz@example.com",), r"fritz@"),
    "two of three": (("zoe@example.com", BOB, "dora@example.com"), r"zoe@.*dora@"),
}


@pytest.mark.parametrize(("recipients", "words"), REFUSED.values(), ids=REFUSED)
@pytest.mark.parametrize("form", [Form.ENCRYPTED, Form.SIGNED_ENCRYPTED])
def test_a_recipient_without_certificate(
    desk: TestContext, recipients: tuple[str, ...], words: str, form: Form
) -> None:
    """Never silently less protection: all of them are named, and nothing leaves."""
    with pytest.raises(UsageError, match=words) as caught:
        protect(parse(MESSAGE), replace(wanted(form), recipients=recipients), desk)
    assert "must not be sent" in str(caught.value)
    assert BOB not in str(caught.value)


@pytest.mark.parametrize(
    ("announced", "kind"),
    [
        ({}, "authEnveloped-data"),
        ({BOB: ("aes128-gcm", "aes128-cbc")}, "authEnveloped-data"),
        ({BOB: ("aes128-cbc",)}, "enveloped-data"),
        ({BOB: ("aes128-gcm",), ALICE: ("aes256-cbc",)}, ""),
    ],
)
def test_the_cipher_is_one_that_all_understand(
    desk: TestContext, pki: Any, people: dict[str, Any], announced: Any, kind: str, now: datetime
) -> None:
    """RFC 8551 section 2.7.1."""
    certificates = [people["rsa"].certificate]
    context = make_context(
        keys=pki.keyring("rsa"), anchors=pki.anchors, recipients=certificates, capabilities=announced, at=now
    )
    if kind:
        assert wrapping(parse(protect(parse(MESSAGE), wanted(Form.ENCRYPTED), context)).root) == kind
    else:
        with pytest.raises(UsageError, match="understood by all"):
            protect(parse(MESSAGE), wanted(Form.ENCRYPTED), context)


@pytest.mark.parametrize(
    ("policy", "author", "to", "date", "subject", "keywords"),
    [
        ("baseline", "Alice Example <alice@example.org>", "Bob Tester <bob@example.com>", "+0200", "[...]", False),
        ("shy", "alice@example.org", "bob@example.com", "+0000", "[...]", False),
        ("none", "Alice Example <alice@example.org>", "Bob Tester <bob@example.com>", "+0200", "Grüße", True),
    ],
)
async def test_the_confidentiality_policies(
    desk: TestContext, people: Any, check: Any,
    policy: Any, author: str, to: str, date: str, subject: str, keywords: bool,
) -> None:  # fmt: skip
    """RFC 9788 section 3.2, and HP-Outer tells them (section 2.2)."""
    octets = protect(parse(MESSAGE), wanted(Form.SIGNED_ENCRYPTED, confidentiality=policy), desk)
    outer = parse(octets).header
    assert outer.first("from").value == author  # type: ignore[union-attr]
    assert outer.first("to").value == to  # type: ignore[union-attr]
    assert outer.first("date").value.endswith(date)  # type: ignore[union-attr]
    assert outer.first("subject").value.startswith(subject)  # type: ignore[union-attr]
    assert (outer.first("keywords") is not None) is keywords
    report = await check(octets, keys=ring(people["rsa"]))
    told = [(name.lower(), " ".join(value.split())) for name, value in report.shown.outside]
    assert told == [(one.key, " ".join(one.value.split())) for one in outer if one.key not in STRUCTURE]
    assert report.shown.authors[0].display_name == "Alice Example"
    assert {one.field.key for one in report.shown if one.state is SE} == {
        *(("subject", "keywords") if policy != "none" else ()),
        *(("from", "to", "date") if policy == "shy" else ()),
    }


STRUCTURE = {"mime-version", "content-type", "content-transfer-encoding", "content-disposition"}


async def test_more_fields_stay_inside(desk: TestContext, people: Any, check: Any) -> None:
    """RFC 9788 section 6.1: what was confidential in the message that is answered."""
    protection = wanted(Form.SIGNED_ENCRYPTED, hidden=frozenset({"Message-ID", "Reply-To"}))
    octets = protect(parse(MESSAGE), protection, desk)
    assert parse(octets).message_id == ""
    report = await check(octets, keys=ring(people["rsa"]))
    assert {one.field.key for one in report.shown if one.state is SE} >= {"message-id", "reply-to"}
    with pytest.raises(ValueError, match="needs the header field from"):
        wanted(Form.SIGNED_ENCRYPTED, hidden=frozenset({"From"}))


@pytest.mark.parametrize("legacy", [True, False])
async def test_legacy_display_elements(desk: TestContext, people: Any, check: Any, legacy: bool) -> None:
    """RFC 9788 sections 5.2.2 to 5.2.4: in each form of the text, and in no attachment."""
    draft = replace(DRAFT, attachments=(attachment(b"Subject: x", "a.txt", "text/plain"),)).compose()
    octets = protect(parse(draft), wanted(Form.SIGNED_ENCRYPTED, legacy_display=legacy), desk)
    report = await check(octets, keys=ring(people["rsa"]))
    plain, page, attached = (part for part in report.layers[-1].message.walk() if part.media.type == "text")
    element = "Subject: Grüße aus der Küche\nKeywords: Soup\n"
    assert plain.text.startswith(f"{element}\nDear Bob") is legacy
    assert (
        f'<body>\n<div class="header-protection-legacy-display">\n<pre>{element.rstrip()}</pre>' in page.text
    ) is legacy
    assert [("hp-legacy-display" in part.media.params) for part in (plain, page, attached)] == [legacy, legacy, False]
    assert attached.text == "Subject: x"


def test_what_is_only_signed_has_no_display_element(desk: TestContext) -> None:
    octets = protect(parse(MESSAGE), wanted(Form.CLEAR), desk)
    assert b"legacy-display" not in octets
    assert b"HP-Outer" not in octets


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(b"From: alice@example.org\r\nContent-Type: multipart/signed; boundary=b\r\n\r\nx", id="signed"),
        pytest.param(b"From: alice@example.org\r\nContent-Type: application/pkcs7-mime\r\n\r\nx", id="encrypted"),
        pytest.param(
            b'From: alice@example.org\r\nContent-Type: text/plain; charset="\r\n\r\nx', id="a quote left open"
        ),
        pytest.param(b"From: alice@example.org\r\nContent-Type: text/plain; hp=no\r\n\r\nx", id="another hp"),
    ],
)
def test_a_header_that_cannot_be_protected(desk: TestContext, message: bytes) -> None:
    """RFC 9788 section 5: the parameter stands at the root of the payload, where everybody reads it alike."""
    with pytest.raises(UsageError, match="header cannot be protected"):
        protect(parse(message), wanted(Form.OPAQUE), desk)


def test_servers_fields_and_blind_copies_are_not_the_writers(desk: TestContext) -> None:
    added = b"Received: from a by b\r\nBcc: zoe@example.com\r\nHP-Outer: Subject: x\r\n"
    octets = protect(parse(added + MESSAGE), wanted(Form.CLEAR), desk)
    payload = parse(octets).root.children[0].header
    assert not {"received", "bcc", "hp-outer"} & {field.key for field in payload}
    assert parse(octets).header[0].name == "Received"


@pytest.mark.parametrize("fault", ["sign", "encrypt"])
def test_a_form_that_says_something_else(fault: str) -> None:
    with pytest.raises(ValueError, match="does not go with"):
        Protection(sign=fault != "sign", encrypt=fault != "encrypt", form=Form.TRIPLE)


async def test_encrypted_in_an_unauthenticated_mode(desk: TestContext, people: Any, check: Any) -> None:
    """Nothing shows changes of it: at most unauthenticated, saying so."""
    context = replace(desk, settings=Settings(capabilities=("aes256-cbc",)))
    octets = protect(parse(MESSAGE), wanted(Form.ENCRYPTED_SIGNED), context)
    report = await check(octets, keys=ring(people["rsa"]))
    assert str(report.verdict.level) == "unauthenticated"
    assert "does not show changes" in report.verdict.sentence
    octets = protect(parse(MESSAGE), wanted(Form.SIGNED_ENCRYPTED), context)
    assert str((await check(octets, keys=ring(people["rsa"]))).verdict.level) == "verified"


async def test_there_is_one_error_for_all_that_depends_on_a_key(desk: TestContext, people: Any, check: Any) -> None:
    """Rule of trust 4: a wrong key and a changed content end alike."""
    octets = protect(parse(MESSAGE), wanted(Form.ENCRYPTED), desk)
    header, _, body = octets.partition(b"\r\n\r\n")
    changed = parse(octets).root.content
    sentences = set()
    encrypted_keys = [found.end() + 40 for found in re.finditer(rb"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", changed)]
    for places in ([len(changed) - 1], [len(changed) - 40], encrypted_keys):
        flipped = bytearray(changed)
        for at in places:
            flipped[at] ^= 1
        report = await check(header + b"\r\n\r\n" + encodebytes(bytes(flipped)), keys=ring(people["rsa"]))
        assert len(report.layers) == 1
        (result,) = report.results
        assert (result.result, result.coverage) == (Result.NEUTRAL, None)
        sentences.add(result.reason)
    assert body
    assert len(sentences) == 1
