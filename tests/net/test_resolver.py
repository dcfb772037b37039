"""DNS over the network, against a server on loopback that behaves and misbehaves as a test wants."""

from __future__ import annotations

import asyncio
import gc
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest

from mailsec.errors import DnsTemporaryError, UsageError
from mailsec.hooks import DnsAnswer, Dnssec, DnsStatus, MailExchange
from mailsec.net import resolver as resolver_module
from mailsec.net.nameserver import NameServer
from mailsec.net.resolver import DnsResolver

SOA = "example.org. 600 SOA ns.example.org. hostmaster.example.org. 1 2 3 4 120"
KEY = "s1._domainkey.example.org"


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def resolver(server: Any, clock: Clock) -> AsyncIterator[DnsResolver]:
    resolver = DnsResolver([NameServer("127.0.0.1", server.port)], lifetime=5, patience=0.2, clock=clock)
    yield resolver
    await resolver.close()


# -- what is an answer ---------------------------------------------------------------------------------------

ANSWERS = [
    ("TXT with several strings", "TXT", ['x.example.org. 300 TXT "v=DKIM1; " "p="'], (b"v=DKIM1; p=",)),
    ("TXT with octets that are no text", "TXT", [r'x.example.org. 300 TXT "\000\255"'], (b"\x00\xff",)),
    ("A", "A", ["x.example.org. 300 A 192.0.2.1"], ("192.0.2.1",)),
    ("AAAA", "AAAA", ["x.example.org. 300 AAAA 2001:db8::1"], ("2001:db8::1",)),
    ("MX", "MX", ["x.example.org. 300 MX 10 Mail.example.org."], (MailExchange(10, "mail.example.org"),)),
    ("PTR", "PTR", ["x.example.org. 300 PTR host.example.org."], ("host.example.org",)),
    ("CNAME followed (RFC 1034 section 3.6.2)", "TXT",
     ["x.example.org. 400 CNAME y.example.net.", "y.example.net. 300 TXT ok"], (b"ok",)),
    ("CNAME asked for", "CNAME", ["x.example.org. 300 CNAME y.example.net."], ("y.example.net",)),
    ("a type without a form of its own", "CAA", ['x.example.org. 300 CAA 0 issue "ca"'], ('0 issue "ca"',)),
    ("a type by number (RFC 3597)", "TYPE65280", ["x.example.org. 300 TYPE65280 \\# 2 0102"], ("\\# 2 0102",)),
]  # fmt: skip


@pytest.mark.parametrize(("rdtype", "records", "wanted"), [c[1:] for c in ANSWERS], ids=[c[0] for c in ANSWERS])
async def test_answers(
    server: Any, resolver: DnsResolver, rdtype: str, records: list[str], wanted: tuple[object, ...]
) -> None:
    server.handler = lambda question, _: server.reply(question, *records)
    answer = await resolver.query("X.example.org.", rdtype)
    assert answer == DnsAnswer("x.example.org", rdtype, DnsStatus.FOUND, wanted, 300, Dnssec.UNKNOWN)  # type: ignore[arg-type]


NEGATIVES = [
    ("NXDOMAIN", dns.rcode.NXDOMAIN, [], DnsStatus.NO_NAME),
    ("no data", dns.rcode.NOERROR, [], DnsStatus.NO_DATA),
    ("CNAME to a name that does not exist (RFC 2308 section 2.1)", dns.rcode.NXDOMAIN,
     [f"{KEY}. 300 CNAME gone.example.org."], DnsStatus.NO_NAME),
    ("CNAME to a name without such data", dns.rcode.NOERROR, [f"{KEY}. 300 CNAME bare.example.org."],
     DnsStatus.NO_DATA),
]  # fmt: skip


@pytest.mark.parametrize(("rcode", "records", "status"), [c[1:] for c in NEGATIVES], ids=[c[0] for c in NEGATIVES])
async def test_what_is_not_there_is_an_answer(
    server: Any, resolver: DnsResolver, clock: Clock, *, rcode: dns.rcode.Rcode, records: list[str], status: DnsStatus
) -> None:
    server.handler = lambda question, _: server.reply(question, *records, authority=SOA, rcode=rcode)
    answer = await resolver.query(KEY, "TXT")
    assert (answer.status, answer.records, answer.ttl) == (status, (), 120)  # the SOA's minimum (RFC 2308 section 5)
    clock.now += 119
    assert (await resolver.query(KEY, "TXT")).ttl == 1
    assert len(server.asked) == 1
    clock.now += 1
    await resolver.query(KEY, "TXT")
    assert len(server.asked) == 2


async def test_without_a_soa_record_there_is_no_negative_ttl(server: Any, resolver: DnsResolver) -> None:
    server.handler = lambda question, _: server.reply(question, rcode=dns.rcode.NXDOMAIN)
    assert (await resolver.query(KEY, "TXT")).ttl == 0
    await resolver.query(KEY, "TXT")
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    "name",
    ["", "a..b", ".a", "x" * 64 + ".org", ".".join(["x" * 60] * 5), "x" * 5000, "xn--" + "a" * 60 + "\u00fc.org"],
)
async def test_what_is_no_name_does_not_exist_and_is_not_asked(server: Any, resolver: DnsResolver, name: str) -> None:
    assert (await resolver.query(name, "TXT")).status is DnsStatus.NO_NAME
    assert server.asked == []


async def test_internationalised_names(server: Any, resolver: DnsResolver) -> None:
    server.handler = lambda question, _: server.reply(question, "xn--mller-kva.example. 300 TXT ok")
    answer = await resolver.query("müller.example", "TXT")
    assert (answer.name, answer.texts) == ("müller.example", (b"ok",))
    assert server.asked[0][1] == "xn--mller-kva.example"
    assert (await resolver.query("XN--mller-kva.example.", "TXT")).name == "xn--mller-kva.example"
    assert len(server.asked) == 1  # both are one name


@pytest.mark.parametrize(
    ("name", "question"),
    [
        ("s._domainkey.straße.example", "s._domainkey.xn--strae-oqa.example"),
        ("s._domainkey.faς.example", "s._domainkey.xn--fa-tbc.example"),
        ("s._domainkey.ﬁsh.example", "s._domainkey.xn--sh-1b1n.example"),
    ],
)
async def test_the_key_of_one_domain_is_not_asked_of_another(
    name: str, question: str, server: Any, resolver: DnsResolver
) -> None:
    """RFC 5894 section 7.2: IDNA 2003 mapped these to names that belong to others."""
    server.handler = lambda question, _: server.reply(question, rcode=dns.rcode.NXDOMAIN)
    await resolver.query(name, "TXT")
    assert server.asked[0][1] == question


async def test_no_record_type(resolver: DnsResolver) -> None:
    with pytest.raises(UsageError, match="NONSENSE"):
        await resolver.query("example.org", "NONSENSE")


async def test_more_records_than_anybody_needs(server: Any, resolver: DnsResolver) -> None:
    records = ["x.example.org. 300 A 192.0.2.1"]

    def many(question: dns.message.Message, transport: str) -> dns.message.Message:
        message = server.reply(question, *records)
        message.answer[0].update(
            dns.rrset.from_text_list(
                "x.example.org.", 300, "IN", "A", [f"10.0.{i}.{j}" for i in range(4) for j in range(250)]
            )
        )
        if transport == "udp":
            message.answer.clear()
            message.flags |= dns.flags.TC
        return message  # type: ignore[no-any-return]

    server.handler = many
    answer = await resolver.query("x.example.org", "A")
    assert len(answer.records) == resolver_module.MAX_RECORDS


# -- what is trouble -----------------------------------------------------------------------------------------


def ede(server: Any, code: int) -> Callable[[dns.message.Message, str], dns.message.Message]:
    def handler(question: dns.message.Message, _: str) -> dns.message.Message:
        message = server.reply(question, rcode=dns.rcode.SERVFAIL)
        message.use_edns(0, options=[dns.edns.EDEOption(dns.edns.EDECode(code))])
        return message  # type: ignore[no-any-return]

    return handler


TROUBLE: list[tuple[str, Callable[[Any], Callable[..., Any]], str]] = [
    ("SERVFAIL", lambda s: lambda q, _: s.reply(q, rcode=dns.rcode.SERVFAIL), "SERVFAIL"),
    ("REFUSED", lambda s: lambda q, _: s.reply(q, rcode=dns.rcode.REFUSED), "REFUSED"),
    ("NOTIMP with and without EDNS", lambda s: lambda q, _: s.reply(q, rcode=dns.rcode.NOTIMP), "NOTIMP"),
    ("bogus by DNSSEC (RFC 8914 section 4.7)", lambda s: ede(s, 6), "bogus"),
    ("an expired signature (RFC 8914 section 4.8)", lambda s: ede(s, 7), "bogus"),
    ("another extended error", lambda s: ede(s, 22), "SERVFAIL"),
    ("silence", lambda s: lambda q, _: None, "in time"),
    ("rubbish", lambda s: lambda q, _: b"\x00" * 40, "in time"),
    ("another question answered", lambda s: lambda q, _: s.reply(dns.message.make_query("evil.example", "TXT", id=q.id),
     "evil.example. 300 TXT x"), "in time"),
    ("another id", lambda s: lambda q, _: struct.pack("!H", q.id ^ 1) + s.reply(q, f"{KEY}. 300 TXT x").to_wire()[2:],
     "in time"),
    ("NXDOMAIN with an answer", lambda s: lambda q, _: s.reply(q, f"{KEY}. 300 TXT x", rcode=dns.rcode.NXDOMAIN),
     "contradicts"),
    ("CNAME in a circle", lambda s: lambda q, _: s.reply(q, f"{KEY}. 300 CNAME {KEY}."), "contradicts"),
    ("a referral", lambda s: lambda q, _: s.reply(q, authority="org. 300 NS a.example.", flags=0), "for others"),
]  # fmt: skip


@pytest.mark.parametrize(("handler", "words"), [c[1:] for c in TROUBLE], ids=[c[0] for c in TROUBLE])
async def test_trouble_is_temporary(
    server: Any, clock: Clock, handler: Callable[[Any], Callable[..., Any]], words: str
) -> None:
    server.handler = handler(server)
    # time runs out where it is to run out, and not since the machine is busy
    lifetime, patience = (0.3, 0.05) if words == "in time" else (5.0, 0.2)
    resolver = DnsResolver([NameServer("127.0.0.1", server.port)], lifetime=lifetime, patience=patience, clock=clock)
    with pytest.raises(DnsTemporaryError, match=words) as caught:
        await resolver.query(f"{KEY}.", "txt")
    assert (caught.value.name, caught.value.rdtype) == (KEY, "TXT")
    # It is kept for some seconds (RFC 9520 section 3.2) and then asked again.
    count = len(server.asked)
    with pytest.raises(DnsTemporaryError, match=words):
        await resolver.query(KEY, "TXT")
    assert len(server.asked) == count
    clock.now += resolver_module.FAILURE_TTL
    server.handler = lambda question, _: server.reply(question, f"{KEY}. 300 TXT ok")
    assert (await resolver.query(KEY, "TXT")).texts == (b"ok",)
    await resolver.close()


async def test_nobody_listens(make_server: Callable[[], Awaitable[Any]]) -> None:
    resolver = DnsResolver([NameServer("127.0.0.1", 1)], lifetime=0.5, patience=0.1)
    with pytest.raises(DnsTemporaryError, match=r"127\.0\.0\.1@1"):
        await resolver.query(KEY, "TXT")


# -- transport -----------------------------------------------------------------------------------------------


async def test_a_truncated_answer_is_asked_for_by_tcp(server: Any, resolver: DnsResolver) -> None:
    def handler(question: dns.message.Message, transport: str) -> dns.message.Message:
        if transport == "udp":
            return server.reply(question, flags=dns.flags.RA | dns.flags.TC)  # type: ignore[no-any-return]
        strings = " ".join('"' + "x" * 250 + '"' for _ in range(40))
        return server.reply(question, f"{KEY}. 300 TXT {strings}")  # type: ignore[no-any-return]

    server.handler = handler
    assert (await resolver.query(KEY, "TXT")).texts == (b"x" * 10_000,)
    assert [transport for transport, *_ in server.asked] == ["udp", "tcp"]


async def test_truncated_and_no_tcp_is_trouble(server: Any, clock: Clock) -> None:
    server.tcp = False
    server.handler = lambda question, _: server.reply(question, flags=dns.flags.RA | dns.flags.TC)
    resolver = DnsResolver([NameServer("127.0.0.1", server.port)], lifetime=0.5, patience=0.1)
    with pytest.raises(DnsTemporaryError, match=r"connection closed|cannot be reached"):
        await resolver.query(KEY, "TXT")


async def test_truncated_even_by_tcp_is_trouble(server: Any, resolver: DnsResolver) -> None:
    server.handler = lambda question, _: server.reply(question, flags=dns.flags.RA | dns.flags.TC)
    with pytest.raises(DnsTemporaryError, match="truncated"):
        await resolver.query(KEY, "TXT")


async def test_edns_is_offered_and_left_out_where_unknown(server: Any, resolver: DnsResolver) -> None:
    def handler(question: dns.message.Message, _: str) -> dns.message.Message:
        if question.edns >= 0:
            return server.reply(question, rcode=dns.rcode.FORMERR)  # type: ignore[no-any-return]
        return server.reply(question, f"{KEY}. 300 TXT ok")  # type: ignore[no-any-return]

    server.handler = handler
    assert (await resolver.query(KEY, "TXT")).texts == (b"ok",)
    assert [edns for *_, edns in server.asked] == [0, -1]
    assert server.questions[0].payload == resolver_module.PAYLOAD
    assert server.questions[0].flags & dns.flags.RD


async def test_a_lost_datagram_is_sent_again(server: Any, resolver: DnsResolver) -> None:
    server.handler = lambda question, _: (
        None if len(server.asked) == 1 else server.reply(question, f"{KEY}. 300 TXT ok")
    )
    assert (await resolver.query(KEY, "TXT")).texts == (b"ok",)


async def test_the_next_server_is_asked(make_server: Callable[[], Awaitable[Any]]) -> None:
    silent, broken, good = await make_server(), await make_server(), await make_server()
    silent.handler = lambda question, _: None
    broken.handler = lambda question, _: broken.reply(question, rcode=dns.rcode.SERVFAIL)
    good.handler = lambda question, _: good.reply(question, f"{question.question[0].name} 300 TXT ok")
    servers = [NameServer("127.0.0.1", each.port) for each in (silent, broken, good)]
    resolver = DnsResolver(servers, lifetime=5, patience=0.1)
    assert (await resolver.query(KEY, "TXT")).texts == (b"ok",)
    assert (await resolver.query("other.example.org", "TXT")).texts == (b"ok",)
    assert len(silent.asked) == 1  # it is asked last, after it let us wait


# -- DNSSEC --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("flag", "trusted", "dnssec"),
    [(True, True, Dnssec.SECURE), (False, True, Dnssec.UNKNOWN), (True, False, Dnssec.UNKNOWN)],
    ids=["AD from a trusted server", "no AD", "AD from anybody (RFC 4035 section 4.9.3)"],
)
async def test_dnssec_is_believed_from_a_trusted_server_only(
    server: Any, flag: bool, trusted: bool, dnssec: Dnssec
) -> None:
    nameserver = NameServer("127.0.0.1", server.port)
    assert nameserver.trusted  # loopback
    if not trusted:
        object.__setattr__(nameserver, "trusted", False)
    flags = dns.flags.RA | (dns.flags.AD if flag else 0)
    server.handler = lambda question, _: server.reply(question, f"{KEY}. 300 TXT ok", flags=flags)
    assert (await DnsResolver([nameserver]).query(KEY, "TXT")).dnssec is dnssec
    assert server.questions[0].flags & dns.flags.AD  # we say that we understand it (RFC 6840 section 5.7)


# -- cache and concurrency -----------------------------------------------------------------------------------


async def test_the_cache_keeps_answers_for_their_ttl(server: Any, resolver: DnsResolver, clock: Clock) -> None:
    server.handler = lambda question, _: server.reply(question, f"{KEY}. 300 TXT ok")
    assert (await resolver.query(KEY, "TXT")).ttl == 300
    clock.now += 100
    assert (await resolver.query(KEY.upper(), "txt")).ttl == 200
    await resolver.query(KEY, "A")  # another type is another question
    clock.now += 200
    await resolver.query(KEY, "TXT")
    assert [rdtype for _, _, rdtype, _ in server.asked] == ["TXT", "A", "TXT"]


@pytest.mark.parametrize(("ttl", "kept"), [(0, 0), (86_401, 86_400), (2**31 - 1, 86_400)])
async def test_ttls_have_a_limit(server: Any, resolver: DnsResolver, ttl: int, kept: int) -> None:
    server.handler = lambda question, _: server.reply(question, f"{KEY}. {ttl} TXT ok")
    assert (await resolver.query(KEY, "TXT")).ttl == kept
    await resolver.query(KEY, "TXT")
    assert len(server.asked) == (1 if kept else 2)


async def test_the_cache_is_bounded(server: Any, clock: Clock) -> None:
    resolver = DnsResolver([NameServer("127.0.0.1", server.port)], size=3, clock=clock)
    server.handler = lambda question, _: server.reply(question, f"{question.question[0].name} 300 TXT ok")
    for name in ("a.example", "b.example", "c.example", "a.example", "d.example"):
        await resolver.query(name, "TXT")
    assert len(server.asked) == 4
    await resolver.query("a.example", "TXT")  # used lately: still there
    assert len(server.asked) == 4
    await resolver.query("b.example", "TXT")  # gone
    assert len(server.asked) == 5


async def test_identical_questions_share_a_look_up(server: Any, resolver: DnsResolver) -> None:
    server.delay = 0.05
    server.handler = lambda question, _: server.reply(question, f"{KEY}. 300 TXT ok")
    answers = await asyncio.gather(*(resolver.query(KEY, "TXT") for _ in range(20)))
    assert {answer.texts for answer in answers} == {(b"ok",)}
    assert len(server.asked) == 1


async def test_a_shared_failure_reaches_everybody(server: Any, resolver: DnsResolver) -> None:
    server.delay = 0.05
    server.handler = lambda question, _: server.reply(question, rcode=dns.rcode.SERVFAIL)
    answers = await asyncio.gather(*(resolver.query(KEY, "TXT") for _ in range(5)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [DnsTemporaryError] * 5
    assert len(server.asked) == 1


async def test_one_who_gives_up_does_not_cost_the_others(server: Any, resolver: DnsResolver) -> None:
    server.delay = 0.1
    server.handler = lambda question, _: server.reply(question, f"{KEY}. 300 TXT ok")
    hasty = asyncio.create_task(resolver.query(KEY, "TXT"))
    patient = asyncio.create_task(resolver.query(KEY, "TXT"))
    await asyncio.sleep(0.01)
    hasty.cancel()
    assert (await patient).texts == (b"ok",)
    assert len(server.asked) == 1


async def test_closing_ends_what_is_under_way(server: Any) -> None:
    server.handler = lambda question, _: None
    resolver = DnsResolver([NameServer("127.0.0.1", server.port)], lifetime=60, patience=60)
    waiting = asyncio.create_task(resolver.query(KEY, "TXT"))
    await asyncio.sleep(0.02)
    await resolver.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    gc.collect()  # no socket is left open: warnings are errors here


async def test_a_failure_that_nobody_waits_for_is_quiet(server: Any) -> None:
    server.delay = 0.05
    server.handler = lambda question, _: server.reply(question, rcode=dns.rcode.SERVFAIL)
    resolver = DnsResolver([NameServer("127.0.0.1", server.port)])
    hasty = asyncio.create_task(resolver.query(KEY, "TXT"))
    await asyncio.sleep(0.01)
    hasty.cancel()
    await asyncio.sleep(0.1)
    gc.collect()


def test_a_resolver_outlives_an_event_loop() -> None:
    resolver = DnsResolver([NameServer("127.0.0.1", 1)], lifetime=0.2, patience=0.1)
    for name in ("a.example", "b.example"):
        with pytest.raises(DnsTemporaryError):
            asyncio.run(resolver.query(name, "TXT"))
