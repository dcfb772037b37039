"""Protected header fields in the client (RFC 9788 section 4): what the heading shows, and what the text leaves out."""

from __future__ import annotations

from datetime import UTC

import pytest

from mailsec.message import Message
from mailsec.pipeline import Report
from mailsec.tui.reading import make_document
from mailsec.tui.reading.choosing import choose
from mailsec.tui.reading.heading import Heading

NOW = 1_777_640_400


def heading(message: Message | None, report: Report | None = None, width: int = 100) -> list[str]:
    made = Heading(lambda: NOW, UTC)
    made._header = message if report is None else report.shown  # without a screen to draw on
    made._shown = None if report is None else report.shown
    return ["".join(text for text, _ in row).rstrip() for row in made.rows(width)]


def styles(report: Report) -> set[str]:
    made = Heading(lambda: NOW, UTC)
    made._header = made._shown = report.shown
    return {style for row in made.rows(100) for _, style in row}


def test_before_it_is_checked_the_outer_header_is_shown(demo: object) -> None:
    assert heading(demo.reports["encrypted"].message)[0] == "[...]"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("header-signed", ["Saturday, signed with its header", "signed: Subject, From, Date, To"]),
        ("header-replaced", ["Saturday, as I wrote it", "signed: Subject, From, Date, To"]),
        ("header-added", ["Saturday, and nobody else", "Cc    mallory@example.com", "not protected: Cc"]),
        ("header-list-from", ["From  Alice Example <alice@example.org>", "outside From says <friends@lists."]),
        ("header-spoofed", ["From  Mallory <mallory@example.com>", "beware: inside From says <service@bank.example>"]),
        ("encrypted", ["The surprise on Saturday", "signed: Subject, From, Date, To", "encrypted: Subject"]),
    ],
)  # fmt: skip
def test_the_heading(demo: object, name: str, expected: list[str]) -> None:
    rows = heading(demo.reports[name].message, demo.reports[name])
    for words in expected:
        assert any(words in row for row in rows), rows


@pytest.mark.parametrize(
    ("name", "warns"), [("header-spoofed", True), ("header-list-from", False), ("encrypted", False)]
)
def test_a_mismatch_is_warned_of_where_nobody_signed_for_it(demo: object, name: str, warns: bool) -> None:
    """RFC 9788 section 4.4.2."""
    assert ("heading--warning" in styles(demo.reports[name])) is warns


def test_without_protected_fields_nothing_is_added(demo: object) -> None:
    report = demo.reports["smime-rsa"]
    assert heading(report.message, report) == heading(report.message)


def text_of(report: Report, **more: object) -> list[str]:
    return [line.text for line in make_document(report.message, report, width=80, **more).lines()]


def test_copies_of_header_fields_are_not_shown(demo: object) -> None:
    """RFC 9788 section 4.5.3.2: the element is in the message, and the reader sees the subject above."""
    report = demo.reports["encrypted"]
    assert "Subject: The surprise on Saturday" in report.layers[-1].message.root.text
    assert text_of(report)[0] == "Hello Robin,"


SIGNED = b"From: a@example.org\r\nContent-Type: %b; hp-legacy-display=1\r\n\r\n%b"
PAGE = b'<body><div class="x header-protection-legacy-display"><pre>Subject: x</pre></div><p>Hello</p></body>'


@pytest.mark.parametrize(("kind", "body"), [(b"text/plain", b"Subject: x\r\n\r\nHello\r\n"), (b"text/html", PAGE)])
def test_a_parameter_that_does_not_count_hides_nothing(demo: object, kind: bytes, body: bytes) -> None:
    """RFC 9788 section 4.5.3.1: only in what is encrypted."""
    assert text_of(demo.check(SIGNED % (kind, body)), html=True)[0].strip() == "Subject: x"


def test_a_page_leaves_the_copies_out() -> None:
    """RFC 9788 section 4.5.3.3."""
    from mailsec.tui.reading.page import read_page

    assert [one.text for one in read_page(PAGE.decode(), copies=True).blocks] == ["Hello"]
    assert read_page(PAGE.decode()).blocks[0].text == "Subject: x"


def test_an_encrypted_part_is_never_joined_with_others(demo: object) -> None:
    """EFAIL, direct exfiltration: what is decrypted is a page or a text of its own."""
    report = demo.reports["encrypted-exfiltration"]
    assert [layer.part for layer in report.layers] == ["", "2"]
    pieces = [(type(piece).__name__, piece.layer) for piece in choose(report.message, report, html=False)]
    assert pieces == [("Page", 0), ("Words", 1), ("Page", 0)]
    assert "let us surprise Bob on Saturday; please tell nobody." in text_of(report)
