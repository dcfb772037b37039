"""Header sections as received (RFC 5322 sections 2.2 and 4.5.3, RFC 6532)."""

from __future__ import annotations

import pytest

from mailsec.message import DefectKind, Limits, parse, parse_header

SECTION = (
    b"Received: from a\r\n\tby b;\r\n Mon, 1 Jan 2024 00:00:00 +0000\r\n"
    b"Subject: one\r\nFrom : a@b.example\r\nsubject:two \r\nX-Empty:\r\n"
)


def test_fields_are_octet_for_octet() -> None:
    header = parse_header(SECTION)
    assert [field.name for field in header] == ["Received", "Subject", "From", "subject", "X-Empty"]
    assert b"".join(field.raw for field in header) == SECTION == bytes(header.octets)
    for field in header:
        start, end = field.span
        assert SECTION[start:end] == field.raw == field.raw_name + b":" + field.raw_value + b"\r\n"
    assert header[0].raw_value == b" from a\r\n\tby b;\r\n Mon, 1 Jan 2024 00:00:00 +0000"
    assert header[0].value == "from a\tby b; Mon, 1 Jan 2024 00:00:00 +0000"
    assert header[2].raw_name == b"From "


def test_look_up_by_name_without_case() -> None:
    header = parse_header(SECTION)
    first, last = header.first("SUBJECT"), header.last("Subject")
    assert first is not None
    assert last is not None
    assert (first.value, last.value) == ("one", "two")
    assert [field.index for field in header.all("subject")] == [1, 3]
    assert header.first("to") is header.last("to") is None
    assert header.all("\u212aelvin") == ()
    assert header[-1].name == "X-Empty"
    assert header[1] is header.first("subject")
    assert [field.key for field in header[1:3]] == ["subject", "from"]
    with pytest.raises(IndexError):
        header[5]


@pytest.mark.parametrize(
    ("octets", "names", "body", "kinds"),
    [
        pytest.param(b"A: 1\r\n\r\nx", ["A"], b"x", set(), id="well-formed"),
        pytest.param(b"A: 1\n\nx", ["A"], b"x", set(), id="bare LF throughout"),
        pytest.param(b"A: 1\rB: 2\r\rx\ry", ["A", "B"], b"x\ry", {DefectKind.CR_LINES}, id="bare CR throughout"),
        pytest.param(b"A: 1\r\nB: 2\n\r\nx", ["A", "B"], b"x", {DefectKind.BARE_LF}, id="mixed line ends"),
        pytest.param(b"A: 1\n\r\nx", ["A"], b"x", set(), id="LF then CRLF"),
        pytest.param(b"A: 1\r\n\nx", ["A"], b"x", set(), id="CRLF then LF"),
        pytest.param(b"A: 1\rB: 2\r\n\r\nx", ["A"], b"x", {DefectKind.BARE_CR}, id="a bare CR ends no field"),
        pytest.param(b"A: 1\r\nrubbish\r\nB: 2\r\n\r\nx", ["A", "", "B"], b"x", {DefectKind.NO_COLON}, id="no colon"),
        pytest.param(b"A: 1\r\nB\r\n : 2\r\n\r\nx", ["A", ""], b"x", {DefectKind.NO_COLON}, id="colon on line two"),
        pytest.param(b"A: 1\r\n: 2\r\n\r\n", ["A", ""], b"", {DefectKind.FIELD_NAME}, id="no name"),
        pytest.param(b"A: 1\r\nB C: 2\r\n\r\n", ["A", "B C"], b"", {DefectKind.FIELD_NAME}, id="space in a name"),
        pytest.param(b"A \t: 1\r\n\r\n", ["A"], b"", {DefectKind.SPACE_BEFORE_COLON}, id="4.5.3 space before colon"),
        pytest.param(b"A: 1\r\n \r\nB: 2\r\n\r\nx", ["A", "B"], b"x", set(), id="4.2 a line of white space only"),
        pytest.param(b"A: 1\r\n", ["A"], b"", {DefectKind.NO_BLANK_LINE}, id="no body"),
        pytest.param(b"A: 1", ["A"], b"", {DefectKind.NO_BLANK_LINE}, id="no line end"),
        pytest.param(b"", [], b"", {DefectKind.NO_BLANK_LINE}, id="empty"),
        pytest.param(b"\r\nx", [], b"x", set(), id="no header"),
        pytest.param(
            b"hello world\r\n\r\nx", [], b"hello world\r\n\r\nx", {DefectKind.NO_HEADER}, id="no header at all"
        ),
        pytest.param(b" A: 1\r\n\r\nx", [], b" A: 1\r\n\r\nx", {DefectKind.NO_HEADER}, id="starts with white space"),
        pytest.param(b"\0\xff", [], b"\0\xff", {DefectKind.NO_HEADER}, id="binary"),
        pytest.param(b"A: \0\r\n\r\n", ["A"], b"", {DefectKind.NUL}, id="NUL"),
        pytest.param(b"A: \xff\r\n\r\n", ["A"], b"", {DefectKind.EIGHT_BIT}, id="8-bit junk"),
        pytest.param("A: ü\r\n\r\n".encode(), ["A"], b"", set(), id="RFC 6532"),
        pytest.param(b"A: " + b"x" * 1000 + b"\r\n\r\n", ["A"], b"", {DefectKind.LONG_LINE}, id="2.1.1 long line"),
        pytest.param(b"Date: 1\r\nDate: 2\r\n\r\n", ["Date"] * 2, b"", {DefectKind.DUPLICATE_FIELD}, id="3.6 twice"),
        pytest.param(b"From a@b Mon Jan 1\nA: 1\n\nx", ["A"], b"x", set(), id="RFC 4155 From line"),
        pytest.param(b"From : a@b\r\n\r\nx", ["From"], b"x", {DefectKind.SPACE_BEFORE_COLON}, id="From with space"),
    ],
)
def test_bounds_and_defects(octets: bytes, names: list[str], body: bytes, kinds: set[DefectKind]) -> None:
    message = parse(octets)
    assert bytes(message) == octets == bytes(message.octets)
    assert [field.name for field in message.header] == names
    assert bytes(message.body) == body == octets[message.body_start :]
    from_kinds = {DefectKind.NO_FROM, DefectKind.SEVERAL_FROM, DefectKind.GROUP_IN_FROM}
    assert {defect.kind for defect in message.defects} - from_kinds == kinds


def test_envelope_line_is_kept_apart() -> None:
    message = parse(b"From a@b Mon Jan 1\r\nSubject: x\r\n\r\nbody")
    assert message.envelope_line == b"From a@b Mon Jan 1\r\n"
    assert message.header[0].span == (20, 32)
    assert bytes(message.root.octets) == b"Subject: x\r\n\r\nbody"


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        pytest.param(b"plain", "plain", id="ASCII"),
        pytest.param(b"=?utf-8?q?a?= =?utf-8?q?b?=", "ab", id="RFC 2047 6.2 adjacent words"),
        pytest.param(b"=?utf-8?q?a?=\r\n =?utf-8?b?Yg==?=", "ab", id="adjacent over folding, both encodings"),
        pytest.param(b"=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c", id="a word between"),
        pytest.param(b"=?ISO-8859-1?Q?a_b?=", "a b", id="underscore"),
        pytest.param(b"=?utf-8?q?=E2=82?= =?utf-8?q?=AC?=", "€", id="split multibyte character"),
        pytest.param(b"=?utf-8?b?4oI=?= =?utf-8?b?rA==?=", "€", id="split in base64"),
        pytest.param(b"=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=", "日本", id="ISO 2022"),
        pytest.param(b"=?x-junk?q?caf=C3=A9?=", "café", id="junk charset, UTF-8 inside"),
        pytest.param(b"=?x-junk?q?caf=E9?=", "café", id="junk charset, Latin inside"),
        pytest.param(b"=?utf8mb4?q?caf=C3=A9?=", "café", id="alias"),
        pytest.param(b"=?utf-8*en?q?a?=", "a", id="RFC 2231 5 language"),
        pytest.param(b"=?utf-8?x?a?=", "=?utf-8?x?a?=", id="unknown encoding stays"),
        pytest.param(b"=?utf-8?q?a", "=?utf-8?q?a", id="open word stays"),
        pytest.param(b"=?utf-8?b?YQ?=", "a", id="missing padding"),
        pytest.param(b"=?utf-8?q?a b?=", "a b", id="space in a word"),
        pytest.param("grüß".encode(), "grüß", id="RFC 6532"),
        pytest.param("grüß".encode("latin-1"), "grüß", id="8-bit junk"),
        pytest.param(b"\x93q\x94", "“q”", id="windows-1252"),
        pytest.param(b"  a  b\t", "a  b", id="white space around"),
        pytest.param(b"=?utf-8?q?=1B[31m?=", "\x1b[31m", id="control codes are decoded, not made safe"),
    ],
)
def test_values_are_decoded(raw: bytes, value: str) -> None:
    assert parse_header(b"Subject: " + raw + b"\r\n")[0].value == value


def test_the_lowest_of_several_counts_where_one_is_allowed() -> None:
    """A field added on top of a signed one does not become what is shown (RFC 6376 section 5.4.2)."""
    message = parse(b"Subject: added\r\nContent-Type: text/html\r\nSubject: signed\r\nContent-Type: text/plain\r\n\r\n")
    assert message.subject == "signed"
    assert message.root.content_type == "text/plain"


def test_from_defects() -> None:
    def kinds(octets: bytes) -> set[DefectKind]:
        return {defect.kind for defect in parse(octets).defects}

    assert DefectKind.NO_FROM in kinds(b"Subject: x\r\n\r\n")
    assert DefectKind.SEVERAL_FROM in kinds(b"From: a@b\r\nFrom: c@d\r\n\r\n")
    assert DefectKind.GROUP_IN_FROM in kinds(b"From: G: a@b;\r\n\r\n")
    assert [m.address for m in parse(b"From: a@b\r\nFrom: G: c@d;\r\n\r\n").authors] == ["a@b", "c@d"]


def test_limits() -> None:
    many = b"A: 1\r\n" * 20 + b"\r\nbody"
    message = parse(many, Limits(header_fields=5))
    assert len(message.header) == 5
    assert DefectKind.TOO_MANY_FIELDS in {defect.kind for defect in message.defects}
    assert bytes(message.body) == b"body"
    message = parse(many, Limits(header_octets=10))
    assert [field.raw for field in message.header] == [b"A: 1\r\n", b"A: 1"]
    assert DefectKind.HEADER_TOO_LONG in {defect.kind for defect in message.defects}
    assert bytes(message) == many


def test_a_long_header_section_is_found_in_windows() -> None:
    octets = b"".join(b"X-%d: %s\r\n" % (n, b"x" * 60) for n in range(2000)) + b"\r\nbody"
    message = parse(octets)
    assert len(message.header) == 2000
    assert bytes(message.body) == b"body"
