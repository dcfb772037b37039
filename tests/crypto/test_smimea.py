"""SMIMEA: names (RFC 8162 section 3), records (RFC 6698 section 2), and what they match."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsec.crypto import PrivateKey
from mailsec.crypto.issue import Issued, issue, make_authority
from mailsec.crypto.smimea import match_smimea, parse_smimea, smimea_name
from mailsec.errors import CertificateError, InputError

NOW = datetime.now(UTC)
HUGH = "c93f1e400f26708f98cb19d936620da35eec8f72e57f9eec01c1afd6"


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:56]


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("hugh@example.com", f"{HUGH}._smimecert.example.com"),  # the value of RFC 7929 section 3
        ("hugh@example.com.", f"{HUGH}._smimecert.example.com"),
        ('"hugh"@example.com', f"{HUGH}._smimecert.example.com"),  # quotes are removed
        (r'"h\ugh"@example.com', f"{HUGH}._smimecert.example.com"),  # and quoted pairs
        (" hugh @example.com", f"{HUGH}._smimecert.example.com"),
        ("a . b@example.com", f"{digest('a.b')}._smimecert.example.com"),  # white space around dots
        ('"a b"@example.com', f"{digest('a b')}._smimecert.example.com"),
        ('"a@b"@example.com', f"{digest('a@b')}._smimecert.example.com"),
        (r'"a\\b\""@example.com', f"{digest(chr(97) + chr(92) + 'b' + chr(34))}._smimecert.example.com"),
        ("Hugh@example.com", f"{digest('Hugh')}._smimecert.example.com"),  # case counts
        ("ju\u0308rgen@example.com", f"{digest('jürgen')}._smimecert.example.com"),  # NFC
        ("jürgen@bücher.example", f"{digest('jürgen')}._smimecert.bücher.example"),
    ],
)
def test_names(address: str, name: str) -> None:
    assert smimea_name(address) == name


@pytest.mark.parametrize("address", ["", "x", "@example.com", "x@", '""@example.com', "x@."])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(InputError, match="an address with a local part and a domain is wanted"):
        smimea_name(address)


@given(st.text(), st.text(min_size=1))
def test_every_name_has_one_label_for_the_local_part(local: str, domain: str) -> None:
    try:
        name = smimea_name(f"{local}@{domain}")
    except InputError:
        return
    label, _, rest = name.partition("._smimecert.")
    assert (len(label), int(label, 16) >= 0, bool(rest)) == (56, True, True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "it is no SMIMEA record"),
        ("3 0", "it is no SMIMEA record"),
        ("x 0 0 00", "it is no SMIMEA record"),
        ("3 0 0 0", "it is no SMIMEA record"),
        ("3 0 0 xy", "it is no SMIMEA record"),
        ("4 0 0 00", "its usage 4 is not known"),
        ("255 0 0 00", "its usage 255 is not known"),
        ("-1 0 0 00", "its usage -1 is not known"),
        ("3 2 0 00", "its selector 2 is not known"),
        ("3 0 3 00", "its matching type 3 is not known"),
        ("3 0 1 00", "it has 1 octets to compare with"),
        ("3 0 0", "it has 0 octets to compare with"),
        (f"3 0 2 {'00' * 32}", "it has 32 octets to compare with"),
        (f"3 0 0 {'00' * (1 << 17)}", "has more than"),
    ],
)
def test_what_is_no_record(text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        parse_smimea(text)


@given(st.text(alphabet="0123456789abcdef x\u0661\n"))
def test_no_text_breaks_the_reader(text: str) -> None:
    try:
        record = parse_smimea(text)
    except InputError:
        return
    assert record.data


@pytest.fixture(scope="module")
def chain() -> Issued:
    authority = make_authority("CA", not_before=NOW, not_after=NOW + timedelta(1), key=PrivateKey.generate("ec"))
    return issue(
        authority, "bob@example.org", not_before=NOW, not_after=NOW + timedelta(1), key=PrivateKey.generate("ec")
    )


@pytest.mark.parametrize("usage", range(4))
@pytest.mark.parametrize("selector", range(2))
@pytest.mark.parametrize("matching", range(3))
def test_matching(usage: int, selector: int, matching: int, chain: Issued) -> None:
    """RFC 6698 section 2.1: usages 0 and 2 name an authority, 1 and 3 the certificate itself."""
    path = chain.certificates
    named = path[1] if usage in (0, 2) else path[0]
    selected = named.der if selector == 0 else named.public_key.spki_der()
    data = [selected, hashlib.sha256(selected).digest(), hashlib.sha512(selected).digest()][matching]
    record = parse_smimea(f"{usage} {selector} {matching} {data.hex(' ', 64).upper()}")
    assert (record.names_issuer, record.needs_path) == (usage in (0, 2), usage in (0, 1))
    assert match_smimea([record], path) is record
    assert match_smimea([record], path[::-1]) is None
    assert match_smimea([record], path[:1]) is (None if usage in (0, 2) else record)
    assert match_smimea([record], ()) is None
    whole = record.certificate()
    assert whole == (named if (selector, matching) == (0, 0) else None)
    other = parse_smimea(f"{usage} {selector} {matching} {(data[:-1] + bytes([data[-1] ^ 1])).hex()}")
    assert match_smimea([other], path) is None
    assert match_smimea([other, record], path) is record


def test_a_record_that_should_hold_a_certificate() -> None:
    with pytest.raises(CertificateError, match="it is no certificate"):
        parse_smimea("3 0 0 3000").certificate()
