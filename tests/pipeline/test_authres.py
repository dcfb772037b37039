"""Authentication-Results: the examples of RFC 8601, hostile input, and the package authres as the other side."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsec.errors import LimitError, UsageError
from mailsec.hooks import AuthResult, Result
from mailsec.message import Insert, apply, parse, parse_header
from mailsec.pipeline import authres
from mailsec.pipeline.authres import AuthenticationResults, Property, ResInfo, forged, trusted, write


def field(octets: bytes) -> AuthenticationResults | None:
    return authres.parse(octets)


def info(method: str, result: str, *properties: str, reason: str = "", version: int | None = None) -> ResInfo:
    split = (one.partition("=") for one in properties)
    parts = ((name.partition("."), value) for name, _, value in split)
    return ResInfo(method, result, reason, tuple(Property(n[0], n[2], value) for n, value in parts), version)


# -- reading -------------------------------------------------------------------------------------------------

READ: list[tuple[str, bytes, AuthenticationResults]] = [
    ("B.2: no result", b" example.org 1; none", AuthenticationResults("example.org", (), 1)),
    (
        "B.3: one method",
        b" example.com;\r\n  spf=pass smtp.mailfrom=example.net",
        AuthenticationResults("example.com", (info("spf", "pass", "smtp.mailfrom=example.net"),)),
    ),
    (
        "B.4: two methods, a comment",
        b" example.com;\r\n auth=pass (cram-md5) smtp.auth=sender@example.net;\r\n spf=pass smtp.mailfrom=example.net",
        AuthenticationResults(
            "example.com",
            (
                info("auth", "pass", "smtp.auth=sender@example.net"),
                info("spf", "pass", "smtp.mailfrom=example.net"),
            ),
        ),
    ),
    (
        "B.5: a reason",
        (
            b' example.com;\r\n dkim=pass reason="good signature"\r\n header.i=@mail-router.example.net;\r\n'
            b' dkim=fail reason="bad signature"\r\n header.i=@newyork.example.com'
        ),
        AuthenticationResults(
            "example.com",
            (
                info("dkim", "pass", "header.i=@mail-router.example.net", reason="good signature"),
                info("dkim", "fail", "header.i=@newyork.example.com", reason="bad signature"),
            ),
        ),
    ),
    (
        "B.7: comments everywhere",
        (
            b" foo.example.net (foobar) 1 (baz);\r\n    dkim (Because I like it) / 1 (One yay) = (wait for it) fail\r\n"
            b"      policy (A dot can go here) . (like that) expired\r\n"
            b"      (this surprised me) = (as I wasn't expecting it) 1362471462"
        ),
        AuthenticationResults("foo.example.net", (info("dkim", "fail", "policy.expired=1362471462", version=1),), 1),
    ),
    (
        "names without case",
        b" a.example; SPF=PASS SMTP.MailFrom=x",
        AuthenticationResults("a.example", (info("spf", "pass", "smtp.mailfrom=x"),)),
    ),
    ("a quoted authserv-id", b' "a b\\"c"; none', AuthenticationResults('a b"c')),
    ("a semicolon at the end", b" a.example; spf=pass;", AuthenticationResults("a.example", (info("spf", "pass"),))),
    ("nothing but the name", b" a.example", AuthenticationResults("a.example")),
    (
        "unquoted base64",
        b" a.example; dkim=pass header.b=ab/c+d== header.s=s1",
        AuthenticationResults("a.example", (info("dkim", "pass", "header.b=ab/c+d==", "header.s=s1"),)),
    ),
    (
        "words that are no property",
        b" a.example; dmarc=none action=none header.from=x.example",
        AuthenticationResults("a.example", (info("dmarc", "none", "header.from=x.example"),)),
    ),
    (
        "a quoted local part",
        b' a.example; spf=pass smtp.mailfrom="a b"@x.example',
        AuthenticationResults("a.example", (info("spf", "pass", 'smtp.mailfrom="a b"@x.example'),)),
    ),
    (
        "internationalized",
        " a.example; spf=pass smtp.mailfrom=jürgen@bücher.example".encode(),
        AuthenticationResults("a.example", (info("spf", "pass", "smtp.mailfrom=jürgen@bücher.example"),)),
    ),
]


@pytest.mark.parametrize(("octets", "expected"), [one[1:] for one in READ], ids=[one[0] for one in READ])
def test_read(octets: bytes, expected: AuthenticationResults) -> None:
    """RFC 8601 section 2.2 and appendix B."""
    assert field(octets) == expected


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b" ;",
        b" ; spf=pass",
        b" (unclosed a.example; none",
        b' "unclosed; none',
        b" a.example b.example; none",
        b" a.example; spf",
        b" a.example; spf=",
        b" a.example; =pass",
        b" a.example; spf=pass smtp.",
        b" a.example; spf=pass smtp.mailfrom",
        b" a.example; none; spf=pass garbage",
        b" a.example; spf=pass none",
        b" a.example; spf=pass ;; dkim=pass",
        b" a.example/1; none",
        b" a.example; spf=p\0ass",
        b" " + b"(" * 5000 + b" a.example; none",
        b" a.example; " + b"spf=pass; " * 10000,
    ],
)
def test_malformed(octets: bytes) -> None:
    assert field(octets) is None


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda one: one.encode("utf-8", "replace")))
def test_reading_never_raises(octets: bytes) -> None:
    field(octets)
    header = parse_header(b"Authentication-Results:" + octets.replace(b"\n", b"\n ") + b"\r\n")
    forged(header, "mx.example.org")
    trusted(header, "mx.example.org")


@given(
    st.lists(
        st.sampled_from([b"a.example", b";", b" ", b"(", b")", b'"', b"\\", b"=", b".", b"spf", b"pass", b"\r\n "])
    )
)
def test_reading_never_raises_near_the_grammar(pieces: list[bytes]) -> None:
    field(b"".join(pieces))


# -- writing -------------------------------------------------------------------------------------------------

KEYWORD = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
PRINTABLE = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=120)
ANYTHING = st.text(max_size=500)


@given(
    st.from_regex(r"[a-z0-9.-]{1,40}", fullmatch=True) | PRINTABLE.filter(bool),
    st.lists(
        st.builds(
            ResInfo, KEYWORD, KEYWORD, PRINTABLE, st.lists(st.builds(Property, KEYWORD, KEYWORD, PRINTABLE)).map(tuple)
        )
    ),
)
def test_what_is_written_is_read_back(name: str, infos: list[ResInfo]) -> None:
    written = write(name, infos)
    assert written.startswith(b"Authentication-Results: ")
    said = field(written.partition(b":")[2])
    assert said is not None
    assert said.authserv_id == name
    assert said.results == tuple(infos[: authres.RESULTS])


@given(st.lists(st.tuples(KEYWORD, ANYTHING, ANYTHING), max_size=70))
def test_no_value_gets_out_of_its_place(values: list[tuple[str, str, str]]) -> None:
    """CR, LF, NUL, quotes, 8-bit and overlong text from a message stay inside one header field of ASCII."""
    results = [
        AuthResult(method, Result.FAIL, reason, properties={"header.d": value}) for method, reason, value in values
    ]
    written = write("mx.example.org", results)
    Insert(written)  # one whole header field and nothing else
    assert written.isascii()
    assert all(len(line) <= 998 for line in written.split(b"\r\n"))
    said = field(written.partition(b":")[2])
    assert said is not None
    assert [one.method for one in said.results] == [one.method for one in results][: authres.RESULTS]
    assert all(len(one.properties) == 1 for one in said.results)


INJECTIONS = [
    "x\r\nBcc: m@evil.example",
    "x\n\nbody",
    'x"; dkim=pass header.d=bank.example; x="',
    "x; dkim=pass",
    "x (comment",
    "\\",
    'x\\"',
    "\x00\x1b[2J",
    "é\u202e",
    "=?utf-8?q?x?=",
]


@pytest.mark.parametrize("value", INJECTIONS)
def test_injection(value: str) -> None:
    results = [
        AuthResult("spf", Result.FAIL, value, properties={"smtp.mailfrom": value}),
        AuthResult("dkim", Result.NONE),
    ]
    said = field(write("mx.example.org", results).partition(b":")[2])
    assert said is not None
    assert [(one.method, one.result, len(one.properties)) for one in said.results] == [
        ("spf", "fail", 1),
        ("dkim", "none", 0),
    ]


def test_lines_are_short_and_folds_keep_every_space() -> None:
    """RFC 5322 section 2.1.1: lines of fewer than 78 characters."""
    reason = "word  " * 40
    written = write("mx.example.org", [AuthResult("dkim", Result.FAIL, reason, properties={"header.d": "d" * 60})])
    assert all(len(line) < 78 for line in written.decode().split("\r\n"))
    said = field(written.partition(b":")[2])
    assert said is not None
    assert said.results[0].reason == reason


def test_no_results_are_written_as_none() -> None:
    assert write("mx.example.org", []) == b"Authentication-Results: mx.example.org; none\r\n"


def test_more_results_than_a_field_carries_are_counted() -> None:
    written = write("mx.example.org", [AuthResult("dkim", Result.PASS)] * 60)
    assert b"(10 more left out)" in written


@pytest.mark.parametrize("name", ["", "mx\r\nX: y", "bücher.example", "x" * 500])
def test_an_authserv_id_that_cannot_be_written(name: str) -> None:
    with pytest.raises(UsageError):
        write(name, [])


# -- the other side ------------------------------------------------------------------------------------------


def peer() -> Any:
    module = pytest.importorskip("authres", reason="the package authres is not installed")
    print("authres", getattr(module, "__version__", module.__name__))
    return module


@pytest.mark.peer
@given(st.lists(st.tuples(st.sampled_from(["dkim", "spf", "x-other"]), PRINTABLE), max_size=5))
def test_the_peer_reads_what_we_write(values: list[tuple[str, str]]) -> None:
    # values without quotes in them: the peer does not undo quoted pairs
    results = [
        AuthResult(method, Result.FAIL, "", properties={"header.d": value})
        for method, value in values
        if not set('"\\') & set(value)
    ]
    written = write("mx.example.org", results)
    unfolded = re.sub(rb"\r\n(?=[ \t])|\r\n$", b"", written).decode()
    theirs = peer().AuthenticationResultsHeader.parse(unfolded)
    assert theirs.authserv_id == "mx.example.org"
    got = [(one.method, str(one.result), [(p.type, p.name, p.value) for p in one.properties]) for one in theirs.results]
    if results:
        assert got == [(one.method, "fail", [("header", "d", one.properties["header.d"])]) for one in results]


@pytest.mark.peer
# B.7 is not here: the peer knows no comment between a method's version and the equals sign
@pytest.mark.parametrize("name", ["B.3: one method", "B.4: two methods, a comment", "B.5: a reason"])
def test_we_read_what_the_peer_reads(name: str) -> None:
    octets = next(one[1] for one in READ if one[0] == name)
    text = "Authentication-Results:" + octets.decode().replace("\r\n", "")
    theirs = peer().AuthenticationResultsHeader.parse(text)
    ours = field(octets)
    assert ours is not None
    assert ours.authserv_id == theirs.authserv_id
    assert [(one.method, one.result, one.reason) for one in ours.results] == [
        (one.method, one.result, one.reason or "") for one in theirs.results
    ]
    assert [[(p.ptype, p.name, p.value) for p in one.properties] for one in ours.results] == [
        [(p.type, p.name, p.value) for p in one.properties] for one in theirs.results
    ]


@pytest.mark.peer
def test_we_read_what_the_peer_writes() -> None:
    module = peer()
    theirs = module.AuthenticationResultsHeader(
        authserv_id="mx.example.org",
        results=[
            module.SPFAuthenticationResult(result="pass", smtp_mailfrom="a@example.org"),
            module.DKIMAuthenticationResult(result="fail", header_d="example.org", reason="body hash (bh=) wrong"),
        ],
    )
    ours = field(str(theirs).partition(":")[2].encode())
    assert ours is not None
    assert [one.method for one in ours.results] == ["spf", "dkim"]
    assert ours.results[1].reason == "body hash (bh=) wrong"


# -- removing what is forged ---------------------------------------------------------------------------------

OURS = [
    b" mx.example.org; dkim=pass",
    b"mx.example.org;dkim=pass",
    b" MX.Example.ORG; dkim=pass",
    b" mx.example.org. 1; dkim=pass",
    b" mx.example.org 99; dkim=pass",
    b" (comment) mx.example.org (another); dkim=pass",
    b' "mx.example.org"; dkim=pass',
    b' "mx.exam\\ple.org"; dkim=pass',
    b' "mx.example.org; dkim=pass"; none',
    b"\r\n\tmx.example.org;\r\n\tdkim=pass",
    b" mx.example.org",
    b" mx.example.org/1; dkim=pass",
    b" mx.example.org:25; dkim=pass",
    b" mx.exam(x)ple.org; dkim=pass",
    b" mx.example\r\n .org; dkim=pass",
    b" (unclosed mx.example.org; dkim=pass",
    b' "mx.example.org; dkim=pass',
    b" ; mx.example.org; dkim=pass",
    b" =?utf-8?q?mx.example.org?=; dkim=pass",
    b" =?utf-8?b?bXguZXhhbXBsZS5vcmc=?=; dkim=pass",
    " ｍｘ.example.org; dkim=pass".encode(),
    b" mx.example.org\0; dkim=pass",
    b" mx.example.org; " + b"x=" * 40000,
]
OTHERS = [
    b" other.example; dkim=pass",
    b" mx.example.org.evil.example; dkim=pass",
    b" notmx.example.org; dkim=pass",
    b" example.org; dkim=pass",
    b" (mx.example.org) other.example; dkim=pass",
    b" other.example; dkim=pass header.d=mx.example.org",
    b"",
    b" ; dkim=pass",
]


@pytest.mark.parametrize("value", OURS)
def test_a_field_that_claims_to_be_ours_goes(value: bytes) -> None:
    header = parse_header(b"From: a@example.org\r\nAuthentication-Results:" + value + b"\r\nTo: b@example.com\r\n")
    assert [one.index for one in forged(header, "mx.example.org")] == [1]


@pytest.mark.parametrize("value", OTHERS)
def test_a_field_of_somebody_else_stays(value: bytes) -> None:
    header = parse_header(b"Authentication-Results:" + value + b"\r\nTo: b@example.com\r\n")
    assert forged(header, "mx.example.org") == ()


def test_field_names_are_compared_as_names() -> None:
    lines = [b"AUTHENTICATION-RESULTS: mx.example.org; none", b"Authentication-Results : mx.example.org; none"]
    header = parse_header(b"\r\n".join([*lines, b"X-Authentication-Results: mx.example.org; none", b""]))
    assert [one.index for one in forged(header, "mx.example.org")] == [1, 0]


@given(
    st.lists(
        st.sampled_from(
            [
                b"Authentication-Results: mx.example.org; dkim=pass",
                b"Received: x",
                b"Authentication-Results: other.example; none",
            ]
        )
    )
)
def test_all_go_whatever_their_order_and_all_else_stays_octet_for_octet(lines: list[bytes]) -> None:
    octets = b"".join(line + b"\r\n" for line in [*lines, b"From: a@example.org"]) + b"\r\nbody"
    message = parse(octets)
    edits = forged(message.header, "mx.example.org")
    assert [one.index for one in edits] == sorted((one.index for one in edits), reverse=True)
    left = apply(message, edits)
    assert left == octets.replace(b"Authentication-Results: mx.example.org; dkim=pass\r\n", b"")
    # one by one, as a milter does it
    for edit in edits:
        octets = apply(octets, [edit])
    assert octets == left


def test_a_header_section_that_cannot_be_seen_whole_is_refused() -> None:
    header = parse_header(b"X: y\r\n" * 6000 + b"Authentication-Results: mx.example.org; none\r\n")
    with pytest.raises(LimitError):
        forged(header, "mx.example.org")


def test_without_a_header_section_there_is_nothing_to_remove() -> None:
    assert forged(parse_header(b""), "mx.example.org") == ()


# -- believing -----------------------------------------------------------------------------------------------

OUTSIDE = (
    b"Received: from evil.example (evil.example [203.0.113.9])\r\n\tby mx.example.org; Fri, 1 May 2026 12:00:00 +0000"
)
INSIDE = (
    b"Received: from mx.example.org (mx.example.org [10.0.0.1])\r\n\tby store.example.org; Fri, 1 May 2026 12:00 +0000"
)
LOCAL = b"Received: by store.example.org (Postfix, from userid 1000); Fri, 1 May 2026 12:00:02 +0000"
GOOD = b"Authentication-Results: mx.example.org; dkim=pass"
BAD = b"Authentication-Results: mx.example.org; dkim=fail"


@pytest.mark.parametrize(
    ("lines", "count"),
    [
        ([GOOD, OUTSIDE], 1),
        ([GOOD, OUTSIDE, BAD], 1),
        ([INSIDE, GOOD, OUTSIDE, BAD], 1),
        ([LOCAL, GOOD, INSIDE, GOOD, OUTSIDE, BAD], 2),
        ([OUTSIDE, BAD], 0),
        ([b"Received: from mx.example.org (mx.example.org [203.0.113.9]) by mx.example.org; x", BAD], 0),
        ([b"Received: from [10.0.0.1] (evil.example [203.0.113.9]) by mx.example.org; x", BAD], 0),
        ([b"Received: from mx.example.org by store.example.org; x", BAD], 0),
        ([b"Received: from a (a [10.0.0.999]) by store.example.org; x", BAD], 0),
        ([b"Received: from a (a [IPv6:fd00::1]) by store.example.org; x", GOOD], 1),
        ([b"Authentication-Results: other.example; dkim=pass"], 0),
        ([b"Authentication-Results: mx.example.org 2; dkim=pass"], 0),
        ([b"Authentication-Results: mx.example.org; dkim="], 0),
    ],
    ids=[
        "above the first from outside",
        "not below it",
        "after a hop inside",
        "several of ours",
        "nothing above",
        "a forged HELO",
        "a forged HELO that is an address literal",
        "a hop without an address",
        "an address that is none",
        "IPv6",
        "another server's",
        "of a later version",
        "malformed",
    ],
)
def test_what_is_believed(lines: list[bytes], count: int) -> None:
    """RFC 8601 section 5 and 7.1: only what our own server wrote."""
    header = parse_header(b"\r\n".join([*lines, b""]))
    found = trusted(header, "MX.example.org", ("10.0.0.0/8", "fd00::/8"))
    assert [one.results[0].result for one in found] == ["pass"] * count


def test_a_wrong_network_is_said() -> None:
    with pytest.raises(UsageError):
        trusted(parse_header(b""), "mx.example.org", ("10.0.0.0/99",))


@pytest.mark.parametrize(("code", "known"), [("pass", True), ("hardfail", False), ("bestguesspass", False)])
def test_results_become_ours_where_the_code_is_known(code: str, known: bool) -> None:
    result = info("spf", code, "smtp.mailfrom=x").as_result()
    assert (result is not None) is known


def test_marks_that_normalization_takes_minutes_to_sort() -> None:
    marks = ("a" + "\u0315\u0300" * 15_000).encode()
    fields = b"".join(b"Authentication-Results: %b; none\r\n" % one for one in (marks, b"mx.example.org", marks))
    edits = forged(parse_header(fields * 5), "mx.example.org")
    assert [one.index for one in edits] == [13, 10, 7, 4, 1]
