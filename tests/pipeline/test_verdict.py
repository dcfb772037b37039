"""The table of verdicts: every row, and what lies beside it. Made results stand for any plugin's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from mailsec.hooks import AuthResult, Cause, Coverage, Result
from mailsec.message import parse
from mailsec.pipeline import Layer, Level, Policy, Report
from mailsec.pipeline.verdict import RULES

HEAD = b"From: alice@example.org\r\nTo: bob@example.com\r\nSubject: Tea\r\n\r\n"
MESSAGE = HEAD + b"At four.\r\n"
START, END = len(HEAD), len(MESSAGE)
WHOLE = Coverage(fields=(0, 1, 2), ranges=((START, END),))
BODY = Coverage(fields=(0,), ranges=((START, END),))
PART = Coverage(fields=(0, 1, 2), ranges=((START, START + 3),))
FILTER = Policy(filter=True)
TRUSTING = Policy(filter=True, trusted_sealers=frozenset({"lists.example.net"}))


def smime(result: str, cause: Cause | None = None, who: str = "alice@example.org", **rest: Any) -> AuthResult:
    properties = {"body.smime-identifier": who, "body.smime-part": rest.pop("part", "")} | rest.pop("properties", {})
    return AuthResult("smime", Result(result), rest.pop("reason", ""), cause, properties, **rest)


def dkim(result: str, cause: Cause | None = None, d: str = "example.org", **rest: Any) -> AuthResult:
    if result == "pass":
        rest.setdefault("coverage", WHOLE)
    return AuthResult("dkim", Result(result), rest.pop("reason", ""), cause, {"header.d": d}, **rest)


def dmarc(result: str, p: str = "reject", **properties: str) -> AuthResult:
    named = {f"policy.{name.replace('_', '-')}": value for name, value in properties.items()}
    reason = "SPF cannot be judged here" if result == "none" else ""
    return AuthResult("dmarc", Result(result), reason, None, {"header.from": "example.org", "policy.dmarc": p} | named)


def spf(result: str) -> AuthResult:
    return AuthResult("spf", Result(result), properties={"smtp.mailfrom": "x@example.org"})


def arc(result: str, d: str = "lists.example.net") -> AuthResult:
    return AuthResult("arc", Result(result), properties={"header.d": d})


def temporary(method: str, cause: Cause = Cause.DNS, d: str = "") -> AuthResult:
    return AuthResult(method, Result.TEMPERROR, "SERVFAIL", cause, {"header.d": d} if d else {})


UNSIGNED_SPF = AuthResult("spf", Result.NONE, "no client address is known")

# row, name, results, options, level, words of the sentence
CASES: list[tuple[int, str, list[AuthResult], dict[str, Any], str, list[str]]] = [
    (1, "no From", [dkim("pass")], {"octets": b"To: b@example.com\r\n\r\nx\r\n"}, "warning", ["no author's address"]),
    (1, "From without an address", [], {"octets": b"From: Alice\r\n\r\nx\r\n"}, "warning", ["no author's address"]),
    (
        1,
        "two From fields",
        [smime("pass")],
        {"octets": b"From: alice@example.org\r\nFrom: m@evil.example\r\n\r\nx\r\n"},
        "warning",
        ["2 From fields"],
    ),
    (
        1,
        "a group in From",
        [dkim("pass")],
        {"octets": b"From: friends: alice@example.org;\r\n\r\nx\r\n"},
        "warning",
        ["group"],
    ),
    (2, "digest wrong", [smime("fail", Cause.DIGEST), dkim("pass")], {}, "failed", ["alice@example.org", "changed"]),
    (2, "signature wrong", [smime("fail", Cause.SIGNATURE)], {}, "failed", ["does not fit"]),
    (2, "certificate revoked", [smime("fail", Cause.REVOKED)], {}, "failed", ["revoked"]),
    (
        2,
        "one SignedData good, another bad",
        [smime("pass", part="1"), smime("fail", Cause.DIGEST, part="2")],
        {},
        "failed",
        ["changed"],
    ),
    (
        3,
        "several signers, one bad",
        [smime("pass", coverage=WHOLE), smime("fail", Cause.SIGNATURE, "carol@example.org")],
        {},
        "warning",
        ["alice@example.org", "carol@example.org", "wrong"],
    ),
    *(
        (4, f"good signature, {cause}", [smime("policy", cause), dkim("pass")], {}, "warning", [words])
        for cause, words in (
            (Cause.UNTRUSTED, "nobody you trust"),
            (Cause.NOT_VALID, "not valid at that time"),
            (Cause.PURPOSE, "not for e-mail"),
            (Cause.WEAK, "too weak"),
            (Cause.REVOCATION_UNKNOWN, "not known whether"),
        )
    ),
    (
        4,
        "two causes, both named",
        [smime("policy", Cause.UNTRUSTED), smime("policy", Cause.WEAK, "carol@example.org")],
        {},
        "warning",
        ["nobody you trust", "too weak", "carol@example.org"],
    ),
    (
        5,
        "certificate for another address",
        [smime("policy", Cause.OTHER_IDENTITY, "mallory@example.org")],
        {},
        "warning",
        ["mallory@example.org", "alice@example.org"],
    ),
    (
        5,
        "a pass for another address is no better",
        [smime("pass", who="mallory@example.org", coverage=WHOLE)],
        {},
        "warning",
        ["mallory@example.org", "alice@example.org"],
    ),
    (5, "case of the local part", [smime("pass", who="Alice@example.org", coverage=WHOLE)], {}, "warning", ["Alice@"]),
    (5, "a pass for no address", [smime("pass", who="", coverage=WHOLE)], {}, "warning", ["without an e-mail address"]),
    (
        5,
        "one of several authors",
        [smime("pass", coverage=WHOLE)],
        {"octets": MESSAGE.replace(b"alice@example.org", b"alice@example.org, bob@example.org")},
        "warning",
        ["alice@example.org", "bob@example.org"],
    ),
    (6, "a part of the body", [smime("pass", coverage=PART), dkim("pass")], {}, "warning", ["only a part"]),
    (
        7,
        "signed by the author",
        [smime("pass", coverage=BODY), dkim("fail")],
        {},
        "verified",
        ["Subject and To are not"],
    ),
    (
        7,
        "with a note",
        [smime("pass", coverage=WHOLE, reason="the certificate has expired since")],
        {},
        "verified",
        ["expired since"],
    ),
    (7, "case of the domain", [smime("pass", who="alice@EXAMPLE.org", coverage=WHOLE)], {}, "verified", []),
    (7, "whatever DMARC says", [smime("pass", coverage=WHOLE), dmarc("fail")], {"policy": FILTER}, "verified", []),
    (8, "DMARC reject in the filter", [dmarc("fail")], {"policy": FILTER}, "failed", ["example.org", "refused"]),
    (8, "DMARC quarantine", [dmarc("fail", "quarantine")], {"policy": FILTER}, "failed", ["kept apart"]),
    (8, "in the client, all judged", [spf("fail"), dkim("fail", Cause.DIGEST), dmarc("fail")], {}, "failed", []),
    (8, "an ARC chain of nobody trusted", [dmarc("fail"), arc("pass")], {"policy": FILTER}, "failed", []),
    (8, "a trusted sealer's broken chain", [dmarc("fail"), arc("fail")], {"policy": TRUSTING}, "failed", []),
    (
        8,
        "key gone, in the filter",
        [dkim("permerror", Cause.NO_KEY), dmarc("fail")],
        {"policy": FILTER},
        "failed",
        [],
    ),
    (
        9,
        "overridden by a trusted sealer",
        [dmarc("fail"), arc("pass")],
        {"policy": TRUSTING},
        "authenticated",
        ["lists.example.net", "example.org"],
    ),
    (10, "l= leaves octets out", [dkim("policy", Cause.PARTIAL)], {}, "warning", ["only the beginning"]),
    (10, "a pass that is not whole", [dkim("pass", coverage=PART)], {}, "warning", ["only the beginning"]),
    (
        10,
        "a pass without From",
        [dkim("pass", coverage=Coverage(fields=(1,), ranges=((START, END),)))],
        {},
        "warning",
        ["From"],
    ),
    (
        10,
        "aligned as DMARC says",
        [dkim("policy", Cause.PARTIAL, "mail.example.org"), dmarc("pass", aligned_dkim="mail.example.org")],
        {},
        "warning",
        ["mail.example.org"],
    ),
    (
        11,
        "another aligned signature is whole",
        [dkim("policy", Cause.PARTIAL), dkim("pass")],
        {},
        "authenticated",
        ["example.org"],
    ),
    (11, "d= equals the From domain", [dkim("pass", coverage=BODY)], {}, "authenticated", ["Subject and To are not"]),
    (11, "in another case", [dkim("pass", d="EXAMPLE.org.")], {}, "authenticated", []),
    (
        11,
        "aligned as a dmarc result says",
        [dkim("pass", d="mail.example.org"), dmarc("pass", aligned_dkim="a.example,mail.example.org")],
        {},
        "authenticated",
        ["mail.example.org"],
    ),
    (12, "DMARC by SPF alone", [spf("pass"), dmarc("pass")], {}, "authenticated", ["nobody vouches for its content"]),
    (
        13,
        "the key cannot be had now",
        [temporary("dkim", d="example.org")],
        {},
        "unauthenticated",
        ["try again"],
    ),
    (13, "the DKIM verifier was late", [temporary("dkim", Cause.LATE)], {}, "unauthenticated", ["try again"]),
    (13, "DMARC's record cannot be had", [temporary("dmarc"), dkim("fail")], {}, "unauthenticated", ["DMARC"]),
    (13, "the seal cannot be judged", [dmarc("fail"), temporary("arc")], {"policy": TRUSTING}, "unauthenticated", []),
    (
        14,
        "only broken signatures",
        [dkim("fail", Cause.DIGEST), dkim("fail", Cause.SIGNATURE)],
        {},
        "warning",
        ["changed"],
    ),
    (14, "broken and malformed", [dkim("fail", Cause.DIGEST), dkim("permerror", Cause.SYNTAX)], {}, "warning", []),
    (
        15,
        "for other domains only",
        [dkim("pass", d="lists.example.net"), dkim("fail", Cause.DIGEST)],
        {},
        "unauthenticated",
        ["lists.example.net", "example.org"],
    ),
    (15, "a subdomain is another domain", [dkim("pass", d="mail.example.org")], {}, "unauthenticated", []),
    (15, "a parent is another domain", [dkim("pass", d="org")], {}, "unauthenticated", []),
    (15, "a name that ends alike", [dkim("pass", d="evilexample.org")], {}, "unauthenticated", []),
    (
        15,
        "authors of two domains",
        [dkim("pass")],
        {"octets": MESSAGE.replace(b"alice@example.org", b"alice@example.org, ceo@bank.example")},
        "unauthenticated",
        ["bank.example"],
    ),
    (
        15,
        "trouble with another domain's key leaves nothing open",
        [dkim("pass", d="a.example"), temporary("dkim", d="b.example")],
        {},
        "unauthenticated",
        ["a.example"],
    ),
    *(
        (16, f"counts as none, {cause}", [dkim("policy", cause)], {}, "unauthenticated", ["counts as none"])
        for cause in (Cause.WEAK, Cause.EXPIRED, Cause.TEST_KEY)
    ),
    (17, "the key is gone", [dkim("permerror", Cause.NO_KEY)], {}, "unauthenticated", ["no longer be checked"]),
    (
        17,
        "the key is gone, in the client",
        [dkim("permerror", Cause.NO_KEY), spf("fail"), dmarc("fail")],
        {},
        "unauthenticated",
        ["no longer be checked"],
    ),
    (18, "DMARC fail with p=none", [dmarc("fail", "none")], {"policy": FILTER}, "unauthenticated", ["no action"]),
    (18, "SPF not evaluable", [UNSIGNED_SPF, dmarc("none")], {}, "unauthenticated", ["SPF cannot be judged here"]),
    (18, "not all could be judged", [UNSIGNED_SPF, dmarc("fail")], {}, "unauthenticated", ["not all"]),
    (19, "nothing", [], {}, "unauthenticated", ["Nobody vouches"]),
    (
        19,
        "no signature",
        [AuthResult("dkim", Result.NONE), AuthResult("smime", Result.NONE)],
        {},
        "unauthenticated",
        [],
    ),
    (
        19,
        "encrypted, and cannot be opened",
        [smime("neutral", reason="the content is encrypted")],
        {},
        "unauthenticated",
        ["Nobody vouches", "the content is encrypted"],
    ),
    (11, "a domain signed what is encrypted", [smime("neutral"), dkim("pass")], {}, "authenticated", ["be opened"]),
    (19, "a signature that cannot be read", [dkim("permerror", Cause.SYNTAX)], {}, "unauthenticated", ["malformed"]),
    (19, "a domain's key was revoked", [dkim("permerror", Cause.REVOKED)], {}, "unauthenticated", [": its key was"]),
]


@pytest.mark.parametrize(
    "case",
    CASES,
    ids=[f"row {row}: {name}" for row, name, *_ in CASES],
)
def test_row(case: Any, make_report: Callable[..., Report]) -> None:
    row, _, results, options, level, words = case
    if "octets" in options:  # the same coverage, of a message of another length
        moved = parse(options["octets"])
        whole = Coverage(fields=tuple(range(len(moved.header))), ranges=((moved.body_start, len(moved.octets)),))
        results = [
            one
            if one.coverage is None
            else AuthResult(one.method, one.result, one.reason, one.cause, one.properties, whole)
            for one in results
        ]
    verdict = make_report(results, **({"octets": MESSAGE} | options)).verdict
    assert (verdict.row, str(verdict.level)) == (row, level), verdict.sentence
    for one in words:
        assert one in verdict.sentence
    assert verdict.sentence.endswith(".")
    assert bool(verdict.identity) == (level in {"verified", "authenticated"})
    assert verdict.temporary == (row == 13)


def test_every_row_has_a_case_and_the_rows_are_in_order() -> None:
    assert [row for row, _, _ in RULES] == list(range(1, 20))
    assert {row for row, *_ in CASES} == set(range(1, 20))


def test_whose_plugin_made_a_result_does_not_matter(make_report: Callable[..., Report]) -> None:
    """The same results in any order give the same level."""
    results = [dkim("pass", d="lists.example.net"), dkim("pass"), spf("pass"), dmarc("pass")]
    for turn in range(len(results)):
        assert make_report(results[turn:] + results[:turn]).verdict.row == 11


def test_a_domains_signature_found_inside_a_protection_vouches_for_nothing(make_report: Callable[..., Report]) -> None:
    """Transport verifiers see layer 0 only: what an opener says of dkim is not believed."""
    assert make_report([dkim("pass", layer=1)]).verdict.row == 19


def test_trouble_with_smime_leaves_the_level_open(make_report: Callable[..., Report]) -> None:
    verdict = make_report([dkim("pass"), temporary("smime", Cause.LATE)]).verdict
    assert (verdict.row, verdict.level, verdict.temporary) == (11, Level.AUTHENTICATED, True)
    assert "S/MIME protection could not be judged now" in verdict.sentence


def test_foreign_text_in_a_sentence_is_safe_to_show(make_report: Callable[..., Report]) -> None:
    evil = "evil\x1b[2J\u202egro.elpmaxe"
    sentence = make_report([dkim("pass", d=evil), dkim("fail", d="\n" + "x" * 5000)]).verdict.sentence
    assert "\x1b" not in sentence
    assert "\u202e" not in sentence
    assert len(sentence) < 2000


def test_what_was_judged_under_conditions_says_so(make_report: Callable[..., Report]) -> None:
    report = make_report([dkim("pass")], conditions=("DNS from zone.txt", "the time 2020-01-01"))
    assert report.verdict.sentence.endswith("; this was judged with DNS from zone.txt and the time 2020-01-01.")


# -- encryption ----------------------------------------------------------------------------------------------


def inner_layer(reached: str, octets: bytes, index: int = 1, parent: int = 0) -> Layer:
    message, outer = parse(octets), parse(HEAD + b"x")
    body = (message.body_start, len(message.octets))
    return Layer(index, parent, "1", reached, message.header, body, message, outer.root)


INNER = b"Content-Type: text/plain\r\n\r\nAt five.\r\n"
INSIDE = Coverage(1, (0,), (), ((28, 38),))


@pytest.mark.parametrize(
    ("mode", "signed_inside", "level"),
    [
        ("unauthenticated", False, "unauthenticated"),
        ("", False, "unauthenticated"),
        ("authenticated", False, "authenticated"),
        ("unauthenticated", True, "verified"),
    ],
)
def test_encryption_in_an_unauthenticated_mode_without_a_signature_inside_is_at_most_unauthenticated(
    mode: str, signed_inside: bool, level: str, make_report: Callable[..., Report]
) -> None:
    results = [
        dkim("pass"),
        AuthResult("smime", Result.NONE, properties={"policy.encryption": mode}, coverage=Coverage(1)),
    ]
    layers = [inner_layer("encrypted", b"Content-Type: application/pkcs7-mime\r\n\r\nx\r\n")]
    if signed_inside:
        layers.append(inner_layer("signed", INNER, 2, 1))
        results.append(smime("pass", layer=1, coverage=Coverage(2, (0,), (), ((28, 38),))))
    verdict = make_report(results, layers=tuple(layers)).verdict
    assert str(verdict.level) == level
    assert ("does not show changes" in verdict.sentence) == (level == "unauthenticated")
    assert not verdict.identity or level != "unauthenticated"


# -- what is covered -----------------------------------------------------------------------------------------


def test_protected_fields_are_those_that_are_shown(make_report: Callable[..., Report]) -> None:
    """RFC 9788 section 4: whatever stands outside, and what stands only there is not covered."""
    inner = b"Subject: Tea\r\nTo: carol@example.com\r\nContent-Type: text/plain; hp=clear\r\n\r\nAt five.\r\n"
    start = inner.index(b"\r\n\r\n") + 4
    layer = inner_layer("signed", inner)
    covered = smime("pass", coverage=Coverage(1, (0, 1, 2), (), ((start, len(inner)),)))
    report = make_report([covered], octets=MESSAGE.replace(b"Subject: Tea", b"Subject: Pay"), layers=(layer,))
    assert report.verdict.sentence == "alice@example.org signed the whole body and its header."
    octets = MESSAGE.replace(b"To: bob@example.com", b"Cc: bob@example.com")
    assert "body; Cc is not covered" in make_report([covered], octets=octets, layers=(layer,)).verdict.sentence


FROM = b"From: alice@example.org\r\n"
KIND = b"Content-Type: text/html\r\n"


@pytest.mark.parametrize(
    ("added", "covered", "words"),
    [
        pytest.param(KIND, [()], "Content-Type is not covered", id="a field that none signed"),
        pytest.param(KIND, [(1,)], "", id="signed"),
        pytest.param(KIND, [(), (1,)], "", id="signed by another of the author's signatures"),
        pytest.param(b"content-TYPE: text/html\r\n", [()], "Content-Type is", id="in another case"),
        pytest.param(b"Content-Transfer-Encoding: base64\r\n", [()], "Content-Transfer-Encoding is", id="encoding"),
        pytest.param(b"MIME-Version: 1.0\r\n", [()], "MIME-Version is not covered", id="version"),
        pytest.param(b"MIME-Version: 1.0\r\n" + KIND, [(1,)], "Content-Type is not covered", id="signed in part"),
        pytest.param(
            b"Subject: x\r\nDate: x\r\nTo: b@example.com\r\nCc: c@example.com\r\nMIME-Version: 1.0\r\n" + KIND,
            [()],
            "Subject, Date, To, Cc, MIME-Version and Content-Type are not covered",
            id="all are named",
        ),
        pytest.param(b"Reply-To: m@evil.example\r\n", [()], "Reply-To is not covered", id="where replies go"),
        pytest.param(b"Sender: m@evil.example\r\n", [()], "Sender is not covered", id="who sent it"),
        pytest.param(b"", [()], "", id="none there"),
    ],
)
def test_fields_that_say_how_the_body_is_read(
    added: bytes, covered: list[tuple[int, ...]], words: str, make_report: Callable[..., Report]
) -> None:
    """A signature over the body without them leaves open how it is shown; many sign so, and the level stays."""
    octets = FROM + added + b"\r\nPay.\r\n"
    body = ((len(FROM + added) + 2, len(octets)),)
    results = [dkim("pass", coverage=Coverage(fields=(0, *fields), ranges=body)) for fields in covered]
    verdict = make_report(results, octets=octets).verdict
    assert (verdict.row, verdict.level) == (11, Level.AUTHENTICATED)
    assert words in verdict.sentence
    assert ("not covered" in verdict.sentence) == bool(words)


def test_signed_content_brings_its_own_fields(make_report: Callable[..., Report]) -> None:
    """RFC 8551 section 3.1: the entity that S/MIME signs has a Content-Type; the outer one only wraps it."""
    layer = inner_layer("signed", INNER)
    octets = FROM + b"Content-Type: application/pkcs7-mime\r\n\r\nx\r\n"
    verdict = make_report([smime("pass", coverage=INSIDE)], octets=octets, layers=(layer,)).verdict
    assert verdict.level is Level.VERIFIED
    assert "Content-Type" not in verdict.sentence


@pytest.mark.parametrize("place", ["a@{}.example", "{}@example.org"], ids=["domain", "local part"])
@pytest.mark.parametrize(
    "long", ["a" + "\u0315\u0300" * 100_000, "".join(map(chr, range(0x4E00, 0x9E00)))], ids=["marks", "ideographs"]
)
def test_an_address_that_takes_long_to_compare_is_not_compared(
    make_report: Callable[..., Report], place: str, long: str
) -> None:
    """No address is longer than 320 octets (RFC 5321 section 4.5.3.1)."""
    octets = f"From: {place.format(long)}\r\n\r\nx\r\n".encode()
    assert make_report([dkim("pass")], octets=octets).verdict.level is Level.WARNING
