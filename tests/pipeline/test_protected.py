"""The header that is shown: RFC 9788 section 4, with layers and results as openers give them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mailsec.hooks import AuthResult, Cause, Coverage, Opened, Opener, Result
from mailsec.message import parse
from mailsec.pipeline import FieldState, Report, Runner

U, S, E, SE = FieldState

OUTER = (
    b"From: alice@example.org\r\nTo: bob@example.com\r\nSubject: [...]\r\nDate: Fri, 1 May 2026 12:00:00 +0000\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: application/x-wrap\r\n\r\n"
)
FIELDS = (
    b"From: Alice <alice@example.org>\r\nTo: bob@example.com\r\nSubject: Handling the Jones contract\r\n"
    b"Date: Fri, 1 May 2026 12:00:00 +0000\r\nKeywords: Urgent\r\n"
)
HP_OUTER = (
    b"HP-Outer: From: Alice\r\n <alice@example.org>\r\nHP-Outer: To: bob@example.com\r\nHP-Outer: Subject: [...]\r\n"
    b"HP-Outer: Date: Fri, 1 May 2026 12:00:00 +0000\r\n"
)
TEXT = b"Please review.\r\n"


def inner(hp: bytes = b'; hp="clear"', fields: bytes = FIELDS, kind: bytes = b"text/plain") -> bytes:
    return fields + b"Content-Type: " + kind + hp + b"\r\n\r\n" + TEXT


def signed(octets: bytes, signer: str = "alice@example.org", result: Result = Result.PASS) -> bytes:
    """A part that says to be signed; the opener of these tests believes it."""
    return b"Content-Signed: %b %b\r\nContent-Type: application/x-wrap\r\n\r\n%b" % (
        signer.encode(),
        result.encode(),
        octets,
    )


def encrypted(octets: bytes) -> bytes:
    return b"Content-Type: application/x-wrap\r\n\r\n" + octets


def unwrap(part: Any, context: Any) -> Opened:
    octets = part.content
    field = part.header.first("content-signed")
    if field is None:
        return Opened(
            octets,
            "encrypted",
            (
                AuthResult(
                    "smime",
                    Result.NONE,
                    properties={"policy.encryption": "authenticated"},
                    coverage=Coverage(ranges=((0, len(octets)),)),
                ),
            ),
        )
    signer, result = field.value.split()
    coverage = Coverage(ranges=((0, len(octets)),)) if result != "fail" else None
    cause = {"policy": Cause.OTHER_IDENTITY, "fail": Cause.DIGEST}.get(result)
    properties = {"body.smime-identifier": signer, "body.smime-part": "1"}
    return Opened(octets, "signed", (AuthResult("smime", Result(result), "", cause, properties, coverage),))


OPENER = Opener(name="wrap", methods=("smime",), content_types=("application/x-wrap",), open=unwrap)


@pytest.fixture
def check(make_runner: Callable[..., Runner]) -> Callable[..., Any]:
    async def run(wrapped: bytes, outer: bytes = OUTER) -> Report:
        """Checks a message whose body and Content fields are those of `wrapped`."""
        kept = outer.removesuffix(b"Content-Type: application/x-wrap\r\n\r\n")
        return await make_runner(OPENER).check(parse(kept + wrapped))

    return run


def states(report: Report) -> dict[str, FieldState]:
    return {one.field.key: one.state for one in report.shown}


ALL = ("from", "to", "subject", "date", "keywords")
CIPHER = inner(b'; hp="cipher"', FIELDS + HP_OUTER)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(signed(inner()), (S, S, S, S, S), id="signed"),
        pytest.param(encrypted(signed(CIPHER)), (S, S, SE, S, SE), id="signed, then encrypted"),
        pytest.param(encrypted(CIPHER), (U, U, E, U, E), id="encrypted only"),
        pytest.param(encrypted(signed(inner())), (S, S, S, S, S), id="encrypted on the way (10.2)"),
        pytest.param(signed(CIPHER), (S, S, S, S, S), id="says to be encrypted and is not (2.1.1)"),
        pytest.param(signed(inner(fields=FIELDS + HP_OUTER)), (S, S, S, S, S), id="HP-Outer in signed-only (2.2)"),
        pytest.param(encrypted(signed(inner(b"; hp=cipher"))), (SE, SE, SE, SE, SE), id="all removed outside (2.2)"),
        pytest.param(encrypted(signed(inner(b"; HP=CIPHER"))), (SE, SE, SE, SE, SE), id="in capitals (RFC 2045, 5.1)"),
        pytest.param(encrypted(signed(CIPHER, result=Result.FAIL)), (U, U, E, U, E), id="broken signature (4.3.1)"),
        pytest.param(signed(inner(), result=Result.FAIL), (U, U, U, U, U), id="broken, not encrypted"),
        pytest.param(signed(inner(), "bob@example.com", Result.POLICY), (U, U, U, U, U), id="signed by somebody else"),
        pytest.param(signed(encrypted(CIPHER)), (U, U, E, U, E), id="a signature over what is encrypted"),
        pytest.param(signed(encrypted(signed(CIPHER))), (S, S, SE, S, SE), id="triple wrap"),
    ],
)  # fmt: skip
async def test_the_state_of_each_field(
    check: Callable[..., Any], message: bytes, expected: tuple[FieldState, ...]
) -> None:
    """RFC 9788 section 4.3.1."""
    report = await check(message)
    assert states(report) == dict(zip(ALL, expected, strict=True))
    assert report.shown.subject == "Handling the Jones contract"
    assert report.shown.scheme == "rfc9788"


@pytest.mark.parametrize(
    ("value", "state"),
    [
        (b"Handling the Jones contract", S),
        (b"Handling the\r\n Jones contract", S),
        (b"=?utf-8?q?Handling_the_Jones_contract?=", S),
        (b"handling the Jones contract", SE),
        (b"Handling the Jones contract!", SE),
    ],
)
async def test_what_was_outside_is_not_confidential(check: Callable[..., Any], value: bytes, state: FieldState) -> None:
    """RFC 9788 section 4.2.1: however it is folded or encoded there."""
    octets = inner(b"; hp=cipher", FIELDS + b"hp-outer: SUBJECT: " + value + b"\r\n")
    assert states(await check(encrypted(signed(octets))))["subject"] is state


WITHOUT = {
    "no parameter": signed(inner(b"")),
    "another value": signed(inner(b"; hp=yes")),
    "on the layer, not on the payload": signed(inner(b"")).replace(b"x-wrap", b'x-wrap; hp="clear"'),
    "on a part of the payload": signed(
        b"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + inner() + b"--b--\r\n"
    ),
    "on a part that is signed beside others": b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
    + signed(inner())
    + b"\r\n--b\r\n\r\nfooter\r\n--b--\r\n",
    "in a message inside": b"Content-Type: message/rfc822\r\n\r\nFrom: a@example.org\r\n" + signed(inner()),
    "not wrapped in anything": inner(),
    "on a layer that cannot be opened": signed(inner(kind=b"application/pkcs7-mime")),
    "on a layer of another kind": signed(inner(kind=b"multipart/encrypted")),
}


@pytest.mark.parametrize("message", WITHOUT.values(), ids=WITHOUT)
async def test_header_fields_that_are_not_the_messages(check: Callable[..., Any], message: bytes) -> None:
    """RFC 9788 section 4.1: the parameter counts at the root of the payload and nowhere else."""
    report = await check(message)
    assert report.shown.scheme is None
    assert report.shown.subject == "[...]" or not report.layers[1:]
    assert set(states(report).values()) == {U}
    assert "header" not in report.verdict.sentence.lower().replace("header section", "")


async def test_a_field_that_is_only_outside_is_not_protected(check: Callable[..., Any]) -> None:
    """RFC 9788 section 4, and section 6.2: somebody added a Cc on the way."""
    report = await check(signed(inner()), b"Cc: mallory@example.net\r\n" + OUTER)
    assert states(report)["cc"] is U
    assert report.verdict.row == 7
    assert report.verdict.sentence == "alice@example.org signed the whole body; Cc is not covered."


async def test_the_outer_fields_do_not_count(check: Callable[..., Any]) -> None:
    """RFC 9788 section 4: the protected value is shown, whatever stands outside."""
    outer = OUTER.replace(b"[...]", b"Pay Mallory").replace(b"bob@", b"mallory@")
    report = await check(signed(inner()), outer)
    assert report.shown.subject == "Handling the Jones contract"
    assert [one.address for one in report.shown.addresses("to")] == ["bob@example.com"]  # type: ignore[union-attr]
    assert report.verdict.sentence == "alice@example.org signed the whole body and its header."


ALICE, MALLORY, BANK = "alice@example.org", "mallory@example.net", "bank@bank.example"
BOOKS = "a@bücher.example"


@pytest.mark.parametrize(
    ("outside", "inside", "signer", "shown", "warned"),
    [
        pytest.param(ALICE, ALICE, ALICE, ALICE, False, id="the same"),
        pytest.param("Alice@EXAMPLE.org", ALICE, ALICE, ALICE, False, id="in another case (4.4.5)"),
        pytest.param("a@xn--bcher-kva.example", BOOKS, BOOKS, BOOKS, False, id="A-label (4.4.5)"),
        pytest.param("list@lists.example", ALICE, ALICE, ALICE, False, id="a list outside (4.4.3)"),
        pytest.param(BANK, MALLORY, MALLORY, MALLORY, False, id="a bank's outside lends no trust"),
        pytest.param(BANK, MALLORY, BANK, BANK, True, id="signed by the one outside"),
        pytest.param(MALLORY, BANK, "", MALLORY, True, id="not signed (4.4.2)"),
        pytest.param(MALLORY, BANK, MALLORY, MALLORY, True, id="signed by another than the one inside"),
        pytest.param(MALLORY, "Alice: alice@example.org;", ALICE, MALLORY, True, id="a group inside"),
        pytest.param(ALICE, f"{ALICE}, {MALLORY}", ALICE, ALICE, True, id="one more inside"),
        pytest.param(f"{ALICE}, {MALLORY}", ALICE, ALICE, ALICE, False, id="one more outside"),
        pytest.param(ALICE, f'"{ALICE}" <{MALLORY}>', ALICE, ALICE, True, id="a display name inside is no address"),
        pytest.param(ALICE, "alice@@example.org", ALICE, ALICE, True, id="malformed inside"),
        pytest.param(ALICE, f"{ALICE}\r\nFrom: {MALLORY}", ALICE, ALICE, True, id="two From fields inside"),
        pytest.param(ALICE, "✔ Verified <mallory@example.net>", MALLORY, MALLORY, False, id="a check mark for a name"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("cipher", [False, True], ids=["signed", "encrypted"])
async def test_a_mismatch_of_from(
    check: Callable[..., Any], outside: str, inside: str, signer: str, shown: str, warned: bool, cipher: bool
) -> None:
    """RFC 9788 section 4.4: what is shown, and when the reader is warned, naming both."""
    fields = f"From: {inside}\r\nSubject: Tea\r\n".encode()
    payload = inner(b"; hp=cipher" if cipher else b"; hp=clear", fields)
    message = payload if not signer else signed(payload, signer)
    if cipher or not signer:
        message = encrypted(message)
    report = await check(message, f"From: {outside}\r\nContent-Type: application/x-wrap\r\n\r\n".encode())
    assert [one.address for one in report.shown.authors] == [shown]
    mismatch = report.shown.mismatch
    assert warned is (mismatch is not None and not mismatch.bound)
    verdict = report.verdict
    if warned:
        assert (verdict.row, verdict.level, verdict.identity) == (5, "warning", "")
        assert "From field inside it says" in verdict.sentence
    elif outside.count("@") == 1:
        assert (verdict.row, verdict.identity) == (7, signer)
        assert ("for which nobody vouches" in verdict.sentence) == (mismatch is not None)
    assert json.loads(report.to_json())["header"]["mismatch"] == (
        None if mismatch is None else {**_lists(mismatch), "bound": not warned}
    )


def _lists(mismatch: Any) -> dict[str, list[str]]:
    return {"outside": list(mismatch.outside), "inside": list(mismatch.inside)}


async def test_from_only_outside_is_not_protected(check: Callable[..., Any]) -> None:
    """RFC 9788 section 4: a field that is present only outside; the certificate vouches for it."""
    report = await check(signed(inner(fields=b"Subject: Tea\r\n")))
    assert states(report) == {"subject": S, "from": U, "to": U, "date": U}
    assert report.verdict.sentence == "alice@example.org signed the whole body; Date and To are not covered."


async def test_a_mismatch_does_not_hide_a_broken_signature(check: Callable[..., Any]) -> None:
    """Rows 2 to 4 come before; the sentence tells both."""
    report = await check(signed(inner(fields=b"From: mallory@example.net\r\n"), result=Result.FAIL))
    assert (report.verdict.row, report.verdict.level) == (2, "failed")
    assert "inside it says mallory@example.net" in report.verdict.sentence


def wrapped(parameters: bytes = b"", author: bytes = b"alice@example.org", hp: bytes = b"", more: bytes = b"") -> bytes:
    """The older scheme: the message is wrapped whole."""
    fields = FIELDS.replace(b"alice@example.org", author) + more
    return b"Content-Type: message/rfc822" + parameters + b"\r\n\r\n" + inner(hp, fields)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        pytest.param(signed(wrapped()), (S, S, S, S, S), id="signed"),
        pytest.param(encrypted(signed(wrapped())), (S, S, SE, S, SE), id="encrypted: what is not outside"),
        pytest.param(signed(wrapped(b"; forwarded=no")), (S, S, S, S, S), id="not forwarded"),
        pytest.param(encrypted(wrapped(more=b"HP-Outer: Keywords: Urgent\r\n")), (U, U, E, U, E), id="no HP-Outer"),
    ],
)  # fmt: skip
async def test_the_older_scheme(check: Callable[..., Any], message: bytes, expected: tuple[FieldState, ...]) -> None:
    """RFC 9788 section 4.10; the outer fields tell what was confidential."""
    outer = OUTER.replace(b"From: alice@example.org", b"From: Alice <alice@example.org>")
    report = await check(message, outer)
    assert states(report) == dict(zip(ALL, expected, strict=True))
    assert report.shown.scheme == "rfc8551"
    assert report.shown.body is not None
    assert report.shown.body.text == "Please review.\n"


MIXED = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"


@pytest.mark.parametrize(
    "message",
    [
        pytest.param(wrapped(b"; forwarded=yes"), id="forwarded"),
        pytest.param(wrapped(author=b"bob@example.net"), id="somebody else's: forwarded, too"),
        pytest.param(wrapped(b"; hp=no"), id="a parameter hp on the payload (4.10.1)"),
        pytest.param(wrapped(hp=b"; hp=clear"), id="a parameter hp on its child (4.10.1)"),
        pytest.param(b"Content-Type: message/rfc822\r\n\r\n" + inner(kind=b"multipart/signed"), id="protected itself"),
        pytest.param(MIXED + wrapped() + b"\r\n--b--\r\n", id="a part"),
    ],
)  # fmt: skip
async def test_a_forwarded_message_lends_no_header(check: Callable[..., Any], message: bytes) -> None:
    """RFC 9788 section 4.10.1, and what it leaves open: somebody else's message is a forwarded one."""
    report = await check(signed(message))
    assert report.shown.scheme is None
    assert report.shown.subject == "[...]"
    assert "Subject, Date and To are not covered" in report.verdict.sentence


async def test_what_a_reply_may_show_outside(check: Callable[..., Any]) -> None:
    """RFC 9788 section 4.2.1: only what the writer showed."""
    report = await check(encrypted(signed(CIPHER)))
    assert ("Subject", "[...]") in report.shown.outside
    assert "Keywords" not in dict(report.shown.outside)
    assert (await check(signed(CIPHER))).shown.outside == ()
    assert [one.field.key for one in report.shown if one.state.is_confidential] == ["subject", "keywords"]


async def test_the_json_tells_how_fields_are_protected(check: Callable[..., Any]) -> None:
    report = await check(encrypted(signed(CIPHER)))
    told = json.loads(report.to_json())
    assert told["header"]["protection"] == "rfc9788"
    assert told["header"]["layer"] == 2
    assert {"name": "Subject", "value": "Handling the Jones contract", "state": "signed-and-encrypted"} in (
        told["header"]["fields"]
    )
    assert set(told["results"][1]["covers"]["fields"]) >= {"from", "subject", "content-type"}
    assert (told["schema"], told["from"]) == (1, ["alice@example.org"])


async def test_a_signature_over_the_body_alone_protects_no_field(check: Callable[..., Any]) -> None:
    """Coverage is by octets: what it leaves out is not covered."""
    report = await check(signed(inner()))
    (result,) = report.results
    assert result.coverage is not None
    start = report.layers[1].body[0]
    partly = replace(result, coverage=replace(result.coverage, fields=(), ranges=((start, report.layers[1].body[1]),)))
    assert set(states(replace(report, results=(partly,))).values()) == {U}
