"""Sealers: order, isolation, and nothing but whole header fields."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from mailsec.hooks import Sealer
from mailsec.hooks.manager import Registered
from mailsec.message import parse_header
from mailsec.pipeline import Sealed, Services, seal

HEADER = parse_header(b"From: a@example.org\r\n")
BODY = b"hello\r\n"


def sealer(name: str, *after: str, finish: Any = None, start: Any = None) -> Registered[Sealer]:
    class Work:
        def __init__(self, header: Any, context: Any) -> None:
            self.seen = [field.name for field in header]
            self.fed = 0

        def feed(self, octets: memoryview) -> None:
            self.fed += len(octets)

        async def finish(self) -> Any:
            if finish is not None:
                return await finish() if asyncio.iscoroutinefunction(finish) else finish()
            return [f"X-{name}: {self.fed} {','.join(self.seen)}\r\n".encode()]

    return Registered(Sealer(name=name, start=start or Work, after=after), name, f"mailsec-{name}", "1.0")


async def run(*sealers: Registered[Sealer], answers: Any, seconds: float = 0.1) -> Sealed:
    return await seal(HEADER, BODY, sealers, Services(answers()), seconds=seconds)


async def test_fields_go_to_the_top_and_later_ones_see_those_before(answers: Any) -> None:
    sealed = await run(sealer("arc", "dkim"), sealer("dkim"), sealer("other"), answers=answers)
    assert sealed.fields == (
        b"X-arc: 7 X-dkim,X-other,From\r\n",
        b"X-dkim: 7 From\r\n",
        b"X-other: 7 From\r\n",
    )
    assert sealed.problems == ()


async def test_a_message_that_is_not_to_be_sealed_stays_as_it_is(answers: Any) -> None:
    assert await run(sealer("none", start=lambda h, c: None), answers=answers) == Sealed((), ())


def fails(error: BaseException) -> Any:
    def act(*_: Any) -> Any:
        raise error

    return act


async def forever() -> Any:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("broken", "words"),
    [
        ({"start": fails(ValueError("no"))}, "ValueError: no"),
        ({"start": lambda h, c: time.sleep(1e9)}, "late"),
        ({"start": lambda h, c: 3}, "AttributeError"),
        ({"finish": fails(SystemExit(1))}, "SystemExit"),
        ({"finish": forever}, "late"),
        ({"finish": lambda: None}, "answered with NoneType"),
        ({"finish": lambda: b"X-A: b\r\n"}, "answered with bytes"),
        ({"finish": lambda: ["X-A: b\r\n"]}, "something else than octets"),
        ({"finish": lambda: [b"X-A: b"]}, "not one whole header field"),
        ({"finish": lambda: [b"X-A: b\n"]}, "without its CRLF"),
        ({"finish": lambda: [b"X-A: b\r\nX-B: c\r\n"]}, "not one whole header field"),
        ({"finish": lambda: [b"X-A: b\r\n\r\nbody"]}, "not one whole header field"),
        ({"finish": lambda: [b"no field\r\n"]}, "not one whole header field"),
        ({"finish": lambda: [b"X-A: \0\r\n"]}, "not one whole header field"),
    ],
)
async def test_a_broken_sealer_adds_nothing_is_named_and_costs_nobody_else(
    broken: dict[str, Any], words: str, answers: Any
) -> None:
    sealed = await run(sealer("bad", **broken), sealer("good"), sealer("later", "bad"), answers=answers)
    assert [field.split(b":")[0] for field in sealed.fields] == [b"X-later", b"X-good"]
    assert [one.plugin for one in sealed.problems] == ["bad"]
    assert words in sealed.problems[0].sentence


async def test_those_that_wait_for_each_other_add_nothing_and_are_named(answers: Any) -> None:
    sealed = await run(sealer("a", "b"), sealer("b", "a"), sealer("c", "a"), answers=answers)
    assert [one.plugin for one in sealed.problems] == ["a", "b"]
    assert len(sealed.fields) == 1
