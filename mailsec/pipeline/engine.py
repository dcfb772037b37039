"""Runs jobs of plugins under one deadline, each isolated from all others.

A job is one verifier, opener or sealer at work on one message. Jobs are carried by tasks. A carrier runs one job after
another for as long as they finish without waiting, so that idle ones cost no task of their own; the first job that
waits keeps its carrier to itself, and a new one goes on with the rest. One timer, set only when a job waits,
looks after all of them.

A job that is late is cancelled and left behind: nobody waits for it. A coroutine that goes on all the same is closed
after a short time for tidying up.
"""

from __future__ import annotations

import asyncio
import logging
import types
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from time import monotonic
from typing import Any

from mailsec.errors import DeadlineError, DnsTemporaryError, FetchError, PluginError, TemporaryError, describe
from mailsec.hooks.types import AuthResult, Cause
from mailsec.pipeline.context import PlainContext, Shared
from mailsec.pipeline.plan import Entry
from mailsec.pipeline.watchdog import NEVER, WATCHDOG, Overrun

__all__ = ["GRACE", "Engine", "Failure", "Job"]

GRACE = 0.25
"""Seconds after the deadline in which those that heeded it hand in what they have."""

LAST = 1.0
"""Seconds after the deadline in which those that waited for late ones may still run."""

_LOG = logging.getLogger(__name__)
_LEFT_BEHIND: set[asyncio.Task[None]] = set()  # the event loop itself holds tasks only weakly


class Failure:
    """Why a job gave no results.

    Attributes:
        cause: for programs; `None` for trouble that no `Cause` names.
        reason: for people.
        problem: what to report of the plugin; empty where it did nothing wrong.
    """

    __slots__ = ("cause", "problem", "reason")

    def __init__(self, cause: Cause | None, reason: str, problem: str = "") -> None:
        self.cause = cause
        self.reason = reason
        self.problem = problem


class Job(ABC):
    """One verifier, opener or sealer at work.

    Attributes:
        entry: what runs.
        context: what it is handed.
        needs: how many others it still waits for.
        done: whether it is settled.
        failure: why it came to nothing, where it did.
        results: what it gave; set when it is settled.
        started: when it started, on the clock of `time.monotonic()`.
        seconds: how long it took.
    """

    __slots__ = (
        "carrier",
        "context",
        "done",
        "due",
        "entry",
        "failure",
        "left",
        "needs",
        "results",
        "seconds",
        "started",
    )

    def __init__(self, entry: Entry, context: PlainContext) -> None:
        self.entry = entry
        self.context = context
        self.needs = 0
        self.done = False
        self.left = False
        self.failure: Failure | None = None
        self.results: tuple[AuthResult, ...] = ()
        self.started = 0.0
        self.seconds = 0.0
        self.due = NEVER
        self.carrier: asyncio.Task[Any] | None = None

    @abstractmethod
    def work(self) -> Any:
        """Does the work, in the plugin's code; what it returns is awaited if it can be."""

    @abstractmethod
    def accept(self, answer: Any) -> Any:
        """Takes what the work came to into values of our own, without running code of the plugin.

        Raises:
            PluginError: it is not what it should be.
        """

    @abstractmethod
    def settle(self, answer: Any) -> None:
        """Called once, when the work is done, with what `accept` returned, or with `None` and `failure` set."""


class Engine:
    """Runs the jobs of one check.

    Args:
        shared: holds the deadline, which may still move until `run` is called.
    """

    __slots__ = ("_carriers", "_loop", "_open", "_ready", "_timer", "_waiter", "_waiting", "_watched", "shared")

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self._loop = asyncio.get_running_loop()
        self._open = 0
        self._ready: deque[Job] = deque()
        self._waiting: list[Job] = []  # all that are not done and not running at this instant
        self._carriers: list[asyncio.Task[None]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._watched = WATCHDOG.watch()

    # -- adding and ending jobs ----------------------------------------------------------------------------

    def add(self, job: Job) -> None:
        """Adds a job that is not done; it starts when it needs no other."""
        self._open += 1
        if job.needs:
            job.due = NEVER  # to be worked out when it starts
            self._waiting.append(job)
        else:
            self._ready.append(job)

    def release(self, job: Job) -> None:
        """Tells a job that one of those it needs is done."""
        if job in self._waiting:
            job.needs -= 1
            if not job.needs:
                self._waiting.remove(job)
                self._ready.append(job)

    def fail(self, job: Job, failure: Failure) -> None:
        """Ends a job that came to nothing and was never added, or is under way."""
        job.failure = failure
        self._end(job, None)

    def _end(self, job: Job, answer: Any) -> None:
        """Settles a job, once."""
        if job.done:
            return
        job.done = True
        if job.started:
            job.seconds = monotonic() - job.started
        if self._waiting and job in self._waiting:
            self._waiting.remove(job)
        job.settle(answer)

    def _ended(self, job: Job, answer: Any) -> None:
        """Ends a job that was added."""
        if job.done:
            return
        self._end(job, answer)
        self._open -= 1
        if not self._open and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # -- running -------------------------------------------------------------------------------------------

    def awake(self) -> None:
        """Has the watchdog look on after a pause."""
        WATCHDOG.watch()

    def guard(self, job: Job, call: Callable[..., Any], *arguments: Any) -> Any:
        """Calls a piece of a plugin's code on the event loop, at once, before the job is added.

        Returns:
            What it returned; `None`, with the job ended, where it raised or overran.
        """
        now = monotonic()
        if not job.started:
            job.started = now
        if now < job.entry.health.rests_until:
            job.failure = _rests(job.entry)
            self._end(job, None)
            return None
        self._set_due(job, now)
        try:
            WATCHDOG.due = job.due if self._watched else NEVER
            answer = call(*arguments)
            WATCHDOG.due = NEVER
        except BaseException as error:  # noqa: BLE001 - the border; what must pass is raised again
            WATCHDOG.due = NEVER
            self._note_failure(job, error)
            self._end(job, None)
            return None
        return answer

    async def run(self) -> None:
        """Runs all jobs, and those that they add, until each is done or its time is over."""
        if not self._open:
            return
        self._waiter = self._loop.create_future()
        self._carry_on()
        self._set_timer_if_stuck()
        try:
            await self._waiter
        finally:
            if self._timer is not None:
                self._timer.cancel()
            for job in self._waiting:
                self._leave(job)
            for carrier in self._carriers:
                if not carrier.done():
                    _LEFT_BEHIND.add(carrier)
                    carrier.add_done_callback(_LEFT_BEHIND.discard)

    def _carry_on(self) -> None:
        """Starts a carrier for what is ready."""
        if self._ready:
            self._carriers.append(self._loop.create_task(self._carry()))

    async def _carry(self) -> None:
        await self._carry_ready()

    @types.coroutine
    def _carry_ready(self) -> Generator[Any, Any, None]:
        ready = self._ready
        while ready:
            job = ready.popleft()
            yield from self._perform(job)
            if job.carrier is not None and (job.left or job.failure is not None):
                self._carry_on()  # this task may have been cancelled: it carries no other
                break
        self._set_timer_if_stuck()

    def _perform(self, job: Job) -> Generator[Any, Any, None]:
        """Steps a job by hand, so that what runs between two waits is marked for the watchdog."""
        if job.due == NEVER:  # else it was worked out a moment ago
            now = monotonic()
            if not job.started:
                job.started = now
            if now < job.entry.health.rests_until:
                job.failure = _rests(job.entry)
                self._ended(job, None)
                return
            if now >= self.shared.deadline + LAST:
                self._no_time(job)
                return
            self._set_due(job, now)
        try:
            WATCHDOG.due = job.due if self._watched else NEVER
            answer = job.work()
            if type(answer) is types.CoroutineType or isinstance(answer, Awaitable):
                coroutine = answer if type(answer) is types.CoroutineType else _await(answer)
                try:
                    yielded = coroutine.send(None)
                except StopIteration as stop:
                    answer = stop.value
                else:
                    WATCHDOG.due = NEVER
                    answer = yield from self._attend(job, coroutine, yielded)
            WATCHDOG.due = NEVER
            answer = job.accept(answer)
        except BaseException as error:  # noqa: BLE001 - the border; what must pass is raised again
            WATCHDOG.due = NEVER
            if not job.done or isinstance(error, KeyboardInterrupt | GeneratorExit):
                self._note_failure(job, error)
                self._ended(job, None)
            return
        if not job.done:
            job.entry.health.overruns = 0
            self._ended(job, answer)

    def _attend(self, job: Job, coroutine: Coroutine[Any, Any, Any], yielded: Any) -> Generator[Any, Any, Any]:
        """Goes on with a job that waits: it keeps its carrier, and the timer looks after it."""
        job.carrier = asyncio.current_task()
        self._waiting.append(job)
        self._carry_on()
        self._set_timer()
        told = False
        while True:
            step: Callable[[Any], Any] = coroutine.send
            argument: Any = None
            try:
                argument = yield yielded
            except GeneratorExit:
                coroutine.close()
                raise
            except BaseException as error:  # noqa: BLE001 - handed on to the coroutine
                step, argument = coroutine.throw, error
                if job.left and told:  # it was cancelled before, and went on
                    step, argument = _close, coroutine
                told = job.left
            try:
                WATCHDOG.due = max(job.due, monotonic() + GRACE) if self._watched else NEVER
                yielded = step(argument)
            except StopIteration as stop:
                return stop.value
            finally:
                WATCHDOG.due = NEVER

    # -- time ----------------------------------------------------------------------------------------------

    def _set_due(self, job: Job, now: float) -> None:
        """Works out when a job that starts or goes on now has to be done."""
        deadline = self.shared.deadline
        due = min(now + job.entry.timeout, deadline)
        job.context.due = due
        if due < now:  # one that waited for a late one gets the grace too
            due = min(now, deadline + LAST - GRACE)
        job.due = due + GRACE

    def _set_timer_if_stuck(self) -> None:
        """Where nothing is ready and no timer is set, nothing would look after what is open: the deadline does."""
        if self._open and not self._ready and self._timer is None:
            self._set_timer()

    def _set_timer(self) -> None:
        due = min((job.due for job in self._waiting), default=NEVER)
        due = min(due, self.shared.deadline + LAST)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(max(0.0, due - monotonic()), self._overdue)

    def _overdue(self) -> None:
        now = monotonic()
        over = now >= self.shared.deadline + LAST
        for job in tuple(self._waiting):
            if job.started and job.due <= now:
                self._leave(job)
                job.failure = self._late(job)
                self._ended(job, None)
            elif over and not job.started:
                self._no_time(job)
        self._carry_on()
        if self._open:
            self._set_timer()

    def _no_time(self, job: Job) -> None:
        job.failure = Failure(Cause.LATE, f"{job.entry.label} had no time left to start")
        self._ended(job, None)

    def _leave(self, job: Job) -> None:
        """Cancels a job and leaves it behind."""
        job.left = True
        job.due = monotonic() + GRACE
        if job.carrier is not None:
            job.carrier.cancel()
            self._loop.call_later(GRACE, job.carrier.cancel)  # enough time to tidy up

    def _late(self, job: Job) -> Failure:
        """What to say of a late job; waiting for DNS is no fault of its own."""
        question = job.context.waits_for_dns()
        if question is not None:
            return Failure(Cause.DNS, f"DNS gave no answer for {question[0]} {question[1]} in time")
        return self._overran(job, f"{job.entry.label} was not ready in time")

    def _overran(self, job: Job, reason: str) -> Failure:
        problem = f"{job.entry.name} was late and was left behind"
        if job.entry.health.overran():
            problem = f"{job.entry.name} was late several times in a row and rests for a while"
        return Failure(Cause.LATE, reason, problem)

    # -- what plugins raise --------------------------------------------------------------------------------

    def _note_failure(self, job: Job, error: BaseException) -> None:
        """Notes what a job raised as its failure; raises again what is not the plugin's."""
        entry = job.entry
        if isinstance(error, KeyboardInterrupt | GeneratorExit):
            raise error
        if isinstance(error, Overrun):
            job.failure = self._overran(job, f"{entry.label} blocked the program and was interrupted")
        elif isinstance(error, DnsTemporaryError):
            job.failure = Failure(Cause.DNS, str(error))
        elif isinstance(error, DeadlineError):
            job.failure = Failure(Cause.LATE, str(error) or "the time was over")
        elif isinstance(error, FetchError):
            job.failure = Failure(Cause.FETCH, str(error))
        elif isinstance(error, TemporaryError):
            job.failure = Failure(None, str(error))
        elif isinstance(error, PluginError):
            job.failure = Failure(Cause.CRASHED, f"{entry.label} {error}", f"{entry.name} {error}")
        else:
            _LOG.debug("%s: %s raised", entry.label, entry.name, exc_info=error)
            words = describe(error)
            job.failure = Failure(Cause.CRASHED, f"{entry.label} raised {words}", f"{entry.name} raised {words}")


def _rests(entry: Entry) -> Failure:
    return Failure(Cause.LATE, f"{entry.label} rests, since it was late several times in a row")


async def _await(answer: Awaitable[Any]) -> Any:
    return await answer


def _close(coroutine: Coroutine[Any, Any, Any]) -> None:
    coroutine.close()
    raise StopIteration
