"""The commands of `mailsec smime` as processes, beside `openssl cms` and `gpgsm` as processes: time and memory.

All read a file and write one. A message is text with an attachment in base64, signed clear and encrypted by
AES-256-GCM with RSA of 2048 bits; `gpgsm` knows no messages and no GCM, so that beside it stand files (`--cms`) and
AES-256-CBC. The identity comes from a file, but for memory from the kept keys too: while their password is stretched
they take more.
"""

from __future__ import annotations

import base64
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.gnupg import running_gpgsm
from benchmarks.measure import Figure, beside
from mailsec.crypto.issue import Issued, issue, make_authority

MEMORY = 80.0
"""Megabytes of anonymous memory that a message of 50 MB may take, all in all."""
LARGE = 50_000_000
SMALL = 1_000_000
ADDRESS = "alice@example.org"


def run(*, short: bool) -> list[Figure]:
    """Times the commands for messages and files of 1 MB and 50 MB, and looks at their memory."""
    now = datetime.now(UTC).replace(microsecond=0)
    start, end = now - timedelta(days=1), now + timedelta(days=30)
    authority = make_authority("Benchmark Authority", not_before=start, not_after=end)
    alice = issue(authority, ADDRESS, not_before=start, not_after=end)
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="mailsec-bench-") as name:
        folder = Path(name)
        _write(folder, authority, alice)
        for size in (SMALL, LARGE):
            (folder / "message").write_bytes(_message(size))
            figures += _beside_openssl(folder, size, 1 if short else 5)
        figures += _memory(folder, 1 if short else 3)
        with running_gpgsm(folder, authority, alice) as gpgsm:
            if gpgsm is not None:
                figures += _beside_gpgsm(folder, gpgsm, 1 if short else 5)
    return figures


def _message(octets: int) -> bytes:
    head = (
        f"From: {ADDRESS}\r\nTo: {ADDRESS}\r\nSubject: Benchmark\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nSee the attachment.\r\n--b\r\n"
        "Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    ).encode()
    attachment = base64.encodebytes(os.urandom(octets * 57 // 78)).replace(b"\n", b"\r\n")
    return head + attachment + b"\r\n--b--\r\n"


def _write(folder: Path, authority: Issued, alice: Issued) -> None:
    (folder / "ca.pem").write_bytes(authority.certificate.to_pem())
    (folder / "alice.pem").write_bytes(alice.certificate.to_pem())
    (folder / "alice.key").write_bytes(alice.key.to_pem())
    (folder / "all.pem").write_bytes(alice.to_pem())
    (folder / "password").write_text("a password\n")
    keep = ("keys", "import", str(folder / "all.pem"), *_password(folder))
    _process(folder, [sys.executable, "-m", "mailsec", "smime", *keep])
    (folder / "cbc.toml").write_text('[plugins.smime]\ncapabilities = ["aes256-cbc"]\n')


def _password(folder: Path) -> tuple[str, str]:
    return "--password-command", f"cat {folder / 'password'}"


def _ours(folder: Path, name: str, source: str, target: str, *options: str, kept: bool = False) -> list[str]:
    """One of our commands, from file to file; its key is a kept one, or that of a file."""
    key = _password(folder) if kept else ("--identity", str(folder / "all.pem"))
    judging = ("--trust", str(folder / "ca.pem"), *key)
    files = (str(folder / source), "--output", str(folder / target), "--force")
    return [sys.executable, "-m", "mailsec", "smime", name, *options, *judging, *files]


def _commands(folder: Path) -> dict[str, tuple[list[str], list[str]]]:
    """For each command ours and that of `openssl cms`; what is verified and decrypted is what was made before."""
    certificate, key = str(folder / "alice.pem"), str(folder / "alice.key")
    theirs = {
        "sign": ("-sign", "-signer", certificate, "-inkey", key),
        "verify": ("-verify", "-CAfile", str(folder / "ca.pem")),
        "encrypt": ("-encrypt", "-aes-256-gcm", "-recip", certificate),
        "decrypt": ("-decrypt", "-recip", certificate, "-inkey", key),
    }
    names = {"sign": "message", "verify": "signed", "encrypt": "message", "decrypt": "encrypted"}
    targets = {"sign": "signed", "verify": "content", "encrypt": "encrypted", "decrypt": "content"}
    return {
        name: (
            _ours(folder, name, names[name], targets[name]),
            ["openssl", "cms", *options, "-in", str(folder / names[name]), "-out", str(folder / "out")],
        )
        for name, options in theirs.items()
    }


def _beside_openssl(folder: Path, size: int, rounds: int) -> list[Figure]:
    figures = []
    version = _version("openssl") if shutil.which("openssl") else ""
    for name, (ours, theirs) in _commands(folder).items():
        _process(folder, ours)
        if version:
            mine, peer, ratio = beside(_runs(folder, ours), _runs(folder, theirs), rounds=rounds, repeat=1)
            label = f"mailsec smime {name}, {size // 1_000_000} MB"
            figures.append(Figure(label, mine * 1e3, peer * 1e3, f"{version} cms", "ms", ratio))
    return figures


def _beside_gpgsm(folder: Path, gpgsm: Callable[..., None], rounds: int) -> list[Figure]:
    version = "gpgsm " + _version("gpgsm").split()[-1]
    user, out = ("--local-user", ADDRESS), ("--output", str(folder / "out"))
    files = {"sign": "message", "verify": "signed", "encrypt": "message", "decrypt": "encrypted"}
    options = {
        "sign": ("--cms",),
        "verify": (),
        "encrypt": ("--cms", "--to", ADDRESS, "--config", str(folder / "cbc.toml")),
        "decrypt": (),
    }
    theirs = {
        "sign": (*user, *out, "--sign"),
        "verify": (*out, "--verify"),
        "encrypt": ("--recipient", ADDRESS, "--cipher-algo", "AES256", *out, "--encrypt"),
        "decrypt": (*out, "--decrypt"),
    }
    figures = []
    targets = {"sign": "signed", "verify": "content", "encrypt": "encrypted", "decrypt": "content"}
    for name, source in files.items():
        ours = _ours(folder, name, source, targets[name], *options[name])

        def peer(name: str = name, source: str = source) -> None:
            gpgsm(*theirs[name], str(folder / source))

        _process(folder, ours)
        mine, other, ratio = beside(_runs(folder, ours), peer, rounds=rounds, repeat=1)
        label = f"mailsec smime {name}, a file of {LARGE // 1_000_000} MB"
        figures.append(Figure(label, mine * 1e3, other * 1e3, version, "ms", ratio))
    return figures


def _runs(folder: Path, command: list[str]) -> Callable[[], None]:
    return lambda: _process(folder, command)


def _environment(folder: Path) -> dict[str, str]:
    own = {"HOME": str(folder), "TMPDIR": str(folder), "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring"}
    return {**{name: value for name, value in os.environ.items() if not name.startswith("XDG_")}, **own}


def _process(folder: Path, command: list[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, env=_environment(folder))


def _version(program: str) -> str:
    option = "version" if program == "openssl" else "--version"
    said = subprocess.run([program, option], check=True, capture_output=True, text=True).stdout
    return " ".join(said.splitlines()[0].replace("(GnuPG) ", "").split()[:2])


# -- memory --------------------------------------------------------------------------------------------------


def _memory(folder: Path, runs: int) -> list[Figure]:
    """The most anonymous memory of each command as a process, and that of the peer's."""
    figures = []
    for name, (ours, theirs) in _commands(folder).items():
        peak = _peak(folder, ours, runs)
        label = f"mailsec smime {name}, {LARGE // 1_000_000} MB: anonymous memory"
        figures.append(Figure(label, peak, MEMORY, "the most allowed", "MB", MEMORY / peak, 1.0))
        if shutil.which("openssl"):
            other = _peak(folder, theirs, runs)
            figures.append(Figure(label, peak, other, f"{_version('openssl')} cms", "MB", other / peak))
    for name, source in (("sign", "message"), ("decrypt", "encrypted")):
        peak = _peak(folder, _ours(folder, name, source, "kept", kept=True), runs)
        label = f"mailsec smime {name} by a kept key, {LARGE // 1_000_000} MB: anonymous memory"
        figures.append(Figure(label, peak, MEMORY, "the most allowed", "MB", MEMORY / peak, 1.0))
    return figures


def _peak(folder: Path, command: list[str], runs: int) -> float:
    """Megabytes at the most, looked at each millisecond from outside; the median of some runs."""
    return statistics.median(_watched(folder, command) for _ in range(runs))


def _watched(folder: Path, command: list[str]) -> float:
    most = 0
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet, env=_environment(folder)) as process:
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            found = re.search(r"^RssAnon:\s+(\d+)", _read(status), re.MULTILINE)
            most = max(most, int(found[1]) if found else 0)
            time.sleep(0.001)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}")
    return most * 1024 / 1e6


def _read(status: Path) -> str:
    try:
        return status.read_text()
    except OSError:  # it has just ended
        return ""
