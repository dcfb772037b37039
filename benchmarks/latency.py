"""From a key to its paint in the running client, at a terminal of ours, while an index run and a verification go on."""

from __future__ import annotations

import os
import random
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.mailbox import letters, write_maildir
from benchmarks.measure import Figure
from benchmarks.terminal import Terminal
from mailsec.store import Index, Maildir

PRESSES, PRESSES_SHORT = 500, 60
"""How often a key is pressed."""

READ, READ_SHORT = 20_000, 2_000
"""Messages of the folder that is read and verified."""

NEW, NEW_SHORT = 100_000, 5_000
"""Messages of the folder that is indexed at the same time."""

LIMIT = 0.05
"""Seconds from a key to its paint, for 99 of 100 presses."""

LARGE = 50 << 20
"""Octets of a large message."""

LARGE_LIMIT = 0.3
"""Seconds until its text is seen."""

# the sign that points at the selected row, as it is painted; that of the folders stands before a line
_POINTER = re.compile("▸(?!(?:\x1b\\[[0-9;]*m)*│)".encode())


def run(*, short: bool) -> list[Figure]:
    """Presses keys and waits for what they paint."""
    with tempfile.TemporaryDirectory(prefix="mailsec-bench-") as folder:
        return [*_under_load(Path(folder, "load"), short), _large_message(Path(folder, "large"), short)]


class _Client:
    """The client on some Maildirs, with a home of its own.

    Args:
        top: a folder.
        boxes: the Maildirs in it.
    """

    def __init__(self, top: Path, *boxes: str) -> None:
        self.top = top
        (top / "dns.zone").write_text("")
        roots = ", ".join(f'"{top / box}"' for box in boxes)
        (top / "config.toml").write_text(f'mail = [{roots}]\ndns_file = "dns.zone"\n')
        environment = {"HOME": str(top), "PATH": os.environ["PATH"], "LANG": "C.UTF-8", "PYTHONUTF8": "1"}
        command = [sys.executable, "-m", "mailsec", "--config", str(top / "config.toml")]
        self.terminal = Terminal(command, environment, columns=120, rows=40, folder=top)
        self.terminal.wait_for("unread")

    def close(self) -> None:
        """Ends it."""
        self.terminal.send("Q")
        self.terminal.wait()
        self.terminal.close()


def index_of(top: Path) -> Path:
    """Where the client that has its home in a folder keeps its index."""
    return top / ".local" / "state" / "mailsec" / "index.sqlite"


def _paint_after(terminal: Terminal, key: str, pattern: re.Pattern[bytes]) -> float:
    """Seconds from a key until something is painted."""
    before = len(terminal.output)
    start = terminal.send(key)
    moment = start
    while time.perf_counter() - start < 10:
        moment = terminal.first_after(moment) or moment
        if (found := pattern.search(terminal.output_since(before))) is not None:
            return terminal.arrived(before + found.end()) - start
    raise TimeoutError(f"what was waited for was not painted after {key!r}")


def _under_load(top: Path, short: bool) -> list[Figure]:
    top.mkdir()
    read = write_maildir(top / "Inbox", letters(READ_SHORT if short else READ))
    write_maildir(top / "Later", letters(NEW_SHORT if short else NEW))
    with Index(index_of(top)) as index:
        index.refresh(Maildir(read.path))
    client = _Client(top, "Inbox", "Later")
    terminal = client.terminal
    terminal.send("V")
    terminal.wait_for("verifying")
    time.sleep(1.5)
    chance = random.Random(1)
    waits = []
    for number in range(PRESSES_SHORT if short else PRESSES):
        waits.append(_paint_after(terminal, "j" if number % 50 < 40 else "k", _POINTER))
        time.sleep(chance.uniform(0.005, 0.06))
    busy = b"indexing" in terminal.output[-400_000:] or b"verifying" in terminal.output[-400_000:]
    client.close()
    load = "an index run and a verification" if busy else "an index run and a verification that ended before"
    ranks = statistics.quantiles(waits, n=100)
    return [
        Figure(
            f"key to paint beside {load}, median", ranks[49] * 1e3, LIMIT * 1e3, "the limit", "ms", LIMIT / ranks[49]
        ),
        Figure(
            f"key to paint beside {load}, p99", ranks[98] * 1e3, LIMIT * 1e3, "the limit", "ms", LIMIT / ranks[98], 1
        ),
    ]


def _large_message(top: Path, short: bool) -> Figure:
    top.mkdir()
    head = b"From: alice@example.org\r\nSubject: %s\r\nDate: Fri, 1 May 2026 12:00:%02d +0000\r\n\r\n"
    line = b"The quick brown fox jumps over the lazy dog, again and again and again.\r\n"
    large = head % (b"Large", 0) + b"beginning-of-the-large-one\r\n" + line * (LARGE // len(line))
    box = write_maildir(top / "Inbox", iter([large, head % (b"Small", 1) + b"beginning-of-the-small-one\r\n"]))
    with Index(index_of(top)) as index:
        index.refresh(Maildir(box.path))
    client = _Client(top, "Inbox")
    client.terminal.wait_for("beginning-of-the-small-one")
    client.terminal.settle()
    waits = []
    for _ in range(2 if short else 8):
        waits.append(_paint_after(client.terminal, "j", re.compile(b"beginning-of-the-large-one")))
        client.terminal.settle()
        _paint_after(client.terminal, "k", re.compile(b"beginning-of-the-small-one"))
        client.terminal.settle()
    client.close()
    worst = max(waits)
    return Figure(
        f"text of a message of {LARGE >> 20} MB",
        worst * 1e3,
        LARGE_LIMIT * 1e3,
        "the limit",
        "ms",
        LARGE_LIMIT / worst,
        1,
    )
