"""The margin: who vouches for which lines, and that it never says more than the report."""

from __future__ import annotations

from base64 import encodebytes
from datetime import UTC, datetime

import pytest

from mailsec.hooks.types import AuthResult, Cause, Coverage, Moment, Result
from mailsec.message import parse
from mailsec.pipeline import Layer, Report
from mailsec.tui.reading import make_document
from mailsec.tui.reading.coverage import Margin
from mailsec.tui.reading.lines import Cover

MOMENT = Moment(datetime(2026, 5, 1, tzinfo=UTC))
HEAD = b"From: Alice <alice@example.org>\r\nSubject: S\r\n"
AUTHOR = {"body.smime-identifier": "alice@example.org"}
DOMAIN = {"header.d": "example.org"}
BODY = b"one\r\ntwo\r\nthree\r\n"


def report_of(octets: bytes, *results: AuthResult, inner: bytes | None = None, opened: str = "") -> Report:
    """A report about octets; with a layer below if there are inner octets, of the part that is opened."""
    message = parse(octets)
    layers = [Layer(0, None, "", "transit", message.header, (message.body_start, len(octets)), message)]
    if inner is not None:
        content = parse(inner)
        part = message.part(opened)
        body = (content.body_start, len(inner))
        layers.append(Layer(1, 0, opened, "signed", content.header, body, content, part))
    return Report(results, tuple(layers), (), (), MOMENT)


def margin_of(report: Report, **more: object) -> list[str]:
    document = make_document(report.message, report, width=60, **more)
    return [" :|"[line.cover] + line.text for line in document.lines()]


def dkim(octets: bytes, end: int | None = None, result: Result = Result.PASS, **more: object) -> AuthResult:
    """A DKIM result over From and the body up to an octet of it."""
    start = parse(octets).body_start
    stop = len(octets) if end is None else start + end
    coverage = Coverage(fields=(0, 1), ranges=((start, stop),))
    return AuthResult("dkim", result, properties=DOMAIN, coverage=coverage, **more)


PLAIN = HEAD + b"\r\n" + BODY
PARTIAL = {"result": Result.POLICY, "cause": Cause.PARTIAL}
CUT = {
    "the whole": ({}, [":one", ":two", ":three"]),
    "l= at the end of a line": ({"end": 5, **PARTIAL}, [":one", " two", " three"]),
    "l= within a line": ({"end": 7, **PARTIAL}, [":one", " two", " three"]),
    "l= before the line end": ({"end": 8, **PARTIAL}, [":one", " two", " three"]),
    "l= between CR and LF": ({"end": 9, **PARTIAL}, [":one", " two", " three"]),
    "l= after two lines": ({"end": 10, **PARTIAL}, [":one", ":two", " three"]),
    "l= of nothing": ({"end": 0, **PARTIAL}, [" one", " two", " three"]),
    "a failure": ({"result": Result.FAIL, "cause": Cause.DIGEST}, [" one", " two", " three"]),
    "a key in test mode": ({"result": Result.POLICY, "cause": Cause.TEST_KEY}, [" one", " two", " three"]),
    "a temporary error": ({"result": Result.TEMPERROR}, [" one", " two", " three"]),
}


@pytest.mark.parametrize(("more", "expected"), CUT.values(), ids=CUT)
def test_dkim(more: dict[str, object], expected: list[str]) -> None:
    assert margin_of(report_of(PLAIN, dkim(PLAIN, **more))) == expected


def test_what_l_leaves_out_within_encoded_text_leaves_all_of_it_out() -> None:
    octets = HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n" + encodebytes(BODY * 30)
    found = margin_of(report_of(octets, dkim(octets, 200, **PARTIAL)))
    assert {line[0] for line in found} == {" "}


@pytest.mark.parametrize(
    ("change", "row"),
    [
        ({"properties": {"header.d": "lists.example.com"}}, "of another domain"),
        ({"properties": {"header.d": "mail.example.org"}}, "of a subdomain"),
        ({"coverage": Coverage(fields=(1,), ranges=((0, len(PLAIN)),))}, "not over From"),
        ({"method": "smime"}, "not by S/MIME"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_signature_that_is_not_the_domains_gives_no_margin(change: dict[str, object], row: str) -> None:
    plain = {"method": "dkim", "result": Result.PASS, "properties": DOMAIN, "coverage": dkim(PLAIN).coverage}
    assert {line[0] for line in margin_of(report_of(PLAIN, AuthResult(**{**plain, **change})))} == {" "}


def test_in_alignment_as_dmarc_says() -> None:
    other = {"header.d": "mail.example.org"}
    signed = AuthResult("dkim", Result.PASS, properties=other, coverage=dkim(PLAIN).coverage)
    aligned = AuthResult("dmarc", Result.PASS, properties={"policy.aligned-dkim": "mail.example.org"})
    assert margin_of(report_of(PLAIN, signed, aligned)) == [":one", ":two", ":three"]


def test_where_it_is_not_clear_who_the_author_is_nobody_vouches() -> None:
    octets = b"From: bob@example.org\r\n" + PLAIN
    assert {line[0] for line in margin_of(report_of(octets, dkim(octets)))} == {" "}


def test_where_the_body_can_be_read_otherwise_nobody_vouches() -> None:
    octets = HEAD + b"Content-Type: text/html\r\nContent-Type: text/plain\r\n\r\n" + BODY
    assert {line[0] for line in margin_of(report_of(octets, dkim(octets)))} == {" "}


def test_where_dmarc_refuses_the_message_the_domain_vouches_for_nothing() -> None:
    refused = AuthResult("dmarc", Result.FAIL, properties={"policy.dmarc": "reject"})
    spf = AuthResult("spf", Result.FAIL)
    assert {line[0] for line in margin_of(report_of(PLAIN, dkim(PLAIN), spf, refused))} == {" "}


# -- S/MIME --------------------------------------------------------------------------------------------------

INNER = b"Content-Type: text/plain\r\n\r\n" + BODY
OUTER = HEAD + b"Content-Type: application/pkcs7-mime\r\n\r\nMII=\r\n"


def smime(result: Result = Result.PASS, properties: dict[str, str] = AUTHOR, **more: object) -> AuthResult:
    coverage = more.pop("coverage", Coverage(1, ranges=((0, len(INNER)),)))
    return AuthResult("smime", result, properties=properties, coverage=coverage, **more)


SIGNED = {
    "by the author": ([smime()], "|||"),
    "by another": ([smime(properties={"body.smime-identifier": "mallory@example.com"})], "   "),
    "by somebody without an address": ([smime(properties={})], "   "),
    "not trusted": ([smime(Result.POLICY, cause=Cause.UNTRUSTED)], "   "),
    "wrong": ([smime(Result.FAIL, cause=Cause.DIGEST)], "   "),
    "by the author, and wrongly by another": (
        [smime(), smime(Result.FAIL, {"body.smime-identifier": "bob@example.net"}, cause=Cause.SIGNATURE)],
        "|||",
    ),
    "and by the domain around it": ([smime(), dkim(OUTER)], "|||"),
    "wrong, but sealed by the domain around it": (
        [smime(Result.POLICY, cause=Cause.UNTRUSTED), dkim(OUTER)],
        ":::",
    ),
    "only the header of the part": ([smime(coverage=Coverage(1, ranges=((0, 28),)))], "   "),
    "only the first line": ([smime(coverage=Coverage(1, ranges=((0, 33),)))], "|  "),
    "only the text and not its header": ([smime(coverage=Coverage(1, ranges=((28, len(INNER)),)))], "|||"),
    "by its section number": ([smime(coverage=Coverage(1, parts=("1",)))], "|||"),
}


@pytest.mark.parametrize(("results", "expected"), SIGNED.values(), ids=SIGNED)
def test_smime(results: list[AuthResult], expected: str) -> None:
    found = margin_of(report_of(OUTER, *results, inner=INNER, opened="1"))
    assert "".join(line[0] for line in found) == expected
    assert [line[1:] for line in found] == ["one", "two", "three"]


def test_signed_content_that_names_another_author_is_not_the_authors() -> None:
    inner = b'From: bob@example.net\r\nContent-Type: text/plain; hp="clear"\r\n\r\n' + BODY
    result = smime(coverage=Coverage(1, fields=(0,), ranges=((0, len(inner)),)))
    found = margin_of(report_of(OUTER, result, inner=inner, opened="1"))
    assert {line[0] for line in found} == {" "}


LIST = (
    HEAD
    + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/pkcs7-mime\r\n\r\nMII=\r\n"
    b"--b\r\n\r\nfooter\r\n--b--\r\n"
)


def test_the_footer_of_a_list_is_nobodys() -> None:
    assert margin_of(report_of(LIST, smime(), inner=INNER, opened="1")) == ["|one", "|two", "|three", " ", " footer"]


def test_the_domain_vouches_for_the_footer_of_its_own_list() -> None:
    found = margin_of(report_of(LIST, smime(), dkim(LIST), inner=INNER, opened="1"))
    assert found == ["|one", "|two", "|three", ":", ":footer"]


def test_a_part_beside_the_one_that_l_covers() -> None:
    octets = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n"
    end = octets.index(b"\r\n--b\r\n\r\ntwo") - parse(octets).body_start
    assert margin_of(report_of(octets, dkim(octets, end, **PARTIAL))) == [":one", " ", " two"]


def test_a_part_whose_header_is_not_covered_is_not_covered() -> None:
    octets = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nX: y\r\n\r\none\r\n--b--\r\n"
    start = octets.index(b"one")
    result = AuthResult(
        "dkim", Result.PASS, properties=DOMAIN, coverage=Coverage(0, (0, 1), (), ((start, len(octets)),))
    )
    assert {line[0] for line in margin_of(report_of(octets, result))} == {" "}


def test_a_message_in_an_encoding_counts_as_the_part_it_is_in() -> None:
    inside = encodebytes(b"From: bob@example.net\r\n\r\nquoted\r\n")
    octets = HEAD + b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" + inside
    whole = margin_of(report_of(octets, dkim(octets)))
    assert {line[0] for line in whole} == {":"}
    assert {line[0] for line in margin_of(report_of(octets, dkim(octets, 20, **PARTIAL)))} == {" "}


def test_a_page_is_covered_as_its_part_is() -> None:
    octets = HEAD + b"Content-Type: text/html\r\n\r\n<p>one</p><p>two</p>\r\n"
    assert margin_of(report_of(octets, dkim(octets))) == [":one", ":", ":two"]
    assert margin_of(report_of(octets, dkim(octets, 10, **PARTIAL))) == [" one", " ", " two"]


def test_without_a_report_nothing_is_covered() -> None:
    message = parse(PLAIN)
    margin = Margin(None)
    assert margin.kinds == frozenset()
    assert margin.of_part(0, message.root) is Cover.NOBODY
    assert list(margin.pieces(0, message.root)) == [(0, len(BODY), Cover.NOBODY)]


def test_the_margin_of_the_demonstration_follows_the_verdict(demo: object) -> None:
    """An author's margin beside everything only where the verdict is verified, a domain's only where one signed."""
    for name, report in demo.reports.items():
        document = make_document(report.message, report, width=60)
        covers = {line.cover for line in document.lines() if line.part}
        if report.verdict.level == "verified":
            assert covers == {Cover.AUTHOR}, name
        elif report.verdict.level == "authenticated":
            assert covers == {Cover.DOMAIN}, name
        elif report.verdict.level in {"unauthenticated", "failed"}:
            assert covers <= {Cover.NOBODY}, name
        elif Cover.AUTHOR in covers:
            assert any(one.method == "smime" and one.result is Result.PASS for one in report.results), name
