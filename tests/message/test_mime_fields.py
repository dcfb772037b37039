"""Content-Type, Content-Disposition and their parameters (RFC 2045 section 5, RFC 2183, RFC 2231)."""

from __future__ import annotations

import pytest

from mailsec.message import DefectKind, Limits, parse, parse_content_type, parse_parameters


@pytest.mark.parametrize(
    ("value", "content_type", "params"),
    [
        pytest.param(b"text/html; charset=utf-8", "text/html", {"charset": "utf-8"}, id="plain"),
        pytest.param(b" Text/HTML ;CHARSET = UTF-8 ", "text/html", {"charset": "UTF-8"}, id="case and spaces"),
        pytest.param(b'text/plain; charset="us-ascii"', "text/plain", {"charset": "us-ascii"}, id="quoted"),
        pytest.param(b'a/b; n="a\\"b;c\\\\"', "a/b", {"n": 'a"b;c\\'}, id="quoted pairs and semicolon"),
        pytest.param(b"a/b (c; (d)) ; (e) n (f) = (g) v (h) ; m=w", "a/b", {"n": "v", "m": "w"}, id="comments"),
        pytest.param(b"a/b;\r\n\tn=v;\r\n m=w", "a/b", {"n": "v", "m": "w"}, id="folded"),
        pytest.param(b"a/b; n=v;", "a/b", {"n": "v"}, id="semicolon at the end"),
        pytest.param(b"a/b; n=two words; m=w", "a/b", {"n": "two words", "m": "w"}, id="spaces without quotes"),
        pytest.param(b"a/b; n*=utf-8'en'%E2%82%AC%20x", "a/b", {"n": "€ x"}, id="RFC 2231 4"),
        pytest.param(b"a/b; n*0=one; n*1=\" two\"; n*2=3", "a/b", {"n": "one two3"}, id="RFC 2231 3"),
        pytest.param(b"a/b; n*1=two; n*0=one", "a/b", {"n": "onetwo"}, id="continuations out of order"),
        pytest.param(b"a/b; n*0=one; n*2=x", "a/b", {"n": "one"}, id="a gap ends a continuation"),
        pytest.param(b"a/b; n*0*=utf-8''%E2%82; n*1*=%AC; n*2=\"%41\"", "a/b", {"n": "€%41"}, id="RFC 2231 4.1"),
        pytest.param(b"a/b; n*=x-junk''%E9", "a/b", {"n": "é"}, id="junk charset"),
        pytest.param(b"a/b; n*=plain", "a/b", {"n": "plain"}, id="extended without charset"),
        pytest.param(b"a/b; n=old; n*=utf-8''new", "a/b", {"n": "new"}, id="both forms"),
        pytest.param(b'a/b; n="=?utf-8?q?caf=C3=A9?="', "a/b", {"n": "café"}, id="the habit that RFC 2047 forbids"),
        pytest.param(b"a/b; n==?utf-8?b?w6k=?=", "a/b", {"n": "é"}, id="the same without quotes"),
        pytest.param('a/b; n="é"'.encode(), "a/b", {"n": "é"}, id="RFC 6532"),
        pytest.param(b'a/b; n="\xe9"', "a/b", {"n": "é"}, id="8-bit junk"),
        pytest.param(b"multipart/signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256", "multipart/signed",
                     {"protocol": "application/pkcs7-signature", "micalg": "sha-256"}, id="RFC 1847"),
    ],
)  # fmt: skip
def test_content_type(value: bytes, content_type: str, params: dict[str, str]) -> None:
    media = parse_content_type(value)
    assert str(media) == content_type
    assert dict(media.params) == params


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        pytest.param(b"", DefectKind.CONTENT_TYPE, id="empty"),
        pytest.param(b"text", DefectKind.CONTENT_TYPE, id="no subtype"),
        pytest.param(b"/plain", DefectKind.CONTENT_TYPE, id="no type"),
        pytest.param(b"a b/c", None, id="spaces go, as comments do"),
        pytest.param(b"a/b/c", DefectKind.CONTENT_TYPE, id="two slashes"),
        pytest.param(b"text/\xff", DefectKind.CONTENT_TYPE, id="8-bit"),
        pytest.param(b"a/b; =v", DefectKind.PARAMETER, id="no name"),
        pytest.param(b"a/b; n", DefectKind.PARAMETER, id="no value"),
        pytest.param(b'a/b; n="v', DefectKind.PARAMETER, id="open quotes"),
        pytest.param(b'a/b; n="v"x', DefectKind.PARAMETER, id="junk after quotes"),
        pytest.param(b"a/b; n=1; N=2", DefectKind.DUPLICATE_PARAMETER, id="twice"),
        pytest.param(b"a/b; n=1; n*=2", DefectKind.DUPLICATE_PARAMETER, id="both forms"),
        pytest.param(b"a/b; n*0=1; n*0=2", DefectKind.DUPLICATE_PARAMETER, id="one section twice"),
        pytest.param(b"a/b; n*1=2", DefectKind.PARAMETER, id="no first section"),
        pytest.param(b"a/b (open; n=v", DefectKind.CONTENT_TYPE, id="open comment"),
    ],
)
def test_defects(value: bytes, kind: DefectKind | None) -> None:
    media = parse_content_type(value)
    if kind is None:
        assert media.defects == ()
    else:
        assert kind in media.defects
    if kind is DefectKind.CONTENT_TYPE:
        assert str(media) == "text/plain"  # RFC 2045 section 5.2


def test_defaults() -> None:
    part = parse(b"Subject: x\r\n\r\ny").root
    assert (part.content_type, part.charset, part.encoding, part.disposition, part.filename) == (
        "text/plain",
        "us-ascii",
        "7bit",
        None,
        None,
    )


@pytest.mark.parametrize(
    ("fields", "filename"),
    [
        (b"Content-Disposition: attachment; filename=a.txt", "a.txt"),
        (b"Content-Type: a/b; name=b.txt", "b.txt"),
        (b"Content-Type: a/b; name=b.txt\r\nContent-Disposition: inline; filename*=utf-8''%C3%A9", "é"),
        (b'Content-Disposition: attachment; filename="../../x"', "../../x"),
        (b"Content-Disposition: attachment", None),
    ],
)
def test_filename(fields: bytes, filename: str | None) -> None:
    assert parse(fields + b"\r\n\r\n").root.filename == filename


def test_parameter_limit() -> None:
    value = b"a/b" + b"".join(b"; n%d=v" % n for n in range(1000))
    parsed = parse_parameters(value, Limits(parameters=10))
    assert len(parsed.params) == 10
    assert DefectKind.PARAMETER in parsed.defects


@pytest.mark.parametrize("unit", [b";", b"; (", b"; n=(", b'; n="\\', b"(" * 90, b"; n*1=", b";n\\", b'"', b"; ((a)"])
def test_hostile_parameters_end(unit: bytes) -> None:
    value = b"a/b" + unit * (1_000_000 // len(unit))
    assert parse_parameters(value).value is not None
