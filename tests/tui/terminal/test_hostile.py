"""No octet of a hostile message reaches the terminal as a control, and showing one asks nothing of the network."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.terminal import Terminal
from tests.tui.terminal.hostile import MARKER, PAYLOADS, hostile_messages
from tests.tui.terminal.output import Control, Text, controls, take_apart, unsafe

HARMLESS = b"From: Alice <alice@example.org>\r\nSubject: Tea %d\r\n\r\nAt four.\r\n\r\n> quoted\r\n"


def deliver(maildir: Path, number: int, octets: bytes) -> None:
    (maildir / "cur" / f"{1_777_000_000 - number}.M{number:04}.here:2,").write_bytes(octets)


def walk(terminal: Terminal, count: int) -> bytes:
    """Goes through a folder, looks at each message in every way, and ends; gives all that was written."""
    terminal.wait_for(f"/{count} ·")
    terminal.settle()
    terminal.send("g")
    terminal.settle()
    for number in range(count):
        for key in "HA":
            terminal.send(key)
        terminal.settle(0.05)
        if number % 6 == 0:
            for key in ("y", "\x1b", "p", "\x1b"):
                terminal.send(key)
                terminal.settle(0.1)
        terminal.send("j")
        terminal.settle(0.05)
    since = len(terminal.output)
    terminal.send("?")
    terminal.settle()
    terminal.send("\x1b")
    terminal.settle()
    last = f"{count}/{count}".encode()
    end = time.monotonic() + 60
    while last not in terminal.output and time.monotonic() < end:  # a screen above the list may still be closing
        for key in ("\x1b", "g", "G"):
            terminal.send(key)
            terminal.settle()
    assert last in terminal.output
    assert len(terminal.output) > since
    terminal.send("Q")
    assert terminal.wait(30) == 0
    return terminal.output


def test_hostile_messages_reach_nothing(
    open_client: Callable[..., Terminal],
    maildir: Path,
    listener: Any,
    name_server: Any,
    watch: Path,
    figure: Callable[[str], None],
) -> None:
    for number in range(9):
        deliver(maildir, number, HARMLESS % number)
    allowed = controls(walk(open_client(), 9))
    assert not [shape for shape in allowed if shape[0] == "string" and not shape[2].startswith("22;")]

    for file in (maildir / "cur").iterdir():
        file.unlink()
    messages = list(hostile_messages(listener.url))
    for number, (_, octets) in enumerate(messages):
        deliver(maildir, number, octets)
    output = walk(open_client(), len(messages))
    shown = 0
    for token in take_apart(output):
        if isinstance(token, Control):
            assert token.shape in allowed, token
            assert MARKER not in token.parameters
        else:
            assert isinstance(token, Text)
            assert not unsafe(token.text), token
            shown += token.text.count(MARKER)
    assert shown > 100  # what should not be obeyed was shown
    assert b"Traceback" not in output
    assert b"this is a mistake in mailsec" not in output

    assert listener.connections == 0
    events = watch.read_text().splitlines()
    ours = re.compile(
        rf"socket\.(?:connect|sendto) .*\('127\.0\.0\.1', {name_server.port}\)"
        r"|subprocess\.Popen .*mailsec\.tui\.background\.worker"
    )
    assert not [event for event in events if not ours.match(event)]
    figure(f"hostile messages at a terminal: {len(messages)} were shown, {len(PAYLOADS)} kinds of controls tried")


@pytest.mark.parametrize("subject", [f"[bold red]{MARKER}[/]", "[[[]]] [/] [ []", "[@click=app.quit]x[/]"])
def test_brackets_are_just_brackets(open_client: Callable[..., Terminal], maildir: Path, subject: str) -> None:
    octets = f"From: alice@example.org\r\nSubject: {subject}\r\n\r\n{subject}\r\n".encode()
    deliver(maildir, 0, octets)
    terminal = open_client()
    end = time.monotonic() + 60
    shown = ""
    while shown.count(subject) < 2 and time.monotonic() < end:  # above the message and in it
        terminal.settle(0.1)
        shown = re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", terminal.output.decode())
    assert shown.count(subject) >= 2
    terminal.send("Q")
    assert terminal.wait(30) == 0


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS.keys())
def test_what_does_reach_a_terminal_is_seen_here(payload: str) -> None:
    """The test above would fail: each payload holds a control or a character that it looks for, or is text."""
    tokens = list(take_apart(payload.encode()))
    text = "".join(token.text for token in tokens if isinstance(token, Text))
    found = [token for token in tokens if isinstance(token, Control)]
    assert found or unsafe(text) or text == payload
    if any(token.kind == "string" for token in found):
        assert MARKER in "".join(token.parameters for token in found) + text


@pytest.mark.parametrize(("columns", "rows"), [(60, 18), (20, 5), (240, 70)])
def test_every_size_of_terminal(open_client: Callable[..., Terminal], maildir: Path, columns: int, rows: int) -> None:
    for number, (_, octets) in enumerate(list(hostile_messages("http://127.0.0.1:9"))[::24]):
        deliver(maildir, number, octets)
    terminal = open_client(columns=columns, rows=rows)
    terminal.settle(1.5)
    for key in ("\r", "J", "J", "J", "y", "\x1b", "q", "Q"):
        terminal.send(key)
        terminal.settle(0.2)
    assert terminal.wait(30) == 0
    assert b"Traceback" not in terminal.output
    assert not [token for token in take_apart(terminal.output) if isinstance(token, Text) and unsafe(token.text)]
