"""How domain names and addresses are compared: RFC 5890, without the mappings of IDNA 2003."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsec.message import plain_address, plain_domain, same_address, same_domain

NO_AT = st.characters(exclude_characters="@", codec="utf-8")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("a@example.org", "a@example.org", id="equal"),
        pytest.param("a@Example.ORG", "a@example.org", id="case of the domain (RFC 5321 section 2.4)"),
        pytest.param("a@example.org.", "a@example.org", id="absolute domain"),
        pytest.param("a@bücher.example", "a@xn--bcher-kva.example", id="U-label and A-label (RFC 5890)"),
        pytest.param("a@BÜCHER.example", "a@XN--BCHER-KVA.example", id="their case"),
        pytest.param("a@bu\u0308cher.example", "a@bücher.example", id="composed and decomposed"),
        pytest.param("用户@例え.jp", "用户@xn--r8jz45g.jp", id="international (RFC 6532)"),
    ],
)
def test_the_same(one: str, other: str) -> None:
    assert same_address(one, other)
    assert same_address(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("A@example.org", "a@example.org", id="case of the local part"),
        pytest.param("a@example.org", "a@example.com", id="domain"),
        pytest.param("a@example.org", "a@mail.example.org", id="subdomain"),
        pytest.param("a@strasse.example", "a@straße.example", id="sharp s is not ss (RFC 5894 section 7.2)"),
        pytest.param("a@example.org", "a@exаmple.org", id="a Cyrillic letter"),
        pytest.param("@example.org", "@example.org", id="no local part"),
        pytest.param("example.org", "example.org", id="no address"),
        pytest.param("", "", id="nothing"),
        pytest.param("a@", "a@", id="no domain"),
        pytest.param("a@ example.org", "a@example.org", id="white space"),
        pytest.param("a@b@example.org", "a@example.org", id="two at signs"),
        pytest.param("a@xn--\u00e4.example", "a@ä.example", id="a broken A-label"),
        pytest.param("a@xn--example-.org", "a@example.org", id="an A-label of ASCII (RFC 5891 section 5.4)"),
        pytest.param("a@xn--bcher-2pa.example", "a@bücher.example", id="an A-label of capitals"),
    ],
)
def test_another(one: str, other: str) -> None:
    assert not same_address(one, other)
    assert not same_address(other, one)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("example.org", "EXAMPLE.ORG.", True),
        ("bücher.example", "xn--bcher-kva.example", True),
        ("BÜCHER.example", "bücher.example", True),
        ("straße.example", "strasse.example", False),
        ("example.org", "mail.example.org", False),
        ("ample.org", "example.org", False),
        ("", "", False),
        (".", ".", False),
    ],
)
def test_domains_are_equal_as_names(one: str, other: str, same: bool) -> None:
    assert same_domain(one, other) is same


@given(st.text(NO_AT), st.text(NO_AT))
def test_what_is_plain_stays_so_and_decides(one: str, other: str) -> None:
    assert plain_domain(plain_domain(one)) == plain_domain(one) or one.endswith("..")
    assert same_address(f"a@{one}", f"a@{other}") is same_domain(one, other)
    assert (plain_address(f"a@{one}") == plain_address(f"a@{other}") != "") is same_domain(one, other)


@given(st.lists(st.text(alphabet="aßüдb例-", min_size=1, max_size=9), min_size=1, max_size=20).map(".".join))
def test_both_spellings_are_one_name(name: str) -> None:
    assert plain_domain(plain_domain(name)) == plain_domain(name)
    assert plain_domain(name).isascii()
    assert same_domain(name, plain_domain(name))


@pytest.mark.parametrize(
    "name",
    ["".join(map(chr, range(0x4E00, 0x9E00))), "a" + "\u0315\u0300" * 100_000, "é" * 64 + ".example"],
    ids=[
        "a label that Punycode takes minutes for",
        "marks that normalization takes minutes to sort",
        "too long for DNS",
    ],
)
def test_what_is_too_long_to_be_a_name_is_compared_as_it_is(name: str) -> None:
    assert plain_domain(name) == name
    assert same_domain(name.upper(), name)
    assert not same_domain(name, name + "x")
