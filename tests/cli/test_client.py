"""`mailsec` and `mailsec demo` where there is no terminal, and the client's own mistakes in the configuration."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest


def test_without_a_terminal_there_is_a_sentence(run: Any) -> None:
    done = run()
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "mailsec: the client needs a terminal; mailsec --help names the commands that need none\n"


def test_the_demonstration_prints_its_table_without_a_terminal(run: Any) -> None:
    done = run("demo")
    assert done.returncode == 0
    assert "verified" in done.stdout
    assert "This mailbox is gone again" in done.stdout


def on_a_terminal(environment: dict[str, str], folder: Path, *arguments: str) -> tuple[int, str]:
    """Runs the command on a pseudo-terminal that nobody types on; gives its status and standard error."""
    main, side = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "mailsec", *arguments],
            stdin=side,
            stdout=side,
            stderr=subprocess.PIPE,
            env={**environment, "TERM": "xterm-256color"},
            cwd=folder,
            timeout=60,
            check=False,
        )
    finally:
        os.close(main)
        os.close(side)
    return done.returncode, done.stderr.decode()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("[client.bindings]\nx = 'delte'", "[client.bindings]: x: there is no action 'delte'; did you mean 'delete'?"),
        ("[client.bindings]\nentr = 'open'", "[client.bindings]: 'entr' is no key"),
        ("[client]\nstate = '/proc/mailsec'", "/proc/mailsec cannot be made"),
    ],
)
def test_mistakes_in_the_configuration_are_named(
    environment: dict[str, str], tmp_path: Path, table: str, words: str
) -> None:
    (tmp_path / "config.toml").write_text(table)
    status, said = on_a_terminal(environment, tmp_path, "--config", "config.toml")
    assert status == 2
    assert words in said
    assert "Traceback" not in said
