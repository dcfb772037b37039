"""Order, time, both forms of a verifier, contexts and evidence."""

from __future__ import annotations

import asyncio
import gc
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from mailsec.errors import DnsTemporaryError, InputError
from mailsec.hooks import (
    AuthResult,
    Cause,
    Coverage,
    DnsAnswer,
    DnsFailure,
    DnsStatus,
    Envelope,
    Fetched,
    MailExchange,
    Moment,
    Result,
    Verifier,
)
from mailsec.message import Message, parse, parse_header
from mailsec.pipeline import Policy, Runner, Services
from mailsec.pipeline.evidence import from_json, to_json
from mailsec.pipeline.replay import keep, load


def passing(method: str) -> list[AuthResult]:
    return [AuthResult(method, Result.PASS)]


def verifier(name: str, *after: str, act: Any = None) -> Verifier:
    async def verify(message: Any, context: Any) -> Any:
        if act is not None:
            await act(context)
        return passing(name)

    return Verifier(name=name, methods=(name,), verify=verify, after=after)


# -- order ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("edges", "order"),
    [
        ({"a": (), "b": (), "c": ()}, "abc"),
        ({"a": ("c",), "b": (), "c": ()}, "bca"),
        ({"a": ("b",), "b": ("c",), "c": ()}, "cba"),
        ({"a": ("nobody",), "b": ("b2",)}, "ab"),
        ({"d": ("b", "c"), "b": ("a",), "c": ("a",), "a": ()}, "abcd"),
    ],
    ids=["as given", "one later", "a chain", "unknown names are ignored", "a diamond"],
)
@pytest.mark.parametrize("waits", [False, True])
async def test_each_comes_after_those_that_it_names(
    edges: dict[str, tuple[str, ...]], order: str, waits: bool, make_runner: Callable[..., Runner], simple: Message
) -> None:
    seen: list[str] = []

    def act(name: str) -> Any:
        async def note(context: Any) -> None:
            if waits:
                await asyncio.sleep(0.001)
            assert {one.method for one in context.results} == {one for one in edges[name] if one in edges}
            seen.append(name)

        return note

    runner = make_runner(*(verifier(name, *after, act=act(name)) for name, after in edges.items()))
    report = await runner.check(simple)
    assert [one.method for one in report.results] == list(order)
    assert {str(one.result) for one in report.results} == {"pass"}
    position = {name: index for index, name in enumerate(seen)}
    assert all(position[one] < position[name] for name, after in edges.items() for one in after if one in edges)


async def test_those_that_wait_for_each_other_are_disabled_by_name_and_nobody_else(
    make_runner: Callable[..., Runner], simple: Message, says: Any
) -> None:
    runner = make_runner(
        verifier("a", "b"),
        verifier("b", "c"),
        verifier("c", "a"),
        verifier("d", "a"),
        verifier("e", "e"),
        verifier("f"),
    )
    report = await runner.check(simple)
    outcome = {one.method: (str(one.result), one.cause) for one in report.results}
    broken = ("temperror", Cause.CRASHED)
    assert outcome == {"a": broken, "b": broken, "c": broken, "e": broken, "d": ("pass", None), "f": ("pass", None)}
    sentences = " ".join(one.sentence for one in report.problems)
    assert [one.plugin for one in report.problems] == ["a", "b", "c", "e"]
    assert "wait for each other: a, b, c" in sentences
    assert "wait for each other: e" in sentences


async def test_one_waits_while_the_others_go_on(make_runner: Callable[..., Runner], simple: Message) -> None:
    events = {name: asyncio.Event() for name in "abc"}

    async def meet(context: Any, mine: str, other: str) -> None:
        events[mine].set()
        await events[other].wait()

    runner = make_runner(
        verifier("a", act=lambda c: meet(c, "a", "b")),
        verifier("b", act=lambda c: meet(c, "b", "c")),
        verifier("c", act=lambda c: meet(c, "c", "a")),
        timeout=5,
    )
    report = await runner.check(simple)
    assert [str(one.result) for one in report.results] == ["pass"] * 3


async def test_the_deadline_is_shared_and_a_verifier_may_have_a_shorter_one(
    make_runner: Callable[..., Runner], simple: Message
) -> None:
    deadlines: list[float] = []

    async def note(context: Any) -> None:
        deadlines.append(context.deadline)
        assert 0 < context.remaining() <= 7

    def note_short(message: Any, context: Any) -> list[AuthResult]:
        deadlines.append(context.deadline)
        return passing("c")

    short = Verifier(name="c", methods=("c",), verify=note_short, timeout=1)
    runner = make_runner(verifier("a", act=note), verifier("b", act=note), short, timeout=7)
    start = time.monotonic()
    await runner.check(simple)
    assert deadlines[0] == deadlines[1]
    assert start + 1 <= deadlines[2] < deadlines[0]


# -- the two forms -------------------------------------------------------------------------------------------


class Counting:
    """Tells what it was fed."""

    def __init__(self, header: Any, context: Any) -> None:
        self.names = [field.key for field in header]
        self.fed = b""

    def feed(self, octets: memoryview) -> None:
        assert octets.readonly
        self.fed += octets

    async def finish(self) -> list[AuthResult]:
        end = len(self.fed)
        return [AuthResult("count", Result.PASS, f"{self.names} {self.fed!r}", coverage=Coverage(ranges=((0, end),)))]


COUNT = Verifier(name="count", methods=("count",), start=Counting)
LIST = Verifier(name="list", methods=("list",), start=lambda header, context: passing("list"))
LENGTH = Verifier(
    name="whole", methods=("whole",), verify=lambda m, c: [AuthResult("whole", Result.PASS, bytes(m).decode("latin-1"))]
)


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("whole", [False, True], ids=["incremental only", "with one that needs the whole"])
async def test_bit_by_bit_gives_what_the_whole_gives(
    size: int, whole: bool, make_runner: Callable[..., Runner]
) -> None:
    octets = b"From: alice@example.org\r\nSubject: Tea\r\n\r\n" + b"At four.\r\n" * 5
    runner = make_runner(COUNT, LIST, *([LENGTH] if whole else []))
    expected = await runner.check(parse(octets))

    head, body = octets.split(b"\r\n\r\n", 1)
    session = runner.start(parse_header(head + b"\r\n"))
    for at in range(0, len(body), size):
        session.feed(memoryview(body)[at : at + size])
    report = await session.finish()

    assert report.results == expected.results
    assert report.verdict == expected.verdict
    assert [report.is_whole(one) for one in report.results] == [expected.is_whole(one) for one in expected.results]
    assert (report.message is not None) is whole
    assert report.layers[0].body == expected.layers[0].body


async def test_a_long_body_is_kept_in_an_unlinked_file(make_runner: Callable[..., Runner]) -> None:
    verify = lambda m, c: [AuthResult("m", Result.PASS, str(len(m.body)))]  # noqa: E731
    session = make_runner(Verifier(name="m", methods=("m",), verify=verify)).start(
        parse_header(b"From: a@example.org\r\n")
    )
    line = b"x" * 98 + b"\r\n"
    for _ in range(30):
        session.feed(line * 1000)
    report = await session.finish()
    assert report.results[0].reason == "3000000"
    assert bytes(report.message or b"")[-100:] == line


async def test_a_slow_body_does_not_use_up_the_time(make_runner: Callable[..., Runner]) -> None:
    session = make_runner(COUNT, timeout=0.05).start(parse_header(b"From: a@example.org\r\n"))
    for _ in range(4):
        await asyncio.sleep(0.1)
        session.feed(b"x\r\n")
    report = await session.finish()
    assert str(report.results[0].result) == "pass"


# -- contexts ------------------------------------------------------------------------------------------------


async def test_two_that_ask_the_same_cost_one_lookup_and_both_have_the_evidence(
    make_runner: Callable[..., Runner], simple: Message, answers: Any
) -> None:
    async def ask(context: Any) -> None:
        await context.resolver.query("K.example.org.", "txt")
        await context.resolver.query("k.example.org", "TXT")

    resolver = answers(**{"k.example.org": lambda: asyncio.sleep(0.001)})
    runner = make_runner(verifier("a", act=ask), verifier("b", act=ask), resolver=resolver)
    report = await runner.check(simple)
    assert len(resolver.questions) == 1
    assert [len(run.evidence) for run in report.runs] == [1, 1]
    await runner.check(simple)
    assert len(resolver.questions) == 2  # the runner itself keeps nothing


async def test_one_that_is_cancelled_while_asking_does_not_cost_the_other_the_answer(
    make_runner: Callable[..., Runner], simple: Message, answers: Any
) -> None:
    async def give_up(context: Any) -> None:
        try:
            async with asyncio.timeout(0.01):
                await context.resolver.query("k.example.org", "TXT")
        except TimeoutError:
            pass

    async def insist(context: Any) -> None:
        await context.resolver.query("k.example.org", "TXT")

    resolver = answers(**{"k.example.org": lambda: asyncio.sleep(0.05)})
    runner = make_runner(verifier("a", act=give_up), verifier("b", act=insist), resolver=resolver)
    report = await runner.check(simple)
    assert [str(one.result) for one in report.results] == ["pass", "pass"]
    assert isinstance(report.runs[1].evidence[0], DnsAnswer)


async def test_what_is_read_is_recorded_and_what_is_not_read_is_not(
    make_runner: Callable[..., Runner], simple: Message, answers: Any
) -> None:
    async def reads(context: Any) -> None:
        assert context.moment.source == "chosen"
        assert context.envelope.helo == "mx.example.net"
        with pytest.raises(DnsTemporaryError):
            await context.resolver.query("a.example", "TXT")
        assert context.trust.anchors() == ()

    trouble = DnsTemporaryError("a.example", "TXT", "SERVFAIL")
    runner = make_runner(verifier("a", act=reads), verifier("b"), resolver=answers(**{"a.example": trouble}))
    moment = Moment(runner.clock(), "chosen")
    report = await runner.check(simple, moment=moment, envelope=Envelope(helo="mx.example.net"))
    kinds = [type(one).__name__ for one in report.runs[0].evidence]
    assert kinds == ["Moment", "DnsFailure", "Anchors"]
    assert report.runs[1].evidence == ()
    assert report.moment == moment


class SecretRing:
    def identities(self, name: str | None = None) -> tuple[()]:
        return ()

    def sign(self, *_: Any) -> bytes:
        return b""

    decrypt_key = agree = decapsulate = sign


async def test_nothing_that_a_verifier_is_handed_leads_to_the_keys(
    make_runner: Callable[..., Runner], simple: Message, answers: Any
) -> None:
    """Attributes only: what code in the same process can do besides is said in the documentation."""
    found: list[Any] = []

    async def look(context: Any) -> None:
        waiting, seen = [context], set[int]()
        while waiting:
            one = waiting.pop()
            if id(one) in seen or isinstance(one, str | bytes | int | float | type):
                continue
            seen.add(id(one))
            found.append(one)
            names = {name for kind in type(one).__mro__ for name in getattr(kind, "__slots__", ())}
            waiting += [getattr(one, name) for name in names if hasattr(one, name)]
            waiting += list(getattr(one, "__dict__", {}).values())

    ring = SecretRing()
    runner = make_runner(verifier("a", act=look), services=Services(answers(), keys=ring))
    report = await runner.check(simple)
    assert str(report.results[0].result) == "pass", report.results[0].reason
    assert not any(one is ring for one in found)
    assert len(found) > 5


# -- evidence and replay -------------------------------------------------------------------------------------

KEPT = [
    DnsAnswer("a.example", "TXT", DnsStatus.FOUND, (b"v=DKIM1; p=\xff\x00", b""), 300),
    DnsAnswer("a.example", "MX", DnsStatus.FOUND, (MailExchange(10, "mx.example"),)),
    DnsAnswer("a.example", "A", DnsStatus.FOUND, ("192.0.2.1",)),
    DnsAnswer("b.example", "TXT", DnsStatus.NO_NAME),
    DnsFailure("c.example", "TXT", "SERVFAIL"),
    Fetched("http://c.example/x.crl", 200, "application/pkix-crl", b"\x30\x00\xff"),
]


@pytest.mark.parametrize("one", KEPT, ids=lambda one: type(one).__name__)
def test_evidence_survives_json(one: Any) -> None:
    assert from_json(json.loads(json.dumps(to_json(one)))) == one


@pytest.mark.parametrize(
    "kept", [{}, {"kind": "x"}, {"kind": "dns"}, {"kind": "moment", "at": "2020-01-01", "source": "now"}]
)
def test_what_is_no_evidence_is_refused(kept: Any) -> None:
    with pytest.raises(InputError):
        from_json(kept)


async def test_a_check_is_repeated_offline_with_equal_results(
    make_runner: Callable[..., Runner], simple: Message, answers: Any
) -> None:
    async def verify(message: Any, context: Any) -> Any:
        answer = await context.resolver.query("k.example.org", "TXT")
        try:
            await context.resolver.query("t.example.org", "TXT")
        except DnsTemporaryError as error:
            trouble = str(error)
        found = f"{answer.texts} {context.moment.at} {trouble} {context.envelope.client_ip}"
        return [AuthResult("m", Result.PASS, found)]

    descriptor = Verifier(name="v", methods=("m",), verify=verify)
    trouble = DnsTemporaryError("t.example.org", "TXT", "SERVFAIL")
    live = make_runner(descriptor, resolver=answers(**{"k.example.org": b"v=DKIM1", "t.example.org": trouble}))
    report = await live.check(simple, envelope=Envelope("192.0.2.1", recipients=("b@example.com",)))

    recorded = load(keep(report))
    runner = make_runner(descriptor, services=recorded.services, conditions=recorded.conditions)
    again = await runner.check(simple, moment=recorded.moment, envelope=recorded.envelope)

    assert again.results == report.results
    assert again.runs[0].evidence == report.runs[0].evidence
    assert again.verdict.level == report.verdict.level
    assert "judged with kept evidence" in again.verdict.sentence
    assert recorded.policy_version


async def test_what_was_not_asked_then_has_no_answer_now(
    make_runner: Callable[..., Runner], simple: Message, answers: Any
) -> None:
    report = await make_runner(verifier("a")).check(simple)

    async def ask(context: Any) -> None:
        await context.resolver.query("new.example.org", "TXT")

    again = await make_runner(verifier("a", act=ask), services=load(keep(report)).services).check(simple)
    assert (again.results[0].result, again.results[0].cause) == ("temperror", "dns")
    assert "not in the kept evidence" in again.results[0].reason


@pytest.mark.parametrize("kept", ["", "{}", "[]", "null", '{"evidence": 2}', "[" * 100_000])
def test_what_is_no_kept_evidence_is_refused(kept: str) -> None:
    with pytest.raises(InputError):
        load(kept)


# -- the report ----------------------------------------------------------------------------------------------


async def test_json_has_the_keys_of_the_schema_on_one_line(
    make_runner: Callable[..., Runner], whole: Any, simple: Message
) -> None:
    result = AuthResult("dkim", Result.PASS, properties={"header.d": "example.org"}, coverage=whole())
    runner = make_runner(
        Verifier(
            name="d", methods=("dkim",), verify=lambda m, c: [result, AuthResult("dkim", Result.FAIL, "b\u2028ad")]
        )
    )
    line = (await runner.check(simple, file="in\udcffbox/1")).to_json()
    assert "\n" not in line
    assert line.isascii()
    got = json.loads(line)
    assert (got["schema"], got["file"], got["from"]) == (1, "in\udcffbox/1", ["alice@example.org"])
    assert set(got["verdict"]) == {"level", "identity", "sentence"}
    assert got["verdict"]["level"] == "authenticated"
    first, second = got["results"]
    start = simple.body_start
    assert first["covers"] == {
        "whole": True,
        "layer": 0,
        "fields": ["from", "to", "subject"],
        "parts": ["1"],
        "ranges": [[start, len(simple)]],
    }
    assert second["covers"] == {"whole": False, "layer": 0, "fields": [], "parts": [], "ranges": []}
    assert {"method", "result", "reason", "properties", "layer", "covers"} <= set(first)
    assert first["layer"] == 0


@pytest.mark.parametrize(
    ("ranges", "whole", "parts"),
    [
        ((), False, []),
        ("all", True, ["1", "2"]),
        ("first", False, ["1"]),
        ("in two pieces", True, ["1", "2"]),
        ("all but one octet", False, ["2"]),
    ],
)
def test_parts_and_whole_are_worked_out_from_the_ranges(
    ranges: Any, whole: bool, parts: list[str], make_report: Any
) -> None:
    octets = (
        b'From: a@example.org\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
        b"--b\r\n\r\none\r\n--b\r\n\r\ntwo\r\n--b--\r\n"
    )
    message = parse(octets)
    start, end = message.body_start, len(octets)
    first = message.root.children[0].span
    named = {
        "all": ((start, end),),
        "first": (first,),
        "in two pieces": ((start, start + 9), (start + 9, end)),
        "all but one octet": ((start, first[0]), (first[0] + 1, end)),
    }
    coverage = Coverage(ranges=named.get(ranges, ranges))
    report = make_report([AuthResult("dkim", Result.PASS, coverage=coverage)], octets=octets)
    assert report.is_whole(report.results[0]) is whole
    assert [one for one in report.parts_covered(coverage) if one] == parts


async def test_checks_leave_no_garbage_for_the_collector(make_runner: Callable[..., Runner], simple: Message) -> None:
    runner = make_runner(COUNT, LIST)
    for _ in range(3):
        await runner.check(simple)
    await asyncio.sleep(0)
    gc.collect()
    gc.disable()
    try:
        for _ in range(20):
            await runner.check(simple)
        await asyncio.sleep(0)
        assert gc.collect() < 20
    finally:
        gc.enable()


def test_policy_is_part_of_the_report(make_report: Any) -> None:
    report = make_report(
        [AuthResult("dmarc", Result.FAIL, properties={"policy.dmarc": "reject"})], policy=Policy(filter=True)
    )
    assert report.verdict.row == 8
