"""The protector: what it signs, what it leaves, and what it refuses."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mailsec.crypto import MemoryKeyRing, PrivateKey
from mailsec.crypto.issue import issue
from mailsec.errors import UsageError
from mailsec.hooks import Protection, Result
from mailsec.message import parse
from mailsec.testing import make_context
from mailsec_smime.protecting import protect
from mailsec_smime.settings import Settings

MESSAGE = (
    b"Received: from a\n\tby b\nFrom: Alice <alice@example.org>\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\n"
    b"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\nX-Own: 1\n\nHello\n"
)
SIGN = Protection(sign=True, author="alice@example.org")


@pytest.mark.parametrize("kind", ["rsa", "p256", "p384", "ed25519"])
@pytest.mark.parametrize("opaque", [False, True])
@pytest.mark.parametrize(("digest", "header"), [("sha256", True), ("sha512", False)])
def test_signed_messages_open(pki: Any, open_message: Any, kind: str, opaque: bool, digest: str, header: bool) -> None:
    """RFC 8551 section 3.5, and RFC 9788 section 5.2 with the header."""
    context = make_context(keys=pki.keyring(kind), settings=Settings(opaque=opaque, digest=digest))
    octets = protect(parse(MESSAGE), replace(SIGN, header_protection=header), context)
    message = parse(octets)
    assert [field.name for field in message.header][:5] == ["Received", "From", "Subject", "X-Own", "MIME-Version"]
    assert message.header[0].raw == b"Received: from a\r\n\tby b\r\n"
    assert octets.count(b"\n") == octets.count(b"\r\n")
    assert octets.isascii()
    opened = open_message(octets)
    assert [(result.result, result.cause) for result in opened.results] == [(Result.PASS, None)]
    fields = (
        b"From: Alice <alice@example.org>\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\nX-Own: 1\r\n" if header else b""
    )
    assert bytes(opened.octets) == (
        fields
        + b"Content-Type: text/plain; charset=utf-8"
        + (b';\r\n hp="clear"' if header else b"")
        + b"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nHello\r\n"
    )
    if not opaque:
        micalg = "sha-512" if kind == "ed25519" or digest == "sha512" else "sha-256"
        assert message.root.media.params["micalg"] == micalg
    else:
        assert message.root.media.params["smime-type"] == "signed-data"


def test_the_same_message_gives_the_same_octets(pki: Any, now: Any) -> None:
    """With RSASSA-PKCS1-v1_5 and Ed25519, which are deterministic."""
    context = make_context(keys=pki.keyring("rsa"), at=now)
    assert protect(parse(MESSAGE), SIGN, context) == protect(parse(MESSAGE), SIGN, context)


def test_without_a_wish_the_message_stays(pki: Any) -> None:
    context = make_context(keys=pki.keyring("rsa"))
    assert protect(parse(MESSAGE), Protection(), context) == MESSAGE


@pytest.mark.parametrize("body", [b"", b"\n", b"no line end", b"--\n-- \n\n\n", b"From here\n"])
def test_any_body_is_signed(pki: Any, open_message: Any, body: bytes) -> None:
    context = make_context(keys=pki.keyring("ed25519"))
    opened = open_message(protect(parse(b"From: alice@example.org\n\n" + body), SIGN, context))
    assert [result.result for result in opened.results] == [Result.PASS]
    assert bytes(opened.octets).partition(b"\r\n\r\n")[2] == body.replace(b"\n", b"\r\n")


@pytest.mark.parametrize(
    ("message", "protection", "kind", "words"),
    [
        pytest.param(MESSAGE, Protection(sign=True, encrypt=True), "rsa", "nobody to encrypt to", id="encrypt"),
        pytest.param(MESSAGE, Protection(encrypt=True), "rsa", "nobody to encrypt to", id="encrypt only"),
        pytest.param(MESSAGE, Protection(sign=True, author="bob@example.org"), "rsa", "no key .*bob@", id="no key"),
        pytest.param(MESSAGE, SIGN, "mallory", "no key .*alice@", id="a key of another address"),
        pytest.param(MESSAGE, SIGN, "expired", "valid now", id="expired certificate"),
        pytest.param(b"Subject: x\n\nx", Protection(sign=True), "rsa", "one author", id="no author"),
        pytest.param(b"From: a@b, c@d\n\nx", Protection(sign=True), "rsa", "one author", id="two authors"),
        pytest.param(MESSAGE + b"\xe4", SIGN, "rsa", "8-bit", id="8-bit content"),
        pytest.param(MESSAGE + b"\0", SIGN, "rsa", "8-bit", id="NUL"),
        pytest.param(MESSAGE + b"x" * 999, SIGN, "rsa", "998", id="long line"),
        pytest.param(MESSAGE + b"x\rx", SIGN, "rsa", "CR", id="bare CR"),
    ],
)
def test_what_cannot_be_done_is_refused(
    pki: Any, message: bytes, protection: Protection, kind: str, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        protect(parse(message), protection, make_context(keys=pki.keyring(kind)))


@pytest.mark.parametrize("body", [b"\xe4\xf6", b"x" * 2000, b"a\rb"])
def test_opaque_signatures_take_any_octets(pki: Any, open_message: Any, body: bytes) -> None:
    context = make_context(keys=pki.keyring("rsa"), settings=Settings(opaque=True))
    octets = protect(parse(MESSAGE + body), SIGN, context)
    assert octets.isascii()
    opened = open_message(octets)
    assert bytes(opened.octets).endswith(body)
    assert opened.results[0].result is Result.PASS


def test_the_certificate_that_is_valid_longest_signs(pki: Any, open_message: Any) -> None:
    keys = MemoryKeyRing()
    for kind in ("expired", "rsa", "mallory"):
        keys.add_file(pki.alice[kind].to_pem())
    opened = open_message(protect(parse(MESSAGE), SIGN, make_context(keys=keys)))
    assert opened.results[0].result is Result.PASS


@pytest.mark.parametrize("arguments", [{"digest": "sha1"}, {"capabilities": ["rot13"]}])
def test_settings_are_checked(arguments: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="|".join(arguments)):
        Settings(**arguments)


def test_a_signing_time_is_only_a_claim(pki: Any, open_message: Any, now: Any) -> None:
    """A certificate that has expired since does not get better by a signing time within its period."""
    context = make_context(keys=pki.keyring("rsa"), at=now)
    octets = protect(parse(MESSAGE), SIGN, context)
    (result,) = open_message(octets, at=now + timedelta(days=400)).results
    assert (str(result.result), str(result.cause)) == ("policy", "not-valid")


@pytest.mark.parametrize("kind", ["ml-dsa-44", "ml-dsa-65", "ml-dsa-87"])
@pytest.mark.parametrize("opaque", [False, True])
def test_ml_dsa_signs_where_the_settings_allow_it(
    pki: Any, now: Any, open_message: Any, kind: Any, opaque: bool
) -> None:
    """RFC 9882; without the setting another key of the author signs, and where there is none, nobody."""
    key = PrivateKey.generate(kind)
    end = now + timedelta(days=99)  # the longest validity, by which keys of other kinds would be chosen
    issued = issue(pki.authority, "alice@example.org", not_before=now, not_after=end, key=key)
    keys = MemoryKeyRing()
    keys.add_file(issued.to_pem())
    with pytest.raises(UsageError, match="the setting ml_dsa"):
        protect(parse(MESSAGE), SIGN, make_context(keys=keys, at=now))
    for name in ("rsa", "p256"):
        keys.add_file(pki.alice[name].to_pem())
    for allowed in (True, False):
        context = make_context(keys=keys, settings=Settings(ml_dsa=allowed, opaque=opaque), at=now)
        (result,) = open_message(protect(parse(MESSAGE), SIGN, context), at=now).results
        assert result.result is Result.PASS
        assert any(kind in str(fact).lower() for fact in result.evidence) is allowed
