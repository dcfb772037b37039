"""The commands in pipes with `openssl cms` and `gpgsm`, both ways."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.peer

MESSAGE = (
    b"From: Alice <alice@example.org>\nTo: alice@example.org\nSubject: The plan\nMIME-Version: 1.0\n"
    b"Content-Type: text/plain; charset=us-ascii\n\nHello Alice.\n"
)
CONTENT = bytes(range(256)) * 400
HEAD = ("-from", "alice@example.org", "-to", "alice@example.org", "-subject", "x")

Pipe = Callable[..., bytes]


@pytest.fixture(scope="module")
def pipe(pki: Any, tmp_path_factory: pytest.TempPathFactory) -> Pipe:
    """Runs a pipe of the shell, in which `mailsec` has Alice's RSA key and trusts the test authority."""
    home = tmp_path_factory.mktemp("home")
    (home / "alice.pem").write_bytes(pki.alice["rsa"].to_pem())
    (home / "cbc.toml").write_text('[plugins.smime]\ncapabilities = ["aes256-cbc"]\n')
    options = f"--trust {pki.folder / 'ca.pem'} --identity {home / 'alice.pem'}"
    (home / "mailsec").write_text(
        f'#!/bin/sh\nname="$1"; shift\nexec {shlex.quote(sys.executable)} -m mailsec smime "$name" {options} "$@"\n'
    )
    (home / "mailsec").chmod(0o755)
    files = f"-signer {pki.folder / 'rsa.pem'} -inkey {pki.folder / 'rsa.key'}"
    reader = f"-recip {pki.folder / 'rsa.pem'} -inkey {pki.folder / 'rsa.key'}"
    names = {
        "SIGNER": files,
        "READER": reader,
        "TO": str(pki.folder / "rsa.pem"),
        "CA": str(pki.folder / "ca.pem"),
        "CBC": f"--config {home / 'cbc.toml'}",
    }
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "MAILSEC_"))},
        **names,
        "HOME": str(home),
        "PATH": f"{home}{os.pathsep}{os.environ['PATH']}",
    }

    def run(command: str, stdin: bytes, status: int = 0) -> bytes:
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command], input=stdin, env=environment, cwd=home, capture_output=True,
            check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == status, (command, done.stderr.decode())
        return done.stdout

    return run


def lines(octets: bytes) -> bytes:
    return octets.replace(b"\r\n", b"\n")


@pytest.mark.parametrize(
    ("command", "ending"),
    [
        ("openssl cms -sign $SIGNER $HEAD | mailsec verify --output -", b"\n\nHello Alice.\n"),
        ("openssl cms -sign -nodetach -stream $SIGNER $HEAD | mailsec verify --output -", b"\n\nHello Alice.\n"),
        ("openssl cms -encrypt -aes-256-gcm -stream $HEAD $TO | mailsec decrypt", b"\n\nHello Alice.\n"),
        (
            "openssl cms -sign $SIGNER | openssl cms -encrypt -aes128 $HEAD $TO | mailsec verify --output -",
            b"\n\nHello Alice.\n",
        ),
        ("mailsec sign | openssl cms -verify -CAfile $CA", b"\n\nHello Alice.\n"),
        ("mailsec sign --opaque | openssl cms -verify -CAfile $CA", b"\n\nHello Alice.\n"),
        ("mailsec encrypt | openssl cms -decrypt $READER", b"\n\nSubject: The plan\n\nHello Alice.\n"),
        (
            "mailsec encrypt --sign | openssl cms -decrypt $READER | openssl cms -verify -CAfile $CA",
            b"\n\nSubject: The plan\n\nHello Alice.\n",
        ),
    ],
)
def test_messages_and_openssl(command: str, ending: bytes, pipe: Pipe, openssl: Any) -> None:
    del openssl  # it is there
    assert lines(pipe(command.replace("$HEAD", " ".join(HEAD)), MESSAGE)).endswith(ending)


@pytest.mark.parametrize(
    "command",
    [
        "openssl cms -sign -binary -nodetach -stream -outform DER $SIGNER | mailsec verify --output -",
        "openssl cms -sign -binary -nodetach -outform PEM $SIGNER | mailsec verify --output -",
        "tee c | openssl cms -sign -binary -outform DER $SIGNER | mailsec verify --content c --output -",
        "openssl cms -encrypt -binary -aes256 -outform DER $TO | mailsec decrypt",
        "openssl cms -encrypt -binary -aes-128-gcm -stream -outform PEM $TO | mailsec decrypt",
        "mailsec sign --cms | openssl cms -verify -binary -inform DER -CAfile $CA",
        "tee d | mailsec sign --cms --detached | openssl cms -verify -binary -content d -inform DER -CAfile $CA",
        "mailsec encrypt --cms --to alice@example.org | openssl cms -decrypt -binary -inform DER $READER",
        "mailsec encrypt --cms --pem --to alice@example.org | openssl cms -decrypt -binary -inform PEM $READER",
    ],
)
def test_files_and_openssl(command: str, pipe: Pipe, openssl: Any) -> None:
    del openssl
    assert pipe(command, CONTENT) == CONTENT


def test_files_and_gpgsm(pipe: Pipe, gpgsm: Any) -> None:
    signer = ("--local-user", "alice@example.org", "--include-certs", "1")
    for armour in ((), ("--armor",)):
        made = gpgsm("--sign", *signer, *armour, stdin=CONTENT)
        assert pipe("mailsec verify --output -", made) == CONTENT
        sealed = gpgsm("--encrypt", "--recipient", "alice@example.org", *armour, stdin=CONTENT)
        assert pipe("mailsec decrypt", sealed) == CONTENT
    detached = gpgsm("--sign", "--detach-sign", *signer, stdin=CONTENT)
    pipe("cat > s", detached)
    assert b"verified: " in pipe("cat > c; mailsec verify --content c s", CONTENT)


def test_gpgsm_takes_ours(pipe: Pipe, gpgsm: Any, tmp_path: Path) -> None:
    (tmp_path / "content").write_bytes(CONTENT)
    (tmp_path / "whole").write_bytes(pipe("mailsec sign --cms", CONTENT))
    assert b"Good signature" in gpgsm("--verify", str(tmp_path / "whole"))
    (tmp_path / "detached").write_bytes(pipe("mailsec sign --cms --detached --pem", CONTENT))
    assert b"Good signature" in gpgsm("--verify", str(tmp_path / "detached"), str(tmp_path / "content"))
    sealed = pipe("mailsec encrypt --cms --to alice@example.org $CBC", CONTENT)  # gpgsm 2.2 knows no GCM
    assert gpgsm("--decrypt", stdin=sealed) == CONTENT


@pytest.mark.parametrize("command", ["mailsec verify --output -", "mailsec decrypt"])
def test_what_is_changed_on_the_way_gives_nothing(command: str, pipe: Pipe, openssl: Any) -> None:
    del openssl
    make = "openssl cms -sign -binary -nodetach -outform DER $SIGNER" if "verify" in command else (
        "openssl cms -encrypt -binary -aes-256-gcm -outform DER $TO"
    )  # fmt: skip
    made = bytearray(pipe(make, CONTENT))
    made[len(made) // 2] ^= 1
    assert pipe(command, bytes(made), status=1) == b""
