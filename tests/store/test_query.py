"""Search words: what each finds, what cannot be understood, and that nothing of them is ever SQL."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailsec.errors import UsageError
from mailsec.store import Flags, Index, KeptVerdict, Maildir, Order, QueryError, parse_query
from mailsec.store.query import MAX_QUERY

NOW = datetime(2026, 5, 17, 15, 30, tzinfo=timezone(timedelta(hours=2)))

LETTERS = {
    "alice": (
        (
            b"From: Alice Example <alice@example.org>\nTo: Bob <bob@example.net>\nSubject: Contract, final version\n"
            b"Date: Sun, 17 May 2026 00:30:00 +0200\nMessage-ID: <1@example.org>\n\nWhat we agreed on. caf\xc3\xa9\n"
        ),
        Flags.SEEN | Flags.REPLIED,
    ),
    "bob": (
        (
            b"From: Bob <bob@example.net>\nTo: alice@example.org\nCc: carol@example.com\n"
            b"Subject: Re: Contract, final version\nDate: Sat, 16 May 2026 12:00:00 +0200\n"
            b"Message-ID: <2@example.net>\nIn-Reply-To: <1@example.org>\n\n"
            b"Agreed and final: the version is NEAR perfect.\n"
        ),
        Flags.NONE,
    ),
    "carol": (
        b"From: Carol <carol@example.com>\nTo: bob@example.net\nSubject: invoice 2231\n"
        b"Date: Wed, 01 Apr 2026 12:00:00 +0200\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
        b"--b\n\nPlease pay, C++ and a_b\n--b\nContent-Type: application/pdf; name=invoice-2231.pdf\n\n"
        + b"x" * 3000 + b"\n--b--\n",
        Flags.FLAGGED | Flags.SEEN,
    ),
    "draft": (b"From: me@example.org\nSubject: re:invent\nDate: Thu, 31 Dec 2025 23:59:59 +0200\n\nnot yet OR never\n",
              Flags.DRAFT | Flags.SEEN),
}  # fmt: skip


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object]:
    folder = tmp_path_factory.mktemp("query")
    box = Maildir.create(folder / "Maildir")
    keys = {box.deliver(octets, flags): name for name, (octets, flags) in LETTERS.items()}
    with Index(folder / "index") as index:
        index.refresh(box)
        number = index.folder(box.path)
        levels = {"alice": "verified", "carol": "failed"}
        for row in index.rows(index.listing(number).ids):
            assert row is not None
            if level := levels.get(keys[row.key]):
                index.keep_verdict(row.id, KeptVerdict(level, "", "", temporary=False, at=0))

        def find(text: str, order: Order = Order.DATE) -> list[str]:
            listing = index.listing(number, parse_query(text, now=NOW), order=order)
            return [keys[row.key] for row in index.rows(listing.ids) if row is not None]

        yield find


CASES = [
    ("", "alice bob carol draft"),
    ("   ", "alice bob carol draft"),
    ("contract", "alice bob"),
    ("CONTRACT", "alice bob"),
    ("contr", "alice bob"),  # the last word may be a beginning
    ("contr ", ""),  # not any more: something follows
    ("contr version", ""),
    ("final version", "alice bob"),
    ('"final version"', "alice bob"),
    ('"version final"', ""),
    ('"final version', "alice bob"),  # still being typed
    ("body:final", "bob"),
    ("subject:contract body:agreed", "alice bob"),
    ("from:alice", "alice"),
    ("from:bob@example.net", "bob"),
    ('from:"alice example"', "alice"),
    ("to:alice", "bob"),
    ("to:carol", "bob"),  # Cc too
    ("FROM:Alice", "alice"),
    ("attachment:invoice", "carol"),
    ("cafe", "alice"),
    ("café", "alice"),
    ("near perfect", "bob"),
    ("NEAR", "bob"),
    ("c++", "alice bob carol"),  # the plus signs are none of the word, and c may be a beginning
    ("a_b", "carol"),
    ("re:invent", "draft"),
    ("-contract", "carol draft"),
    ("not:contract", "carol draft"),
    ("not:from:alice not:from:bob", "carol draft"),
    ("--contract", "alice bob"),
    ("contract -from:alice", "bob"),
    ("-(from:alice OR from:bob)", "carol draft"),
    ("from:alice OR from:carol", "alice carol"),
    ("from:alice OR from:carol is:flagged", "alice carol"),
    ("(from:alice OR from:carol) is:flagged", "carol"),
    ("from:alice OR is:flagged", "alice carol"),
    ('"OR"', "draft"),
    ("or never", "draft"),
    ("has:attachment", "carol"),
    ("-has:attachment", "alice bob draft"),
    ("is:unread", "bob"),
    ("is:read", "alice carol draft"),
    ("is:flagged", "carol"),
    ("is:replied", "alice"),
    ("is:draft", "draft"),
    ("is:new", "bob"),
    ("verdict:verified", "alice"),
    ("verdict:failed", "carol"),
    ("verdict:warning", ""),
    ("verdict:none", "bob draft"),
    ("on:today", "alice"),
    ("on:yesterday", "bob"),
    ("after:today", "alice"),
    ("before:today", "bob carol draft"),
    ("on:2026-05-17", "alice"),
    ("on:2026-5-16", "bob"),
    ("on:2026-05", "alice bob"),
    ("on:2026", "alice bob carol"),
    ("before:2026", "draft"),
    ("after:2026-05", "alice bob"),
    ("after:1d", "alice bob"),
    ("after:2w", "alice bob"),
    ("after:2m", "alice bob carol"),
    ("before:1m", "carol draft"),
    ("after:1y", "alice bob carol draft"),
    ("on:2025-12", "draft"),
    ("larger:2k", "carol"),
    ("larger:2K", "carol"),
    ("smaller:2kb", "alice bob draft"),
    ("larger:1M", ""),
    ("smaller:1M -smaller:2k", "carol"),
]


@pytest.mark.parametrize(("text", "names"), CASES, ids=[text or "nothing" for text, _ in CASES])
def test_what_is_found(found: object, text: str, names: str) -> None:
    assert callable(found)
    assert found(text) == names.split()
    assert sorted(found(text, Order.THREADS)) == sorted(names.split())


WRONG = [
    ("is:gone", "is:gone: what a message may be is unread, read"),
    ("has:wings", "has:wings: there is only has:attachment"),
    ("verdict:good", "verdict:good: there are verified, authenticated"),
    ("before:May", "before:may: a date is such as 2026, 2026-05"),
    ("on:2026-02-30", "on:2026-02-30: a date is such as"),
    ("after:9999y", "after:9999y: a date is such as"),
    ("on:9999-12-31", "on:9999-12-31: a date is such as"),
    ("after:0000", "after:0000: a date is such as"),
    ("larger:big", "larger:big: a size is a number"),
    ("larger:", "larger:: a size is a number"),
    ("from:", "from: what should be found stands after the colon, such as from:alice"),
    ("colour:", "colour: is no search word; there are from:, to:"),
    ('colour:"deep red"', "colour: is no search word"),
    ("!!!", "!!!: only words with letters or digits"),
    ('""', "only words with letters or digits"),
    ("-", "only words with letters or digits"),
    ("from:***", r"from:\*\*\*: only words with letters"),
    ("(a", r"there is a \( without a \)"),
    ("a)", r"there is a \) without a \("),
    ("a OR", "OR stands between two words"),
    ("OR a", "OR stands between two words"),
    ("a OR OR b", "OR stands between two words"),
    ("-OR a", "stands the word that must not be found"),
    ("(" * 30 + "a" + ")" * 30, "parentheses may nest 20 deep"),
    ("a " * 101, "more than 100 words"),
    ("a" * (MAX_QUERY + 1), f"the search has {MAX_QUERY + 1} characters; {MAX_QUERY} may"),
]


@pytest.mark.parametrize(("text", "sentence"), WRONG, ids=[text[:20] for text, _ in WRONG])
def test_what_cannot_be_understood_is_named(text: str, sentence: str) -> None:
    with pytest.raises(QueryError, match=sentence):
        parse_query(text, now=NOW)
    assert issubclass(QueryError, UsageError)


WORDS = st.sampled_from([
    "a", "from:", "to:x", '"', '""', "(", ")", "-", "OR", "AND", "NOT", "NEAR(a b)", "*", "^a", "{subject}:", ":", ";",
    "'", "--", "/*", "\\", "%", "?", "?1", ":a", "@a", "$a", "\0", "é", "́", "🙂", "\ud800", "is:unread", "on:today",
    "larger:1", "\t", "a*", '"a" *', "subject : x", "+", "a+b", "1", "before:2026", "words", "rowid",
])  # fmt: skip


@given(st.lists(WORDS | st.text(max_size=6), max_size=12).map(" ".join) | st.lists(WORDS, max_size=12).map("".join))
@example('a" OR words MATCH "b')
@example("'; DROP TABLE message; --")
@example("a " * 100)
@example("(" * 20 + "a" + ")" * 20)
@example(" OR ".join(f"-w{n}" for n in range(100)))
@example("(a OR b) " * 50)
def test_no_text_makes_the_search_fail(found: object, text: str) -> None:
    assert callable(found)
    try:
        query = parse_query(text, now=NOW)
    except QueryError:
        return
    assert set(query.condition.sql) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 .?&<>=()_")
    for order in (Order.DATE, Order.THREADS):
        assert set(found(text, order)) <= LETTERS.keys()


def test_days_are_those_of_the_user_s_clock() -> None:
    midnight = datetime(2026, 5, 17, tzinfo=NOW.tzinfo).timestamp()
    assert parse_query("on:today", now=NOW).condition.parameters == (midnight, midnight + 86_400)
    assert parse_query("on:today", now=NOW.astimezone(UTC)).condition.parameters == (midnight + 7200, midnight + 93_600)


MONTHS_BEFORE = [
    (datetime(2026, 3, 31, tzinfo=UTC), "1m", datetime(2026, 2, 28, tzinfo=UTC)),
    (datetime(2028, 3, 31, tzinfo=UTC), "1m", datetime(2028, 2, 29, tzinfo=UTC)),
    (datetime(2026, 5, 31, tzinfo=UTC), "1m", datetime(2026, 4, 30, tzinfo=UTC)),
    (datetime(2026, 1, 15, tzinfo=UTC), "1m", datetime(2025, 12, 15, tzinfo=UTC)),
    (datetime(2028, 2, 29, tzinfo=UTC), "1y", datetime(2027, 2, 28, tzinfo=UTC)),
    (datetime(2026, 1, 15, tzinfo=UTC), "25m", datetime(2023, 12, 15, tzinfo=UTC)),
]


@pytest.mark.parametrize(("now", "ago", "day"), MONTHS_BEFORE)
def test_months_ago_are_months_of_the_calendar(now: datetime, ago: str, day: datetime) -> None:
    assert parse_query(f"after:{ago}", now=now).condition.parameters == (day.timestamp(),)
