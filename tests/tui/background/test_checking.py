"""The thread that checks what is shown: never in the way of the event loop that asks."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from mailsec.checker import Checker
from mailsec.config import Settings
from mailsec.errors import ConfigError, InputError, MailsecError, WorkerError
from mailsec.hooks import AuthResult, Result, Verifier, hookimpl
from mailsec.hooks.manager import PluginManager
from mailsec.store.keeper import Keeper
from mailsec.tui.background.checking import CheckerThread

LETTER = b"From: alice@example.org\r\nSubject: Tea\r\n\r\nAt four.\r\n"
KEY = bytes(32)


class Plugin:
    """A plugin whose verifier does what it is told."""

    def __init__(self, act: Callable[..., object]) -> None:
        self.act = act

    @hookimpl
    def mailsec_verifiers(self) -> list[Verifier]:
        return [Verifier(name="act", methods=("x-act",), verify=self.verify)]

    async def verify(self, message: object, context: object) -> list[AuthResult]:
        answer = self.act()
        if asyncio.iscoroutine(answer):
            await answer
        return [AuthResult("x-act", Result.NONE)]


def checker_with(act: Callable[..., object], timeout: float = 0.3) -> Callable[[], Checker]:
    def make() -> Checker:
        manager = PluginManager(entry_points=(), extra={"act": Plugin(act)})
        return Checker(Settings(timeout=timeout), manager=manager)

    return make


@pytest.fixture(autouse=True)
def no_thread_stays() -> Iterator[None]:
    yield
    deadline = time.monotonic() + 10
    while any(one.name == "mailsec-checker" for one in threading.enumerate()):
        assert time.monotonic() < deadline, "a thread of a checker is still there"
        time.sleep(0.01)
    gc.collect()


async def test_it_gives_the_report_with_its_verdict() -> None:
    thread = CheckerThread(Checker)
    report = await thread.check(LETTER, file="here")
    assert (report.verdict.level, report.file) == ("unauthenticated", "here")
    assert report.message is not None
    assert bytes(report.message) == LETTER
    thread.close()


async def test_it_gives_what_is_to_be_kept() -> None:
    thread = CheckerThread(Checker)
    report, kept = await thread.judge(LETTER, Keeper(KEY))
    assert Keeper(KEY).open(kept, LETTER).sentence == report.verdict.sentence
    assert abs(kept.at - time.time()) < 60
    thread.close()


async def test_checks_run_in_one_thread_at_the_same_time_and_the_loop_goes_on() -> None:
    threads: list[threading.Thread] = []

    async def meet() -> None:
        threads.append(threading.current_thread())
        while len(threads) < 5:
            await asyncio.sleep(0.001)

    thread = CheckerThread(checker_with(meet, timeout=20))
    reports = await asyncio.gather(*(thread.check(LETTER) for _ in range(5)))
    assert {str(report.results[0].result) for report in reports} == {"none"}
    assert len(set(threads)) == 1
    assert threading.current_thread() not in threads
    thread.close()


async def test_a_check_is_cancelled_where_it_runs() -> None:
    begun, ended = threading.Event(), threading.Event()

    async def wait() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    thread = CheckerThread(checker_with(wait, timeout=60))
    task = asyncio.create_task(thread.check(LETTER))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(ended.wait, 10)
    thread.close()


def for_ever() -> None:
    while True:
        pass


@pytest.mark.parametrize("block", [lambda: time.sleep(1.5), for_ever], ids=["sleeps", "runs for ever"])
async def test_a_plugin_that_blocks_costs_one_check(block: Callable[[], None]) -> None:
    blocks = iter([True, False])

    def act() -> None:
        if next(blocks):
            block()

    thread = CheckerThread(checker_with(act), grace=0.3)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    ticking = asyncio.create_task(tick())
    with pytest.raises(WorkerError, match="a plugin blocks"):
        await thread.check(LETTER)
    assert ticks > 10  # the keyboard was served all the while
    assert str((await thread.check(LETTER)).results[0].result) == "none"
    ticking.cancel()
    thread.close()


async def test_a_checker_that_cannot_be_made_is_a_clear_sentence_and_tried_again() -> None:
    tries: list[Exception] = [ConfigError("the key x is not known"), RuntimeError("oops")]

    def make() -> Checker:
        if tries:
            raise tries.pop(0)
        return Checker()

    thread = CheckerThread(make)
    with pytest.raises(ConfigError, match="the key x is not known"):
        await thread.check(LETTER)
    with pytest.raises(MailsecError, match="a mistake in mailsec or a plugin: RuntimeError: oops"):
        await thread.check(LETTER)
    assert (await thread.check(LETTER)).verdict.level == "unauthenticated"
    thread.close()


async def test_a_plugin_that_raises_costs_its_result_alone() -> None:
    def act() -> None:
        raise InputError("no")

    thread = CheckerThread(checker_with(act))
    report = await thread.check(LETTER)
    assert str(report.results[0].result) == "temperror"
    thread.close()


async def test_closing_cancels_what_is_under_way_and_may_be_done_twice() -> None:
    begun = threading.Event()

    async def wait() -> None:
        begun.set()
        await asyncio.sleep(60)

    thread = CheckerThread(checker_with(wait, timeout=60))
    task = asyncio.create_task(thread.check(LETTER))
    await asyncio.to_thread(begun.wait, 10)
    thread.close()
    thread.close()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_one_that_was_never_used_has_nothing_to_close() -> None:
    CheckerThread(Checker).close()
