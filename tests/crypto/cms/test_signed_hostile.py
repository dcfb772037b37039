"""Structures made to break a reader: lengths that lie, depth, huge numbers, more of everything than there should be.

All end in a result or in `CMSError` or `LimitError`, soon, and without much memory.
"""

from __future__ import annotations

import contextlib
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailsec.crypto import ECDSA_SHA256, RSA_SHA256
from mailsec.crypto.cms import (
    CMSLimits,
    Content,
    Outcome,
    StreamedContent,
    encode,
    oids,
    parse_content_info,
    parse_receipt,
    parse_signed_data,
    receipt_request,
    verify_countersignature,
    verify_signer,
)
from mailsec.crypto.cms.content import holds_attributes
from mailsec.crypto.cms.tlv import SET, Element, context, read
from mailsec.errors import CMSError, LimitError

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
CONTENT = b"Content-Type: text/plain\r\n\r\nHello, world.\r\n" * 20


def try_all(octets: bytes) -> list[Outcome]:
    """Reads everything that there is to read."""
    signed = parse_signed_data(octets)
    whole = Content(signed.content if signed.content is not None else (CONTENT,))
    found = []
    for signer in signed.signers:
        found.append(verify_signer(signer, signed, whole).outcome)
        for attribute in (*(signer.signed_attributes or ()), *signer.unsigned_attributes):
            assert attribute.name
        _ = (signer.signing_time, signer.capabilities, signer.encryption_key_preference)
        with contextlib.suppress(CMSError, LimitError):
            receipt_request(signer)
        with contextlib.suppress(CMSError, LimitError):
            parse_receipt(signed)
        try:
            countersigners = signer.countersigners()
        except (CMSError, LimitError):
            continue
        for countersigner in countersigners:
            assert verify_countersignature(countersigner, signer, signed).outcome in Outcome
    return found


def headers(element: Element) -> Iterator[tuple[int, int]]:
    """Where each length in a structure begins, and where it ends."""
    open_elements = [element]
    while open_elements:
        one = open_elements.pop()
        yield one.start + 1, one.body
        if one.constructed:
            open_elements += list(one.children())


def test_lengths_that_lie(people: Any) -> None:
    """Each length in a structure, one smaller, one larger, enormous, indefinite, and as long as can be written."""
    octets = people.sign(CONTENT, people.signer("p256", ECDSA_SHA256))
    lies = ("smaller", "larger", "enormous", "indefinite", "long", "reserved")
    good = tried = 0
    for start, end in headers(read(octets)):
        length = octets[start:end]
        for lie in lies:
            changed = {
                "smaller": length[:-1] + bytes(((length[-1] - 1) & 0xFF,)),
                "larger": length[:-1] + bytes(((length[-1] + 1) & 0xFF,)),
                "enormous": b"\x88\x7f" + b"\xff" * 7,
                "indefinite": b"\x80",
                "long": b"\xfe" + bytes(126),
                "reserved": b"\xff",
            }[lie]
            tried += 1
            try:
                outcomes = try_all(octets[:start] + changed + octets[end:])
            except (CMSError, LimitError):
                continue
            good += outcomes == [Outcome.GOOD]
    assert tried > 500
    assert good == 0


@pytest.mark.parametrize("at", ["outer", "content", "attribute value", "capabilities", "certificates"])
@pytest.mark.parametrize("form", ["definite", "indefinite"])
def test_depth(people: Any, at: str, form: str) -> None:
    """Nesting ten thousand deep, wherever something may nest."""
    nested = b"\x30\x80" * 10_000 + b"\0\0" * 10_000
    if form == "definite":
        nested = b""
        for _ in range(400):
            nested = encode.sequence(nested)
    made: dict[str, Callable[[], bytes]] = {
        "outer": lambda: nested,
        "content": lambda: people.data(content=None).replace(
            encode.sequence(encode.oid(oids.DATA)),
            encode.sequence(encode.oid(oids.DATA), encode.constructed(context(0), nested)),
        ),
        "attribute value": lambda: _with(people, people.attribute("1.2.3", nested)),
        "capabilities": lambda: _with(people, people.attribute(oids.SMIME_CAPABILITIES, nested)),
        "certificates": lambda: people.data(people.info(None, CONTENT), content=CONTENT, certificates=(nested,)),
    }
    try:
        outcomes = try_all(made[at]())
    except (CMSError, LimitError):
        return
    assert Outcome.GOOD not in outcomes


def _with(people: Any, *attributes: bytes) -> bytes:
    info = people.info(people.attributes(CONTENT, *attributes), signature=b"x")
    return bytes(people.data(info, content=CONTENT))


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(encode.integer(-1), id="negative"),
        pytest.param(encode.integer(1 << 64), id="large"),
        pytest.param(encode.integer(1 << 8 * 100_000), id="huge"),
        pytest.param(b"\x02\x00", id="empty"),
        pytest.param(b"\x02\x05" + bytes(5), id="not minimal"),
    ],
)
def test_numbers(people: Any, value: bytes) -> None:
    """As versions and as serial numbers, which are the numbers that there are."""
    octets = people.data(people.info(people.attributes(CONTENT)), content=CONTENT)
    issuer = people.certificate("rsa").issuer_der
    sid = encode.sequence(issuer, value)
    made = [
        octets.replace(encode.integer(1) + encode.set_of(()), value + encode.set_of(()), 1),
        people.data(people.info(people.attributes(CONTENT), sid=sid), content=CONTENT),
    ]
    for one in made:
        with contextlib.suppress(CMSError, LimitError):
            try_all(one)


@pytest.mark.parametrize(
    ("many", "limit"),
    [
        ("signers", 8),
        ("certificates", 200),
        ("revocation lists", 200),
        ("signed", 100),
        ("unsigned", 100),
        ("values", 100),
    ],
)
def test_as_many_as_there_may_be(people: Any, many: str, limit: int) -> None:
    """Within the limits all is read, in time; one more is refused."""
    issuer = people.certificate("rsa").issuer_der

    def made(count: int) -> bytes:
        numbers = [encode.integer(number) for number in range(count)]
        infos, attributes, unsigned, certificates = 1, people.attributes(CONTENT), None, ()
        if many == "signers":
            infos = count
        elif many == "certificates":
            certificates = tuple(encode.sequence(issuer, number) for number in numbers)
        elif many == "signed":
            attributes += [people.attribute(f"1.2.{number}", encode.NULL) for number in range(count - 2)]
        elif many == "unsigned":
            unsigned = [people.attribute(oids.COUNTERSIGNATURE, number) for number in numbers]
        elif many == "values":
            attributes.append(people.attribute("1.2.3", *numbers))
        info = people.info(attributes, unsigned=unsigned)
        octets = people.data(*[info] * infos, content=CONTENT, certificates=certificates)
        if many != "revocation lists":
            return bytes(octets)
        outer, inner = read(octets).children()
        found = [bytes(member.raw) for member in next(inner.children()).children()]
        crls = encode.constructed(context(1), *(encode.sequence(number) for number in numbers))
        signed = encode.sequence(*found[:-1], crls, found[-1])
        return encode.sequence(bytes(outer.raw), encode.constructed(context(0), signed))

    outcomes = try_all(made(limit))
    assert len(outcomes) == (limit if many == "signers" else 1)
    with pytest.raises(LimitError):
        parse_signed_data(made(limit + 1))


def test_many_certificates_under_one_name(people: Any) -> None:
    """Only a few of those that the signer's identifier means are tried."""
    certificate = people.certificate("rsa")
    decoys = [
        certificate.der[:-4] + number.to_bytes(4) for number in range(100)
    ]  # each with another signature, and with the same name and key
    octets = people.data(
        people.info(people.attributes(CONTENT), signature=b"x"), content=CONTENT, certificates=tuple(decoys)
    )
    assert try_all(octets) == [Outcome.SIGNATURE]


def test_elements_are_limited(people: Any) -> None:
    octets = people.sign(CONTENT)
    with pytest.raises(LimitError):
        parse_signed_data(octets, CMSLimits(elements=10))


def test_a_content_in_many_pieces_takes_little_more_than_itself(people: Any) -> None:
    """Ten thousand pieces of one octet, in BER of indefinite length."""
    content = bytes(10_000)
    pieces = b"".join(encode.octet_string(content[at : at + 1]) for at in range(len(content)))
    outer, inner = read(people.data(people.info(people.attributes(content)), content=b"")).children()
    found = [bytes(member.raw) for member in next(inner.children()).children()]
    found[2] = b"\x30\x80" + encode.oid(oids.DATA) + b"\xa0\x80\x24\x80" + pieces + b"\0\0" * 3
    octets = b"\x30\x80" + bytes(outer.raw) + b"\xa0\x80\x30\x80" + b"".join(found) + b"\0\0" * 3
    tracemalloc.start()
    try:
        parsed = parse_signed_data(octets)
        assert parsed.content is not None
        assert len(parsed.content) == 10_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 400 * 10_000
    assert try_all(octets) == [Outcome.GOOD]


def test_what_is_cut_off(people: Any) -> None:
    octets = people.sign(CONTENT)
    for cut in range(len(octets)):
        with pytest.raises(CMSError):
            parse_content_info(octets[:cut])


# -- any octets ----------------------------------------------------------------------------------------------------

members = st.recursive(
    st.one_of(
        st.integers(-(1 << 70), 1 << 70).map(encode.integer),
        st.binary(max_size=20).map(encode.octet_string),
        st.sampled_from(
            [oids.DATA, oids.SIGNED_DATA, oids.MESSAGE_DIGEST, oids.CONTENT_TYPE, oids.RSA, "2.16.840.1.101.3.4.2.1"]
        ).map(encode.oid),
        st.just(encode.NULL),
        st.binary(max_size=6),
    ),
    lambda inner: st.tuples(
        st.sampled_from([0x10, SET, context(0), context(1), 0x04]), st.lists(inner, max_size=6)
    ).map(lambda pair: encode.constructed(pair[0], *pair[1])),
    max_leaves=25,
)


@given(st.lists(members, max_size=7))
def test_any_members_end_in_a_result_or_an_error(inner: list[bytes]) -> None:
    signed = encode.sequence(*inner)
    octets = encode.sequence(encode.oid(oids.SIGNED_DATA), encode.constructed(context(0), signed))
    with contextlib.suppress(CMSError, LimitError):
        try_all(octets)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(members, min_size=4, max_size=7), st.booleans())
def test_any_signer_ends_in_a_result_or_an_error(people: Any, inner: list[bytes], swap: bool) -> None:
    """The first members are right, so that the reader gets as far as the odd ones."""
    sid = encode.sequence(people.certificate("rsa").issuer_der, encode.integer(people.certificate("rsa").serial))
    right = [encode.integer(1), sid, encode.sequence(encode.oid("2.16.840.1.101.3.4.2.1"))]
    odd = encode.sequence(*right[: 2 + swap], *inner)
    with contextlib.suppress(CMSError, LimitError):
        assert Outcome.GOOD not in try_all(people.data(odd, content=CONTENT))


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_damaged_ones_of_ours(people: Any, data: st.DataObject) -> None:
    """An octet anywhere but in the certificates and the unsigned attributes matters, and is never taken for good."""
    octets = bytearray(_made(people))
    (signer,) = parse_signed_data(bytes(octets)).signers
    assert signer.element is not None
    start = data.draw(st.sampled_from([signer.element.start, bytes(octets).index(CONTENT)]))
    at = data.draw(st.integers(start, min(start + 1500, len(octets) - 1)))
    if octets.index(CONTENT) + len(CONTENT) <= at < signer.element.start:
        return  # the certificates, which have signatures of their own
    old = octets[at]
    octets[at] = data.draw(st.integers(0, 255).filter(lambda octet: octet != old))
    try:
        outcomes = try_all(bytes(octets))
    except (CMSError, LimitError):
        return
    if outcomes == [Outcome.GOOD]:
        # What may change: the version, the string types of the issuer's name, absent for NULL.
        changed = parse_signed_data(bytes(octets))
        assert changed.content is not None
        assert b"".join(changed.content) == CONTENT
        assert changed.signers[0].signed_octets()[0] == signer.signed_octets()[0]


_cache: list[bytes] = []


def _made(people: Any) -> bytes:
    if not _cache:
        _cache.append(people.sign(CONTENT, people.signer("rsa", RSA_SHA256)))
    return _cache[0]


@given(st.lists(st.binary(max_size=40)))
def test_a_stream_is_as_good_as_pieces(pieces: list[bytes]) -> None:
    whole, streamed = Content(pieces), StreamedContent(("sha256", "shake256"))
    for piece in pieces:
        streamed.update(piece)
    assert whole.size == streamed.size == len(b"".join(pieces))
    assert bytes(whole.octets()) == streamed.octets() == b"".join(pieces)
    assert whole.head(16) == streamed.head(16) == b"".join(pieces)[:16]
    for name in ("sha256", "shake256"):
        assert whole.digest(name) == streamed.digest(name)
    assert holds_attributes(whole) == holds_attributes(streamed) is False


@given(st.lists(st.binary(max_size=200), max_size=30), st.sampled_from(["1.2.3", oids.MESSAGE_DIGEST]))
def test_attributes_are_recognised(values: list[bytes], oid: str) -> None:
    """Whatever is the DER of attributes with a message digest among them, and nothing else."""
    attributes = [
        encode.sequence(encode.oid(f"1.2.{index}"), encode.set_of([encode.octet_string(value)]))
        for index, value in enumerate(values)
    ]
    attributes.append(encode.sequence(encode.oid(oid), encode.set_of([encode.octet_string(bytes(32))])))
    octets = encode.set_of(attributes)
    assert holds_attributes(Content((octets[:3], octets[3:]))) is (oid == oids.MESSAGE_DIGEST)
    assert not holds_attributes(Content((octets + b"!",)))
    assert not holds_attributes(Content((octets[1:],)))
