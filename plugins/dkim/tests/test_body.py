"""Body canonicalization: the rules of RFC 6376 sections 3.4.3 and 3.4.4, however the body is cut."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest
from dkim.canonicalization import ALGORITHMS
from hypothesis import given, settings
from hypothesis import strategies as st

from mailsec_dkim.body import BodyCanonicalizer
from mailsec_dkim.hashing import BLOCK, BodyHasher
from mailsec_dkim.scan import contains


def canonicalize(algorithm: str, *pieces: bytes) -> bytes:
    given_octets: list[bytes] = []
    canonicalizer = BodyCanonicalizer(algorithm)
    canonicalizer.sinks.append(given_octets.append)
    for piece in pieces:
        canonicalizer.feed(piece)
    canonicalizer.finish()
    assert canonicalizer.total == sum(map(len, given_octets))
    return b"".join(given_octets)


CASES = [
    # body · simple · relaxed
    pytest.param(b"", b"\r\n", b"", id="empty body"),
    pytest.param(b"\r\n", b"\r\n", b"", id="one empty line"),
    pytest.param(b"\r\n\r\n", b"\r\n", b"", id="empty lines"),
    pytest.param(b"a", b"a\r\n", b"a\r\n", id="no line end"),
    pytest.param(b"a\r\n", b"a\r\n", b"a\r\n", id="a line"),
    pytest.param(b"a\r\n\r\n\r\n", b"a\r\n", b"a\r\n", id="empty lines at the end"),
    pytest.param(b"\r\n\r\na\r\n", b"\r\n\r\na\r\n", b"\r\n\r\na\r\n", id="empty lines at the start stay"),
    pytest.param(b"a \t b\r\n", b"a \t b\r\n", b"a b\r\n", id="white space inside"),
    pytest.param(b"\t a\r\n", b"\t a\r\n", b" a\r\n", id="white space at the start of a line"),
    pytest.param(b"a \t\r\nb\r\n", b"a \t\r\nb\r\n", b"a\r\nb\r\n", id="white space at the end of a line"),
    pytest.param(b"a\r\n \t\r\n", b"a\r\n \t\r\n", b"a\r\n", id="a last line of white space"),
    pytest.param(b" \r\n", b" \r\n", b"", id="only white space"),
    pytest.param(b"a \t", b"a \t\r\n", b"a\r\n", id="white space and no line end"),
    pytest.param(b"a\rb\r\n", b"a\rb\r\n", b"a\rb\r\n", id="bare CR is no line end"),
    pytest.param(b"a \rb\r\n", b"a \rb\r\n", b"a \rb\r\n", id="white space before a bare CR stays"),
    pytest.param(b"a\r", b"a\r\r\n", b"a\r\r\n", id="bare CR at the end"),
    pytest.param(b"a \r", b"a \r\r\n", b"a \r\r\n", id="white space and bare CR at the end"),
    pytest.param(b"a\x0b\x0c b\r\n", b"a\x0b\x0c b\r\n", b"a\x0b\x0c b\r\n", id="VT and FF are no white space"),
    pytest.param(b"a\xa0 \xff\r\n", b"a\xa0 \xff\r\n", b"a\xa0 \xff\r\n", id="octets over 127"),
    pytest.param(b"a\0  b\0\r\n", b"a\0  b\0\r\n", b"a\0 b\0\r\n", id="NUL"),
    pytest.param(b"a\nb \n\n", b"a\r\nb \r\n", b"a\r\nb\r\n", id="stored: lines end in LF"),
    pytest.param(b"\n\na\r\nb\n", b"\r\n\r\na\r\nb\r\n", b"\r\n\r\na\r\nb\r\n", id="stored: CRLF counts too"),
    pytest.param(b"a\r\nb\nc\r\n", b"a\r\nb\nc\r\n", b"a\r\nb\nc\r\n", id="not stored: bare LF is an octet"),
    pytest.param(b"a\r\n \n", b"a\r\n \n\r\n", b"a\r\n \n\r\n", id="not stored: bare LF at the end"),
    pytest.param(b"a\r\n\n\r\n\r\n", b"a\r\n\n\r\n", b"a\r\n\n\r\n", id="not stored: a line with a bare LF"),
]


@pytest.mark.parametrize(("body", "simple", "relaxed"), CASES)
def test_rules(body: bytes, simple: bytes, relaxed: bytes) -> None:
    octets = [body[at : at + 1] for at in range(len(body))]
    for algorithm, expected in (("simple", simple), ("relaxed", relaxed)):
        assert canonicalize(algorithm, body) == expected
        assert canonicalize(algorithm, *octets) == expected
        for cut in range(len(body)):
            assert canonicalize(algorithm, body[:cut], body[cut:]) == expected


PIECES = st.sampled_from([b"a", b"bc", b" ", b"  ", b"\t", b"\r\n", b"\r\n\r\n", b"\r", b"\n", b"\xe4", b"\0", b"."])
BODIES = st.one_of(
    st.binary(max_size=60),
    st.lists(PIECES, max_size=40).map(b"".join),
    st.lists(PIECES.filter(lambda piece: piece not in {b"\r", b"\n"}), max_size=40).map(b"".join),
)


@settings(max_examples=2000, deadline=None)
@given(body=BODIES, algorithm=st.sampled_from(["simple", "relaxed"]), data=st.data())
def test_cuts_make_no_difference(body: bytes, algorithm: str, data: st.DataObject) -> None:
    whole = canonicalize(algorithm, body)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(body)), max_size=6)))
    pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
    assert canonicalize(algorithm, *pieces) == whole
    if not re.search(rb"[\r\n]", whole.replace(b"\r\n", b"")):
        assert canonicalize(algorithm, whole) == whole, "canonical form is its own canonical form"


@settings(max_examples=2000, deadline=None)
@given(body=BODIES, algorithm=st.sampled_from(["simple", "relaxed"]))
def test_as_dkimpy_has_it(body: bytes, algorithm: str) -> None:
    """dkimpy takes every bare LF for a line end, and keeps white space after the last; nothing else differs."""
    first = re.search(rb"\r?\n", body)
    if first and first[0] == b"\r\n":
        body = re.sub(rb"(?<!\r)\n", b"", body)
    if algorithm == "relaxed":
        body = body.rstrip(b" \t")
    lines = b"\r\n".join(re.split(rb"\r?\n", body))
    if re.search(rb"(?<!\r)\n", body.replace(b"\r\n", b"")) and lines.count(b"\n") != lines.count(b"\r\n"):
        return
    assert canonicalize(algorithm, body) == ALGORITHMS[algorithm.encode()].canonicalize_body(lines)


@settings(max_examples=300, deadline=None)
@given(
    unit=st.lists(PIECES, min_size=1, max_size=12).map(b"".join),
    size=st.integers(BLOCK - 40, 3 * BLOCK),
    shift=st.integers(0, 40),
    step=st.sampled_from([1 << 20, BLOCK, BLOCK - 1, 70_001, 4_096, 977]),
    length=st.one_of(st.none(), st.integers(0, 3 * BLOCK)),
)
def test_hash_over_many_blocks(unit: bytes, size: int, shift: int, step: int, length: int | None) -> None:
    """Blocks, cuts and l= make no difference to the hash, and a covered range holds just what is hashed."""
    body = b"x" * shift + unit * (size // len(unit))
    for algorithm in ("simple", "relaxed"):
        whole = canonicalize(algorithm, body)
        hasher = BodyHasher()
        hasher.want(algorithm, "sha256", length)
        hasher.want(algorithm, "sha256", None)
        for start in range(0, len(body), step):
            hasher.feed(memoryview(body)[start : start + step])
        hasher.finish()
        found = hasher.result(algorithm, "sha256", length)
        assert found.digest == hashlib.sha256(whole[:length]).digest()
        assert found.total == len(whole)
        assert hasher.result(algorithm, "sha256").digest == hashlib.sha256(whole).digest()
        if length is not None and length < len(whole):
            kept = canonicalize(algorithm, body[: found.covered])
            assert kept.rstrip(b" \r\n") == whole[:length].rstrip(b" \r\n")
        else:
            assert found.covered == len(body)


def test_hostile_bodies_cost_no_more_than_others() -> None:
    """White space without end, in small pieces, does not pile up."""
    for unit in (b" ", b"\r\n", b"\t\r\n", b"\r \r", b"\n"):
        body = unit * (4_000_000 // len(unit))
        hasher = BodyHasher()
        hasher.want("relaxed", "sha256")
        hasher.want("simple", "sha256", 7)
        for start in range(0, len(body), 5_000):
            hasher.feed(memoryview(body)[start : start + 5_000])
        hasher.finish()
        assert hasher.result("simple", "sha256", 7).total <= len(body) * 2 + 2


@given(octets=st.binary(max_size=40), shift=st.integers(0, 9000), needle=st.sampled_from([b"  ", b" \r\n"]))
def test_search(octets: bytes, shift: int, needle: bytes) -> None:
    for haystack in (octets + b"-" * shift, b"-" * shift + octets, b" - " * shift + needle + octets, octets + needle):
        assert contains(haystack, needle) is (needle in haystack)


def test_search_without_the_c_library(monkeypatch: Any) -> None:
    import mailsec_dkim.scan

    monkeypatch.setattr(mailsec_dkim.scan, "_MEMMEM", None)
    assert contains(b"-" * 10_000 + b"  ", b"  ")
    assert not contains(b"-" * 10_000, b"  ")
