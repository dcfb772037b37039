"""`mailsec check`: verdicts, exit statuses, table, reasons and JSON."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PLAIN = b"From: a@example.org\r\nSubject: x\r\n\r\nbody\r\n"
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\u200b\ufeff]")

STATUS = [
    ("verified", ["smime-rsa"], 0),
    ("authenticated", ["dkim-rsa"], 0),
    ("unauthenticated", ["plain"], 0),
    ("warning", ["dkim-tampered-body"], 1),
    ("failed", ["smime-tampered"], 1),
    ("the highest of all", ["smime-rsa", "smime-tampered", "plain"], 1),
]


@pytest.mark.parametrize(("names", "status"), [c[1:] for c in STATUS], ids=[c[0] for c in STATUS])
def test_exit_status(run: Any, demo: Path, letter: Callable[[str], str], names: list[str], status: int) -> None:
    done = run("--config", demo / "config.toml", "check", *map(letter, names))
    assert (done.returncode, done.stderr) == (status, "")


def test_trouble_with_dns_is_3_and_after_2_the_highest(
    run: Any, demo: Path, letter: Callable[[str], str], tmp_path: Path
) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'nameservers = ["127.0.0.1@1"]\ntrust = ["{demo / "trust.pem"}"]\ntimeout = 5.0\n')
    command = ("--config", config, "check")
    signed, bad = letter("dkim-rsa"), letter("smime-tampered")
    alone = run(*command, signed)
    assert (alone.returncode, alone.stderr) == (3, "")
    assert "unauthenticated" in alone.stdout
    assert run(*command, bad, signed).returncode == 3  # 3 is more than 1
    assert run(*command, bad, signed, "missing.eml").returncode == 2  # and 2 is more than 3
    # what a person signed is verified, whatever the transport says (row 7)
    assert run(*command, letter("smime-and-dkim")).returncode == 0


def test_the_whole_mailbox_as_a_table(run: Any, demo: Path) -> None:
    done = run("--config", demo / "config.toml", "check", demo / "Maildir")
    rows = done.stdout.splitlines()
    assert done.returncode == 1
    assert rows[-1].endswith("13 verified, 16 authenticated, 27 unauthenticated, 14 warning, 1 failed")
    assert {row[0] for row in rows[:-2]} == set("VA-!X")
    assert all("judged with DNS from dns.zone" in row for row in rows[:-2])
    assert not CONTROL.search(done.stdout)


def test_the_whole_mailbox_explained(run: Any, demo: Path) -> None:
    done = run("check", "--explain", "--dns", demo / "dns.zone", "--trust", demo / "trust.pem", demo / "Maildir")
    assert done.returncode == 1
    assert not CONTROL.search(done.stdout)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        (
            "dkim-rsa",
            [
                "A authenticated",
                "V DKIM signature  dkim=pass",
                "header.d = example.org",
                "covers: the whole body",
                "header fields covered: ",
                "subject",
                "DNS: s1._domainkey.example.org TXT (",
                '"v=DKIM1; k=rsa; p=',
            ],
        ),
        ("dkim-appended", ["! DKIM signature  dkim=policy", "(partial)"]),
        ("dkim-missing-key", ["dkim=permerror", "(no-key)", "there is no such name"]),
        (
            "smime-rsa",
            [
                "V S/MIME signature  smime=pass",
                "covers: the whole body",
                "From is vouched for by the certificate",
                "header fields not covered: to, subject, date",
                "certificate: Alice, Example",
                "issued by Example Mail CA 2, Example",
                "your trust anchor: a file that you named",
                "Layer 1: the signed content",
            ],
        ),
        ("smime-partly-signed", ["smime=pass", "does not cover: the rest of the body|does not cover: part", "Layer 1"]),
        (
            "smime-unknown-issuer",
            ["smime=policy", "(untrusted)", "X certificate: Alice, Example", "whose certificate is not at hand"],
        ),
        ("smime-tampered", ["X S/MIME signature  smime=fail", "(digest)"]),
        (
            "two-from-fields",
            ["From     The Director <director@example.org>", "From     Carol Sample <carol@example.com>"],
        ),
    ],
)
def test_reasons(run: Any, demo: Path, letter: Callable[[str], str], name: str, wanted: list[str]) -> None:
    done = run("--config", demo / "config.toml", "check", "--explain", letter(name))
    for words in wanted:
        assert any(word in done.stdout for word in words.split("|")), (words, done.stdout)


def test_a_certificate_that_does_not_count_vouches_for_no_from(
    run: Any, demo: Path, letter: Callable[[str], str]
) -> None:
    for name in ("smime-unknown-issuer", "smime-tampered"):
        done = run("--config", demo / "config.toml", "check", "--explain", letter(name))
        assert "From is vouched for" not in done.stdout


def test_json(run: Any, demo: Path, letter: Callable[[str], str]) -> None:
    done = run("--config", demo / "config.toml", "check", "--json", letter("dkim-rsa"), letter("smime-tampered"))
    good, bad = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 1
    assert good["schema"] == 1
    assert good["file"] == letter("dkim-rsa")
    assert good["from"] == ["alice@example.org"]
    assert good["verdict"]["level"] == "authenticated"
    assert good["verdict"]["identity"] == "example.org"
    assert good["conditions"] == ["DNS from dns.zone"]
    (result,) = [one for one in good["results"] if one["method"] == "dkim"]
    assert (result["result"], result["properties"]["header.d"], result["layer"]) == ("pass", "example.org", 0)
    assert result["covers"]["whole"] is True
    assert "subject" in result["covers"]["fields"]
    assert bad["verdict"]["level"] == "failed"


def test_a_chosen_time_says_so_and_counts(run: Any, demo: Path, letter: Callable[[str], str]) -> None:
    command = ("--config", demo / "config.toml", "check", "--json", letter("smime-rsa"), "--at")
    done = run(*command, "2099-01-01T01:00:00.5+01:00")
    verdict = json.loads(done.stdout)["verdict"]
    assert done.returncode == 1
    assert verdict["level"] == "warning"  # the certificate has expired by then
    assert "2099-01-01T00:00:00Z" in verdict["sentence"]
    assert json.loads(done.stdout)["conditions"] == ["DNS from dns.zone", "the time 2099-01-01T00:00:00Z"]


def test_standard_input(run: Any, demo: Path, letter: Callable[[str], str]) -> None:
    octets = Path(letter("smime-rsa")).read_bytes()
    done = run("--config", demo / "config.toml", "check", "--json", "-", input=octets)
    assert (done.returncode, json.loads(done.stdout)["file"]) == (0, "-")


def test_an_mbox_file(run: Any, demo: Path, letter: Callable[[str], str], tmp_path: Path) -> None:
    mbox = tmp_path / "archive"
    mbox.write_bytes(
        b"".join(
            b"From alice@example.org Fri May  1 12:00:00 2026\r\n" + Path(letter(name)).read_bytes() + b"\r\n"
            for name in ("dkim-rsa", "smime-opaque", "plain")
        )
    )
    done = run("--config", demo / "config.toml", "check", "--json", mbox)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["file"] for one in found] == [f"{mbox}:{number}" for number in (1, 2, 3)]
    assert [one["verdict"]["level"] for one in found] == ["authenticated", "verified", "unauthenticated"]


def test_a_large_message_and_bare_line_feeds(
    run: Any, demo: Path, letter: Callable[[str], str], tmp_path: Path
) -> None:
    large = tmp_path / "large.eml"
    large.write_bytes(PLAIN + b"x" * 70 + b"\r\n" + (b"y" * 76 + b"\r\n") * 40_000)
    unix = tmp_path / "unix.eml"
    unix.write_bytes(Path(letter("dkim-rsa")).read_bytes().replace(b"\r\n", b"\n"))
    done = run("--config", demo / "config.toml", "check", "--json", large, unix)
    levels = [json.loads(line)["verdict"]["level"] for line in done.stdout.splitlines()]
    assert levels == ["unauthenticated", "authenticated"]


def test_the_envelope_is_taken(run: Any, demo: Path, letter: Callable[[str], str]) -> None:
    done = run(
        "--config",
        demo / "config.toml",
        "check",
        letter("dkim-rsa"),
        "--ip",
        "192.0.2.1",
        "--helo",
        "mx",
        "--mail-from",
        "<>",
    )
    assert (done.returncode, done.stderr) == (0, "")


# -- the terminal --------------------------------------------------------------------------------------------


def on_a_terminal(command: list[str], environment: dict[str, str]) -> str:
    leader, follower = pty.openpty()
    with subprocess.Popen(command, stdout=follower, stdin=subprocess.DEVNULL, env=environment) as process:
        os.close(follower)
        seen = b""
        while True:
            try:
                octets = os.read(leader, 65536)
            except OSError:
                break
            if not octets:
                break
            seen += octets
        process.wait(60)
    os.close(leader)
    return seen.decode()


@pytest.mark.parametrize(("more", "colour"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)])
def test_colour_on_a_terminal_only_where_wanted(
    demo: Path, letter: Callable[[str], str], environment: dict[str, str], more: dict[str, str], colour: bool
) -> None:
    command = [
        sys.executable,
        "-m",
        "mailsec",
        "--config",
        str(demo / "config.toml"),
        "check",
        letter("smime-tampered"),
    ]
    shown = on_a_terminal(command, {**environment, "TERM": "xterm", "COLUMNS": "80", **more})
    assert ("\x1b[1;31mX failed" in shown) is colour
    assert "X failed" in shown.replace("\x1b[1;31m", "")  # colour is never alone


@pytest.mark.parametrize("columns", [40, 80, 120, 200])
def test_rows_fit_the_terminal(
    demo: Path, letter: Callable[[str], str], environment: dict[str, str], columns: int
) -> None:
    command = [sys.executable, "-m", "mailsec", "check", "--dns", str(demo / "dns.zone"), letter("wide-characters")]
    shown = on_a_terminal(command, {**environment, "TERM": "dumb", "COLUMNS": str(columns)})
    from mailsec.cli.screen import width

    lines = shown.splitlines()
    assert all(width(line) <= columns for line in lines)
    assert "Nobody vouches" in " ".join(shown.split())


# -- pipes and signals ---------------------------------------------------------------------------------------


def test_a_reader_that_goes_away_is_no_error(demo: Path, environment: dict[str, str], tmp_path: Path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    for number in range(300):
        shutil.copy(next((demo / "Maildir" / "cur").glob("*.plain:2,")), many / f"{number}.eml")
    command = (
        f"{sys.executable} -m mailsec check --explain --dns {demo / 'dns.zone'} {many}; echo $? >{tmp_path / 'status'}"
    )
    done = subprocess.run(
        ["bash", "-c", f"({command}) | head -1"], capture_output=True, env=environment, check=False, timeout=60
    )
    assert done.stdout.count(b"\n") == 1
    assert done.stderr == b""
    assert (tmp_path / "status").read_text() == "141\n"


@pytest.fixture
def silence(tmp_path: Path) -> Iterator[tuple[Path, socket.socket]]:
    """A configuration with a name server that never answers, and its socket."""
    with contextlib.closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as silent:
        silent.bind(("127.0.0.1", 0))
        config = tmp_path / "silence.toml"
        config.write_text(f'nameservers = ["127.0.0.1@{silent.getsockname()[1]}"]\ntimeout = 1.0\n')
        silent.settimeout(60)
        yield config, silent


def test_a_name_server_that_never_answers_costs_the_time_of_the_check_and_no_more(
    run: Any, letter: Callable[[str], str], silence: tuple[Path, socket.socket]
) -> None:
    done = run(
        "--config", silence[0], "check", "--json", *[letter(name) for name in ("dkim-rsa", "plain", "dkim-both")]
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert (done.returncode, done.stderr) == (3, "")
    assert [one["verdict"]["level"] for one in found] == ["unauthenticated"] * 3
    assert [one["file"] for one in found] == [letter(name) for name in ("dkim-rsa", "plain", "dkim-both")]
    assert [{result["result"] for result in one["results"]} & {"temperror"} for one in found] == [
        {"temperror"}, set(), {"temperror"},
    ]  # fmt: skip


def interrupted(command: list[str], environment: dict[str, str], until: Callable[[], object]) -> tuple[int, bytes]:
    # an interrupt between two steps may leave a file to the interpreter to close: no warning about that
    quiet = {**environment, "PYTHONWARNINGS": "ignore"}
    # where the tests run in the background of a shell, interrupts are ignored, and children inherit that
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=quiet)
    finally:
        signal.signal(signal.SIGINT, before)
    with process:
        until()
        process.send_signal(signal.SIGINT)
        assert process.stderr is not None
        return process.wait(60), process.stderr.read()


def test_an_interrupt_is_quiet_while_input_is_awaited(environment: dict[str, str], tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    ends: list[int] = []
    command = [sys.executable, "-m", "mailsec", "check", str(pipe)]

    def wait_for_reader() -> None:
        deadline = time.monotonic() + 60
        while not ends and time.monotonic() < deadline:
            with contextlib.suppress(OSError):  # nobody reads from it yet
                ends.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
            time.sleep(0.02)

    done = interrupted(command, environment, wait_for_reader)
    os.close(ends[0])
    assert done == (130, b"")


def test_an_interrupt_is_quiet_while_dns_is_awaited(
    environment: dict[str, str], letter: Callable[[str], str], silence: tuple[Path, socket.socket], tmp_path: Path
) -> None:
    _, silent = silence
    config = tmp_path / "patient.toml"
    config.write_text(f'nameservers = ["127.0.0.1@{silent.getsockname()[1]}"]\ntimeout = 60.0\n')
    command = [sys.executable, "-m", "mailsec", "--config", str(config), "check", letter("dkim-rsa")]
    assert interrupted(command, environment, lambda: silent.recv(1)) == (130, b"")


# -- the demonstration ---------------------------------------------------------------------------------------


def test_the_demonstration_is_made_and_checked(run: Any, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    done = run("demo", TMPDIR=str(scratch))
    assert (done.returncode, done.stderr) == (0, "")
    assert "13 verified, 16 authenticated, 27 unauthenticated, 14 warning, 1 failed" in done.stdout
    assert list(scratch.iterdir()) == []  # gone again


def test_the_demonstration_stays_where_it_is_wanted(run: Any, tmp_path: Path) -> None:
    done = run("demo", "--make", "here")
    assert (done.returncode, done.stderr) == (0, "")
    command = next(line for line in done.stdout.splitlines() if line.startswith("  mailsec "))
    assert run(*command.split()[1:]).stdout.count("\n") > 60
    again = run("demo", "--make", "here")
    assert again.returncode == 2
    assert "nothing was written" in again.stderr


def test_the_demonstration_without_a_plugin(run: Any) -> None:
    done = run("demo", "--no-plugin", "smime")
    assert done.returncode == 0
    assert "no plugin that is installed brings a protector named smime" in done.stderr
    assert "smime-rsa" in done.stderr
    assert "authenticated" in done.stdout
