"""Runs the real command in a process of its own, with a home and a configuration of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mailsec.demo import make_mailbox, write_mailbox
from mailsec.hooks.manager import PluginManager

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demonstration mailbox."""
    folder = tmp_path_factory.mktemp("demo") / "mailbox"
    write_mailbox(asyncio.run(make_mailbox(PluginManager(), datetime.now(UTC))), folder)
    return folder


@pytest.fixture(scope="session")
def letter(demo: Path) -> Callable[[str], str]:
    """The file of a message of the demonstration, by its name."""
    return lambda name: str(next((demo / "Maildir" / "cur").glob(f"*.{name}:2,")))


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment in which nothing of the user's is found."""
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "LANG", "LC_ALL", "TMPDIR")}
    return {**kept, "HOME": str(home), "SSL_CERT_FILE": "", "PYTHONWARNINGS": "error", "PYTHONUTF8": "1"}


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    """Runs `mailsec` with arguments; whatever happens, there is no traceback."""

    def run(*arguments: object, input: str | bytes = b"", **env: Any) -> subprocess.CompletedProcess[str]:  # noqa: A002
        done = subprocess.run(
            [sys.executable, "-m", "mailsec", *map(str, arguments)],
            input=input.encode() if isinstance(input, str) else input,
            capture_output=True,
            env={**environment, **env},
            cwd=tmp_path,
            timeout=60,
            check=False,
        )
        result = subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")
        )
        assert "Traceback" not in result.stderr, result.stderr
        return result

    return run
