"""Runs verifiers and openers over messages and makes the report.

One code path serves the whole message and the message that arrives bit by bit: a check opens a `Session`, feeds it
the body, in one piece or in many, and finishes it. Verifiers of the incremental form are started when the header
section is there; those of the other form and the openers run at the end, over the whole message.
"""

from __future__ import annotations

import mmap
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mailsec.hooks.manager import Problem, Registered
from mailsec.hooks.types import Cause, Envelope, Moment, Opener, Verifier
from mailsec.pipeline.accept import copy_results, judge_results
from mailsec.pipeline.context import PlainContext, Services, Shared
from mailsec.pipeline.engine import Engine, Failure, Job
from mailsec.pipeline.layers import Opening
from mailsec.pipeline.plan import plan
from mailsec.pipeline.report import Layer, Report, Run
from mailsec.pipeline.threads import DaemonThreads
from mailsec.pipeline.verdict import Policy
from mailsec.pipeline.watchdog import NEVER

if TYPE_CHECKING:
    from mailsec.message import HeaderSection, Message

__all__ = ["Runner", "Session"]

NO_ENVELOPE = Envelope()
_RESULTS = (list, tuple)
IN_MEMORY = 1 << 20
"""How many octets of a body that arrives bit by bit are held in memory before they go to an unlinked file."""


class Runner:
    """Checks messages. One runner serves many checks, at the same time too.

    Args:
        verifiers: as the plugin manager gives them.
        openers: likewise.
        services: what plugins use to look things up.
        settings: the settings of each plugin by its name.
        timeout: seconds that the check of one message may take.
        policy: what the verdict is judged by.
        conditions: what the results depend on besides the message, in a few words each.
        clock: gives the time, aware.
    """

    def __init__(
        self,
        verifiers: Iterable[Registered[Verifier]] = (),
        openers: Iterable[Registered[Opener]] = (),
        *,
        services: Services,
        settings: Mapping[str, Any] | None = None,
        timeout: float = 30.0,
        policy: Policy = Policy(),  # noqa: B008 - frozen
        conditions: tuple[str, ...] = (),
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.verifiers = plan(tuple(verifiers), settings or {})
        self.openers = plan(tuple(openers), settings or {})
        self.services = services
        self.timeout = timeout
        self.policy = policy
        self.conditions = conditions
        self.clock = clock
        self.threads = DaemonThreads()
        self.problems = tuple(
            entry.problem(f"{entry.name} is left out, since these wait for each other: {', '.join(entry.cycle)}")
            for entry in self.verifiers
            if entry.cycle
        )
        self.needs_message = bool(self.openers) or any(one.descriptor.verify is not None for one in self.verifiers)

    async def check(
        self,
        message: Message,
        *,
        envelope: Envelope = NO_ENVELOPE,
        moment: Moment | None = None,
        file: str | None = None,
        fetch_issuers: bool = False,
    ) -> Report:
        """Checks a whole message. Whatever plugins do, it gives a report.

        Args:
            message: the message.
            envelope: what is known of the SMTP transaction.
            moment: the time at which to judge; now if `None`.
            file: where the message came from, for the report.
            fetch_issuers: whether the user has asked that issuers' certificates are fetched which are missing.
        """
        session = Session(
            self, message.header, message, envelope=envelope, moment=moment, file=file, fetch_issuers=fetch_issuers
        )
        session.start()
        return await session.report()

    def start(
        self,
        header: HeaderSection,
        *,
        envelope: Envelope = NO_ENVELOPE,
        moment: Moment | None = None,
        file: str | None = None,
    ) -> Session:
        """Starts the check of a message whose body is still to come; to be called on the event loop.

        Args:
            header: the header section, as received.
            envelope: what is known of the SMTP transaction.
            moment: the time at which to judge; now if `None`.
            file: where the message came from, for the report.
        """
        session = Session(self, header, None, envelope=envelope, moment=moment, file=file)
        session.start()
        return session


class Session:
    """The check of one message. `Runner.start` makes it; its time counts anew from each piece of the body."""

    __slots__ = (
        "_body",
        "_engine",
        "_file",
        "_header",
        "_jobs",
        "_message",
        "_octets",
        "_problems",
        "_runner",
        "_shared",
    )

    def __init__(
        self,
        runner: Runner,
        header: HeaderSection,
        message: Message | None,
        *,
        envelope: Envelope,
        moment: Moment | None,
        file: str | None,
        fetch_issuers: bool = False,
    ) -> None:
        self._runner = runner
        self._header = header
        self._message = message
        self._file = file
        moment = moment or Moment(runner.clock())
        due = time.monotonic() + runner.timeout
        self._shared = Shared(runner.services, moment, envelope, due, fetch_issuers=fetch_issuers)
        self._engine = Engine(self._shared)
        self._jobs: list[_VerifierJob] = []
        self._problems: list[Problem] = list(runner.problems)
        # where the body ends, as far as it is known; a blank line stands between header section and body
        self._octets = header.body_start if message is None else len(message.octets)
        self._body = _Body(header) if message is None and runner.needs_message else None

    def start(self) -> None:
        """Makes the jobs of all verifiers, and starts those of the incremental form; a whole body is fed at once."""
        jobs = self._jobs
        body = None if self._message is None else self._message.body
        for entry in self._runner.verifiers:
            sources = [jobs[place] for place in entry.before] if entry.before else ()
            context = PlainContext(self._shared, entry.settings, sources)
            job = _VerifierJob(entry, context)
            job.session = self
            job.begun = None
            jobs.append(job)
            if entry.cycle:
                names = ", ".join(entry.cycle)
                self._engine.fail(job, Failure(Cause.CRASHED, f"{entry.label}: these wait for each other: {names}"))
            elif entry.descriptor.verify is None:
                job.begun = self._engine.guard(job, _begin, entry.descriptor.start, self._header, context, body)

    def feed(self, octets: memoryview | bytes) -> None:
        """Takes the next octets of the body, as received.

        Args:
            octets: any number of them; they are not kept, except where a plugin needs the whole message.
        """
        view = memoryview(octets).toreadonly()
        self._octets += len(view)
        if self._body is not None:
            self._body.write(view)
        self._shared.deadline = time.monotonic() + self._runner.timeout
        self._engine.awake()
        for job in self._jobs:
            if not job.done and job.begun is not None and not isinstance(job.begun, _RESULTS):
                self._engine.guard(job, job.begun.feed, view)

    async def finish(self) -> Report:
        """Ends the message and gives the report."""
        from mailsec.message import parse

        self._shared.deadline = time.monotonic() + self._runner.timeout
        self._engine.awake()
        for job in self._jobs:
            job.due = NEVER  # their time counts from now
        if self._body is not None:
            self._message = parse(self._body.whole())
        return await self.report()

    async def report(self) -> Report:
        """Runs all that is left to run and makes the report."""
        engine, message, runner = self._engine, self._message, self._runner
        for job in self._jobs:
            if not job.done:
                job.message = message
                if job.entry.before:
                    job.needs = sum(not self._jobs[place].done for place in job.entry.before)
                engine.add(job)
        opening: Opening | None = None
        if runner.openers and message is not None:
            opening = Opening(runner, engine, self._shared, message, self._problems)
            opening.start()
        await engine.run()
        start = self._header.body_start
        layers: tuple[Layer, ...] = (Layer(0, None, "", "transit", self._header, (start, self._octets), message),)
        runs = [_run(job) for job in self._jobs]
        self._jobs.clear()  # they refer to this session, and nothing should have to wait for the garbage collector
        if opening is not None:
            inner, inner_runs = opening.finish()
            layers += inner
            runs += inner_runs
        return Report(
            tuple([result for run in runs for result in run.results]),
            layers,
            tuple(runs),
            tuple(self._problems),
            self._shared.moment,
            self._shared.envelope,
            runner.conditions,
            self._file,
            runner.policy,
            self._shared.fetch_issuers,
        )

    def take(self, job: _VerifierJob, answer: Any) -> None:
        """Takes the results of a verifier that is done, and lets those start that come after it."""
        job.results, problems = judge_results(job.entry, job.failure, answer, self._header, self._octets)
        if problems:
            self._problems += problems
        for place in job.entry.after:
            if place < len(self._jobs):
                self._engine.release(self._jobs[place])

    def call_in_thread(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Makes a blocking call in a thread; the answer is awaited."""
        return self._runner.threads.call(function, *arguments)


class _VerifierJob(Job):
    """A verifier at work: `begun` is what its `start` returned."""

    __slots__ = ("begun", "message", "session")

    session: Session
    begun: Any
    message: Message | None

    def work(self) -> Any:
        verify = self.entry.descriptor.verify
        if verify is None:
            begun = self.begun
            return begun if isinstance(begun, _RESULTS) else begun.finish()
        if self.entry.blocking:
            return self.session.call_in_thread(verify, self.message, self.context)
        return verify(self.message, self.context)

    def accept(self, answer: Any) -> list[Any]:
        return copy_results(answer)

    def settle(self, answer: Any) -> None:
        self.session.take(self, answer)


class _Body:
    """A body that must be kept: in memory, past a limit in an unlinked file that only we can read."""

    __slots__ = ("_file",)

    def __init__(self, header: HeaderSection) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - lives as long as the session
        self._file.write(header.octets)
        self._file.write(b"\r\n")

    def write(self, octets: memoryview) -> None:
        self._file.write(octets)

    def whole(self) -> bytes | mmap.mmap:
        """The whole message; a mapped file stays readable after it was closed."""
        size = self._file.tell()
        with self._file:
            self._file.seek(0)
            if size <= IN_MEMORY:
                return self._file.read()
            self._file.flush()
            return mmap.mmap(self._file.fileno(), size, access=mmap.ACCESS_READ)


def _run(job: _VerifierJob) -> Run:
    entry = job.entry
    return Run(entry.name, entry.plugin, entry.methods, job.results, job.context.evidence(), job.seconds)


def _begin(start: Any, header: HeaderSection, context: PlainContext, body: memoryview | None) -> Any:
    begun = start(header, context)
    if body is not None and not isinstance(begun, _RESULTS):
        begun.feed(body)
    return begun
