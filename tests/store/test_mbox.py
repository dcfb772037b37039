"""mbox files (RFC 4155 appendix A)."""

from __future__ import annotations

import mmap
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsec.store.mbox import is_mbox, split_mbox

FROM = b"From alice@example.org Fri Jul  8 12:08:34 2011\n"

CASES = [
    ("one message", FROM + b"A: 1\n\nbody\n\n", [b"A: 1\n\nbody\n"]),
    ("no blank line at the end", FROM + b"A: 1\n\nbody\n", [b"A: 1\n\nbody\n"]),
    ("no line end at the end", FROM + b"A: 1\n\nbody", [b"A: 1\n\nbody"]),
    ("two messages", FROM + b"A: 1\n\nx\n\n" + FROM + b"A: 2\n\ny\n\n", [b"A: 1\n\nx\n", b"A: 2\n\ny\n"]),
    ("CRLF", (FROM + b"A: 1\n\nx\n\n" + FROM + b"A: 2\n\ny\n\n").replace(b"\n", b"\r\n"),
     [b"A: 1\r\n\r\nx\r\n", b"A: 2\r\n\r\ny\r\n"]),
    ("only one blank line is the separator's", FROM + b"A: 1\n\nx\n\n\n" + FROM + b"A: 2\n\ny\n",
     [b"A: 1\n\nx\n\n", b"A: 2\n\ny\n"]),
    ("quoted lines lose one mark (mboxrd)", FROM + b"A: 1\n\n>From x\n>>From y\n> From z\na >From b\n",
     [b"A: 1\n\nFrom x\n>From y\n> From z\na >From b\n"]),
    ("a line of text without a date is no separator", FROM + b"A: 1\n\nx\n\nFrom now on we write\n",
     [b"A: 1\n\nx\n\nFrom now on we write\n"]),
    ("a separator needs a blank line before it", FROM + b"A: 1\n\nx\n" + FROM + b"y\n",
     [b"A: 1\n\nx\n" + FROM + b"y\n"]),
    ("Thunderbird's dash", b"From - Fri Jul  8 12:08:34 2011\nA: 1\n\nx\n", [b"A: 1\n\nx\n"]),
    ("a long sender and a long rest", b"From " + b"x" * 300 + b" 12:08" + b"y" * 40 + b"2011" + b"z" * 40 + b"\nA: 1\n",
     [b"A: 1\n"]),
    ("nothing between the words and the date", b"From 12:082011\nA: 1\n", [b"A: 1\n"]),
    ("a line of many times and no year is no separator",
     FROM + b"A: 1\n\nFrom " + b"12:08 " * 60 + b"\n", [b"A: 1\n\nFrom " + b"12:08 " * 60 + b"\n"]),
    ("the year before the time", FROM + b"A: 1\n\nFrom 2011 12:08\n", [b"A: 1\n\nFrom 2011 12:08\n"]),
    ("an empty message", FROM, [b""]),
    ("empty messages", FROM + b"\n" + FROM, [b"", b""]),
    ("no mbox", b"A: 1\n\nx\n\n" + FROM + b"A: 2\n", None),
    ("nothing", b"", None),
]  # fmt: skip


@pytest.mark.parametrize(("octets", "messages"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_messages(octets: bytes, messages: list[bytes] | None) -> None:
    assert is_mbox(octets) is (messages is not None)
    if messages is not None:
        assert [bytes(message) for message in split_mbox(octets)] == messages


def test_a_mapped_file_is_not_copied(tmp_path: Path) -> None:
    file = tmp_path / "mbox"
    file.write_bytes(FROM + b"A: 1\n\nx\n\n" + FROM + b"A: 2\n\ny\n")
    with file.open("rb") as stream:
        octets = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
    messages = list(split_mbox(octets))
    assert [bytes(message) for message in messages] == [b"A: 1\n\nx\n", b"A: 2\n\ny\n"]
    assert all(isinstance(message, memoryview) and message.readonly for message in messages)


message = st.text(alphabet="aF>rom :\r\n", max_size=60).map(str.encode)


@given(st.lists(message, min_size=1, max_size=5))
def test_what_is_written_as_mboxrd_is_read_again(messages: list[bytes]) -> None:
    written = b""
    for one in messages:
        body = one if one.endswith(b"\n") or not one else one + b"\n"
        lines = body.split(b"\n")
        quoted = [b">" + line if line.lstrip(b">").startswith(b"From ") else line for line in lines]
        written += FROM + b"\n".join(quoted) + b"\n"
    wanted = [one if one.endswith(b"\n") or not one else one + b"\n" for one in messages]
    assert [bytes(one) for one in split_mbox(written)] == wanted
