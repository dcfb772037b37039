"""Signals end the client in order: the terminal is as before, and nothing stays behind."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.terminal import Terminal

LETTER = b"From: Alice <alice@example.org>\r\nSubject: Tea\r\n\r\nAt four.\r\n"
RESTORED = b"\x1b[?1049l"
"""Leaves the screen that the client draws on."""


@pytest.fixture(autouse=True)
def interrupts() -> Iterator[None]:
    """An interrupt is not ignored, as it is where a shell has started the tests in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def scratch(tmp_path: Path, environment: dict[str, str]) -> Path:
    """Where the client makes what is there for a time only."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    environment["TMPDIR"] = str(folder)
    return folder


@pytest.fixture
def client(scratch: Path, open_client: Callable[..., Terminal], maildir: Path) -> Terminal:
    """The client, with a message on its screen."""
    (maildir / "cur" / "1777000000.M1.here:2,").write_bytes(LETTER)
    terminal = open_client()
    terminal.wait_for("At four.")
    terminal.settle()
    assert list(scratch.glob("mailsec-*"))
    return terminal


@pytest.mark.parametrize(
    ("number", "keys"),
    [(signal.SIGTERM, ""), (signal.SIGHUP, "/"), (signal.SIGINT, "y")],
    ids=["list", "search", "why"],
)
def test_a_signal_ends_the_client_in_order(client: Terminal, scratch: Path, number: signal.Signals, keys: str) -> None:
    for key in keys:
        client.send(key)
        client.settle()
    client.process.send_signal(number)
    assert client.wait(30) == 128 + number
    assert RESTORED in client.output
    assert b"Traceback" not in client.output
    assert not list(scratch.iterdir())
    flags = termios.tcgetattr(client._ours)[3]
    assert flags & termios.ECHO  # it shows what is typed
    assert flags & termios.ICANON  # and gives whole lines


TAKE = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "mailsec", *sys.argv[1:]])
"""
"""Makes the terminal the one that tells its processes when it is gone, as every shell in a terminal has it."""


NOHUP = f"""
import signal
signal.signal(signal.SIGHUP, signal.SIG_IGN)
{TAKE}
"""
"""The same, and whatever is said about it is not heard, as under `nohup`."""

UNTOLD = """
import os, sys
os.execv(sys.executable, [sys.executable, "-m", "mailsec", *sys.argv[1:]])
"""
"""A terminal that is nobody's: no process is told that it is gone."""


@pytest.mark.parametrize("begin", [TAKE, NOHUP, UNTOLD], ids=["told", "deaf", "untold"])
def test_a_terminal_that_is_gone_ends_the_client(
    environment: dict[str, str], scratch: Path, maildir: Path, tmp_path: Path, begin: str
) -> None:
    (maildir / "cur" / "1777000000.M1.here:2,").write_bytes(LETTER)
    (tmp_path / "config.toml").write_text(f'mail = ["{maildir}"]\n')
    command = [sys.executable, "-c", begin, "--config", str(tmp_path / "config.toml")]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env={"TERM": "xterm-256color", **environment},
        start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    written = b""
    while b"Tea" not in written:
        written += os.read(ours, 1 << 16)
    os.close(ours)
    try:
        assert process.wait(30) == 128 + signal.SIGHUP
    finally:
        process.kill()
    assert not list(scratch.iterdir())


def test_the_demonstration_is_taken_away(environment: dict[str, str], scratch: Path, tmp_path: Path) -> None:
    with Terminal([sys.executable, "-m", "mailsec", "demo"], environment, columns=120, folder=tmp_path) as terminal:
        terminal.wait_for("1/71")
        assert list(scratch.glob("mailsec-demo-*"))
        terminal.process.send_signal(signal.SIGTERM)
        assert terminal.wait(30) == 128 + signal.SIGTERM
        assert RESTORED in terminal.output
    assert not list(scratch.iterdir())


OUTSIDE = """
async def broken(self):
    raise ValueError("a secret")
MailApp.run_async = broken
"""
INSIDE = """
def broken(self):
    raise ValueError("a secret")
MailApp.on_mount = broken
"""
"""What breaks the client: before it draws, and while it does."""


@pytest.mark.parametrize("broken", [OUTSIDE, INSIDE], ids=["outside", "inside"])
def test_a_mistake_of_ours_is_noted(environment: dict[str, str], maildir: Path, tmp_path: Path, broken: str) -> None:
    (tmp_path / "config.toml").write_text(f'mail = ["{maildir}"]\n[client]\nstate = "{tmp_path / "state"}"\n')
    code = (
        f"import sys\nfrom mailsec.tui.app import MailApp\n{broken}\nfrom mailsec.cli.app import main\nsys.exit(main())"
    )
    command = [sys.executable, "-c", code, "--config", str(tmp_path / "config.toml")]
    with Terminal(command, environment, columns=240, folder=tmp_path) as terminal:
        assert terminal.wait(30) == 2
        assert b"this is a mistake in mailsec or a plugin: ValueError" in terminal.output
        assert b"mistakes.log tells where it was." in terminal.output
        assert b"Traceback" not in terminal.output
    log = tmp_path / "state" / "mistakes.log"
    assert "in broken\n" in log.read_text()
