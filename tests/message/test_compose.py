"""Messages written, read back by ourselves and by Python's email."""

from __future__ import annotations

import email
import email.policy
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsec.errors import UsageError
from mailsec.message import Mailbox, parse, parse_addresses
from mailsec.message.compose import Draft, attachment, image, multipart, nested, text, write_message

DATE = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)
LONG = "Übersicht der sehr langen Dateinamen mit vielen Zeichen, “Anführung” — 2024 日本語.pdf"


def draft(**changes: object) -> Draft:
    fields = {"author": "Jürgen Öst <j@example.org>", "to": "b@example.org", "date": DATE, "message_id": "<1@x>"}
    return Draft(**{**fields, **changes})  # type: ignore[arg-type]


def test_a_letter_with_everything() -> None:
    octets = draft(
        subject="Grüße aus dem schönen München, 日本語のとても長い件名がここに続きますよ, and a long end " * 2,
        plain="Grüße\nFrom here \n-- \nJ.",
        html="<img src='cid:i@x'>",
        images=(image(b"\x89PNG", "i@x", filename="i.png"),),
        attachments=(attachment(bytes(range(256)) * 9, LONG, "application/pdf"), nested(b"Subject: in\n\nx")),
        cc='"A, B" <a@b.example>, G: c@d.example;',
        fields=(("X-Odd", b"as it is\r\n folded"), ("References", "<a@b> <c@d>")),
    ).compose()
    message = parse(octets)
    assert message.defects == ()
    assert [part.content_type for part in message.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
        "application/pdf",
        "message/rfc822",
        "text/plain",
    ]
    parts = {part.path: part for part in message.walk()}
    assert parts["1.1"].text == "Grüße\nFrom here \n-- \nJ."
    assert parts["2"].filename == LONG
    assert parts["2"].content == bytes(range(256)) * 9
    assert parts["1.2.2"].content_id == "i@x"
    assert message.date == DATE
    assert b"\nFrom " not in octets
    assert octets.count(b"\n") == octets.count(b"\r\n")
    assert max(map(len, octets.split(b"\r\n"))) <= 78
    theirs = email.message_from_bytes(octets, policy=email.policy.default)
    assert theirs["subject"] == message.subject
    assert str(theirs["from"]) == "Jürgen Öst <j@example.org>"
    assert [part.get_filename() for part in theirs.walk()][6] == LONG
    assert theirs["x-odd"] == "as it is folded"


def test_the_same_input_gives_the_same_octets() -> None:
    letter = draft(html="<p>x</p>", attachments=(attachment(b"x"),))
    assert letter.compose() == letter.compose()
    numbered = letter.compose(f"=_{n}" for n in range(9))
    assert b'boundary="=_0"' in numbered
    assert b'boundary="=_1"' in numbered


def test_a_boundary_that_occurs_is_not_taken() -> None:
    body = multipart("mixed", text("--one\n--two"), boundaries=iter(("one", "two", "three")))
    assert b"boundary=three" in bytes(body)
    with pytest.raises(UsageError):
        multipart("mixed", text("--one"), boundaries=iter(("one",)))
    with pytest.raises(UsageError):
        multipart("mixed")


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        pytest.param("plain", "7bit", id="ASCII"),
        pytest.param("", "7bit", id="empty"),
        pytest.param("gr\xfc\xdf", "base64", id="short and mostly not ASCII"),
        pytest.param("grüß " + "plain " * 20, "quoted-printable", id="a little"),
        pytest.param("привет", "base64", id="much"),
        pytest.param("x" * 999, "quoted-printable", id="a long line"),
        pytest.param("a \nb", "quoted-printable", id="white space at a line end"),
        pytest.param("a\nFrom b" + "c" * 20, "quoted-printable", id="From"),
        pytest.param("a\n.\nb", "quoted-printable", id="a dot alone"),
    ],
)
def test_encoding_by_content(content: str, encoding: str) -> None:
    part = parse(write_message([("From", "a@b")], text(content))).root
    assert part.encoding == encoding
    assert part.text == content


def test_eight_bit_only_when_asked() -> None:
    octets = write_message([("From", "a@b")], multipart("mixed", text("grüß", encoding="8bit")))
    message = parse(octets)
    assert message.root.encoding == "8bit"
    assert message.root.children[0].text == "grüß"
    with pytest.raises(UsageError):
        text("grüß", encoding="7bit")
    with pytest.raises(UsageError):
        text("grüß", charset="ascii")


@pytest.mark.parametrize(
    "fields",
    [
        [("Subject", "a\r\nBcc: b@c")],
        [("Subject", "a\nb")],
        [("Subject\r\nBcc", "a")],
        [("To", "a@b\r\nBcc: c@d")],
        [("X", b"a\r\nBcc: b@c")],
        [("To", "no address")],
        [("Sub ject", "a")],
    ],
)
def test_no_field_brings_in_another(fields: list[tuple[str, str | bytes]]) -> None:
    with pytest.raises(UsageError):
        write_message(fields, text(""))


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), max_size=300))
def test_any_subject_comes_back(subject: str) -> None:
    octets = write_message([("From", "a@b"), ("Subject", subject)], text("x"))
    assert parse(octets).subject == subject.strip(" \t")
    assert max(map(len, octets.split(b"\r\n"))) <= 998


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=300))
def test_any_text_comes_back(content: str) -> None:
    part = parse(write_message([("From", "a@b")], text(content))).root
    assert part.text == content.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


@given(st.binary(max_size=300), st.text(st.characters(exclude_categories=["Cs"]), max_size=150))
def test_any_attachment_comes_back(content: bytes, filename: str) -> None:
    octets = write_message([("From", "a@b")], multipart("mixed", attachment(content, filename)))
    part = parse(octets).root.children[0]
    assert part.content == content
    assert part.filename == filename


@given(st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"], include_characters=" "), min_size=1))
def test_any_display_name_comes_back(name: str) -> None:
    octets = draft(author=Mailbox(name, "a@b", "a", "b")).compose()
    (mailbox,) = parse(octets).authors
    assert mailbox.address == "a@b"
    assert mailbox.display_name.split() == name.split()


def test_addresses_are_written_anew() -> None:
    value = '"A, B" <a@b>, =?utf-8?q?J=C3=BCrgen?= <j@x>, G: c@d, e@f;, "x y"@z'
    octets = write_message([("To", value)], text(""))
    assert parse(octets).addresses("to") == parse_addresses(value)
