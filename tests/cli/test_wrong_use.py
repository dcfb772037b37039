"""Wrong use and bad input: one clear sentence that names the thing, the right exit status, never a traceback."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mailsec.crypto.issue import issue

PLAIN = b"From: a@example.org\r\nSubject: x\r\n\r\nbody\r\n"

USAGE = [
    ("no command and no terminal", [], ["needs a terminal"]),
    ("an unknown command", ["frobnicate"], ["invalid choice", "'frobnicate'"]),
    ("an unknown option", ["check", "--frobnicate", "plain.eml"], ["unrecognized arguments", "--frobnicate"]),
    ("an option cut short", ["check", "--js", "plain.eml"], ["--js"]),
    ("check without a file", ["check"], ["FILE", "required"]),
    ("a missing file", ["check", "missing.eml"], ["missing.eml", "no such file"]),
    ("a missing folder in the path", ["check", "plain.eml/x"], ["plain.eml/x", "cannot be read"]),
    ("a folder without mail", ["check", "empty"], ["empty", "neither a Maildir nor"]),
    ("an empty name", ["check", "plain.eml", ""], ["name", "empty"]),
    ("a name with control codes", ["check", "\x1b[31mevil"], ["no such file"]),
    ("an option with control codes", ["check", "--\x1b[31mevil", "plain.eml"], ["unrecognized arguments"]),
    ("a time without offset", ["check", "--at", "2026-05-01T12:00:00", "plain.eml"], ["--at", "RFC 3339"]),
    ("a day instead of a time", ["check", "--at", "2026-05-01", "plain.eml"], ["--at", "RFC 3339"]),
    ("a time that there is not", ["check", "--at", "2026-02-30T12:00:00Z", "plain.eml"], ["--at", "2026-02-30"]),
    ("no time at all", ["check", "--at", "yesterday", "plain.eml"], ["--at", "'yesterday'"]),
    ("a missing DNS file", ["check", "--dns", "missing.zone", "plain.eml"], ["missing.zone", "No such file"]),
    ("a malformed DNS file", ["check", "--dns", "bad.zone", "plain.eml"], ["bad.zone, line 2", "'NONSENSE'"]),
    ("a DNS file that is a folder", ["check", "--dns", "empty", "plain.eml"], ["empty", "directory"]),
    ("missing trust anchors", ["check", "--trust", "missing.pem", "plain.eml"], ["missing.pem", "No such file"]),
    ("trust anchors that are none", ["check", "--trust", "rubbish", "plain.eml"], ["rubbish", "no trust anchors"]),
    ("a missing identity", ["check", "--identity", "missing.p12", "plain.eml"], ["missing.p12", "No such file"]),
    ("an identity that is none", ["check", "--identity", "rubbish", "plain.eml"], ["rubbish", "cannot be used"]),
    ("an empty identity", ["check", "--identity", "empty.pem", "plain.eml"], ["empty.pem", "empty"]),
    ("a PKCS#12 file cut off", ["check", "--identity", "cut.p12", "plain.eml"], ["cut.p12", "cut off"]),
    (
        "a PKCS#12 file without password",
        ["check", "--identity", "good.p12", "plain.eml"],
        ["good.p12", "no password", "--password-command"],
    ),
    (
        "a wrong password",
        ["check", "--identity", "good.p12", "--password-command", "echo wrong", "plain.eml"],
        ["good.p12", "password", "wrong"],
    ),
    (
        "a password command that fails",
        ["check", "--identity", "good.p12", "--password-command", "exit 7", "plain.eml"],
        ["password command", "7"],
    ),
    (
        "a password command that prints nothing",
        ["check", "--identity", "good.p12", "--password-command", "true", "plain.eml"],
        ["password command", "nothing"],
    ),
    (
        "a password command that never stops printing",
        ["check", "--identity", "good.p12", "--password-command", "yes", "plain.eml"],
        ["password command", "more than"],
    ),
    (
        "a password command that is ended",
        ["check", "--identity", "good.p12", "--password-command", "kill -9 $$", "plain.eml"],
        ["password command", "signal 9"],
    ),
    ("an address that is none", ["check", "--ip", "999.1.1.1", "plain.eml"], ["--ip", "'999.1.1.1'"]),
    ("a missing configuration", ["--config", "missing.toml", "check", "plain.eml"], ["missing.toml", "no such"]),
    ("a configuration that is no TOML", ["--config", "rubbish", "check", "plain.eml"], ["rubbish", "TOML"]),
    ("an unknown key", ["check", "--config", "unknown.toml", "plain.eml"], ["unknown.toml", "dns_fiel"]),
    ("a table for no plugin", ["check", "--config", "plugin.toml", "plain.eml"], ["plugins.dikm", "dkim"]),
    ("a plugin's key that there is not", ["check", "--config", "key.toml", "plain.eml"], ["plugins.dkim", "selektor"]),
    ("a name server that is none", ["check", "--config", "server.toml", "plain.eml"], ["dns.example", "name server"]),
    ("an option without its value", ["check", "plain.eml", "--config"], ["--config", "value"]),
    ("plugins without an action", ["plugins"], ["ACTION", "required"]),
    ("a demonstration where something is", ["demo", "--make", "full"], ["full", "not an empty folder"]),
    ("a demonstration where a file is", ["demo", "--make", "plain.eml"], ["plain.eml", "not an empty folder"]),
    ("no plugin that could judge", ["check", "--no-plugin", "dkim", "--no-plugin=smime", "plain.eml"], ["no plugin"]),
]


@pytest.fixture(scope="module")
def pkcs12() -> bytes:
    from datetime import UTC, datetime, timedelta

    now = datetime.now(UTC)
    made = issue(None, "alice@example.org", not_before=now, not_after=now + timedelta(days=1))
    return made.to_pkcs12(b"secret")


@pytest.fixture
def files(tmp_path: Path, pkcs12: bytes) -> Path:
    for name, octets in {
        "plain.eml": PLAIN,
        "bad.zone": b"a. TXT x\nb. NONSENSE y\n",
        "rubbish": bytes(range(256)) * 8,
        "empty.pem": b"",
        "good.p12": pkcs12,
        "cut.p12": pkcs12[: len(pkcs12) // 2],
        "unknown.toml": b'dns_fiel = "x"\n',
        "plugin.toml": b"[plugins.dikm]\ndomain = 'example.org'\n",
        "key.toml": b"[plugins.dkim]\nselektor = 'x'\n",
        "server.toml": b"nameservers = ['dns.example']\n",
        "none.zone": b"",
        "full/file": b"",
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(octets)
    (tmp_path / "empty").mkdir()
    return tmp_path


@pytest.mark.parametrize(("arguments", "words"), [c[1:] for c in USAGE], ids=[c[0] for c in USAGE])
def test_wrong_use(run: Any, files: Path, arguments: list[str], words: list[str]) -> None:
    done = run(*arguments)
    assert done.returncode == 2, done
    assert "\x1b" not in done.stderr
    for word in words:
        assert word in done.stderr
    assert len(done.stderr.splitlines()) == 1 or done.stderr.startswith("usage: mailsec")


def test_the_password_is_nowhere(run: Any, files: Path) -> None:
    done = run(
        "check", "--dns", "none.zone", "--identity", "good.p12", "--password-command", "echo hunter2", "plain.eml"
    )
    assert done.returncode == 2
    assert "hunter2" not in done.stderr.replace("echo hunter2", "") + done.stdout


def test_the_right_password(run: Any, files: Path) -> None:
    done = run(
        "check", "--dns", "none.zone", "--identity", "good.p12", "--password-command", "echo secret", "plain.eml"
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 1),
        (b"\0" * 5000, 1),
        (random.Random(1).randbytes(5000), 1),
        (b"\xff\xfe" + PLAIN, 1),
        (PLAIN, 0),
        (b"\n\n\n", 1),
        (b"From: a@example.org\r\nContent-Type: multipart/signed\r\n\r\n", 0),
    ],
    ids=["nothing", "zeros", "random", "a byte order mark", "a message", "line ends", "an empty multipart/signed"],
)
def test_rubbish_has_a_verdict(run: Any, files: Path, content: bytes, status: int) -> None:
    done = run("check", "--dns", "none.zone", "-", input=content)
    assert (done.returncode, done.stderr) == (status, "")


def test_one_bad_file_does_not_cost_the_others(run: Any, files: Path) -> None:
    done = run("check", "--dns", "none.zone", "plain.eml", "missing.eml", "empty", "plain.eml")
    assert done.returncode == 2
    assert done.stdout.count("Nobody vouches") == 2
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["mailsec", "mailsec"]
    assert "missing.eml" in done.stderr


def test_a_plugin_that_there_is_not_is_named(run: Any, files: Path) -> None:
    done = run("check", "--dns", "none.zone", "--no-plugin", "dkmi", "plain.eml")
    assert done.returncode == 0
    assert "'dkmi'" in done.stderr


@pytest.mark.parametrize("place", ["before", "after", "both"])
def test_global_options_stand_before_or_after_the_command(run: Any, files: Path, place: str) -> None:
    (files / "good.toml").write_text('dns_file = "none.zone"\n')
    options = ["--config", "good.toml", "--no-plugin", "smime"]
    arguments = {
        "before": [*options, "plugins", "list"],
        "after": ["plugins", "list", *options],
        "both": [*options[:2], "plugins", *options[2:], "list"],
    }[place]
    done = run(*arguments)
    assert done.returncode == 0
    assert "smime" in done.stdout
    assert "(left out)" in done.stdout


def test_our_own_mistakes_are_a_sentence_and_a_traceback_on_demand(
    run: Any, files: Path, environment: dict[str, str]
) -> None:
    # a module in the place of ours that fails in a way that nobody foresaw
    broken = files / "site" / "sitecustomize.py"
    broken.parent.mkdir()
    broken.write_text(
        "import mailsec.config\ndef load(path): raise ZeroDivisionError('odd')\nmailsec.config.load = load\n"
    )
    done = run("check", "plain.eml", PYTHONPATH=str(broken.parent))
    assert done.returncode == 2
    assert "mistake in mailsec" in done.stderr
    assert "ZeroDivisionError: odd" in done.stderr
    assert "MAILSEC_DEBUG=1" in done.stderr
    with pytest.raises(AssertionError, match="Traceback"):
        run("check", "plain.eml", PYTHONPATH=str(broken.parent), MAILSEC_DEBUG="1")


def test_a_file_name_that_is_no_text(run: Any, files: Path, letter: Callable[[str], str]) -> None:
    name = os.fsdecode(b"odd-\xff\x1b[31m.eml")
    (files / name).write_bytes(PLAIN)
    done = run("check", "--dns", "none.zone", "--explain", name)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", [["check", "--dns", "none.zone", "plain.eml"], ["plugins", "list"]])
def test_a_full_disk_is_no_mistake_of_ours(
    files: Path, environment: dict[str, str], arguments: list[str], unbuffered: str
) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "mailsec", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            env={**environment, "PYTHONUNBUFFERED": unbuffered},
            cwd=files,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.decode() == "mailsec: the output cannot be written: No space left on device\n"


def test_closed_streams(files: Path, environment: dict[str, str]) -> None:
    def run(redirection: str, *arguments: str) -> tuple[int, str]:
        done = subprocess.run(
            [
                "/bin/sh",
                "-c",
                f'exec "$0" -m mailsec check --dns none.zone "$@" {redirection}',
                sys.executable,
                *arguments,
            ],
            capture_output=True,
            env=environment,
            cwd=files,
            check=False,
        )
        return done.returncode, done.stderr.decode()

    assert run(">&-", "plain.eml") == (0, "")
    assert run("<&-", "plain.eml", "-") == (2, "mailsec: standard input is closed: there is no message to read\n")
    assert run("2>&-", "missing.eml") == (2, "")
