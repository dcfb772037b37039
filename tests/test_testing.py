"""What plugin authors test with."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from mailsec.errors import DnsTemporaryError, FetchError, InputError, KeyFileError
from mailsec.hooks import DnsStatus, Envelope, Identity, Opened, Opener, OpenerContext
from mailsec.message import Part, parse
from mailsec.testing import CountingResolver, FailingResolver, make_context, make_resolver, run_opener

ZONE = """
    s1._domainkey.example.org TXT "v=DKIM1; p="
    example.org               MX  10 mail.example.org.
"""


async def test_a_context_answers_from_its_zone() -> None:
    context = make_context(zone=ZONE)
    assert (await context.resolver.query("s1._domainkey.example.org", "TXT")).texts == (b"v=DKIM1; p=",)
    assert (await context.resolver.query("example.com", "TXT")).status is DnsStatus.NO_NAME
    assert (await make_context().resolver.query("Example.com.", "txt")).name == "example.com"


def test_a_zone_that_is_none() -> None:
    with pytest.raises(InputError, match="line 1"):
        make_context(zone="example.org NONSENSE x")


@pytest.mark.parametrize(
    "at",
    ["2026-05-01T12:00:00Z", "2026-05-01T14:00:00+02:00", datetime(2026, 5, 1, 12, tzinfo=UTC),
     datetime(2026, 5, 1, 13, tzinfo=timezone(timedelta(hours=1)))],
    ids=str,
)  # fmt: skip
def test_the_time_is_chosen_and_in_utc(at: datetime | str) -> None:
    moment = make_context(at=at).moment
    assert (moment.at, moment.source) == (datetime(2026, 5, 1, 12, tzinfo=UTC), "chosen")
    assert moment.at.tzinfo is UTC


def test_the_time_is_now_and_never_naive() -> None:
    assert make_context().moment.source == "now"
    with pytest.raises(ValueError, match="offset"):
        make_context(at="2026-05-01T12:00:00")


async def test_what_is_not_given_is_empty_or_refused() -> None:
    context = make_context(documents={"http://ca.example/crl": b"octets"}, seconds=5)
    assert context.trust.anchors() == ()
    assert context.keys.identities() == ()
    assert context.results == ()
    assert context.envelope == Envelope()
    assert 0 < context.remaining() <= 5
    assert make_context(seconds=-1).remaining() == 0
    assert (await context.fetcher.fetch("http://ca.example/crl")).octets == b"octets"
    with pytest.raises(FetchError, match="not among"):
        await context.fetcher.fetch("http://ca.example/other")
    with pytest.raises(FetchError, match="more than 2"):
        await context.fetcher.fetch("http://ca.example/crl", limit=2)
    with pytest.raises(LookupError, match="header="):
        _ = context.header
    with pytest.raises(KeyFileError, match="no key for alice"):
        context.keys.sign(Identity("alice", "rsa"), None, b"")  # type: ignore[arg-type]


async def test_failing_resolver() -> None:
    resolver = FailingResolver(ZONE, servfail=["broken.example."], timeout=["slow.example"], hang=["never.example"])
    with pytest.raises(DnsTemporaryError, match=r"broken\.example TXT: SERVFAIL") as caught:
        await resolver.query("Broken.example", "txt")
    assert (caught.value.name, caught.value.rdtype, caught.value.why) == ("broken.example", "TXT", "SERVFAIL")
    with pytest.raises(DnsTemporaryError, match="time-out"):
        await resolver.query("slow.example", "TXT")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(resolver.query("never.example", "TXT"), 0.01)
    assert (await resolver.query("example.org", "MX")).status is DnsStatus.FOUND
    with pytest.raises(DnsTemporaryError):
        await FailingResolver(everything=True).query("example.org", "MX")


async def test_counting_resolver() -> None:
    resolver = CountingResolver(make_resolver(ZONE))
    await resolver.query("Example.org.", "mx")
    assert resolver.questions == [("example.org", "MX")]


def unwrap(part: Part, context: OpenerContext) -> Opened | None:
    author = context.header.first("from")
    return None if author is None else Opened(part.content, "signed", ())


async def unwrap_later(part: Part, context: OpenerContext) -> Opened | None:
    return unwrap(part, context)


@pytest.mark.parametrize("form", [unwrap, unwrap_later])
async def test_run_opener(form: Any) -> None:
    opener = Opener(name="wrap", methods=("x-wrap",), content_types=("application/x-wrap",), open=form)
    root = parse(b"Content-Type: application/x-wrap\r\n\r\ninner").root
    assert await run_opener(opener, root, make_context(header=b"From: a@example.org\r\n")) == Opened(
        b"inner", "signed", ()
    )
    assert await run_opener(opener, root, make_context(header=b"To: a@example.org\r\n")) is None
    assert await run_opener(opener, parse(b"\r\nplain").root, make_context()) is None
