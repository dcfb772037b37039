"""The table of `mailsec check` and its explanation, row by row, from made reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from mailsec.cli.explain import explain
from mailsec.cli.screen import Screen
from mailsec.cli.table import row
from mailsec.hooks import AuthResult, Coverage, Moment, Result
from mailsec.message import parse
from mailsec.pipeline import Layer, Report, Run

NOW = Moment(datetime(2026, 5, 1, 12, tzinfo=UTC))


def report(header: bytes, *, signed: tuple[str, ...] = ()) -> Report:
    """A report on a message whose body the author's domain signed, with these header fields."""
    message = parse(header + b"\r\nAt four.\r\n")
    body = (message.body_start, len(message.octets))
    fields = tuple(field.index for field in message.header if field.key in signed)
    properties = {"header.d": "example.org"}
    result = AuthResult("dkim", Result.PASS, properties=properties, coverage=Coverage(fields=fields, ranges=(body,)))
    bottom = Layer(0, None, "", "transit", message.header, body, message)
    return Report((result,), (bottom,), (Run("dkim", "dkim", ("dkim",), (result,), (), 0.0),), (), NOW)


@pytest.mark.parametrize(
    ("sender", "shown"),
    [
        pytest.param(f"{'a' * 300}@evil.example", "@evil.example  ", id="a long local part"),
        pytest.param(f"bank@bank.example{'-' * 40}@evil.example", "@evil.example  ", id="one that looks like another"),
        pytest.param(f"a@{'bank.' * 30}evil.example", "bank.evil.example  ", id="a long domain"),
        pytest.param(f"{'a' * 30}@evil.example, b@example.org", "@evil.example +1  ", id="of two authors"),
        pytest.param("a@example.org, b@example.com", "a@example.org, b@example.com  ", id="two that have room"),
    ],
)
@pytest.mark.parametrize("columns", [None, 200, 80])
def test_whose_the_address_is_can_be_seen(sender: str, shown: str, columns: int | None) -> None:
    """Rule of trust 3: the address is always shown, and its domain is what tells people apart."""
    assert shown in row(report(f"From: {sender}\r\nSubject: Tea\r\n".encode()), Screen(columns))


def test_the_subject_is_the_one_that_counts() -> None:
    """Of several Subject fields signatures cover the lowest first (RFC 6376 section 5.4.2)."""
    made = report(b"Subject: Pay now\r\nFrom: a@example.org\r\nSubject: Tea\r\n", signed=("from",))
    assert made.message is not None
    assert made.message.subject == "Tea"
    for text in (row(made, Screen()), explain(made, Screen()).splitlines()[0]):
        assert "Tea" in text
        assert "Pay now" not in text


@pytest.mark.parametrize(
    ("signed", "words"),
    [
        (("from",), "header fields not covered: subject, mime-version, content-type"),
        (("from", "subject", "content-type"), "header fields not covered: mime-version"),
    ],
)
def test_fields_that_say_how_the_body_is_read(signed: tuple[str, ...], words: str) -> None:
    header = b"From: a@example.org\r\nSubject: Tea\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n"
    assert f"      {words}" in explain(report(header, signed=signed), Screen()).splitlines()


def test_a_field_that_was_added_is_not_covered() -> None:
    """RFC 6376 section 8.15: of two Subject fields a signature may cover one."""
    made = report(b"Subject: Pay now\r\nFrom: a@example.org\r\nSubject: Tea\r\n", signed=("from", "subject"))
    (result,) = made.results
    assert result.coverage is not None
    covered = replace(result, coverage=replace(result.coverage, fields=(1, 2)))
    run = Run("dkim", "dkim", ("dkim",), (covered,), (), 0.0)
    lines = explain(Report((covered,), made.layers, (run,), (), NOW), Screen()).splitlines()
    assert "      header fields covered: from, subject (1 of 2)" in lines
    assert "      header fields not covered: subject" in lines


@pytest.mark.parametrize("protected", [b"", b"; hp=clear"])
def test_a_field_of_signed_content_is_not_that_of_the_message(protected: bytes) -> None:
    """Only protected header fields speak for those of the message (RFC 9788 section 2)."""
    outer = report(b"From: a@example.org\r\nSubject: Tea\r\n")
    inner = parse(b"Content-Type: text/plain" + protected + b"\r\nSubject: Tea\r\n\r\nAt four.\r\n")
    body = (inner.body_start, len(inner.octets))
    layer = Layer(1, 0, "", "signed", inner.header, body, inner)
    result = AuthResult("smime", Result.PASS, coverage=Coverage(1, (0, 1), ranges=(body,)), layer=1)
    run = Run("smime", "smime", ("smime",), (result,), (), 0.0)
    lines = explain(Report((result,), (*outer.layers, layer), (run,), (), NOW), Screen()).splitlines()
    assert "      header fields of the signed content covered: content-type, subject" in lines
    missing = "from" if protected else "from, subject"
    assert f"      header fields not covered: {missing}" in lines
