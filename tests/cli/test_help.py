"""`--help`, `--version` and `plugins list`: quick, and without what they do not need."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from mailsec import __version__

HEAVY = (
    "textual",
    "cryptography",
    "asyncio",
    "dns",
    "ssl",
    "mailsec.message.message",
    "mailsec.pipeline",
    "mailsec.crypto.keys",
)

PROBE = """
import sys
from mailsec.cli import main
status = main({arguments!r})
print("HEAVY", [name for name in {heavy!r} if name in sys.modules], file=sys.stderr)
sys.exit(status)
"""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["check", "--help"], ["-h"]], ids=" ".join)
def test_nothing_heavy_is_imported(environment: dict[str, str], arguments: list[str]) -> None:
    code = PROBE.format(arguments=arguments, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False)
    assert done.stderr.endswith("HEAVY []\n"), done.stderr


def test_help_names_the_commands(run: Any) -> None:
    done = run("--help")
    assert (done.returncode, done.stderr) == (0, "")
    for words in ("check", "demo", "plugins", "--config", "--no-plugin", "Exit status"):
        assert words in done.stdout


@pytest.mark.parametrize("command", ["check", "demo", "plugins", "plugins list"])
def test_each_command_has_help(run: Any, command: str) -> None:
    done = run(*command.split(), "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"usage: mailsec {command}" in done.stdout


def test_help_in_spite_of_a_broken_configuration(run: Any, tmp_path: Any) -> None:
    (tmp_path / "bad.toml").write_text("[[[")
    done = run("--help", "--config", "bad.toml")
    assert done.returncode == 0
    assert "check" in done.stdout
    assert "bad.toml" in done.stderr


def test_version(run: Any) -> None:
    assert run("--version").stdout == f"mailsec {__version__}\n"


def test_plugins_list(run: Any) -> None:
    done = run("plugins", "list")
    rows = {line.split()[0]: line.split() for line in done.stdout.splitlines()}
    assert done.returncode == 0
    assert rows["dkim"][2:4] == ["mailsec-dkim", "dkim"]
    assert "openers," in rows["smime"]
    found = {one["name"]: one for one in map(json.loads, run("plugins", "list", "--json").stdout.splitlines())}
    assert found["smime"]["methods"] == ["smime"]
    assert found["dkim"]["enabled"] is True
    assert found["dkim"]["problems"] == []
