"""Openers: layers found, numbered, limited, and what they make of coverage."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from mailsec.hooks import AuthResult, Coverage, Opened, Opener, Result, Verifier
from mailsec.message import parse
from mailsec.pipeline import Report, Runner
from mailsec.pipeline.layers import MAXIMUM_DEPTH, MAXIMUM_OPENINGS, MAXIMUM_QUESTIONS

HEAD = b"From: alice@example.org\r\n"


def wrap(inner: bytes, kind: str = "application/x-wrap") -> bytes:
    return b"Content-Type: " + kind.encode() + b"\r\n\r\n" + inner


def mixed(*parts: bytes, boundary: bytes = b"b") -> bytes:
    body = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    return b'Content-Type: multipart/mixed; boundary="' + boundary + b'"\r\n\r\n' + body + b"--" + boundary + b"--\r\n"


TEXT = b"Content-Type: text/plain\r\n\r\nhello\r\n"


def covered(octets: bytes, layer: int = 0) -> Coverage:
    inner = parse(octets)
    return Coverage(layer, tuple(range(len(inner.header))), (), ((inner.body_start, len(octets)),))


async def unwrap(part: Any, context: Any) -> Opened:
    """What is in an application/x-wrap part is signed by the author."""
    await asyncio.sleep(0.02 if b"slow" in part.content else 0)
    properties = {"body.smime-identifier": "alice@example.org", "body.smime-part": part.path}
    result = AuthResult("smime", Result.PASS, properties=properties, coverage=covered(part.content))
    return Opened(part.content, "signed", (result,))


WRAP = Opener(name="wrap", methods=("smime",), content_types=("application/x-wrap",), open=unwrap)


def shape(report: Report) -> list[tuple[int, int | None, str, str]]:
    return [(one.index, one.parent, one.part, one.reached) for one in report.layers]


@pytest.mark.parametrize(
    ("entity", "layers", "whole"),
    [
        (TEXT, [], []),
        (wrap(TEXT), [(1, 0, "1", "signed")], [True]),
        (wrap(wrap(TEXT)), [(1, 0, "1", "signed"), (2, 1, "1", "signed")], [True, True]),
        (mixed(wrap(TEXT), TEXT), [(1, 0, "1", "signed")], [False]),
        (
            mixed(wrap(TEXT + b"slow"), wrap(TEXT)),
            [(1, 0, "1", "signed"), (2, 0, "2", "signed")],
            [False, False],
        ),
        (
            mixed(wrap(mixed(wrap(TEXT), TEXT, boundary=b"i")), wrap(TEXT)),
            [(1, 0, "1", "signed"), (2, 0, "2", "signed"), (3, 1, "1", "signed")],
            [False, False, False],
        ),
        (mixed(b"Content-Type: message/rfc822\r\n\r\n" + HEAD + wrap(TEXT)), [], []),
        (b"Content-Type: message/rfc822\r\n\r\n" + HEAD + wrap(TEXT), [], []),
    ],
    ids=[
        "nothing to open",
        "the whole body",
        "one in the other",
        "beside an unsigned part",
        "two, numbered in the order of the document",
        "a tree, breadth first",
        "an attached message is another message",
        "a forwarded message is another message",
    ],
)
async def test_layers(entity: bytes, layers: Any, whole: Any, make_runner: Callable[..., Runner]) -> None:
    report = await make_runner(WRAP).check(parse(HEAD + entity))
    assert shape(report) == [(0, None, "", "transit"), *layers]
    assert [report.is_whole(one) for one in report.results] == whole
    found = [(one.layer, one.coverage.layer if one.coverage else None) for one in report.results]
    assert sorted(found, key=lambda pair: pair[1] or 0) == [(parent, index) for index, parent, _, _ in layers]


async def test_a_third_part_in_a_multipart_signed_is_shown_beside_what_is_signed(
    make_runner: Callable[..., Runner],
) -> None:
    """RFC 1847 section 2.1 wants two parts; whatever else is there is not covered."""

    async def first(part: Any, context: Any) -> Opened:
        inner = bytes(part.children[0].octets)
        result = AuthResult(
            "smime", Result.PASS, properties={"body.smime-identifier": "alice@example.org"}, coverage=covered(inner)
        )
        return Opened(inner, "signed", (result,))

    opener = Opener(name="s", methods=("smime",), content_types=("multipart/signed",), open=first)
    signature = b"Content-Type: application/pkcs7-signature\r\n\r\nx\r\n"
    for extra, row in (((), 7), ((TEXT,), 6)):
        octets = mixed(TEXT, signature, *extra).replace(b"mixed", b"signed")
        report = await make_runner(opener).check(parse(HEAD + octets))
        assert report.verdict.row == row


async def test_openers_are_asked_in_turn_until_one_answers_and_else_the_inside_is_looked_at(
    make_runner: Callable[..., Runner], says: Any
) -> None:
    async def not_mine(part: Any, context: Any) -> None:
        return None

    async def breaks(part: Any, context: Any) -> Opened:
        raise ValueError("broken")

    kinds = ("multipart/mixed", "application/x-wrap")
    a = Opener(name="a", methods=("a",), content_types=kinds, open=not_mine)
    b = Opener(name="b", methods=("b",), content_types=kinds, open=breaks)
    report = await make_runner(a, b, WRAP).check(parse(HEAD + mixed(wrap(TEXT))))
    assert shape(report)[1:] == [(1, 0, "1", "signed")]
    assert [says(one) for one in report.results] == [
        ("b", "temperror", "crashed"),
        ("b", "temperror", "crashed"),
        ("smime", "pass", None),
    ]


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("text", "answered with str"),
        (Opened("text", "signed", ()), "no octets"),  # type: ignore[arg-type]
        (Opened(b"", "painted", ()), "unknown way"),  # type: ignore[arg-type]
        (Opened(b"x", "signed", 3), "answered with int"),  # type: ignore[arg-type]
        (Opened(b"x", "signed", (AuthResult("other", Result.PASS),)), "has not declared"),
        (
            Opened(TEXT, "signed", (AuthResult("smime", Result.PASS, coverage=Coverage(ranges=((0, 999),))),)),
            "outside of the message",
        ),
    ],
)
async def test_rubbish_from_an_opener_is_a_temporary_error_that_names_it(
    answer: Any, words: str, make_runner: Callable[..., Runner], says: Any
) -> None:
    opener = Opener(name="o", methods=("smime",), content_types=("application/x-wrap",), open=lambda p, c: answer)
    report = await make_runner(opener).check(parse(HEAD + wrap(TEXT)))
    assert [says(one) for one in report.results] == [("smime", "temperror", "crashed")]
    assert words in report.problems[0].sentence
    assert "o (mailsec-o 1.0)" in report.problems[0].sentence


async def test_what_could_not_be_had_covers_nothing(make_runner: Callable[..., Runner]) -> None:
    result = AuthResult("smime", Result.PASS, coverage=Coverage(ranges=((0, 3),)))
    opener = Opener(
        name="o",
        methods=("smime",),
        content_types=("application/x-wrap",),
        open=lambda p, c: Opened(None, "encrypted", (result,)),
    )
    report = await make_runner(opener).check(parse(HEAD + wrap(TEXT)))
    assert report.results[0].coverage is None
    assert len(report.layers) == 1


async def test_octets_that_the_plugin_could_still_change_are_copied(make_runner: Callable[..., Runner]) -> None:
    buffer = bytearray(TEXT)
    opener = Opener(
        name="o",
        methods=("smime",),
        content_types=("application/x-wrap",),
        open=lambda p, c: Opened(memoryview(buffer), "signed", ()),
    )
    report = await make_runner(opener).check(parse(HEAD + wrap(TEXT)))
    buffer[:] = bytes(len(buffer))
    assert bytes(report.layers[1].message or b"") == TEXT


def nested(depth: int) -> bytes:
    octets = TEXT
    for _ in range(depth):
        octets = wrap(octets)
    return octets


@pytest.mark.parametrize(
    ("entity", "most"),
    [(nested(200), MAXIMUM_DEPTH), (mixed(*[wrap(TEXT)] * 500), MAXIMUM_OPENINGS)],
    ids=["too deep", "too many"],
)
async def test_limits_end_in_a_clear_result(
    entity: bytes, most: int, make_runner: Callable[..., Runner], says: Any
) -> None:
    report = await make_runner(WRAP).check(parse(HEAD + entity))
    assert len(report.layers) == most + 1
    limits = [one for one in report.results if str(one.result) == "permerror"]
    assert [says(one) for one in limits] == [("smime", "permerror", "limit")]
    assert "not all was opened" in limits[0].reason


async def test_parts_that_are_not_the_openers_do_not_count(make_runner: Callable[..., Runner]) -> None:
    """Many attachments of a type that may be protected, and are not."""
    asked: list[str] = []

    def pick(part: Any, context: Any) -> Opened | None:
        asked.append(part.path)
        result = AuthResult("smime", Result.PASS, coverage=covered(part.content))
        return Opened(part.content, "signed", (result,)) if part.content.startswith(b"Content-Type") else None

    opener = Opener(name="o", methods=("smime",), content_types=("application/x-wrap",), open=pick)
    report = await make_runner(opener).check(parse(HEAD + mixed(*[wrap(b"x")] * 100, wrap(TEXT))))
    assert len(asked) == 101
    assert [str(one.result) for one in report.results] == ["pass"]


@pytest.mark.parametrize("opens", [True, False])
async def test_openers_are_asked_no_more_often_than_the_limits_allow(
    opens: bool, make_runner: Callable[..., Runner], says: Any
) -> None:
    asked: list[str] = []

    def count(part: Any, context: Any) -> Opened | None:
        asked.append(part.path)
        return Opened(None, "signed", ()) if opens else None

    opener = Opener(name="o", methods=("smime",), content_types=("application/x-wrap",), open=count)
    report = await make_runner(opener).check(parse(HEAD + mixed(*[wrap(TEXT)] * 2000)))
    assert len(asked) == (MAXIMUM_OPENINGS if opens else MAXIMUM_QUESTIONS)
    limits = [says(one) for one in report.results if one.result is Result.PERMERROR]
    assert limits == [("smime", "permerror", "limit")]


async def test_endless_content_ends_at_the_depth_limit(make_runner: Callable[..., Runner]) -> None:
    """An opener whose content is again its own."""
    opener = Opener(
        name="o",
        methods=("smime",),
        content_types=("application/x-wrap",),
        open=lambda p, c: Opened(wrap(TEXT), "compressed", ()),
    )
    report = await make_runner(opener).check(parse(HEAD + wrap(TEXT)))
    assert len(report.layers) == MAXIMUM_DEPTH + 1


async def test_a_late_opener_costs_neither_the_verifiers_nor_the_other_parts(
    make_runner: Callable[..., Runner], says: Any
) -> None:
    async def some(part: Any, context: Any) -> Opened:
        if b"stuck" in part.content:
            await asyncio.Event().wait()
        return await unwrap(part, context)

    opener = Opener(name="o", methods=("smime",), content_types=("application/x-wrap",), open=some)
    verifier = Verifier(name="v", methods=("v",), verify=lambda m, c: [AuthResult("v", Result.PASS)])
    runner = make_runner(opener, verifier, timeout=0.1)
    report = await runner.check(parse(HEAD + mixed(wrap(b"stuck"), wrap(TEXT))))
    assert [says(one) for one in report.results] == [
        ("v", "pass", None),
        ("smime", "temperror", "late"),
        ("smime", "pass", None),
    ]


async def test_an_opener_sees_the_author_and_the_keys(make_runner: Callable[..., Runner]) -> None:
    seen: list[Any] = []

    def look(part: Any, context: Any) -> None:
        seen.append((context.header.first("from").value.strip(), context.keys.identities()))

    opener = Opener(name="o", methods=("smime",), content_types=("application/x-wrap",), open=look)
    await make_runner(opener).check(parse(HEAD + wrap(TEXT)))
    assert seen == [("alice@example.org", ())]
