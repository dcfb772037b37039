"""What holds for every message, generated and mutated; Python's email as the judge of well-formed ones."""

from __future__ import annotations

import email
import email.policy
import mmap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailsec.message import Message, Part, parse, parse_header, safe_text
from mailsec.message.compose import attachment, multipart, nested, text, write_message

TOKENS = st.sampled_from(
    [b"\r\n", b"\n", b"\r", b"\r\n\r\n", b" ", b"\t", b"--b", b"--b--", b"--bb", b"--c", b"--c--", b"\r\n--b\r\n",
     b"\r\n--c\r\n", b"\n--b--\n", b":", b";", b'"', b"(", b")", b"<", b">", b"@", b",", b"=", b"==", b"=?utf-8?q?=C3",
     b"?=", b"\0", b"\xff", b"\xc3\xa4", b"From ", b"From: a@b\r\n", b"Subject: =?utf-8?b?4oI=?= =?utf-8?b?rA==?=\r\n",
     b"Content-Type: multipart/mixed; boundary=b\r\n", b"Content-Type: multipart/digest; boundary=c\r\n",
     b"Content-Type: multipart/signed; boundary*0=b; boundary*1=b\r\n", b"Content-Type: message/rfc822\r\n",
     b"Content-Transfer-Encoding: base64\r\n", b"Content-Transfer-Encoding: quoted-printable\r\n",
     b"Content-Transfer-Encoding: x-uuencode\r\n", b"Content-Disposition: attachment; filename*=utf-8''%E2%82%AC\r\n",
     b"Content-Type: text/plain; charset=iso-2022-kr; format=flowed\r\n", b"Date: 1 Jan 2020 00:00 EST\r\n",
     b"begin 644 x\n#86)C\n`\nend\n", b"aGVsbG8="]
)  # fmt: skip
RUBBISH = st.lists(TOKENS | st.binary(max_size=6), max_size=40).map(b"".join)
LEAVES = st.one_of(
    st.builds(text, st.text(st.characters(exclude_categories=["Cs"]), max_size=60), st.sampled_from(["plain", "html"])),
    st.builds(attachment, st.binary(max_size=60), st.text(st.characters(exclude_categories=["Cs"]), max_size=30)),
)
ENTITIES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: multipart("mixed", *parts, preamble="pre")),
        inner.map(lambda entity: nested(write_message([("Subject", "in")], entity))),
    ),
    max_leaves=6,
)
MESSAGES = ENTITIES.map(lambda entity: write_message([("From", "a@b"), ("Subject", "grüß dich")], entity))


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    octets = bytearray(draw(MESSAGES))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(octets)))
        octets[start : start + draw(st.integers(0, 40))] = draw(TOKENS | st.binary(max_size=3))
    return bytes(octets)


def check(octets: bytes) -> Message:
    """Asks a message for everything, and asserts what holds for every one."""
    message = parse(octets)
    assert bytes(message) == octets == bytes(message.octets)
    assert octets.endswith(bytes(message.body))
    _ = message.subject, message.date, message.authors, message.message_id, repr(message)
    paths = []
    for part in message.walk():
        check_part(part)
        paths.append(part.path)
    assert len(set(paths)) == len(paths)
    for defect in message.defects:
        assert str(defect)
    return message


def check_part(part: Part) -> None:
    start, end = part.span
    body_start, body_end = part.body_span
    assert start <= body_start <= body_end == end
    assert len(part.octets) == end - start
    assert bytes(part.octets).endswith(bytes(part.body))
    _ = part.content, part.filename, part.charset, part.disposition, part.content_id, part.flowed, repr(part)
    assert safe_text(part.text).isprintable() or part.text
    _ = part.defects, part.content_defects
    position = start
    for field in part.header:
        assert field.span[0] == position
        position = field.span[1]
        assert len(field.raw) == field.span[1] - field.span[0]
        assert field.raw.startswith(field.raw_name)
        assert field.raw_value in field.raw
        assert isinstance(field.value, str)
        assert field in part.header.all(field.name)
    assert position <= body_start
    position = part.preamble_span[0] if part.children else body_start
    for child in part.children:
        assert child.parent is part
        assert position <= child.span[0] <= child.span[1] <= end
        position = child.span[1]
    if part.children:
        assert part.preamble_span[1] <= part.children[0].span[0]
        assert position <= part.epilogue_span[0] <= part.epilogue_span[1] == end


@given(RUBBISH)
@settings(max_examples=600)
@example(b"")
@example(b"From ")
@example(b"\r")
@example(b":\r\n\r\n")
@example(b"Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\n--b--")
def test_rubbish_loses_nothing(octets: bytes) -> None:
    check(octets)
    assert parse_header(octets) is not None


@given(mutated())
@settings(max_examples=400)
def test_mutated_messages_lose_nothing(octets: bytes) -> None:
    check(octets)


@given(MESSAGES)
def test_well_formed_messages_read_as_email_reads_them(octets: bytes) -> None:
    message = check(octets)
    assert message.defects == ()
    theirs = list(email.message_from_bytes(octets, policy=email.policy.compat32).walk())
    ours = list(message.walk())
    assert [part.content_type for part in ours] == [part.get_content_type() for part in theirs]
    for mine, other in zip(ours, theirs, strict=True):
        assert [(f.name, f.raw_value.decode().strip()) for f in mine.header] == [
            (name, value.replace("\n", "\r\n") if "\r\n" not in value else value) for name, value in other.items()
        ]
        if not other.is_multipart():
            assert mine.content == other.get_payload(decode=True)


@given(MESSAGES)
def test_line_ends_change_nothing_but_themselves(octets: bytes) -> None:
    shape = [(part.path, part.content_type) for part in parse(octets).walk()]
    assert [(p.path, p.content_type) for p in parse(octets.replace(b"\r\n", b"\n")).walk()] == shape
    assert [(p.path, p.content_type) for p in parse(octets.replace(b"\r\n", b"\r")).walk()] == shape


def large() -> bytes:
    return write_message(
        [("From", "a@b"), ("Subject", "large")],
        multipart("mixed", text("x"), attachment(bytes(range(256)) * 4000), boundaries=iter(("=_large",))),
    )


@pytest.mark.parametrize(
    "make",
    [bytes, bytearray, memoryview, lambda o: memoryview(b"x" + o)[1:], lambda o: memoryview(bytearray(o))],
    ids=["bytes", "bytearray", "view", "part of a view", "view of a bytearray"],
)
def test_buffers(make: object) -> None:
    octets = large()
    message = parse(make(octets))  # type: ignore[operator]
    assert bytes(message) == octets
    assert [part.content_type for part in message.walk()] == [
        "multipart/mixed",
        "text/plain",
        "application/octet-stream",
    ]
    assert message.octets.readonly


def test_what_may_change_is_copied() -> None:
    octets = bytearray(large())
    message = parse(memoryview(octets))
    octets[:4] = b"XXXX"
    assert bytes(message).startswith(b"From")


def test_a_mapped_file_is_not_copied(tmp_path: Path) -> None:
    path = tmp_path / "message"
    path.write_bytes(large())
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    for source in (mapped, memoryview(mapped)):
        message = parse(source)
        assert message.octets.obj is mapped
        assert bytes(message) == large()
        assert message.root.children[1].content == bytes(range(256)) * 4000


def test_a_delimiter_across_the_windows_of_the_search() -> None:
    """A view is searched in windows of 256 KiB; a boundary on their border is found all the same."""
    for shift in range(-12, 12):
        head = b"Content-Type: multipart/mixed; boundary=bound\r\n\r\n--bound\r\n\r\n"
        octets = head + b"x" * ((1 << 18) + shift) + b"\r\n--bound--\r\n"
        message = parse(memoryview(b"-" + octets)[1:])
        assert len(message.root.children) == 1
        assert message.defects[1:] == ()


def test_hostile_sizes_end() -> None:
    for unit in (b"--b\r\n", b"--bx", b"\r--b", b"a\n", b"A:\n", b"\n ", b"=?", b"(", b"--b" + b" " * 50):
        octets = b"Content-Type: multipart/mixed; boundary=b\r\nX: " + unit * 20_000 + b"\r\n\r\n" + unit * 50_000
        message = parse(octets)
        assert bytes(message) == octets
        assert len(list(message.walk())) <= 10_001
        assert message.defects


@pytest.mark.parametrize(
    "octets", ["From: a@example.org\n\n", None, 5, [1, 2]], ids=["text", "nothing", "a number", "a list"]
)
def test_what_is_no_octets_is_a_mistake_of_the_caller(octets: Any) -> None:
    with pytest.raises(TypeError, match=f"octets, such as bytes, not {type(octets).__name__}"):
        parse(octets)
