"""Tag lists (RFC 6376 section 3.2), and fields and records made of them under hostile input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailsec.message import parse, parse_header
from mailsec_dkim.header import canonicalize_field, hash_input, select_fields
from mailsec_dkim.keyrecord import KeyFault, KeyRecord, parse_key_record
from mailsec_dkim.signature import Signature, SignatureFault, parse_signature
from mailsec_dkim.tags import TagError, decode_base64, decode_qp_section, find_signature_value, parse_tags

GOOD = [
    pytest.param(b"a=1; b=2", {"a": b"1", "b": b"2"}, id="two tags"),
    pytest.param(b"a=1;b=2;", {"a": b"1", "b": b"2"}, id="a last semicolon"),
    pytest.param(b" a = 1 ;\r\n\tb\r\n = \r\n 2 ; \r\n", {"a": b"1", "b": b"2"}, id="white space everywhere"),
    pytest.param(b"a=", {"a": b""}, id="an empty value"),
    pytest.param(b"a=1 2\r\n 3", {"a": b"1 2\r\n 3"}, id="white space inside a value"),
    pytest.param(b"a=b=c", {"a": b"b=c"}, id="= inside a value"),
    pytest.param(b"a=1; A=2", {"a": b"1", "A": b"2"}, id="names differ by case"),
    pytest.param(b"long_name2=1", {"long_name2": b"1"}, id="digits and underscores in a name"),
    pytest.param("a=größe".encode(), {"a": "größe".encode()}, id="UTF-8"),
    pytest.param(b"a=1;\n b=2\n", {"a": b"1", "b": b"2"}, id="lines that end in LF"),
]
BAD = [
    pytest.param(b"", id="nothing"),
    pytest.param(b";", id="only a semicolon"),
    pytest.param(b"a=1;;b=2", id="an empty tag"),
    pytest.param(b"a", id="no ="),
    pytest.param(b"=1", id="no name"),
    pytest.param(b"2a=1", id="a name that begins with a digit"),
    pytest.param(b"a b=1", id="white space in a name"),
    pytest.param(b"a-b=1", id="a hyphen in a name"),
    pytest.param(b"a=1;a=1", id="a tag twice"),
    pytest.param(b"a=\x00", id="NUL"),
    pytest.param(b"a=\x7f", id="DEL"),
    pytest.param(b"a=1\r\nb=2", id="a line end that does not fold"),
    pytest.param(b"a=1\r b", id="a bare CR"),
]


@pytest.mark.parametrize(("octets", "tags"), GOOD)
def test_good_lists(octets: bytes, tags: dict[str, bytes]) -> None:
    assert parse_tags(octets) == tags


@pytest.mark.parametrize("octets", BAD)
def test_bad_lists(octets: bytes) -> None:
    with pytest.raises(TagError):
        parse_tags(octets)


@pytest.mark.parametrize(
    ("octets", "before", "after"),
    [
        pytest.param(b"a=b;b=xyz", b"a=b;b=", b"", id="last"),
        pytest.param(b"b = x\r\n yz ; bh=b", b"b =", b"; bh=b", id="first"),
        pytest.param(b"bh=b=; \tb\r\n =\r\n\tq==\r\n", b"bh=b=; \tb\r\n =", b"", id="folded"),
    ],
)
def test_where_the_signature_value_stands(octets: bytes, before: bytes, after: bytes) -> None:
    """RFC 6376 section 3.7."""
    start, end = find_signature_value(octets)
    assert (octets[:start], octets[end:]) == (before, after)


def test_base64() -> None:
    """RFC 6376 section 2.10."""
    assert decode_base64(b"aG V\r\n\tsbG8=") == b"hello"
    for wrong in (b"aGVsbG8", b"aGVsbG8==", b"=aGVsbG8", b"aGV*bG8=", b"aGVsbG8=x", b"a", b"\xff\xff\xff\xff"):
        with pytest.raises(TagError):
            decode_base64(wrong)


def test_qp_section() -> None:
    """RFC 6376 section 2.11."""
    assert decode_qp_section(b"a=3B=20 b\r\n\tc") == b"a; bc"
    for wrong in (b"=", b"=3", b"=3b", b"=GG", b"a=3D="):
        with pytest.raises(TagError):
            decode_qp_section(wrong)


# -- header fields -------------------------------------------------------------------------------------------

RELAXED = [
    pytest.param(b"SubJect: AbC \r\n", b"subject:AbC\r\n", id="name in lower case, white space off"),
    pytest.param(b"Subject \t:\tx\r\n", b"subject:x\r\n", id="white space around the colon"),
    pytest.param(b"Subject:a\r\n\tb\r\n  c\r\n", b"subject:a b c\r\n", id="unfolded"),
    pytest.param(b"Subject:\r\n \r\n x\r\n", b"subject:x\r\n", id="folded before anything"),
    pytest.param(b"Subject:\r\n", b"subject:\r\n", id="empty"),
    pytest.param(b"Subject: a:b: c\r\n", b"subject:a:b: c\r\n", id="colons in the value"),
    pytest.param(b"Subject: \x0ba\x0c \xa0\r\n", b"subject:\x0ba\x0c \xa0\r\n", id="only SP and TAB are white space"),
    pytest.param(b"Subject: a \r b\r\n", b"subject:a \r b\r\n", id="bare CR is no white space"),
    pytest.param(b"Subject: a\n b\n", b"subject:a b\r\n", id="stored with LF"),
]


@pytest.mark.parametrize(("raw", "canonical"), RELAXED)
def test_relaxed_fields(raw: bytes, canonical: bytes) -> None:
    """RFC 6376 section 3.4.2."""
    assert canonicalize_field(raw, "relaxed") == canonical
    section = parse_header(b"X: 1\r\n" + raw)
    assert hash_input(section, [(1, b"subject")], b"b:=", (0, 0), "relaxed") == canonical + b"b:="


def test_simple_fields() -> None:
    """RFC 6376 section 3.4.1."""
    assert canonicalize_field(b"A : b \r\n\t c\r\n", "simple") == b"A : b \r\n\t c\r\n"
    assert canonicalize_field(b"A: b\n c\n", "simple") == b"A: b\r\n c\r\n"


LINES = st.lists(
    st.sampled_from(
        [b"From", b"a", b":", b" ", b"\t", b"\r\n", b"\r\n ", b"\n", b"\r", b"To: x\r\n", b"\xff", b"\x0b"]
    ),
    max_size=30,
).map(b"".join)


@settings(max_examples=2000, deadline=None)
@given(LINES)
@example(b"a\r\n :x\r\n")
def test_all_fields_at_once_are_as_each_alone(octets: bytes) -> None:
    section = parse_header(b"First: x\r\n" + octets)
    for algorithm in ("simple", "relaxed"):
        fields = [field for field in section if field.key]
        selected = [(field.index, field.raw_name.rstrip(b" \t").lower()) for field in fields]
        expected = b"".join(canonicalize_field(field.raw, algorithm) for field in fields) + b"b:="
        assert hash_input(section, selected, b"b:=", (0, 0), algorithm) == expected
        names = [name for _, name in selected]
        assert sorted(select_fields(section, names)) == sorted(selected, key=lambda one: one[0])


def test_selection_from_the_bottom_up() -> None:
    """RFC 6376 section 5.4.2."""
    section = parse_header(b"A: 1\r\nB: 2\r\nA: 3\r\n")
    assert select_fields(section, (b"a", b"c", b"b", b"a", b"a", b"b")) == [(2, b"a"), (1, b"b"), (0, b"a")]


# -- hostile input -------------------------------------------------------------------------------------------

PIECES = (
    b"v=1;|a=rsa-sha256;|b=AAAA|;|=|bh=|d=example.org;|s=x;|h=from:to;|l=|i=a@b|i==|@|t=|x=|c=relaxed/|/| |\r\n |\r\n"
    b"|\xff|\xc3\xbc|\0|47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;|q=dns/txt;|:|k=rsa;|p=|v=DKIM1;|n==3D;"
)
SIGNATURE_PIECES = st.sampled_from([*PIECES.split(b"|"), b"9" * 90])
HOSTILE = st.one_of(st.binary(max_size=200), st.lists(SIGNATURE_PIECES, max_size=25).map(b"".join))


@settings(max_examples=3000, deadline=None)
@given(HOSTILE)
def test_a_signature_is_one_or_says_why_not(octets: bytes) -> None:
    try:
        signature = parse_signature(octets)
    except SignatureFault as fault:
        assert fault.reason  # noqa: PT017
        assert all(isinstance(value, str) for value in fault.properties.values())  # noqa: PT017
    else:
        assert isinstance(signature, Signature)
        assert signature.value
        assert b"from" in signature.signer.signed


@settings(max_examples=3000, deadline=None)
@given(HOSTILE)
def test_a_key_record_is_one_or_says_why_not(octets: bytes) -> None:
    record = parse_key_record(octets)
    assert isinstance(record, KeyRecord | KeyFault)


@settings(max_examples=300, deadline=None)
@given(field=HOSTILE, key=HOSTILE, body=st.binary(max_size=100), chunk=st.integers(1, 50))
async def test_no_message_makes_it_crash(
    verify: Callable[..., Any], field: bytes, key: bytes, body: bytes, chunk: int
) -> None:
    octets = b"DKIM-Signature: " + field + b"\r\nFrom: a@example.org\r\n\r\n" + body
    whole = await verify(octets, {"x._domainkey.example.org": key})
    assert whole == await verify(octets, {"x._domainkey.example.org": key}, chunk=chunk)
    assert bytes(parse(octets)) == octets


@settings(max_examples=100, deadline=None)
@given(
    body=st.lists(st.sampled_from([b"a", b" ", b"\t", b"\r\n", b"\r\n\r\n"]), max_size=40).map(b"".join),
    chunk=st.integers(1, 30),
    pair=st.sampled_from(["simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed"]),
    length=st.one_of(st.none(), st.integers(0, 30)),
)
async def test_chunks_make_no_difference(
    *,
    verify: Callable[..., Any],
    craft: Callable[..., bytes],
    seal: Callable[..., Any],
    ed25519_key: Any,
    header: bytes,
    body: bytes,
    chunk: int,
    pair: str,
    length: int | None,
) -> None:
    octets = craft(ed25519_key, header, body, c=pair, l=None if length is None else str(length))
    assert await verify(octets) == await verify(octets, chunk=chunk)
    sealed = await seal(header + b"\r\n" + body, ed25519_key, canonicalization=pair)
    assert sealed == await seal(header + b"\r\n" + body, ed25519_key, canonicalization=pair, chunk=chunk)


@pytest.mark.parametrize("own", range(4))
@pytest.mark.parametrize("times", range(1, 6))
def test_signed_signature_fields_never_mean_the_one_that_is_verified(own: int, times: int) -> None:
    """RFC 6376 section 3.7: the field itself is hashed last, whatever h= says."""
    section = parse_header(b"DKIM-Signature: a\r\nDKIM-Signature: b\r\nX: y\r\nDKIM-Signature: c\r\n" * 2)
    present = [0, 1, 3, 4, 5, 7]
    others = [index for index in present if index != present[own]]
    selected = select_fields(section, (b"dkim-signature",) * times, present[own])
    assert [index for index, _ in selected] == others[::-1][:times]
