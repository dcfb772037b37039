"""Whatever a plugin does, there is a report, the other results are there, and somebody is named."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from mailsec.errors import DeadlineError, DnsTemporaryError, FetchError
from mailsec.hooks import AuthResult, Coverage, DnsFailure, Result, Verifier
from mailsec.message import Message
from mailsec.pipeline import Runner

GOOD = AuthResult("good", Result.PASS)


async def good(message: Any, context: Any) -> list[AuthResult]:
    return [GOOD]


class Work:
    """The incremental form with some of its methods replaced."""

    def __init__(self, feed: Any = None, finish: Any = None) -> None:
        self._feed, self._finish = feed, finish

    def feed(self, octets: memoryview) -> None:
        if self._feed:
            self._feed(octets)

    async def finish(self) -> Any:
        return await self._finish() if self._finish else []


def loop_forever() -> None:
    while True:
        pass


def raises(error: BaseException) -> Any:
    def act(*_: Any) -> Any:
        raise error

    return act


async def raises_async(message: Any, context: Any) -> Any:
    await asyncio.sleep(0)
    raise ValueError("broken")


async def forever(*_: Any) -> Any:
    await asyncio.Event().wait()


async def swallows_cancellation(*_: Any) -> Any:
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue


async def cancels_itself(*_: Any) -> Any:
    task = asyncio.current_task()
    assert task is not None
    task.cancel()
    await asyncio.sleep(0)


async def yields_rubbish(*_: Any) -> Any:
    class Odd:
        def __await__(self) -> Any:
            yield "not a future"

    await Odd()


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def verify(function: Any) -> dict[str, Any]:
    return {"verify": function}


def start(function: Any) -> dict[str, Any]:
    return {"start": function}


def sync(function: Any) -> dict[str, Any]:
    return {"verify": lambda message, context: function()}


async def blocks_async(*_: Any) -> Any:
    time.sleep(1e9)  # that is the point


async def blocks_late(*_: Any) -> Any:
    await asyncio.sleep(0)
    loop_forever()


def overlaps() -> Any:
    return [AuthResult("bad", Result.PASS, coverage=Coverage(ranges=((5, 9), (3, 4))))]


ZOO: list[Any] = [
    # name, how it is made, cause of its temporary error, what the reason says, whether it is reported as a problem
    ("raises, sync", sync(raises(ValueError("broken"))), "crashed", "raised ValueError: broken", True),
    ("raises, async", verify(raises_async), "crashed", "raised ValueError: broken", True),
    ("raises in start", start(raises(KeyError("x"))), "crashed", "raised KeyError", True),
    ("raises in feed", start(lambda h, c: Work(feed=raises(OSError("disk")))), "crashed", "OSError: disk", True),
    ("raises in finish", start(lambda h, c: Work(finish=raises(ValueError("end")))), "crashed", "ValueError", True),
    ("raises SystemExit", sync(raises(SystemExit(3))), "crashed", "SystemExit", True),
    ("raises SystemExit, async", verify(raises(SystemExit(3))), "crashed", "SystemExit", True),
    ("raises without words", sync(raises(Unprintable())), "crashed", "Unprintable", True),
    ("raises StopIteration", sync(raises(StopIteration())), "crashed", "StopIteration", True),
    ("raises CancelledError", start(raises(asyncio.CancelledError())), "crashed", "CancelledError", True),
    ("cancels itself", verify(cancels_itself), "crashed", "CancelledError", True),
    ("yields rubbish", verify(yields_rubbish), "crashed", "RuntimeError", True),
    ("has no finish", start(lambda h, c: object()), "crashed", "AttributeError", True),
    ("returns nothing", sync(lambda: None), "crashed", "answered with NoneType", True),
    ("returns text", sync(lambda: "pass"), "crashed", "answered with str", True),
    ("returns too much", sync(lambda: [GOOD] * 1001), "crashed", "1001 results", True),
    ("returns no results", sync(lambda: [1, 2]), "crashed", "could not be used", True),
    ("claims another's method", sync(lambda: [GOOD]), "crashed", "could not be used", True),
    ("coverage out of order", sync(overlaps), "crashed", "could not be used", True),
    ("DNS trouble", sync(raises(DnsTemporaryError("a.example", "TXT", "SERVFAIL"))), "dns", "SERVFAIL", False),
    ("its own deadline", sync(raises(DeadlineError("no time"))), "late", "no time", False),
    ("cannot fetch", sync(raises(FetchError("no route"))), "fetch", "no route", False),
    ("never ends, async", verify(forever), "late", "not ready in time", True),
    ("never ends in finish", start(lambda h, c: Work(finish=forever)), "late", "not ready in time", True),
    ("swallows cancellation", verify(swallows_cancellation), "late", "not ready in time", True),
    ("blocks, sync", sync(lambda: threading.Event().wait()), "late", "not ready in time", True),
    ("blocks, async", verify(blocks_async), "late", "interrupted", True),
    ("loops after a wait", verify(blocks_late), "late", "interrupted", True),
    ("blocks in start", start(lambda h, c: time.sleep(1e9)), "late", "interrupted", True),
    ("loops in feed", start(lambda h, c: Work(feed=lambda _: loop_forever())), "late", "interrupted", True),
]


@pytest.mark.parametrize("animal", ZOO, ids=[one[0] for one in ZOO])
async def test_a_broken_verifier_gives_a_temporary_error_and_costs_nobody_else(
    animal: Any, make_runner: Callable[..., Runner], simple: Message, says: Any
) -> None:
    _, how, cause, words, reported = animal
    bad = Verifier(name="bad", methods=("bad", "worse"), **how)
    runner = make_runner(
        Verifier(name="first", methods=("good",), verify=good),
        bad,
        Verifier(
            name="zlast", methods=("last",), after=("bad",), verify=lambda m, c: [AuthResult("last", Result.PASS)]
        ),
        timeout=0.1,
    )

    report = await runner.check(simple)

    assert [says(one) for one in report.results] == [
        ("good", "pass", None),
        ("bad", "temperror", cause),
        ("worse", "temperror", cause),
        ("last", "pass", None),
    ]
    assert words in report.results[1].reason
    assert [one.plugin for one in report.problems] == ["bad"] * reported
    assert all("bad (mailsec-bad 1.0)" in one.sentence for one in report.problems)


async def test_a_pass_is_never_made_up_for_a_method_of_which_nothing_was_said(
    make_runner: Callable[..., Runner], simple: Message, says: Any
) -> None:
    runner = make_runner(
        Verifier(name="v", methods=("one", "two"), verify=lambda m, c: [AuthResult("two", Result.PASS)])
    )
    report = await runner.check(simple)
    assert [says(one) for one in report.results] == [("two", "pass", None), ("one", "none", None)]


async def test_good_results_beside_a_bad_one_are_kept(
    make_runner: Callable[..., Runner], simple: Message, says: Any
) -> None:
    rubbish: Any = [GOOD, "rubbish"]
    runner = make_runner(Verifier(name="v", methods=("good",), verify=lambda m, c: rubbish))
    report = await runner.check(simple)
    assert [says(one) for one in report.results] == [("good", "pass", None)]
    assert "str among its results" in report.problems[0].sentence


async def test_keyboard_interrupt_passes_through(simple: Message, make_runner: Callable[..., Runner]) -> None:
    async def interrupted(message: Any, context: Any) -> Any:
        raise KeyboardInterrupt

    def run() -> None:
        runner = make_runner(Verifier(name="v", methods=("m",), verify=interrupted))
        asyncio.run(runner.check(simple))

    # in a thread: the test's own event loop would stop as well
    outcome: list[BaseException] = []

    def guarded() -> None:
        try:
            run()
        except KeyboardInterrupt as error:
            outcome.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()
    await asyncio.to_thread(thread.join)
    assert len(outcome) == 1


async def test_a_verifier_that_is_late_again_and_again_rests(
    make_runner: Callable[..., Runner], simple: Message
) -> None:
    runner = make_runner(Verifier(name="slow", methods=("m",), verify=forever), timeout=0.01)
    reports = [await runner.check(simple) for _ in range(4)]
    assert "rests for a while" in reports[2].problems[0].sentence
    started = time.monotonic()
    assert "rests" in reports[3].results[0].reason
    report = await runner.check(simple)
    assert report.results[0].result == "temperror"
    assert time.monotonic() - started < 10


async def test_one_that_rests_is_not_even_started(make_runner: Callable[..., Runner], simple: Message) -> None:
    calls: list[int] = []

    def blocks(header: Any, context: Any) -> Any:
        calls.append(1)
        loop_forever()

    runner = make_runner(Verifier(name="slow", methods=("m",), start=blocks), timeout=0.01)
    reports = [await runner.check(simple) for _ in range(5)]
    assert len(calls) == 3
    assert {str(one.results[0].result) for one in reports} == {"temperror"}


async def test_waiting_for_dns_is_nobodys_fault_and_never_leads_to_rest(
    make_runner: Callable[..., Runner], simple: Message, answers: Any
) -> None:
    async def verify(message: Any, context: Any) -> Any:
        await context.resolver.query("k.example.org", "TXT")

    resolver = answers(**{"k.example.org": asyncio.Event().wait})
    runner = make_runner(Verifier(name="v", methods=("m",), verify=verify), resolver=resolver, timeout=0.01)
    for _ in range(5):
        report = await runner.check(simple)
        assert (report.results[0].cause, report.problems) == ("dns", ())
        assert "k.example.org TXT" in report.results[0].reason
        assert report.runs[0].evidence == (DnsFailure("k.example.org", "TXT", "no answer in time"),)


async def test_a_plugins_own_time_limit_cancels_only_itself(
    make_runner: Callable[..., Runner], simple: Message, says: Any
) -> None:
    async def limited(message: Any, context: Any) -> Any:
        try:
            async with asyncio.timeout(0.01):
                await asyncio.sleep(60)
        except TimeoutError:
            return [AuthResult("one", Result.TEMPERROR, "gave up")]

    async def quick(message: Any, context: Any) -> Any:
        async with asyncio.timeout(60):
            await asyncio.sleep(0)
            return [AuthResult("two", Result.PASS)]

    runner = make_runner(
        Verifier(name="a", methods=("one",), verify=limited), Verifier(name="b", methods=("two",), verify=quick)
    )
    report = await runner.check(simple)
    assert [says(one) for one in report.results] == [("one", "temperror", None), ("two", "pass", None)]


async def test_a_cancelled_check_leaves_nothing_running(make_runner: Callable[..., Runner], simple: Message) -> None:
    ended = asyncio.Event()

    async def waits(message: Any, context: Any) -> Any:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    runner = make_runner(Verifier(name="v", methods=("m",), verify=waits))
    check = asyncio.create_task(runner.check(simple))
    await asyncio.sleep(0.01)
    check.cancel()
    with pytest.raises(asyncio.CancelledError):
        await check
    await asyncio.wait_for(ended.wait(), 5)


def test_blocked_threads_do_not_keep_the_program_from_ending(tmp_path: Any) -> None:
    import subprocess
    import sys

    script = """
import asyncio, time
from mailsec.hooks import Verifier
from mailsec.hooks.manager import Registered
from mailsec.message import parse
from mailsec.pipeline import Runner, Services
from mailsec.testing import make_resolver
stuck = Verifier(name="stuck", methods=("m",), verify=lambda m, c: time.sleep(1e6))
async def swallow(m, c):
    while True:
        try:
            await asyncio.sleep(1e6)
        except asyncio.CancelledError:
            pass
deaf = Verifier(name="deaf", methods=("n",), verify=swallow)
both = [Registered(stuck, "stuck"), Registered(deaf, "deaf")]
runner = Runner(both, services=Services(make_resolver("")), timeout=0.1)
report = asyncio.run(runner.check(parse(b"From: a@example.org\\r\\n\\r\\n")))
print([str(one.cause) for one in report.results])
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "['late', 'late']\n", "")
