"""The pipeline's own cost: what a check of a message costs with verifiers that do nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from benchmarks.measure import Figure
from mailsec import Message, parse
from mailsec.hooks import AuthResult, Context, DnsAnswer, DnsStatus, Result, Verifier
from mailsec.hooks.manager import Registered
from mailsec.pipeline import Runner, Services

MESSAGE = (
    b"From: Alice <alice@example.org>\r\nTo: Bob <bob@example.net>\r\nSubject: the plans\r\n"
    b"Date: Fri, 01 May 2026 12:00:00 +0000\r\nMessage-ID: <1@example.org>\r\n\r\n" + b"Here they are.\r\n" * 240
)
LIMIT = 60e-6
"""Seconds that five idle verifiers may cost."""


class Nowhere:
    """A resolver that nobody asks."""

    async def query(self, name: str, rdtype: str) -> DnsAnswer:
        """Knows nothing."""
        return DnsAnswer(name, rdtype, DnsStatus.NO_NAME)


def asynchronous(method: str) -> Verifier:
    """A verifier of the form that takes the whole message, idle."""

    found = (AuthResult(method, Result.NONE),)

    async def verify(_message: Message, _context: Context) -> Sequence[AuthResult]:
        return found

    return Verifier(name=method, methods=(method,), verify=verify)


def incremental(method: str) -> Verifier:
    """A verifier of the incremental form, idle."""

    found = (AuthResult(method, Result.NONE),)

    class Idle:
        def feed(self, octets: memoryview) -> None:
            pass

        async def finish(self) -> Sequence[AuthResult]:
            return found

    return Verifier(name=method, methods=(method,), start=lambda _header, _context: Idle())


def run(*, short: bool) -> list[Figure]:
    """Five idle verifiers of either form."""
    message = parse(MESSAGE)
    rounds, repeat = (200, 50) if short else (1000, 50)
    figures = []
    for make in (asynchronous, incremental):
        verifiers = [Registered(make(f"x-idle{number}"), "idle") for number in range(5)]
        runner = Runner(verifiers, services=Services(Nowhere()))
        # The least of many short rounds: the limit is absolute, and others use the machine too.
        cost = min(asyncio.run(_time(runner, message, repeat)) for _ in range(rounds))
        figures.append(
            Figure(
                f"check by five idle verifiers, {make.__name__}",
                cost * 1e6,
                LIMIT * 1e6,
                "the limit",
                "µs",
                LIMIT / cost,
                1,
            )
        )
    return figures


async def _time(runner: Runner, message: Message, repeat: int) -> float:
    for _ in range(20):
        report = await runner.check(message)
    assert len(report.results) == 5
    start = time.perf_counter()
    for _ in range(repeat):
        await runner.check(message)
    return (time.perf_counter() - start) / repeat
