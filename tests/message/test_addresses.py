"""Addresses (RFC 5322 sections 3.4, 4.4 and appendix A, RFC 6532) and dates (sections 3.3, 4.3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailsec.message import LIMITS, Group, Limits, Mailbox, parse_addresses, parse_date
from mailsec.message.addresses import _Parser


def flat(value: str | bytes) -> list[tuple[str, str, bool]]:
    found = []
    for address in parse_addresses(value):
        assert isinstance(address, Mailbox)
        found.append((address.display_name, address.address, address.valid))
    return found


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("a@b.c", [("", "a@b.c", True)], id="bare"),
        pytest.param("A B <a@b.c>", [("A B", "a@b.c", True)], id="name"),
        pytest.param('"A, B" <a@b>, c@d', [("A, B", "a@b", True), ("", "c@d", True)], id="quoted name, two"),
        pytest.param('"Joe Q. \\"P\\"" <a@b>', [('Joe Q. "P"', "a@b", True)], id="quoted pairs"),
        pytest.param("a@b (A (nested) B)", [("A (nested) B", "a@b", True)], id="comment as name"),
        pytest.param("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
                     [("Pete", "pete@silly.test", True)], id="A.5 comments everywhere"),
        pytest.param("Mary Smith <@node.test,@b:mary@example.net>, , jdoe@test   . example",
                     [("Mary Smith", "mary@example.net", True), ("", "jdoe@test.example", True)], id="A.6.1 obsolete"),
        pytest.param('"john smith"@x.y', [("", '"john smith"@x.y', True)], id="quoted local part"),
        pytest.param('"john"@x.y', [("", "john@x.y", True)], id="needless quotes"),
        pytest.param("a@[192.0.2.1]", [("", "a@[192.0.2.1]", True)], id="domain literal"),
        pytest.param("<>", [("", "", False)], id="null"),
        pytest.param("", [], id="empty"),
        pytest.param("=?utf-8?q?J=C3=BCrgen?= <j@x>", [("Jürgen", "j@x", True)], id="encoded word"),
        pytest.param('"=?utf-8?q?J=C3=BCrgen?=" <j@x>', [("Jürgen", "j@x", True)], id="encoded word in quotes"),
        pytest.param("=?utf-8?q?A=2C_=3Ce=40vil=3E?= <a@b>", [("A, <e@vil>", "a@b", True)], id="delimiters in one"),
        pytest.param("Jürgen <ü@exämple.org>", [("Jürgen", "ü@exämple.org", True)], id="RFC 6532"),
        pytest.param("Jürgen <j@x>".encode("latin-1"), [("Jürgen", "j@x", True)], id="8-bit junk"),
        pytest.param(b"A\r\n B <a@b>", [("A B", "a@b", True)], id="folded"),
        pytest.param("a@b; c@d", [("", "a@b", True), ("", "c@d", True)], id="semicolon between"),
    ],
)  # fmt: skip
def test_addresses(value: str | bytes, expected: list[tuple[str, str, bool]]) -> None:
    assert flat(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("legit@bank.example <evil@x>", [("legit@bank.example", "evil@x", True)], id="address as name"),
        pytest.param("<legit@bank.test>evil@x", [("", "legit@bank.test", True), ("", "evil@x", True)], id="after"),
        pytest.param("<a@b> <c@d>", [("", "a@b", True), ("", "c@d", True)], id="two without a comma"),
        pytest.param("<a@b> rest", [("", "a@b", True), ("rest", "rest", False)], id="rest"),
        pytest.param("a@b@c", [("", "a@b@c", False)], id="two at signs"),
        pytest.param("a b@c", [("", "a b@c", False)], id="space in the local part"),
        pytest.param("a@b c", [("", "a@b c", False)], id="space in the domain"),
        pytest.param('"a <x@y>', [("a <x@y>", "a <x@y>", False)], id="open quotes"),
        pytest.param("<a@b", [("", "a@b", True)], id="open bracket"),
        pytest.param("<a@b, c@d>", [("", "a@b", True), ("", "c@d>", False)], id="comma in brackets"),
        pytest.param("a@b\0.c", [("", "a@b\0.c", False)], id="NUL"),
        pytest.param("a@b\x1b[1m", [("", "a@b\x1b[1m", False)], id="escape"),
        pytest.param("a@b\u202e", [("", "a@b\u202e", False)], id="direction override"),
        pytest.param("=?utf-8?q?boss=40bank.example?=@x", [("", "=?utf-8?q?boss=40bank.example?=@x", True)],
                     id="an encoded word in an address is not decoded"),
        pytest.param("=?utf-8?b?cG90dXM=?= =?utf-8?q?=00?=@x",
                     [("", "=?utf-8?b?cG90dXM=?= =?utf-8?q?=00?=@x", False)], id="Mailsploit"),
        pytest.param("alice", [("alice", "alice", False)], id="no address"),
        pytest.param("@", [("", "@", False)], id="only the sign"),
    ],
)  # fmt: skip
def test_nobody_hides(value: str, expected: list[tuple[str, str, bool]]) -> None:
    assert flat(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("undisclosed-recipients:;", [("undisclosed-recipients", [])]),
        ("A Group:Ed Jones <joe@where.test>,john@jdoe.test;", [("A Group", ["joe@where.test", "john@jdoe.test"])]),
        ('"Q: G": a@b', [("Q: G", ["a@b"])]),
        ("G: a@b;, c@d", [("G", ["a@b"]), "c@d"]),
        ("c@d, G: (nobody(that I know))  ;", ["c@d", ("G", [])]),
    ],
)
def test_groups(value: str, expected: list[object]) -> None:
    found = [
        (entry.name, [mailbox.address for mailbox in entry.mailboxes]) if isinstance(entry, Group) else entry.address
        for entry in parse_addresses(value)
    ]
    assert found == expected


def test_parts_of_an_address() -> None:
    (mailbox,) = parse_addresses('"a@b"@example.org')
    assert isinstance(mailbox, Mailbox)
    assert (mailbox.local_part, mailbox.domain, mailbox.address) == ("a@b", "example.org", '"a@b"@example.org')


def test_address_limit() -> None:
    assert len(parse_addresses("a@b," * 100, Limits(addresses=7))) == 7


@pytest.mark.parametrize("filling", [",", "()", "[", "<", '"', ";", "a "])
def test_what_is_behind_more_tokens_than_are_read_is_no_address(filling: str) -> None:
    """To skip it would hide an author."""
    limits = Limits(address_tokens=10)
    first, *_, last = parse_addresses(f"alice@example.org,{filling * 20}, mallory@example.com", limits)
    assert first == Mailbox("", "alice@example.org", "alice", "example.org")
    assert isinstance(last, Mailbox)
    assert not last.valid
    assert last.address.endswith(", mallory@example.com")
    assert len(parse_addresses(f"alice@example.org,{',' * 6}  ", limits)) == 1


@pytest.mark.parametrize("unit", ["<", "(", '"', "@", "a:", "\\", "[", "<@a,", "(\\", "a b ", "a@", ";", "=?"])
def test_hostile_addresses_end(unit: str) -> None:
    parse_addresses(unit * (200_000 // len(unit)))


PIECES = [*'aB.@<> ",;:ü-\\', "x.org", "(c)", "=?utf-8?q?a?=", "[1]"]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
@settings(max_examples=500)
def test_the_short_way_is_the_long_way(value: str) -> None:
    assert parse_addresses(value) == _Parser(LIMITS).parse(value)


@pytest.mark.parametrize("value", ["a@b.c", "A. B <a@b.c>", "A<a@b>", "<a@b>", "a..b.@c-d.e", "A-B' <x+y=z@q>"])
def test_plain_addresses(value: str) -> None:
    assert parse_addresses(value) == _Parser(LIMITS).parse(value)
    assert flat(value)[0][2]


EAST = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("Fri, 21 Nov 1997 09:55:06 +0100", datetime(1997, 11, 21, 9, 55, 6, tzinfo=EAST), id="3.3"),
        pytest.param("21 Nov 1997 09:55 +0000", datetime(1997, 11, 21, 9, 55, tzinfo=UTC), id="no day, no seconds"),
        pytest.param("21 Nov 97 09:55:06 GMT", datetime(1997, 11, 21, 9, 55, 6, tzinfo=UTC), id="4.3 two digits"),
        pytest.param("21 Nov 49 09:55:06 UT", datetime(2049, 11, 21, 9, 55, 6, tzinfo=UTC), id="4.3 below 50"),
        pytest.param("21 Nov 124 09:55:06 Z", datetime(2024, 11, 21, 9, 55, 6, tzinfo=UTC), id="4.3 three digits"),
        pytest.param("Fri, 21 Nov 1997 09(comment):   55  :  06 -0000", datetime(1997, 11, 21, 9, 55, 6, tzinfo=UTC),
                     id="A.6.3 white space and comments"),
        pytest.param("1 Jan 2020 00:00:00 EST", datetime(2020, 1, 1, 5, tzinfo=UTC), id="4.3 North America"),
        pytest.param("1 Jan 2020 00:00:00 A", datetime(2020, 1, 1, tzinfo=UTC), id="4.3 military"),
        pytest.param("1 Jan 2020 00:00:00", datetime(2020, 1, 1, tzinfo=UTC), id="no zone"),
        pytest.param("1 Jan 2020 00:00:00 +0100 (CET)", datetime(2020, 1, 1, tzinfo=EAST), id="zone as comment"),
        pytest.param("31 Dec 2016 23:59:60 +0000", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC), id="leap second"),
        pytest.param("Wed Jan  1 00:00:00 2020", datetime(2020, 1, 1, tzinfo=UTC), id="ctime"),
        pytest.param(b"Wed,\r\n 1 Jan 2020 00:00:00 +0000", datetime(2020, 1, 1, tzinfo=UTC), id="folded"),
        pytest.param("31 Feb 2020 00:00:00 +0000", None, id="no such day"),
        pytest.param("1 Jan 2020 24:00:00 +0000", None, id="no such hour"),
        pytest.param("1 Jan 2020 00:00:61 +0000", None, id="no such second"),
        pytest.param("1 Jan 2020 00:00:00 +9999", None, id="no such zone"),
        pytest.param("1 Jan 0001 00:00:00 +2300", None, id="before mail"),
        pytest.param("31 Dec 9999 23:59:59 -2300", None, id="the end of the calendar"),
        pytest.param("1 Foo 2020 00:00:00 +0000", None, id="no such month"),
        pytest.param("yesterday", None, id="no date"),
        pytest.param("", None, id="empty"),
        pytest.param("(" * 5000, None, id="hostile"),
        pytest.param("٣ Jan 2020 00:00:00 +0000", None, id="other digits"),
    ],
)  # fmt: skip
def test_dates(value: str | bytes, expected: datetime | None) -> None:
    found = parse_date(value)
    assert found == expected
    if found is not None and expected is not None:
        assert found.utcoffset() is not None
