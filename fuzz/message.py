"""Parsing messages: all that there is to read, for any octets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from mailsec.message import parse, parse_addresses, parse_date, safe_text, unflow
from mailsec.message.compose import Draft, attachment

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def seeds() -> Iterator[bytes]:
    """Well-formed and odd messages."""
    yield b""
    yield b"From: a@b.example\r\nSubject: =?utf-8?b?w6TDtsO8?= =?iso-8859-1?q?=E4?=\r\n\r\nHello\r\n"
    yield b'From: x\n y <a@b>, G: c@d, "e" <f@g>;\nDate: Mon, 1 Jan 2026 00:00:00 (x) +0100\n\n\xff\xfe\n'
    yield (
        b'Content-Type: multipart/mixed; boundary="a"\r\n\r\n--a\r\nContent-Type: message/rfc822\r\n\r\n'
        b"Content-Type: multipart/digest; boundary=b\r\n\r\n--b\r\n\r\nFrom: x\r\n\r\n--b--\r\n--a\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=\r\n=A4 \r\n--a--\r\nepilogue"
    )
    yield (
        b"Content-Type: application/x; name*0*=utf-8'en'a%20; name*1*=%C3%A4; name*2=\"b\"\r\n"
        b'Content-Disposition: attachment; filename="=?utf-8?q?x?="\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\nQUJD\r\n="
    )
    yield b"Content-Type: text/plain; format=flowed; delsp=yes; charset=utf-7\r\n\r\n> a \r\n> b\r\n- \r\n-- \r\n"
    yield Draft(
        author="Alice <alice@example.org>",
        to="Bob <bob@example.net>",
        subject="Grüße",
        date=NOW,
        message_id="<1@example.org>",
        plain="Grüße aus Köln",
        html="<p>Grüße</p>",
        attachments=(attachment(b"\0\1\2", "größe.bin"),),
    ).compose()


def try_input(octets: bytes) -> None:
    """Reads everything there is to read, and gets the octets back."""
    message = parse(octets)
    assert bytes(message) == octets
    for part in message.walk():
        start_of_part, end_of_part = part.span
        assert 0 <= start_of_part <= end_of_part
        assert part.path is not None
        assert part.content_type.count("/") == 1
        assert len(part.content) <= len(octets) + 1
        text = part.text
        shown = safe_text(text, multiline=True)
        assert not any(ord(character) < 32 and character not in "\n\t" for character in shown)
        assert "\x7f" not in shown
        unflow(text, delsp=part.delsp)
        assert part.filename is None or isinstance(part.filename, str)
        for field in part.header:
            assert "\n" not in safe_text(field.value)
            assert isinstance(parse_addresses(field.value), tuple)
            parse_date(field.value)
    assert isinstance(message.authors, tuple)
    assert isinstance(message.defects, tuple)
    assert isinstance(message.subject, str)
