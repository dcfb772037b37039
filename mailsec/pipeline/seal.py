"""Has sealers add header fields to a message that leaves, under the same rules as verifiers.

A sealer that raises, is late or gives something else than header fields adds nothing and is reported; the fields of
all others are there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mailsec.errors import PluginError, UsageError
from mailsec.hooks.manager import Problem, Registered
from mailsec.hooks.types import Envelope, Moment, Sealer
from mailsec.message.edits import Insert
from mailsec.pipeline.context import KeyedContext, Services, Shared
from mailsec.pipeline.engine import Engine, Job
from mailsec.pipeline.plan import Entry, plan

if TYPE_CHECKING:
    from mailsec.message import HeaderSection

__all__ = ["Sealed", "seal"]

FIELD_OCTETS = 1 << 16
"""How many octets one field may have."""

FIELDS = 100
"""How many fields one sealer may add."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What sealers added.

    Attributes:
        fields: the header fields to insert at the top, the topmost first, each whole with its CRLF.
        problems: what sealers did wrong; where there are any, fields are missing.
    """

    fields: tuple[bytes, ...]
    problems: tuple[Problem, ...]


class _SealerJob(Job):
    """A sealer at work; `begun` is what its `start` returned."""

    __slots__ = ("begun", "fields")

    def __init__(self, entry: Entry, context: KeyedContext) -> None:
        super().__init__(entry, context)
        self.begun: Any = None
        self.fields: tuple[bytes, ...] = ()

    def work(self) -> Any:
        return () if self.begun is None else self.begun.finish()

    def accept(self, answer: Any) -> tuple[bytes, ...]:
        return _fields(answer)

    def settle(self, answer: Any) -> None:
        self.fields = answer or ()


async def seal(
    header: HeaderSection,
    body: memoryview | bytes,
    sealers: Iterable[Registered[Sealer]],
    services: Services,
    *,
    settings: Mapping[str, Any] | None = None,
    envelope: Envelope = Envelope(),  # noqa: B008 - frozen
    moment: Moment | None = None,
    seconds: float = 30.0,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Sealed:
    """Seals a message.

    Those that come after others see the fields of these at the top of the header section, and so are started when
    these are done.

    Args:
        header: the header section as it will leave.
        body: the body as it will leave.
        sealers: as the plugin manager gives them.
        services: what sealers use; `services.keys` holds the domain's keys.
        settings: the settings of each plugin by its name.
        envelope: the SMTP transaction.
        moment: the time of sealing; now if `None`.
        seconds: how long all may take together.
        clock: gives the time, aware.
    """
    entries = plan(tuple(sealers), settings or {})
    shared = Shared(services, moment or Moment(clock()), envelope, time.monotonic() + seconds)
    view = memoryview(body).toreadonly()
    problems: list[Problem] = []
    fields: list[bytes] = []
    done: set[int] = set()
    for place, entry in enumerate(entries):
        if entry.cycle:
            done.add(place)
            problems.append(
                entry.problem(f"{entry.name} is left out: these wait for each other: {_names(entry.cycle)}")
            )
    while len(done) < len(entries):
        places = [n for n, one in enumerate(entries) if n not in done and done.issuperset(one.before)]
        jobs = await _stage([entries[place] for place in places], shared, services, header, view)
        done.update(places)
        added = [field for job in jobs for field in job.fields]
        problems += [
            job.entry.problem(job.failure.problem or f"{job.entry.name} added nothing: {job.failure.reason}")
            for job in jobs
            if job.failure is not None
        ]
        if added:
            fields = added + fields
            header = _with(added, header)
    return Sealed(tuple(fields), tuple(problems))


async def _stage(
    entries: Sequence[Entry], shared: Shared, services: Services, header: HeaderSection, body: memoryview
) -> list[_SealerJob]:
    """Runs sealers that need not wait for each other."""
    engine = Engine(shared)
    jobs = []
    for entry in entries:
        context = KeyedContext(shared, entry.settings, services.keys)
        job = _SealerJob(entry, context)
        jobs.append(job)
        job.begun = engine.guard(job, _begin, entry.descriptor.start, header, context, body)
        if not job.done:
            engine.add(job)
    await engine.run()
    return jobs


def _begin(start: Any, header: HeaderSection, context: KeyedContext, body: memoryview) -> Any:
    begun = start(header, context)
    if begun is not None:
        begun.feed(body)
    return begun


def _fields(answer: Any) -> tuple[bytes, ...]:
    """Checks that an answer is whole header fields and nothing else."""
    if (type(answer) is not list and type(answer) is not tuple) or len(answer) > FIELDS:
        raise PluginError(f"answered with {type(answer).__name__}, not with a short list of header fields")
    fields = []
    for field in list(answer):
        if type(field) is not bytes or len(field) > FIELD_OCTETS:
            raise PluginError("answered with something else than octets of a header field")
        try:
            Insert(field)
        except UsageError as error:
            raise PluginError("answered with something that is not one whole header field") from error
        if not field.endswith(b"\r\n"):
            raise PluginError("answered with a header field without its CRLF")
        fields.append(field)
    return tuple(fields)


def _with(fields: Sequence[bytes], header: HeaderSection) -> HeaderSection:
    from mailsec.message import parse_header

    return parse_header(b"".join(fields) + bytes(header.octets))


def _names(names: Sequence[str]) -> str:
    return ", ".join(names)
