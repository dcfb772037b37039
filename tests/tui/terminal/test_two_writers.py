"""The client and another program change the same Maildir, and the client is killed at random moments.

In the end nothing is lost, nothing is there twice, and the index says what is there.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.terminal import Terminal
from mailsec.store import Index, Maildir

# Delivers, sets flags and expunges until it is told to stop; says in the end what must be there.
WRITER = """
import random, sys, pathlib, time
from mailsec.errors import MailsecError
from mailsec.store import Flags, Maildir
chance = random.Random(int(sys.argv[2]))
mailbox = Maildir(pathlib.Path(sys.argv[1]))
stop = pathlib.Path(sys.argv[3])
mine, gone, number = [], [], 0
while not stop.exists():
    time.sleep(0.01)
    what = chance.random()
    if what < 0.6 or not mine:
        number += 1
        text = f"From: b@example.org\\r\\nSubject: {number}\\r\\nMessage-ID: <{number}@b.example>\\r\\n\\r\\nx\\r\\n"
        mine.append(mailbox.deliver(text.encode()))
    elif what < 0.85:
        mailbox.set_flags(chance.choice(mine), add=chance.choice([Flags.REPLIED, Flags.FLAGGED]))
    else:
        key = mine.pop(chance.randrange(len(mine)))
        mailbox.remove(key)
        gone.append(key)
print(" ".join(mine)); print(" ".join(gone))
"""

KEYS = "jjkUj!jUkjdu" * 3
"""What the reader does: goes up and down, marks as read and unread, flags, deletes and takes that back."""


def files(maildir: Path) -> dict[str, list[str]]:
    """The files in a Maildir by the unique part of their names."""
    found: dict[str, list[str]] = {}
    for folder in ("new", "cur"):
        for file in (maildir / folder).iterdir():
            found.setdefault(file.name.partition(":2,")[0], []).append(file.name)
    return found


@pytest.mark.parametrize("seed", range(2))
def test_nothing_is_lost_and_nothing_is_there_twice(
    seed: int,
    open_client: Callable[..., Terminal],
    maildir: Path,
    environment: dict[str, str],
    tmp_path: Path,
    figure: Callable[[str], None],
) -> None:
    chance = random.Random(seed)
    first = {}
    for number in range(150):
        name = f"{1_777_000_000 + number}.M{number}.here"
        text = f"From: a@example.org\r\nSubject: Old {number}\r\nMessage-ID: <o{number}@example.org>\r\n\r\nx\r\n"
        (maildir / "new" / name).write_bytes(text.encode())
        first[name] = text.encode()
    stop = tmp_path / "stop"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(maildir), str(seed), str(stop)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    kills = 4
    for _ in range(kills):
        client = open_client()
        client.wait_for("unread")
        end = time.monotonic() + chance.uniform(0.2, 2.5)
        while time.monotonic() < end:
            client.send(chance.choice(KEYS))
            time.sleep(chance.uniform(0, 0.05))
        os.kill(client.process.pid, signal.SIGKILL)
        client.close()
    stop.touch()
    out, _ = writer.communicate(timeout=60)
    mine, gone = (line.split(" ") if line else [] for line in out.split("\n")[:2])

    there = files(maildir)
    assert {key: names for key, names in there.items() if len(names) != 1} == {}
    assert sorted(there) == sorted([*first, *mine])
    assert not set(gone) & set(there)
    for key, text in first.items():
        assert bytes(Maildir(maildir).read(key)) == text
    assert not list((maildir / "tmp").iterdir())

    last = open_client()
    last.wait_for("unread")
    last.settle(3)  # it looks for changes every two seconds
    last.send("Q")
    assert last.wait(30) == 0
    with Index(tmp_path / "home" / ".local" / "state" / "mailsec" / "index.sqlite") as index:
        rows = [row for row in index.rows(index.listing(index.folder(maildir)).ids) if row is not None]
    truth = {entry.key: entry.flags for entry in Maildir(maildir).entries()}
    assert {row.key: row.flags for row in rows} == truth
    assert len(rows) == len(truth)
    figure(f"two writers: {len(there)} messages, {len(gone)} expunged, the client killed {kills} times")
