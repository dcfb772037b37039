"""The BER reader against X.690, and against asn1crypto."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from asn1crypto import parser as asn1crypto_parser
from hypothesis import given
from hypothesis import strategies as st

from mailsec.crypto.cms import CMSLimits, encode
from mailsec.crypto.cms.tlv import INTEGER, OCTET_STRING, SEQUENCE, SET, Element, context, read
from mailsec.errors import CMSError, LimitError


def children(element: Element) -> list[tuple[int, bytes]]:
    return [(child.tag, bytes(child.contents)) for child in element.children()]


@pytest.mark.parametrize(
    ("octets", "tag", "contents"),
    [
        pytest.param("020105", INTEGER, "05", id="short form of the length (8.1.3.4)"),
        pytest.param("02810105", INTEGER, "05", id="long form of the length (8.1.3.5)"),
        pytest.param("0284000000010 5".replace(" ", ""), INTEGER, "05", id="long form with leading zeros"),
        pytest.param("30800201050000", SEQUENCE, "020105", id="indefinite form (8.1.3.6)"),
        pytest.param(
            "30803080000002010500 00".replace(" ", ""), SEQUENCE, "30800000020105", id="indefinite in indefinite"
        ),
        pytest.param("3080040200000000", SEQUENCE, "04020000", id="zeros in a primitive are no end"),
        pytest.param("9f1f0105", context(31), "05", id="high tag number (8.1.2.4)"),
        pytest.param("9f81000105", context(128), "05", id="high tag number in two octets"),
        pytest.param("800105", context(0), "05", id="context-specific"),
        pytest.param("0500", 5, "", id="empty"),
    ],
)
def test_elements_are_read(octets: str, tag: int, contents: str) -> None:
    element = read(bytes.fromhex(octets))
    assert (element.tag, bytes(element.contents)) == (tag, bytes.fromhex(contents))
    assert bytes(element.raw) == bytes.fromhex(octets)


@pytest.mark.parametrize(
    "octets",
    [
        pytest.param("", id="nothing"),
        pytest.param("30", id="no length"),
        pytest.param("0281", id="cut off within the length"),
        pytest.param("020205", id="cut off within the contents"),
        pytest.param("3080020105", id="no end-of-contents"),
        pytest.param("308002010500", id="half an end-of-contents"),
        pytest.param("0480040105 0000".replace(" ", ""), id="primitive of indefinite length (8.1.3.2)"),
        pytest.param("0000", id="end-of-contents alone"),
        pytest.param("02010500", id="octets after the end"),
        pytest.param("9f1e0105", id="high form of a low tag number (8.1.2.2)"),
        pytest.param("9fffffffff7f0105", id="tag number too large"),
        pytest.param("02ff" + "00" * 127, id="reserved length (8.1.3.5)"),
        pytest.param("0289000000000000000001" + "05", id="length of nine octets"),
        pytest.param("9f", id="cut off within the tag"),
    ],
)
def test_malformed_elements_are_refused(octets: str) -> None:
    with pytest.raises(CMSError):
        list(read(bytes.fromhex(octets)).children())


def test_strings_in_pieces_are_not_copied() -> None:
    """X.690 section 8.7.3: constructed strings, pieces within pieces."""
    octets = bytes.fromhex("24800403616263248004026465040000002404040266670000")
    buffer = memoryview(octets)
    pieces = read(buffer).segments()
    assert b"".join(pieces) == b"abcdefg"
    assert all(piece.obj is octets for piece in pieces)


def test_pieces_of_another_type_are_refused() -> None:
    with pytest.raises(CMSError, match="another type"):
        read(bytes.fromhex("24800201050000")).segments()


@pytest.mark.parametrize(
    ("octets", "dotted"),
    [
        ("06092a864886f70d010702", "1.2.840.113549.1.7.2"),
        ("0603551d0f", "2.5.29.15"),
        ("06032b6570", "1.3.101.112"),
        ("0603883703", "2.999.3"),
        ("06012a", "1.2"),
    ],
)
def test_object_identifiers(octets: str, dotted: str) -> None:
    assert read(bytes.fromhex(octets)).oid() == dotted
    assert encode.oid(dotted).hex() == octets


@pytest.mark.parametrize("octets", ["0600", "06022a86", "06038001 01".replace(" ", ""), "02012a"])
def test_malformed_object_identifiers(octets: str) -> None:
    with pytest.raises(CMSError):
        read(bytes.fromhex(octets)).oid()


@pytest.mark.parametrize(
    ("tag", "text", "expected"),
    [
        (0x17, "260301120000Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        (0x17, "500101000000Z", datetime(1950, 1, 1, tzinfo=UTC)),
        (0x17, "491231235959Z", datetime(2049, 12, 31, 23, 59, 59, tzinfo=UTC)),
        (0x17, "2603011200Z", datetime(2026, 3, 1, 12, tzinfo=UTC)),
        (0x17, "260301120000+0130", datetime(2026, 3, 1, 10, 30, tzinfo=UTC)),
        (0x17, "260301120000-0130", datetime(2026, 3, 1, 13, 30, tzinfo=UTC)),
        (0x18, "20500101000000Z", datetime(2050, 1, 1, tzinfo=UTC)),
        (0x18, "20500101000000.25Z", datetime(2050, 1, 1, tzinfo=UTC)),
    ],
)
def test_times(tag: int, text: str, expected: datetime) -> None:
    assert read(encode.primitive(tag, text.encode())).time() == expected


@pytest.mark.parametrize(
    "text", ["", "Z", "261301120000Z", "260301120000", "2603011200000Z", "2603011२0000Z", "99999999999999Z"]
)
def test_malformed_times(text: str) -> None:
    with pytest.raises(CMSError):
        read(encode.primitive(0x17, text.encode())).time()


@given(st.datetimes(timezones=st.just(UTC)))
def test_times_are_written_and_read(moment: datetime) -> None:
    assert read(encode.time(moment)).time() == moment.replace(microsecond=0)


def test_an_integer_that_is_no_number_of_anything() -> None:
    with pytest.raises(CMSError, match="a serial number is too long"):
        read(encode.integer(1 << 8 * 64)).integer("a serial number")


@given(st.integers(-(1 << 500), 1 << 500))
def test_integers_are_written_and_read(value: int) -> None:
    octets = encode.integer(value)
    assert read(octets).integer() == value
    assert asn1crypto_parser.parse(octets)[4] == octets[-len(read(octets).contents) :]


@given(st.lists(st.binary(max_size=300)), st.integers(0, 2**21))
def test_structures_are_written_and_read(strings: list[bytes], number: int) -> None:
    written = encode.constructed(context(number), *map(encode.octet_string, strings))
    element = read(written)
    assert element.tag == context(number)
    assert children(element) == [(OCTET_STRING, string) for string in strings]


@given(st.recursive(st.binary(max_size=5), lambda inner: st.lists(inner, max_size=4), max_leaves=30), st.data())
def test_ber_becomes_der(tree: object, data: st.DataObject) -> None:
    """Whatever lengths BER was written with, DER comes out, with sets sorted (X.690 sections 10.1 and 11.6)."""

    def ber(node: object) -> bytes:
        if isinstance(node, bytes):
            return data.draw(
                st.sampled_from([encode.octet_string(node), b"\x24\x80" + encode.octet_string(node) + b"\0\0"])
            )
        assert isinstance(node, list)
        body = b"".join(map(ber, node))
        long = b"\x31\x84" + len(body).to_bytes(4) + body
        return data.draw(st.sampled_from([b"\x31\x80" + body + b"\0\0", long, encode.constructed(SET, body)]))

    def der(node: object) -> bytes:
        if isinstance(node, bytes):
            return encode.octet_string(node)
        assert isinstance(node, list)
        return encode.set_of(map(der, node))

    assert encode.normalize(read(ber(tree))) == der(tree)


@given(st.binary(max_size=200))
def test_any_octets_end_in_an_element_or_an_error(octets: bytes) -> None:
    """And where asn1crypto reads the outermost element strictly, it is the same one."""
    try:
        element = read(octets)
    except CMSError:
        return
    except LimitError:
        return
    tag_class, method, tag, header, contents, trailer = asn1crypto_parser.parse(octets, strict=True)
    assert bytes(element.contents) == contents
    assert element.constructed == bool(method)
    assert len(header) + len(contents) + len(trailer) == len(octets)
    assert (element.tag & 0xC0) >> 6 == tag_class
    assert (element.tag >> 8 or element.tag & 0x1F) == tag


def test_nesting_is_limited() -> None:
    limits = CMSLimits(depth=10)
    with pytest.raises(LimitError, match="nest"):
        read(b"\x30\x80" * 1_000_000, limits)
    element = read(encode.sequence(encode.sequence(encode.sequence())), CMSLimits(depth=1))
    with pytest.raises(LimitError, match="nest"):
        list(next(element.children()).children())


def test_elements_are_limited() -> None:
    with pytest.raises(LimitError, match="1000 elements"):
        read(b"\x30\x80" + b"\x05\x00" * 2000 + b"\0\0", CMSLimits(elements=1000))


def test_nested_indefinite_lengths_are_searched_once() -> None:
    """Thirty levels over many elements: each header is read a fixed number of times, not once a level."""
    inner = b"\x05\x00" * 5_000
    for _ in range(30):
        inner = b"\x30\x80" + inner + b"\0\0"
    element = read(inner, CMSLimits(depth=31, elements=5_000 + 200))
    while element.constructed and element.body != element.end:
        first = next(element.children())
        if not first.constructed:
            break
        element = first
    assert element.end - element.body == 10_000


@given(
    st.lists(st.tuples(st.sampled_from([0, 1, 2, 127, 128, 300]), st.integers(1, 9), st.booleans()), max_size=9),
    st.booleans(),
    st.integers(0, 60),
)
def test_pieces_of_one_size_are_read_in_one_go(runs: list[tuple[int, int, bool]], definite: bool, most: int) -> None:
    """As streaming programs write them, in strings within the string too; the limit counts each all the same."""
    parts, expected, elements = [], [], 1
    for size, count, nested in runs:
        pieces = [bytes((number,)) * size for number in range(count)]
        octets = b"".join(encode.octet_string(piece) for piece in pieces)
        parts.append(b"\x24\x80" + octets + b"\0\0" if nested else octets)
        expected += [piece for piece in pieces if piece]
        elements += count + nested
    inside = b"".join(parts)
    octets = encode.constructed(OCTET_STRING, inside) if definite else b"\x24\x80" + inside + b"\0\0"
    element = read(octets)
    assert element.stop == len(octets)
    assert [bytes(piece) for piece in element.segments()] == expected
    assert element.segments() == element.segments()
    if definite and not any(nested for _, _, nested in runs):
        try:
            read(octets, CMSLimits(elements=most)).segments()
        except LimitError:
            assert most < elements
        else:
            assert most >= elements
