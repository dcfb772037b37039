"""Certificate policies (RFC 5280 section 6.1, RFC 9618) and constraints on other names, beside what PKITS has."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsec.crypto import Certificate, PathFailure, PathRules, PrivateKey, constraints, der, validate_path
from mailsec.crypto import extensions as ext
from mailsec.crypto.certificates import Extension
from mailsec.crypto.cms import encode
from mailsec.crypto.issue import issue, make_authority
from mailsec.crypto.policies import judge_policies

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
VALID: dict[str, Any] = {"not_before": NOW - timedelta(days=1), "not_after": NOW + timedelta(days=1)}
ANY = ext.ANY_POLICY
Keys = Callable[..., PrivateKey]


def policies(*names: str) -> Extension:
    value = encode.sequence(*(encode.sequence(encode.oid(name)) for name in names))
    return Extension(ext.CERTIFICATE_POLICIES, critical=True, value=value)


def mappings(*pairs: tuple[str, str]) -> Extension:
    value = encode.sequence(*(encode.sequence(*map(encode.oid, pair)) for pair in pairs))
    return Extension(ext.POLICY_MAPPINGS, critical=True, value=value)


def limits(require: int | None = None, inhibit: int | None = None) -> Extension:
    members = [
        encode.primitive(tag, bytes((number,)))
        for tag, number in ((0x80, require), (0x81, inhibit))
        if number is not None
    ]
    return Extension(ext.POLICY_CONSTRAINTS, critical=True, value=encode.sequence(*members))


A, B, C = "1.3.9.1", "1.3.9.2", "1.3.9.3"

# Extensions from the authority below the anchor down to the leaf, the rules, and the policies in the end; None where
# the path must not be valid.
CASES: list[tuple[str, list[list[Extension]], PathRules, set[str] | None]] = [
    ("6.1.3 (d) (1) (i): the same policy all along", [[policies(A)], [policies(A)]], PathRules(), {A}),
    ("6.1.3 (d) (1) (ii): below any policy", [[policies(ANY)], [policies(A)]], PathRules(), {A}),
    ("6.1.3 (d) (2): any policy below one", [[policies(A)], [policies(ANY)]], PathRules(), {A}),
    ("6.1.3 (e): no policies at all", [[policies(A)], []], PathRules(), set()),
    ("6.1.3 (f): no policies, and one is asked for", [[policies(A)], []], PathRules(explicit_policy=True), None),
    ("6.1.4 (a): mapping any policy", [[policies(A), mappings((ANY, B))], [policies(B)]], PathRules(), None),
    ("6.1.4 (a): mapping to any policy", [[policies(A), mappings((A, ANY))], [policies(B)]], PathRules(), None),
    ("6.1.4 (b) (1): mapped", [[policies(A), mappings((A, B))], [policies(B)]], PathRules(), {A}),
    ("6.1.4 (b) (1): mapped below any policy", [[policies(ANY), mappings((A, B))], [policies(B)]], PathRules(), {A}),
    ("6.1.4 (b) (2): inhibited", [[policies(A), mappings((A, B))], [policies(B)]],
     PathRules(inhibit_policy_mapping=True), set()),
    ("6.1.4 (h): counted down", [[policies(A), limits(require=1)], []], PathRules(), None),
    ("6.1.4 (h): not counted down yet", [[limits(require=2)], []], PathRules(), set()),
    ("6.1.4 (i): inhibited by an authority",
     [[policies(A, B), limits(inhibit=0)], [policies(A), mappings((A, C))], [policies(C)]], PathRules(), set()),
    ("6.1.1 (c): another is asked for", [[policies(A)], [policies(A)]],
     PathRules(policies=frozenset({B}), explicit_policy=True), None),
    ("6.1.1 (c): another is liked better", [[policies(A)], [policies(A)]], PathRules(policies=frozenset({B})), set()),
    ("6.1.5 (g) (iii): any policy to the end", [[policies(ANY)], [policies(ANY)]],
     PathRules(policies=frozenset({B}), explicit_policy=True), {B}),
    ("6.1.1 (f): any policy counts for nothing", [[policies(ANY)], [policies(A)]],
     PathRules(inhibit_any_policy=True), set()),
    ("6.1.5 (b): asked for by the leaf itself", [[policies(A)], [limits(require=0)]], PathRules(), None),
]  # fmt: skip


@pytest.fixture(scope="module")
def path(keys: Keys) -> Callable[[list[list[Extension]]], tuple[Certificate, ...]]:
    def make(extensions: list[list[Extension]]) -> tuple[Certificate, ...]:
        authority = make_authority("Root", key=keys("ec", 0), **VALID)
        for number, extra in enumerate(extensions[:-1]):
            authority = make_authority(f"A{number}", key=keys("ec", number + 1), parent=authority, extra=extra, **VALID)
        return issue(authority, "a@example.org", key=keys("ec", 9), extra=extensions[-1], **VALID).certificates

    return make


@pytest.mark.parametrize(("name", "extensions", "rules", "found"), CASES, ids=[case[0] for case in CASES])
def test_policies(
    path: Any, name: str, extensions: list[list[Extension]], rules: PathRules, found: set[str] | None
) -> None:
    leaf, *others = path(extensions)
    result = validate_path(leaf, others, others[-1:], NOW, rules)
    if found is None:
        assert result.failure is PathFailure.UNTRUSTED, result.sentence
        assert "polic" in result.sentence
    else:
        assert result.failure is None, result.sentence
        assert result.policies == found


def test_a_policy_tree_that_explodes(path: Any) -> None:
    """RFC 9618 section 3: each authority maps every policy to every other; the tree has policies^length leaves."""
    names = [f"1.3.9.{number}" for number in range(60)]
    every = [policies(*names), mappings(*((one, other) for one in names for other in names))]
    made = path([every] * 7 + [[policies(*names)]])
    found, trouble = judge_policies(made, replace(PathRules(), explicit_policy=True))
    assert not trouble
    assert found == set(names)


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (encode.sequence(), ext.certificate_policies),
        (policies(A, A).value, ext.certificate_policies),
        (encode.sequence(encode.NULL), ext.certificate_policies),
        (encode.sequence(), ext.policy_mappings),
        (encode.sequence(encode.sequence(encode.oid(A))), ext.policy_mappings),
        (encode.sequence(encode.primitive(0x80, b"\xff")), ext.policy_constraints),
        (encode.sequence(encode.primitive(0x82, b"\0")), ext.policy_constraints),
        (encode.integer(-1), ext.inhibit_any_policy),
    ],
)
def test_malformed_policies(value: bytes, read: Callable[[bytes], object]) -> None:
    with pytest.raises(der.DERError):
        read(value)


READERS = [
    ext.certificate_policies,
    ext.policy_mappings,
    ext.policy_constraints,
    ext.inhibit_any_policy,
    ext.access_descriptions,
    ext.distribution_points,
    ext.name_constraints,
]


@given(st.binary(max_size=64), st.sampled_from(READERS))
def test_readers_never_raise_anything_else(octets: bytes, read: Callable[[bytes], object]) -> None:
    for value in (octets, encode.sequence(octets), encode.sequence(encode.sequence(octets))):
        with contextlib.suppress(der.DERError):
            read(value)


# -- names (section 4.2.1.10) ----------------------------------------------------------------------------------------

HOST, URI, IP = 0x82, 0x86, 0x87
NAMES: list[tuple[int, str, str, bool]] = [
    (HOST, "example.org", "example.org", True),
    (HOST, "example.org", "www.Example.ORG", True),
    (HOST, "example.org", "badexample.org", False),
    (HOST, ".example.org", "www.example.org", True),
    (HOST, ".example.org", "example.org", False),
    (HOST, "", "example.com", True),
    (URI, "host.example.org", "https://host.example.org/x", True),
    (URI, "host.example.org", "https://user@HOST.example.org:8443/", True),
    (URI, "host.example.org", "https://a.host.example.org/", False),
    (URI, ".example.org", "https://host.example.org/", True),
    (URI, ".example.org", "https://example.org/", False),
    (URI, ".example.org", "https://192.0.2.1/", False),
    (URI, ".example.org", "https://[2001:db8::1]/", False),
    (URI, ".example.org", "urn:example:org", False),
    (IP, "c0000200ffffff00", "c0000205", True),
    (IP, "c0000200ffffff00", "c0000305", False),
    (IP, "c0000200ffffff00", "20010db8000000000000000000000001", False),
    (IP, "20010db8" + "00" * 12 + "ffffffff" + "00" * 12, "20010db8000000000000000000000001", True),
]


@pytest.mark.parametrize(("tag", "base", "name", "within"), NAMES)
def test_other_names_within_constraints(keys: Keys, tag: int, base: str, name: str, within: bool) -> None:
    def octets(text: str) -> bytes:
        return bytes.fromhex(text) if tag == IP else text.encode()

    names = encode.sequence(encode.primitive(0x81, b"a@example.org"), encode.primitive(tag, octets(name)))
    extra = [Extension(ext.SUBJECT_ALT_NAME, critical=False, value=names)]
    bound = encode.sequence(encode.primitive(tag, octets(base)))
    for side, allowed in ((0x80, within), (0x81, None if base and "urn" in name else not within)):
        value = encode.sequence(encode.constructed(side, bound))
        root = make_authority("Root", key=keys("ec", 0), extra=[_constraints(value)], **VALID)
        leaf = issue(root, key=keys("ec", 1), subject="Alice", extra=extra, **VALID).certificate
        result = validate_path(leaf, [], [root.certificate], NOW)
        if allowed is not None and not (side == 0x81 and tag == URI and not constraints._host_of(name)):
            assert (result.failure is None) is allowed, result.sentence


def _constraints(value: bytes) -> Extension:
    return Extension(ext.NAME_CONSTRAINTS, critical=True, value=value)


def test_a_kind_of_name_that_is_not_known_and_constrained(keys: Keys) -> None:
    """Section 4.2.1.10: constraints on a kind that cannot be processed, and a certificate that has such a name."""
    registered = encode.primitive(0x88, b"\x2a\x03")
    value = encode.sequence(encode.constructed(0x80, encode.sequence(registered)))
    root = make_authority("Root", key=keys("ec", 0), extra=[_constraints(value)], **VALID)
    names = Extension(ext.SUBJECT_ALT_NAME, critical=False, value=encode.sequence(registered))
    leaf = issue(root, key=keys("ec", 1), subject="Alice", extra=[names], **VALID).certificate
    assert validate_path(leaf, [], [root.certificate], NOW).failure is PathFailure.UNTRUSTED
    assert validate_path(issue(root, "a@example.org", key=keys("ec", 1), **VALID).certificate, [], [root.certificate],
                         NOW).failure is None  # fmt: skip
