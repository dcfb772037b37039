"""Certificates told to people: names in words, every extension, and foreign text that stays text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailsec.crypto import (
    ED25519,
    RSA_PSS_SHA256,
    RSA_SHA256,
    Line,
    PrivateKey,
    PublicKey,
    describe_certificate,
    describe_key,
    describe_scheme,
    grouped,
    name_in_words,
)
from mailsec.crypto.certificates import Extension
from mailsec.crypto.cms import encode
from mailsec.crypto.describing import _WORDS, _extension
from mailsec.crypto.issue import issue, make_authority, make_name
from mailsec.crypto.revocation.issue import information_access

from .conftest import NOW

VALID: dict[str, Any] = {"not_before": NOW, "not_after": NOW.replace(year=2027)}


def flat(lines: Iterable[Line], depth: int = 0) -> Iterator[str]:
    for one in lines:
        yield "  " * depth + one.text
        yield from flat(one.children, depth + 1)


NAMES = [
    ([("C", "DE"), ("O", "Example GmbH"), ("CN", "Alice Example")], "Alice Example, Example GmbH"),
    ([("CN", "Alice")], "Alice"),
    ([("O", "Example"), ("CN", "Example")], "Example"),
    ([("O", "Example"), ("OU", "Class 2 Authority")], "Class 2 Authority, Example"),
    ([("O", "Example")], "Example"),
    ([("emailAddress", "alice@example.org")], "alice@example.org"),
    ([("C", "DE")], "C=DE"),
    ([], "(no name)"),
    ([("CN", "Alice\x1b[31m\u202eExample")], "Alice\u241b[31m\ufffdExample"),
]


@pytest.mark.parametrize(("attributes", "words"), NAMES)
def test_a_name_in_words(attributes: list[tuple[str, str]], words: str) -> None:
    """RFC 5280 section 4.1.2.4; the common name and the organization are what people go by."""
    assert name_in_words(make_name(attributes)) == words


def test_what_is_no_name_is_told_as_octets() -> None:
    assert name_in_words(b"\x30\x05ab") == "#30056162"


def test_all_of_a_certificate(keys: Callable[..., PrivateKey]) -> None:
    """RFC 5280 sections 4.1 and 4.2, in the words of a reader."""
    root = make_authority("Root", key=keys("ec", 0), path_length=1, permitted=("example.org",), **VALID)
    access = information_access(issuer_url="http://ca.example/ca.cer", ocsp_url="http://ocsp.example")
    leaf = issue(root, "alice@example.org", key=keys("rsa", 0), extra=[access], **VALID).certificate
    lines = [*flat(describe_certificate(leaf))]
    assert lines[:12] == [
        "subject: alice@example.org",
        "  common name: alice@example.org",
        "for alice@example.org",
        "issuer: Root",
        "  common name: Root",
        "valid from 2026-06-01 12:00:00 UTC",
        "valid to 2027-06-01 12:00:00 UTC, that second included",
        f"serial number: {grouped(f'{leaf.serial:x}')} (hexadecimal)",
        "key: RSA of 2048 bits",
        "signed by the issuer with ECDSA with SHA-256",
        f"fingerprint (SHA-256): {grouped(leaf.fingerprint)}",
        "X.509 version 3",
    ]
    for wanted in (
        "names: mail: alice@example.org",
        "the key is for (critical): signing, encrypting keys",
        "purposes: mail",
        "from the issuer",
        "  revocation (OCSP): http://ocsp.example",
        "  the issuer's certificate: http://ca.example/ca.cer",
        f"identifier of its key: {grouped(leaf.key_identifier.hex())}",
    ):
        assert wanted in lines, (wanted, lines)
    lines = [*flat(describe_certificate(root.certificate))]
    wanted = "authority (critical): an authority: it may issue certificates, with at most 1 authority below it"
    assert wanted in lines
    assert "may certify (critical): only mail: example.org" in lines


VALUES = [
    ("2.5.29.19", encode.sequence(), "authority: no authority: it may not issue certificates"),
    ("2.5.29.37", encode.sequence(encode.oid("1.2.3.4")), "purposes: 1.2.3.4"),
    ("2.5.29.17", encode.sequence(b"\x82\x04a.b\x07"), "names: host: a.b\u2407"),
    ("2.5.29.17", encode.sequence(b"\x87\x04\x0a\x00\x00\x01"), "names: IP: 10.0.0.1"),
    ("2.5.29.30", encode.sequence(b"\xa0\x0c\x30\x0a\x87\x08\x0a\x00\x00\x00\xff\x00\x00\x00"),
     "may certify: only IP: 10.0.0.0/8"),
    ("2.5.29.32", encode.sequence(encode.sequence(encode.oid("2.23.140.1.5.1.3"))),
     "policies: 2.23.140.1.5.1.3: the mailbox was validated (strict)"),
    ("2.5.29.54", b"\x02\x01\x02", "limit on any policy: any policy counts for none after 2 more certificates"),
    ("2.5.29.15", b"\x03\x02\x07\x80", "the key is for: signing"),
    ("2.5.29.15", b"\x05\x00", "the key is for: it cannot be read"),
    ("1.2.3.4.5", b"\xde\xad\xbe\xef", "extension 1.2.3.4.5"),
    ("2.5.29.56", b"", "no information on revocation will be given"),
]  # fmt: skip


@pytest.mark.parametrize(("oid", "value", "wanted"), VALUES)
def test_an_extension_in_words(oid: str, value: bytes, wanted: str) -> None:
    """RFC 5280 section 4.2.1; what is malformed or not known is said, never raised."""
    line = _extension(Extension(oid, False, value))
    assert line.text.startswith(wanted), line


@settings(max_examples=300, deadline=None)
@given(oid=st.sampled_from([*_WORDS]), value=st.binary(max_size=60))
def test_no_value_breaks_it_or_the_terminal(oid: str, value: bytes) -> None:
    for line in flat((_extension(Extension(oid, True, value)),)):
        assert line.isprintable()


def test_much_is_cut() -> None:
    names = encode.sequence(*(b"\x82\x03a.b" for _ in range(1000)))
    line = _extension(Extension("2.5.29.17", False, names))
    assert len(line.children) == 101
    assert line.children[-1].text == "and more"
    line = _extension(Extension("1.2.3", False, bytes(100_000)))
    assert len(line.children[0].text) < 300


def test_a_key_in_words(keys: Callable[..., PrivateKey]) -> None:
    assert describe_key(keys("ec", 0).public_key) == "P-256"
    assert describe_key(keys("ed25519").public_key) == "Ed25519"
    assert describe_key(PublicKey.unusable(b"", "its curve is\x07 not known")) == "its curve is\u2407 not known"


def test_schemes() -> None:
    assert describe_scheme(RSA_SHA256) == "RSASSA-PKCS1-v1_5 with SHA-256"
    assert describe_scheme(RSA_PSS_SHA256) == "RSASSA-PSS with SHA-256"
    assert describe_scheme(ED25519) == "Ed25519"
