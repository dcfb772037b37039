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
from functools import partial
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

if TYPE_CHECKING:
    from mailsec.message import HeaderSection, Message

__all__ = ["Runner", "Session"]

NO_ENVELOPE = Envelope()
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
    ) -> Report:
        """Checks a whole message. Whatever plugins do, it gives a report.

        Args:
            message: the message.
            envelope: what is known of the SMTP transaction.
            moment: the time at which to judge; now if `None`.
            file: where the message came from, for the report.
        """
        session = Session(self, message.header, message, envelope=envelope, moment=moment, file=file)
        session.start()
        session.feed_all(message.body)
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
        "_envelope",
        "_file",
        "_header",
        "_jobs",
        "_message",
        "_moment",
        "_octets",
        "_opening",
        "_problems",
        "_runner",
        "_shared",
        "_work",
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
    ) -> None:
        self._runner = runner
        self._header = header
        self._message = message
        self._envelope = envelope
        self._file = file
        self._moment = moment or Moment(runner.clock())
        self._shared = Shared(runner.services, self._moment, envelope, time.monotonic() + runner.timeout)
        self._engine = Engine(self._shared)
        self._jobs: list[Job] = []
        self._work: list[tuple[Job, Any]] = []
        self._problems: list[Problem] = list(runner.problems)
        self._opening: Opening | None = None
        # where the body ends, as far as it is known; a blank line stands between header section and body
        self._octets = header.base + len(header.octets) + 2 if message is None else len(message.octets)
        self._body = _Body(header) if message is None and runner.needs_message else None

    # -- before the end ------------------------------------------------------------------------------------

    def start(self) -> None:
        """Makes the jobs of all verifiers and starts those of the incremental form."""
        jobs = self._jobs
        for entry in self._runner.verifiers:
            sources = [jobs[place] for place in entry.before]
            context = PlainContext(self._shared, entry.settings, sources, entry.timeout)
            job = Job(entry, context, _nothing, copy_results, self._settle)
            jobs.append(job)
            job.needs = sum(not source.done for source in sources)
            if entry.cycle:
                names = ", ".join(entry.cycle)
                self._engine.fail(job, Failure(Cause.CRASHED, f"{entry.label}: these wait for each other: {names}"))
            elif entry.descriptor.verify is None:
                self._start(job)

    def _start(self, job: Job) -> None:
        begun = self._engine.guard(job, job.entry.descriptor.start, self._header, job.context)
        if job.done:
            return
        if isinstance(begun, list | tuple):
            job.work = lambda: begun
        else:
            self._work.append((job, begun))
            job.work = partial(_finish, begun)

    def feed(self, octets: memoryview | bytes) -> None:
        """Takes the next octets of the body, as received.

        Args:
            octets: any number of them; they are not kept, except where a plugin needs the whole message.
        """
        view = memoryview(octets)
        self._octets += len(view)
        if self._body is not None:
            self._body.write(view)
        self._shared.deadline = time.monotonic() + self._runner.timeout
        self.feed_all(view)

    def feed_all(self, view: memoryview) -> None:
        """Feeds octets to the verifiers of the incremental form, and does nothing else."""
        for job, work in self._work:
            if not job.done:
                self._engine.guard(job, _feed, work, view)

    async def finish(self) -> Report:
        """Ends the message and gives the report."""
        from mailsec.message import parse

        self._shared.deadline = time.monotonic() + self._runner.timeout
        if self._body is not None:
            self._message = parse(self._body.whole())
        return await self.report()

    # -- the end -------------------------------------------------------------------------------------------

    async def report(self) -> Report:
        """Runs all that is left to run and makes the report."""
        engine, message = self._engine, self._message
        for job in self._jobs:
            if job.done:
                continue
            if (verify := job.entry.descriptor.verify) is not None:
                assert message is not None
                if job.entry.blocking:
                    job.work = self._runner.threads.later(verify, message, job.context)
                else:
                    job.work = partial(verify, message, job.context)
            engine.add(job)
        if self._runner.openers and message is not None:
            self._opening = Opening(self._runner, engine, self._shared, message, self._problems)
            self._opening.start()
        await engine.run()
        return self._make_report()

    def _settle(self, job: Job) -> None:
        """Takes the results of a verifier that is done, and lets those start that come after it."""
        fields, octets = len(self._header), self._octets
        job.results, problems = judge_results(job, job.answer, fields, octets)
        self._problems += problems
        for place in job.entry.after:
            if place < len(self._jobs):
                self._engine.release(self._jobs[place])

    def _make_report(self) -> Report:
        message = self._message
        body = (self._octets, self._octets) if message is None else (message.body_start, len(message.octets))
        if message is None:
            body = (self._header.base + len(self._header.octets) + 2, self._octets)
        layers: tuple[Layer, ...] = (Layer(0, None, "", "transit", self._header, body, message),)
        runs = [_run(job) for job in self._jobs]
        if self._opening is not None:
            inner, inner_runs = self._opening.finish()
            layers += inner
            runs += inner_runs
        return Report(
            tuple([result for run in runs for result in run.results]),
            layers,
            tuple(runs),
            tuple(self._problems),
            self._moment,
            self._envelope,
            self._runner.conditions,
            self._file,
            self._runner.policy,
        )


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


def _run(job: Job) -> Run:
    entry = job.entry
    return Run(entry.name, entry.plugin, entry.methods, job.results, job.context.evidence(), job.seconds)


def _nothing() -> tuple[()]:
    return ()


def _feed(work: Any, view: memoryview) -> None:
    work.feed(view)


def _finish(work: Any) -> Any:
    return work.finish()
