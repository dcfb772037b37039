"""What mail programs read in different ways: nobody is said to have signed the whole of it.

The table is of differences between programs: mutt ends the header section at a line that is no field, Python's email
and Thunderbird take a bare CR for a line end, Python counts the first of several Content-Type fields, others the last.
"""

from __future__ import annotations

from collections.abc import Callable
from email import message_from_bytes
from typing import Any

import pytest

from mailsec.hooks import AuthResult, Coverage, Opened, Opener, Result
from mailsec.message import parse
from mailsec.pipeline import Report, Runner

FROM = b"From: Alice <alice@example.org>\r\n"
SIGNED = b'Content-Type: multipart/signed; protocol="application/x-sign"; boundary="b"\r\n'
ENTITY = b"Content-Type: text/plain\r\n\r\nPay 10 to Bob.\r\n"
SIGNATURE = b"Content-Type: application/x-sign\r\nContent-Transfer-Encoding: base64\r\n\r\nxx==\r\n"
FALSE = b"Content-Type: text/plain\r\n\r\nPay 1000 to Mallory.\r\n"


def clear(
    header: bytes = FROM + SIGNED, *, before: bytes = b"", after: bytes = b"", signature: bytes = SIGNATURE
) -> bytes:
    return b"%b\r\n%b--b\r\n%b\r\n--b\r\n%b\r\n--b--\r\n%b" % (header, before, ENTITY, signature, after)


async def first_part(part: Any, context: Any) -> Opened:
    """Opens multipart/signed as S/MIME and OpenPGP do, with a signature by Alice that holds."""
    inner = bytes(part.children[0].octets)
    coverage = Coverage(ranges=((0, len(inner)),))
    properties = {"body.smime-identifier": "alice@example.org"}
    return Opened(inner, "signed", (AuthResult("smime", Result.PASS, properties=properties, coverage=coverage),))


OPENER = Opener(name="s", methods=("smime",), content_types=("multipart/signed",), open=first_part)


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(clear(), id="as everybody writes it"),
        pytest.param(clear().replace(b"\r\n", b"\n"), id="stored with LF"),
        pytest.param(clear(FROM + SIGNED.replace(b"; ", b";\r\n\t")), id="folded"),
        pytest.param(clear(FROM + SIGNED.replace(b'"', b"").replace(b"application/x-sign", b"x")), id="no quotes"),
        pytest.param(clear(before=b"This is a signed message.\r\n\r\n"), id="a preamble"),
        pytest.param(clear(after=b"\r\n-- \r\nThe list\r\n"), id="an epilogue"),
        pytest.param(
            clear(signature=SIGNATURE.replace(b"xx==", b"-----BEGIN PGP SIGNATURE-----\r\n\r\nxx==")), id="armour"
        ),
    ],
)
async def test_what_can_be_read_in_one_way(octets: bytes, make_runner: Callable[..., Runner]) -> None:
    report = await make_runner(OPENER).check(parse(octets))
    assert (report.verdict.row, report.verdict.identity) == (7, "alice@example.org")


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param(clear(FROM + b"Pay 1000 to Mallory.\r\n" + SIGNED), id="a line without a colon"),
        pytest.param(clear(FROM + b"Pay 1000 : to Mallory.\r\n" + SIGNED), id="white space in a field name"),
        pytest.param(clear(FROM + b"Pay : 1000\r\n" + SIGNED), id="white space before a colon"),
        pytest.param(clear(FROM + b"X: a\r\rPay 1000\r\n" + SIGNED), id="a blank line of bare CR"),
        pytest.param(clear(FROM + b"X: a\0b\r\n" + SIGNED), id="a NUL"),
        pytest.param(clear(FROM + b"Content-Type: text/plain\r\n" + SIGNED, before=FALSE), id="another type above"),
        pytest.param(
            clear(FROM + b"Content-Type: multipart/mixed; boundary=c\r\n" + SIGNED, before=b"--c\r\n" + FALSE),
            id="another boundary above",
        ),
        pytest.param(
            clear(FROM + SIGNED.replace(b'"b"', b"b; boundary=c"), before=b"--c\r\n" + FALSE), id="two boundaries"
        ),
        pytest.param(
            clear(FROM + SIGNED.replace(b'="b"', b"=c; boundary*=''b"), before=b"--c\r\n" + FALSE),
            id="a boundary of RFC 2231",
        ),
        pytest.param(clear(FROM + SIGNED.replace(b'"b"', b'"\\b"')), id="a boundary with an escape"),
        pytest.param(clear(FROM + SIGNED.replace(b'"b"', b"b (c)")), id="a boundary with a comment"),
        pytest.param(clear(FROM + SIGNED.replace(b"/", b" / ", 1), before=FALSE), id="a type with spaces"),
        pytest.param(clear(FROM + SIGNED.replace(b"/", b"/(c)", 1), before=FALSE), id="a type with a comment"),
        pytest.param(clear(FROM + b"Content-Transfer-Encoding: base64\r\n" + SIGNED), id="an encoded multipart"),
        pytest.param(clear(after=b"--b\r\n" + FALSE + b"--b--\r\n"), id="a part after the end"),
        pytest.param(clear(before=b"x\r--b\r" + FALSE), id="a delimiter after a bare CR"),
        pytest.param(clear(before=b"--b x\r\n" + FALSE), id="a delimiter that goes on"),
        pytest.param(clear(signature=b"Content-Type: text/plain\r\n" + SIGNATURE), id="the signature of two types"),
        pytest.param(clear(signature=b"Pay 1000\r\n" + SIGNATURE), id="a line without a colon at the signature"),
    ],
)
async def test_what_can_be_read_in_several_ways(octets: bytes, make_runner: Callable[..., Runner]) -> None:
    """Rule of trust 2, row 6: the signature holds, and something else may be shown with it."""
    report = await make_runner(OPENER).check(parse(octets))
    assert [one.result for one in report.results] == [Result.PASS]
    assert (report.verdict.row, report.verdict.identity) == (6, "")
    assert "not all that may be shown" in report.verdict.sentence
    assert not report.is_whole(report.results[0])


@pytest.mark.parametrize(
    ("inside", "row"),
    [(b"alice@EXAMPLE.org", 7), (b"ceo@bank.example", 5), (b"alice@example.org, ceo@bank.example", 5)],
    ids=["the same", "another", "one more"],
)
async def test_a_protected_from_is_compared_too(inside: bytes, row: int, make_runner: Callable[..., Runner]) -> None:
    """RFC 9788 section 4.4: some programs show the From field that stands in the signed content."""
    entity = b"From: %b\r\nContent-Type: text/plain; hp=clear\r\n\r\nPay 10 to Bob.\r\n" % inside
    report = await make_runner(OPENER).check(parse(clear().replace(ENTITY, entity)))
    assert report.verdict.row == row


def test_the_differences_are_real() -> None:
    """Python's email reads these messages otherwise than we do."""
    plain = message_from_bytes(clear(FROM + b"Pay 1000 to Mallory.\r\n" + SIGNED))
    assert plain.get_content_type() == "text/plain"
    assert plain.get_payload().startswith("Pay 1000")
    assert message_from_bytes(clear(FROM + b"Content-Type: text/plain\r\n" + SIGNED)).get_content_type() == "text/plain"
    hidden = message_from_bytes(b"X: a\rFrom: bank@bank.example\r\n" + clear())
    assert hidden["from"] == "bank@bank.example"


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(b"X: a\rFrom: bank@bank.example\r\n" + FROM, id="a From after a bare CR"),
        pytest.param(b"X: a\0from : bank@bank.example\r\n" + FROM, id="a From after a NUL"),
        pytest.param(b"Fr\0om: bank@bank.example\r\n" + FROM, id="a NUL in the name"),
        pytest.param(b"\xef\xbb\xbfFrom: bank@bank.example\r\n" + FROM, id="a byte order mark before the name"),
        pytest.param(FROM + b"X: y\r\n" * 5000 + b"From: bank@bank.example\r\n", id="a From after too many fields"),
        pytest.param(FROM + b"X: %b\r\nFrom: bank@bank.example\r\n" % (b"y" * (1 << 20)), id="a From too far below"),
        pytest.param(b"From: alice@example.org@bank.example\r\n", id="two signs"),
        pytest.param(b'From: "alice@example.org"\r\n', id="a display name only"),
        pytest.param(b'From: "alice@example.org\r\n', id="a quoted string that does not end"),
        pytest.param(b"From: =?utf-8?q?bank=40bank.example?=@example.org\r\n", id="an encoded word in an address"),
        pytest.param(b"From: alice@example.org\0\r\n", id="a NUL in the address"),
        pytest.param(b"From: al\xe2\x80\xaeice@example.org\r\n", id="an invisible character"),
        pytest.param(b"From: bank@bank.example <alice@example.org>\r\n", id="another address for a name"),
        pytest.param(b"From: The Bank bank@bank.example\r\n <alice@example.org>\r\n", id="the same in a name"),
        pytest.param(b"From: bank@bank.example(<alice@example.org>\r\n", id="and an open comment"),
        pytest.param(b'From: "bank@bank.example"\\ <alice@example.org>\r\n', id="a stray backslash"),
        pytest.param(b'From: "bank@bank.example") <alice@example.org>\r\n', id="a stray parenthesis"),
        pytest.param(b'From: "bank@bank.example"[1] <alice@example.org>\r\n', id="a stray bracket"),
        pytest.param("From: alice@example。org\r\n".encode(), id="an ideographic full stop"),
        pytest.param("From: alice@ｅｘａｍｐｌｅ.org\r\n".encode(), id="wide letters"),
        pytest.param("From: alice＠example.org@bank.example\r\n".encode(), id="a wide at sign"),
    ],
)
def test_whose_message_it_is_can_be_read_in_several_ways(header: bytes, make_report: Callable[..., Report]) -> None:
    """Row 1, whatever was signed."""
    octets = header + b"\r\nPay.\r\n"
    message = parse(octets)
    assert message.octets == octets
    coverage = Coverage(fields=tuple(range(len(message.header))), ranges=((message.body_start, len(octets)),))
    results = [
        AuthResult("smime", Result.PASS, properties={"body.smime-identifier": "alice@example.org"}, coverage=coverage),
        AuthResult("dkim", Result.PASS, properties={"header.d": "example.org"}, coverage=coverage),
        AuthResult("dkim", Result.PASS, properties={"header.d": "bank.example"}, coverage=coverage),
    ]
    verdict = make_report(results, octets).verdict
    assert (verdict.row, str(verdict.level), verdict.identity) == (1, "warning", "")


@pytest.mark.parametrize(
    ("header", "covered", "row"),
    [
        (FROM + b"Subject : Tea\r\n", (0,), 10),
        (FROM + b"Subject : Tea\r\n", (0, 1), 10),
        (FROM + b"Pay 1000 to Mallory.\r\n", (0,), 10),
        (b"X: a\r\rPay 1000\r\n" + FROM, (1,), 10),
        (FROM + b"Content-Type: text/html\r\nContent-Type: text/plain\r\n", (0, 2), 10),
        (FROM + b"Content-Type: text/html\r\nContent-Type: text/plain\r\n", (0, 1, 2), 11),
        (FROM + b"Content-Type: text/plain\r\n", (0,), 11),
        (b"From Pay 1000 to Mallory.\r\n" + FROM, (0,), 10),
        (b">From x: Pay 1000 to Mallory.\r\n" + FROM, (0,), 10),
        (b"From alice@example.org Fri May  1 12:00:00 2026\n" + FROM, (0,), 11),
    ],
    ids=[
        "a field that may end the header section",
        "the same, signed: such white space never is",
        "a line without a colon",
        "a blank line of bare CR",
        "a Content-Type added above",
        "both signed",
        "one Content-Type",
        "a line From that is none",
        "a quoted line From",
        "the line From of an mbox",
    ],
)
def test_what_was_added_to_a_signed_header_section(
    header: bytes, covered: tuple[int, ...], row: int, make_report: Callable[..., Report]
) -> None:
    """Rows 10 and 11: a domain answers for what it signed (RFC 6376 section 8.15), oddities too, not for additions."""
    octets = header + b"\r\nPay.\r\n"
    coverage = Coverage(fields=covered, ranges=((len(header) + 2, len(octets)),))
    result = AuthResult("dkim", Result.PASS, properties={"header.d": "example.org"}, coverage=coverage)
    assert make_report([result], octets).verdict.row == row


@pytest.mark.parametrize(
    "value",
    [
        "alice@example.org <alice@example.org>",
        "Alice@Example.ORG <alice@example.org>",
        '"bank@bank.example" <alice@example.org>',
        "Alice (bank@bank.example) <alice@example.org>",
        "=?utf-8?q?bank=40bank.example?= <alice@example.org>",
        "=?utf-8?q?B=C3=BCcher@home?= <alice@example.org>",
        "Alice @ Example <alice@example.org>",
        "Alice @home <alice@example.org>",
        "<@bank.example:alice@example.org>",
        '"al@ice"@example.org, <alice@example.org>',
        "bob@example.org, Alice <alice@example.org>",
        "[Example] Alice <alice@example.org>",
        '"bank@bank.example"\r\n <alice@example.org>',
    ],
)
def test_names_that_everybody_takes_for_names(value: str, make_report: Callable[..., Report]) -> None:
    """What is quoted, a comment or encoded is no address (RFC 5322 section 3.4, RFC 2047 section 5)."""
    octets = b"From: " + value.encode() + b"\r\n\r\nPay.\r\n"
    body = parse(octets).body_start
    result = AuthResult(
        "dkim",
        Result.PASS,
        properties={"header.d": "example.org"},
        coverage=Coverage(fields=(0,), ranges=((body, len(octets)),)),
    )
    assert make_report([result], octets).verdict.row == 11


LETTERS = (
    FROM + b"Content-Type: multipart/mixed; boundary=b\r\n"
    b"\r\n--b\r\nContent-Type: text/plain\r\n\r\nDo not do this:\r\n\r\nPay 1000 to Mallory.\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nNever ever:\r\n\r\nPay.\r\n--b--\r\n"
)


@pytest.mark.parametrize(
    ("old", "new", "row"),
    [
        pytest.param(b"", b"", 11, id="as it was signed"),
        pytest.param(b"plain\r\n\r\n", b"plain\r\n \r\n", 10, id="a part"),
        pytest.param(b"plain\r\n\r\n", b"plain \r\n\t \r\n", 10, id="a tab"),
        pytest.param(b"822\r\n\r\n", b"822\r\n \r\n", 10, id="a message inside"),
        pytest.param(b": x\r\n\r\n", b": x\r\n \r\n", 10, id="the header section of a message inside"),
        pytest.param(b"this:\r\n\r\n", b"this:\r\n \r\n", 11, id="text, which shows the same"),
        pytest.param(b"text/plain\r\n", b"text/plain;\r\n format=flowed\r\n", 11, id="folded"),
    ],
)
def test_white_space_that_hides_text_of_a_part(
    old: bytes, new: bytes, row: int, make_report: Callable[..., Report]
) -> None:
    """RFC 6376 section 3.4.4: who adds it to the end of a line leaves the body hash of relaxed as it was."""
    octets = LETTERS.replace(old, new, 1)
    coverage = Coverage(fields=(0, 1), ranges=((parse(octets).body_start, len(octets)),))
    result = AuthResult("dkim", Result.PASS, properties={"header.d": "example.org"}, coverage=coverage)
    assert make_report([result], octets).verdict.row == row


@pytest.mark.parametrize(
    "address", ["alice@bücher.example", "用户@例え.jp", "a.ü@BÜCHER.example", "alice@straße.example"]
)
def test_international_addresses_are_clear(address: str, make_report: Callable[..., Report]) -> None:
    """RFC 6532 and IDNA 2008."""
    octets = f"From: {address}\r\n\r\nPay.\r\n".encode()
    coverage = Coverage(ranges=((parse(octets).body_start, len(octets)),))
    result = AuthResult("smime", Result.PASS, properties={"body.smime-identifier": address}, coverage=coverage)
    assert make_report([result], octets).verdict.row == 7


@pytest.mark.parametrize("local", ["a" * 300, f'"bank@bank.example {" " * 300}"'], ids=["long", "looks like another"])
def test_of_a_long_address_the_domain_is_shown(local: str, make_report: Callable[..., Report]) -> None:
    """Rule of trust 3: what is shown of an address tells whose it is."""
    address = f"{local}@evil.example"
    octets = f"From: {address}\r\n\r\nPay.\r\n".encode()
    coverage = Coverage(ranges=((parse(octets).body_start, len(octets)),))
    result = AuthResult("smime", Result.PASS, properties={"body.smime-identifier": address}, coverage=coverage)
    verdict = make_report([result], octets).verdict
    assert verdict.identity.endswith("@evil.example")
    assert verdict.identity in verdict.sentence
