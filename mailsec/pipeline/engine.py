"""Runs jobs of plugins under one deadline, each isolated from all others.

A job is one verifier, opener or sealer at work on one message. Jobs are carried by tasks. A carrier runs one job after
another for as long as they finish without waiting, so that idle ones cost no task of their own; the first job that
waits keeps its carrier to itself, and a new one goes on with the rest. One timer, set only when a job waits,
looks after all of them.

A job that is late is cancelled and left behind: nobody waits for it, and the coroutine is closed at its next step
after a short time for tidying up, whether it catches the cancellation or not.
"""

from __future__ import annotations

import asyncio
import logging
import time
import types
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator
from typing import Any

from mailsec.errors import DeadlineError, DnsTemporaryError, PluginError, TemporaryError
from mailsec.hooks.types import Cause
from mailsec.pipeline.context import PlainContext, Shared
from mailsec.pipeline.plan import Entry
from mailsec.pipeline.watchdog import NEVER, WATCHDOG, Overrun

__all__ = ["GRACE", "Engine", "Failure", "Job", "describe"]

GRACE = 0.25
"""Seconds after the deadline in which those that heeded it hand in what they have."""

_LOG = logging.getLogger(__name__)


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


class Job:
    """One verifier, opener or sealer at work.

    Attributes:
        entry: what runs.
        context: what it is handed.
        work: called without arguments to do the work; what it returns is awaited if it can be.
        accept: makes `answer` from what the work came to, still guarded like the work itself.
        settle: called with the job when it is done, once.
        needs: how many others it still waits for.
        results: what it gave; set by whoever settles it.
        answer: what `work` came to.
        failure: why it came to nothing.
        started: when it started, on the clock of `time.monotonic()`.
        seconds: how long it took.
    """

    __slots__ = (
        "accept",
        "answer",
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
        "settle",
        "started",
        "tidy_until",
        "waiting",
        "work",
    )

    def __init__(
        self,
        entry: Entry,
        context: PlainContext,
        work: Callable[[], Any],
        accept: Callable[[Any], Any],
        settle: Callable[[Job], None],
    ) -> None:
        self.entry = entry
        self.context = context
        self.work = work
        self.accept = accept
        self.settle = settle
        self.needs = 0
        self.results: Any = ()
        self.answer: Any = None
        self.failure: Failure | None = None
        self.started = 0.0
        self.seconds = 0.0
        self.due = NEVER
        self.done = False
        self.waiting = False
        self.left = False
        self.tidy_until = 0.0
        self.carrier: asyncio.Task[Any] | None = None


class Engine:
    """Runs the jobs of one check.

    Args:
        shared: holds the deadline, which may still move until `run` is called.
    """

    __slots__ = ("_loop", "_open", "_ready", "_running", "_tasks", "_timer", "_waiter", "_watched", "shared")

    def __init__(self, shared: Shared) -> None:
        self.shared = shared
        self._loop = asyncio.get_running_loop()
        self._ready: deque[Job] = deque()
        self._open: set[Job] = set()
        self._running: set[Job] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._watched = False

    # -- adding and ending jobs ----------------------------------------------------------------------------

    def add(self, job: Job) -> None:
        """Adds a job; it starts when it needs no other."""
        self._open.add(job)
        if not job.needs:
            self._ready.append(job)

    def release(self, job: Job) -> None:
        """Tells a job that one of those it needs is done."""
        job.needs -= 1
        if not job.needs and not job.done:
            self._ready.append(job)

    def fail(self, job: Job, failure: Failure) -> None:
        """Ends a job that came to nothing, whether it has started or not."""
        job.failure = failure
        self._end(job)

    def _end(self, job: Job) -> None:
        """Settles a job, once."""
        if job.done:
            return
        job.done = True
        job.seconds = time.monotonic() - job.started if job.started else 0.0
        self._open.discard(job)
        self._running.discard(job)
        job.settle(job)
        if not self._open and self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # -- running -------------------------------------------------------------------------------------------

    def guard(self, job: Job, call: Callable[..., Any], *arguments: Any) -> Any:
        """Calls a piece of a plugin's code on the event loop, at once.

        Returns:
            What it returned; `None`, with the job ended, where it raised or overran.
        """
        now = time.monotonic()
        job.started = job.started or now
        job.due = self._due(job, now)
        try:
            WATCHDOG.due = job.due if WATCHDOG.watch() else NEVER
            return call(*arguments)
        except BaseException as error:  # noqa: BLE001 - the border; what must pass is raised again
            WATCHDOG.due = NEVER
            self._raised(job, error)
            return None
        finally:
            WATCHDOG.due = NEVER

    async def run(self) -> None:
        """Runs all jobs, and those that they add, until each is done or its time is over."""
        self._watched = WATCHDOG.watch()
        try:
            if self._open:
                self._waiter = self._loop.create_future()
                self._carry_on()
                self._set_timer_if_stuck()
                await self._waiter
        finally:
            if self._timer is not None:
                self._timer.cancel()
            for job in tuple(self._running):
                self._leave(job)
            for task in self._tasks:
                task.cancel()

    def _carry_on(self) -> None:
        """Starts a carrier for what is ready."""
        if self._ready:
            task = self._loop.create_task(self._carry())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _carry(self) -> None:
        while self._ready:
            job = self._ready.popleft()
            if not job.done:
                await self._perform(job)
                if job.left or job.failure is not None:  # this task may have been cancelled: it carries no other
                    self._carry_on()
                    break
        self._set_timer_if_stuck()

    async def _perform(self, job: Job) -> None:
        now = time.monotonic()
        job.started = job.started or now
        if now < job.entry.health.rests_until:
            self.fail(job, Failure(Cause.LATE, f"{job.entry.label} rests, since it was late several times in a row"))
            return
        job.due = self._due(job, now)
        self._running.add(job)
        try:
            answer = await self._drive(job, self._work(job))
        except BaseException as error:  # noqa: BLE001 - the border; what must pass is raised again
            WATCHDOG.due = NEVER
            self._raised(job, error)
        else:
            if not job.done:
                job.entry.health.overruns = 0
                job.answer = answer
                self._end(job)

    async def _work(self, job: Job) -> Any:
        answer = job.work()
        if isinstance(answer, Awaitable):
            answer = await answer
        return job.accept(answer)

    @types.coroutine
    def _drive(self, job: Job, coroutine: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """Steps a coroutine by hand, so that what runs between two waits is marked for the watchdog."""
        step: Callable[[Any], Any] = coroutine.send
        argument: Any = None
        while True:
            try:
                WATCHDOG.due = job.due if self._watched else NEVER
                yielded = step(argument)
            except StopIteration as stop:
                return stop.value
            finally:
                WATCHDOG.due = NEVER
            if job.left and time.monotonic() >= job.tidy_until:
                self.guard(job, coroutine.close)
                return None
            if not job.waiting:
                self._waits(job)
            try:
                argument = yield yielded
                step = coroutine.send
            except GeneratorExit:
                coroutine.close()
                raise
            except BaseException as error:  # noqa: BLE001 - handed on to the coroutine
                step, argument = coroutine.throw, error
                if job.left and job.due < (soon := time.monotonic() + GRACE):
                    job.due = soon

    # -- time ----------------------------------------------------------------------------------------------

    def _due(self, job: Job, now: float) -> float:
        """When a job that starts or goes on now has to be done, with the grace."""
        job.context.due = now + job.context.seconds
        return job.context.deadline + GRACE

    def _waits(self, job: Job) -> None:
        """A job waits for the first time: it keeps its carrier, and the timer looks after it."""
        job.waiting = True
        job.carrier = asyncio.current_task()
        self._carry_on()
        self._set_timer()

    def _set_timer_if_stuck(self) -> None:
        """Nothing is ready and nothing waits, so nothing would look after what is open: the deadline does."""
        if self._open and not self._ready and not self._running and self._timer is None:
            self._set_timer()

    def _set_timer(self) -> None:
        due = min((job.due for job in self._running), default=self.shared.deadline + GRACE)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(max(0.0, due - time.monotonic()), self._overdue)

    def _overdue(self) -> None:
        now = time.monotonic()
        for job in tuple(self._running):
            if job.due <= now:
                self._leave(job)
                self.fail(job, self._late(job))
        if now >= self.shared.deadline + GRACE:
            for job in tuple(self._open):
                if not job.started:
                    self.fail(job, Failure(Cause.LATE, f"{job.entry.label} had no time left to start"))
        self._carry_on()
        if self._open:
            self._set_timer()

    def _leave(self, job: Job) -> None:
        """Cancels a job and leaves it behind."""
        job.left = True
        job.tidy_until = time.monotonic() + GRACE
        if job.carrier is not None:
            job.carrier.cancel()

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

    def _raised(self, job: Job, error: BaseException) -> None:
        """Ends a job by what it raised; raises again what is not the plugin's."""
        if isinstance(error, KeyboardInterrupt):
            raise error
        if job.done:
            return
        entry = job.entry
        if isinstance(error, Overrun):
            failure = self._overran(job, f"{entry.label} blocked the program and was interrupted")
        elif isinstance(error, DnsTemporaryError):
            failure = Failure(Cause.DNS, str(error))
        elif isinstance(error, DeadlineError):
            failure = Failure(Cause.LATE, str(error) or "the time was over")
        elif isinstance(error, TemporaryError):
            failure = Failure(None, str(error))
        elif isinstance(error, PluginError):
            failure = Failure(Cause.CRASHED, f"{entry.label} {error}", f"{entry.name} {error}")
        else:
            _LOG.debug("%s: %s raised", entry.label, entry.name, exc_info=error)
            words = describe(error)
            failure = Failure(Cause.CRASHED, f"{entry.label} raised {words}", f"{entry.name} raised {words}")
        self.fail(job, failure)


def describe(error: BaseException) -> str:
    """An exception in a few words, without trusting its `str`."""
    try:
        words = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - a plugin's exception may raise even here
        words = ""
    kind = type(error).__name__
    return f"{kind}: {words[:300]}" if words else kind
