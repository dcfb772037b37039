"""Transfer encodings and charsets (RFC 2045 section 6, RFC 2046 section 4.1.2)."""

from __future__ import annotations

import binascii

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsec.message import DefectKind, Part, parse, transfer


def part(encoding: bytes, body: bytes, content_type: bytes = b"text/plain; charset=utf-8") -> Part:
    return parse(b"Content-Type: %s\r\nContent-Transfer-Encoding: %s\r\n\r\n%s" % (content_type, encoding, body)).root


@pytest.mark.parametrize(
    ("body", "content", "kind"),
    [
        pytest.param(b"aGVsbG8=", b"hello", None, id="well-formed"),
        pytest.param(b"aGVs\r\nbG8=\r\n", b"hello", None, id="lines"),
        pytest.param(b"aG-Vs!bG8=", b"hello", DefectKind.BASE64, id="6.8 other characters are ignored"),
        pytest.param(b"aGVsbG8", b"hello", DefectKind.BASE64_LENGTH, id="no padding"),
        pytest.param(b"aGVsbG", b"hell", DefectKind.BASE64_LENGTH, id="cut"),
        pytest.param(b"aGVsb", b"hel", DefectKind.BASE64_LENGTH, id="six bits over"),
        pytest.param(b"aGVsbG8=aGVsbG8=", b"hello", DefectKind.BASE64_AFTER_PADDING, id="goes on after padding"),
        pytest.param(b"=", b"", DefectKind.BASE64_LENGTH, id="only padding"),
        pytest.param(b"", b"", None, id="empty"),
        pytest.param(b"\xff\0", b"", DefectKind.BASE64, id="binary"),
    ],
)
def test_base64(body: bytes, content: bytes, kind: DefectKind | None) -> None:
    found = part(b"base64", body)
    assert found.content == content
    assert [defect.kind for defect in found.content_defects] == ([] if kind is None else [kind])


@pytest.mark.parametrize(
    ("body", "content", "kind"),
    [
        pytest.param(b"a=3Db=e2=82=AC", "a=b€".encode(), None, id="well-formed, lower case too"),
        pytest.param(b"a=\r\nb", b"ab", None, id="soft line break"),
        pytest.param(b"a= \t\r\nb", b"ab", None, id="6.7 (3) padding after a soft line break"),
        pytest.param(b"a \t\r\nb ", b"a\r\nb", None, id="6.7 (3) white space at a line end"),
        pytest.param(b"a=20\r\nb", b"a \r\nb", None, id="encoded white space at a line end"),
        pytest.param(b"a=\nb \nc", b"ab\nc", None, id="bare LF"),
        pytest.param(b"a=zz", b"a=zz", DefectKind.QUOTED_PRINTABLE, id="no hexadecimal digits"),
        pytest.param(b"a==41", b"a=A", DefectKind.QUOTED_PRINTABLE, id="two equals signs"),
        pytest.param(b"a===41", b"a==A", DefectKind.QUOTED_PRINTABLE, id="three equals signs"),
        pytest.param(b"a=\rhidden\r\nb", b"a=\rhidden\r\nb", DefectKind.QUOTED_PRINTABLE, id="a bare CR hides nothing"),
        pytest.param(b"a=", b"a", None, id="at the end"),
        pytest.param(b"a=4", b"a=4", DefectKind.QUOTED_PRINTABLE, id="cut"),
        pytest.param(b"\xff\0", b"\xff\0", None, id="binary"),
    ],
)
def test_quoted_printable(body: bytes, content: bytes, kind: DefectKind | None) -> None:
    found = part(b"quoted-printable", body, b"application/x")
    assert found.content == content
    assert [defect.kind for defect in found.content_defects] == ([] if kind is None else [kind])


@given(
    st.sampled_from([b"base64", b"quoted-printable", b"7bit", b"x-uuencode", b"unknown"]),
    st.lists(st.sampled_from([b"aGVs", b"bG8", b"=", b"==", b"\r\n", b"\n", b"-", b"\xff", b"a", b" "]), max_size=12),
    st.integers(1, 9),
)
def test_content_in_pieces_is_the_same(encoding: bytes, body: list[bytes], step: int) -> None:
    whole = part(encoding, b"".join(body))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfer, "_STEP", step)
        assert b"".join(whole.content_pieces()) == whole.content


def test_uuencode() -> None:
    data = bytes(range(100))
    lines = b"".join(binascii.b2a_uu(data[at : at + 45]) for at in range(0, 100, 45))
    assert part(b"x-uuencode", b"begin 644 x\n" + lines + b"`\nend\n").content == data
    assert part(b"x-uuencode", b"rubbish").content == b""


@pytest.mark.parametrize("encoding", [b"7bit", b"8bit", b"binary", b"7-bit", b"8BIT", b"", b"BINARY (as it is)"])
def test_identity(encoding: bytes) -> None:
    found = part(encoding, b"a=3D\r\n\xff")
    assert found.content == b"a=3D\r\n\xff"
    assert found.defects[-1:] == () or found.defects[-1].kind is not DefectKind.ENCODING


def test_an_unknown_encoding_leaves_the_octets() -> None:
    """RFC 2045 section 6.4."""
    found = part(b"x-rot13", b"uryyb")
    assert found.content == b"uryyb"
    assert DefectKind.ENCODING in {defect.kind for defect in found.defects}


@pytest.mark.parametrize(
    ("charset", "octets", "text"),
    [
        ("utf-8", "grüß €".encode(), "grüß €"),
        ("UTF8", b"\xef\xbb\xbfx", "x"),
        ("utf8mb4", "€".encode(), "€"),
        ("us-ascii", "grüß".encode(), "grüß"),
        ("us-ascii", b"gr\xfc\xdf", "grüß"),
        ("x-unknown", b"gr\xfc\xdf", "grüß"),
        ("iso-8859-1", b"\x93x\x94 \x80", "“x” €"),
        ("ISO_8859-15", b"\xa4", "€"),
        ("iso8859-2", b"\xb1", "ą"),
        ("latin1", b"\xe9", "é"),
        ("cp1251", "привет".encode("cp1251"), "привет"),
        ("windows-1251", "привет".encode("cp1251"), "привет"),
        ("win-1251", "привет".encode("cp1251"), "привет"),
        ("cp-850", b"\x81", "ü"),
        ("IBM850", b"\x81", "ü"),
        ("ibm-437", b"\x81", "ü"),
        ("cp037", b"\x81", "a"),
        ("koi8-r", "привет".encode("koi8-r"), "привет"),
        ("gb2312", "汉字".encode("gb18030"), "汉字"),
        ("GBK", "汉字".encode("gb18030"), "汉字"),
        ("big5", "漢字".encode("big5"), "漢字"),
        ("shift_jis", "日本①".encode("cp932"), "日本①"),
        ("iso-2022-jp", "日本".encode("iso2022_jp"), "日本"),
        ("euc-kr", "한국".encode("cp949"), "한국"),
        ("ks_c_5601-1987", "한국".encode("cp949"), "한국"),
        ("utf-16", "x€".encode("utf-16"), "x€"),
        ("utf-7", b"+IKw-", "€"),
        ("utf-8", b"ok \xff ok", "ok \ufffd ok"),
        ("unicode_escape", b"\\x41", "\\x41"),
        ("rot13", b"abc", "abc"),
        ("punycode", b"abc", "abc"),
        ("../../x\x00", b"abc", "abc"),
        ("\u20ac", b"abc", "abc"),
    ],
)
def test_charsets(charset: str, octets: bytes, text: str) -> None:
    found = part(b"8bit", octets, f'text/plain; charset="{charset}"'.encode())
    assert found.text == text


def test_text_has_lf_as_line_end() -> None:
    assert part(b"7bit", b"a\r\nb\nc\rd").text == "a\nb\nc\nd"


def test_charset_defects() -> None:
    assert [d.kind for d in part(b"8bit", b"\xff").content_defects] == [DefectKind.CHARSET]
    assert [d.kind for d in part(b"8bit", b"x", b"text/plain; charset=junk").content_defects] == [DefectKind.CHARSET]
    assert part(b"8bit", b"\xff", b"text/plain; charset=latin1").content_defects == ()
