from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from mailsec.hooks import AuthResult, Coverage, DnsAnswer, DnsStatus, Moment, Opener, Verifier
from mailsec.hooks.manager import Registered
from mailsec.message import Message, parse
from mailsec.pipeline import Layer, Policy, Report, Runner, Services

AT = datetime(2026, 5, 1, 12, tzinfo=UTC)


class Answers:
    """A resolver that answers from a table and notes what it is asked."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.questions: list[tuple[str, str]] = []

    async def query(self, name: str, rdtype: str) -> DnsAnswer:
        self.questions.append((name, rdtype))
        answer = self.answers.get(name)
        if isinstance(answer, Exception):
            raise answer
        if callable(answer):
            await answer()
        records = (answer,) if isinstance(answer, bytes) else ()
        return DnsAnswer(name, rdtype, DnsStatus.FOUND if records else DnsStatus.NO_NAME, records)


@pytest.fixture
def answers() -> type[Answers]:
    return Answers


@pytest.fixture
def make_runner() -> Callable[..., Runner]:
    """Makes a runner; each descriptor is its own plugin, of the descriptor's name unless `plugins` says another."""

    def make(*descriptors: Any, resolver: Any = None, **options: Any) -> Runner:
        registered = [Registered(one, one.name, f"mailsec-{one.name}", "1.0") for one in descriptors]
        services = options.pop("services", None) or Services(resolver or Answers())
        return Runner(
            [one for one in registered if isinstance(one.descriptor, Verifier)],
            [one for one in registered if isinstance(one.descriptor, Opener)],
            services=services,
            clock=lambda: AT,
            **options,
        )

    return make


@pytest.fixture
def simple() -> Message:
    return parse(b"From: alice@example.org\r\nTo: bob@example.com\r\nSubject: Tea\r\n\r\nAt four.\r\n")


@pytest.fixture
def make_report() -> Callable[..., Report]:
    """Makes a report from results, without any plugin."""

    def make(
        results: Any,
        octets: bytes = b"From: alice@example.org\r\nTo: bob@example.com\r\nSubject: Tea\r\n\r\nAt four.\r\n",
        policy: Policy = Policy(),  # noqa: B008
        layers: tuple[Layer, ...] = (),
        conditions: tuple[str, ...] = (),
    ) -> Report:
        message = parse(octets)
        bottom = Layer(0, None, "", "transit", message.header, (message.body_start, len(message.octets)), message)
        return Report(tuple(results), (bottom, *layers), (), (), Moment(AT), conditions=conditions, policy=policy)

    return make


@pytest.fixture
def whole() -> Callable[..., Coverage]:
    """Coverage of all fields and of the whole body of the message that `make_report` makes."""

    def make(octets: bytes = b"", layer: int = 0, end: int | None = None) -> Coverage:
        message = parse(octets or b"From: alice@example.org\r\nTo: bob@example.com\r\nSubject: Tea\r\n\r\nAt four.\r\n")
        stop = len(message.octets) if end is None else end
        fields = tuple(range(len(message.header)))
        return Coverage(layer, fields, (), ((message.body_start, stop),))

    return make


@pytest.fixture
def says() -> Callable[[AuthResult], tuple[str, str, str | None]]:
    """A result as method, result and cause."""

    def short(one: AuthResult) -> tuple[str, str, str | None]:
        return one.method, str(one.result), None if one.cause is None else str(one.cause)

    return short
