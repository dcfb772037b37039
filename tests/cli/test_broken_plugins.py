"""Broken plugins, installed as distributions: each is named, and everything else goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Install = Callable[[str, str], None]

VERIFIER = """
from mailsec.hooks import AuthResult, Command, Result, Verifier, hookimpl
import asyncio, time
{code}
@hookimpl
def mailsec_verifiers():
    return [Verifier(name="{name}", methods=("{method}",), {form}, timeout=0.5)]
"""


@pytest.fixture
def install(tmp_path: Path) -> Install:
    """Installs a plugin: a module and its metadata in a folder that stands on the path."""

    def install(name: str, code: str) -> None:
        folder = tmp_path / "site"
        info = folder / f"broken_{name}-1.2.3.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: broken-{name}\nVersion: 1.2.3\n")
        (info / "entry_points.txt").write_text(f"[mailsec]\n{name} = broken_{name}\n")
        (folder / f"broken_{name}.py").write_text(code)

    return install


def verifier(name: str, code: str, form: str, method: str = "x-broken") -> str:
    return VERIFIER.format(name=name, code=code, form=form, method=method)


BROKEN = [
    (
        "raises at import",
        "boom",
        "raise RuntimeError('no such luck')",
        "cannot be imported: RuntimeError: no such luck",
        None,
    ),
    ("ends the program at import", "exit", "import sys; sys.exit(7)", "cannot be imported: SystemExit: 7", None),
    ("is no Python", "syntax", "def (", "cannot be imported: SyntaxError", None),
    ("imports what is not there", "lacks", "import no_such_module", "cannot be imported: ModuleNotFoundError", None),
    (
        "raises in a hook",
        "hook",
        "from mailsec.hooks import hookimpl\n@hookimpl\ndef mailsec_verifiers():\n    1 / 0\n",
        "raised in mailsec_verifiers: ZeroDivisionError",
        None,
    ),
    (
        "returns rubbish from a hook",
        "rubbish",
        "from mailsec.hooks import hookimpl\n@hookimpl\ndef mailsec_verifiers():\n    return 42\n",
        "returned 42 from mailsec_verifiers",
        None,
    ),
    (
        "has a hook that there is not",
        "unknown",
        "from mailsec.hooks import hookimpl\n@hookimpl\ndef mailsec_verfiers():\n    return []\n",
        "mailsec_verfiers",
        None,
    ),
    (
        "claims another's method",
        "thief",
        verifier("thief", "def verify(message, context): return []", "verify=verify", "dkim"),
        "claims 'dkim', which belongs to dkim (mailsec-dkim",
        None,
    ),
    (
        "raises while it verifies",
        "raises",
        verifier("raises", "def verify(message, context): raise KeyError('oops')", "verify=verify"),
        "raised KeyError: 'oops'",
        "temperror",
    ),
    (
        "answers rubbish",
        "answers",
        verifier("answers", "async def verify(message, context): return ['pass']", "verify=verify"),
        "gave str among its results",
        "temperror",
    ),
    (
        "answers for another",
        "lies",
        verifier(
            "lies", "async def verify(message, context): return [AuthResult('dkim', Result.PASS)]", "verify=verify"
        ),
        "gave a result of the method 'dkim', which it has not declared",
        "temperror",
    ),
    (
        "waits for ever",
        "waits",
        verifier("waits", "async def verify(message, context): await asyncio.Event().wait()", "verify=verify"),
        "late",
        "temperror",
    ),
    (
        "blocks a thread",
        "blocks",
        verifier("blocks", "def verify(message, context): time.sleep(60)", "verify=verify"),
        "late",
        "temperror",
    ),
    (
        "blocks the event loop",
        "stops",
        verifier("stops", "def start(header, context): time.sleep(60)", "start=start"),
        "late",
        "temperror",
    ),
]


@pytest.mark.parametrize("case", [c[1:] for c in BROKEN], ids=[c[0] for c in BROKEN])
def test_a_broken_plugin_is_named_and_the_rest_goes_on(
    run: Any,
    *,
    demo: Path,
    letter: Callable[[str], str],
    install: Install,
    tmp_path: Path,
    case: tuple[str, str, str, str | None],
) -> None:
    name, code, words, result = case
    install(name, code)
    command = ("--config", demo / "config.toml", "check", "--json", letter("dkim-rsa"))
    done = run(*command, PYTHONPATH=str(tmp_path / "site"))
    report = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert report["verdict"]["level"] == "authenticated"
    assert words in done.stderr
    assert f"broken-{name} 1.2.3" in done.stderr  # by distribution and version
    assert len(done.stderr.splitlines()) == 1
    found = [one["result"] for one in report["results"] if one["method"] == "x-broken"]
    assert found == ([] if result is None else [result])


@pytest.mark.parametrize("evidence", ["Fact('a', ['b'])", "Fact(1, 2)", "Moment('now')", "CertificatePath(5, True)"])
def test_evidence_that_cannot_be_shown_costs_nothing_else(
    run: Any, *, demo: Path, letter: Callable[[str], str], install: Install, tmp_path: Path, evidence: str
) -> None:
    install(
        "odd",
        "from mailsec.hooks import CertificatePath, Fact, Moment\n"
        + verifier(
            "odd",
            "def verify(message, context):\n"
            f"    return [AuthResult('x-broken', Result.NONE, evidence=({evidence},))]\n",
            "verify=verify",
        ),
    )
    letters = (letter("dkim-rsa"), letter("smime-rsa"))
    done = run("--config", demo / "config.toml", "check", "--explain", *letters, PYTHONPATH=str(tmp_path / "site"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "A authenticated" in done.stdout
    assert "V verified" in done.stdout
    assert done.stdout.count("evidence that cannot be shown") == 2


@pytest.mark.parametrize("name", ["boom", "hook", "raises"])
def test_a_plugins_author_is_shown_where_it_raises(
    environment: dict[str, str], *, letter: Callable[[str], str], install: Install, tmp_path: Path, name: str
) -> None:
    install(name, next(code for _, one, code, *_ in BROKEN if one == name))
    done = subprocess.run(
        [sys.executable, "-m", "mailsec", "check", "--dns", "/dev/null", letter("dkim-rsa")],
        env={**environment, "PYTHONPATH": str(tmp_path / "site"), "MAILSEC_DEBUG": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "Traceback (most recent call last):" in done.stderr
    assert f"broken_{name}.py" in done.stderr


def test_plugins_list_shows_what_is_broken(run: Any, install: Install, tmp_path: Path) -> None:
    install("boom", "raise RuntimeError('no such luck')")
    done = run("plugins", "list", PYTHONPATH=str(tmp_path / "site"))
    assert done.returncode == 0
    assert "! The plugin boom (broken-boom 1.2.3) cannot be imported: RuntimeError: no such luck." in done.stdout
    done = run("plugins", "list", "--json", PYTHONPATH=str(tmp_path / "site"))
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["problems"] != [] for one in found] == [True, False, False]


def test_a_broken_plugin_can_be_left_out(run: Any, install: Install, tmp_path: Path) -> None:
    install("boom", "raise RuntimeError('no such luck')")
    done = run("--no-plugin", "boom", "--help", PYTHONPATH=str(tmp_path / "site"))
    assert (done.returncode, done.stderr) == (0, "")


COMMAND = """
from mailsec.hooks import Command, hookimpl
def configure(parser):
    parser.add_argument("name")
{configure}
{run}
@hookimpl
def mailsec_commands():
    return [Command(name="{name}", help="says hello", configure=configure, run=run)]
"""


def command(run: str, name: str = "hello", configure: str = "") -> str:
    return COMMAND.format(run=run, name=name, configure=configure)


COMMANDS = [
    (
        "a sync one",
        command("def run(arguments, context):\n    print('hello', arguments.name)\n    return 0"),
        0,
        "hello Bob",
        "",
    ),
    (
        "an async one",
        command("async def run(arguments, context):\n    print('hello', arguments.name)\n    return 5"),
        5,
        "hello",
        "",
    ),
    (
        "its own error",
        command(
            "from mailsec.errors import UsageError\ndef run(arguments, context):\n"
            "    raise UsageError(f'there is no {arguments.name}')"
        ),
        2,
        "",
        "mailsec: there is no Bob",
    ),
    (
        "any error",
        command("def run(arguments, context):\n    raise OSError('disk on fire')"),
        2,
        "",
        "the command hello of the plugin greet (broken-greet 1.2.3) raised OSError: disk on fire",
    ),
    ("no status", command("def run(arguments, context):\n    pass"), 2, "", "gave no exit status"),
    (
        "a broken parser",
        command("def run(arguments, context):\n    return 0", configure="    1 / 0"),
        2,
        "",
        "the command hello of the plugin greet (broken-greet 1.2.3) raised ZeroDivisionError",
    ),
]


@pytest.mark.parametrize("case", [c[1:] for c in COMMANDS], ids=[c[0] for c in COMMANDS])
def test_commands_of_plugins(run: Any, install: Install, tmp_path: Path, case: tuple[str, int, str, str]) -> None:
    code, status, out, err = case
    install("greet", code)
    path = {"PYTHONPATH": str(tmp_path / "site")}
    assert "says hello" in run("--help", **path).stdout
    done = run("hello", "Bob", **path)
    assert done.returncode == status
    assert out in done.stdout
    assert err in done.stderr
    assert len(done.stderr.splitlines()) == bool(err)


def test_a_command_cannot_take_a_name_of_the_core(run: Any, install: Install, tmp_path: Path) -> None:
    install("greet", command("def run(arguments, context):\n    return 0", name="check"))
    done = run("--help", PYTHONPATH=str(tmp_path / "site"))
    assert done.returncode == 0
    assert "'check'" in done.stderr
    assert "says hello" not in done.stdout
