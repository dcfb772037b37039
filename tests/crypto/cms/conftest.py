from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

OpenSSL = Callable[..., bytes]


@pytest.fixture(scope="session")
def openssl() -> OpenSSL:
    """Runs `openssl` with arguments and standard input; its version is printed once."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("the program openssl is missing")

    def run(*arguments: str, stdin: bytes = b"") -> bytes:
        done = subprocess.run([program, *arguments], input=stdin, capture_output=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    print(f"peer: {run('version').decode().strip()}")
    return run


@pytest.fixture(scope="session")
def conformance() -> Path:
    """The folder of conformance data (see the contributor's guide); tests that want it are skipped without."""
    default = Path(__file__).parents[3].parent / "shared" / "conformance"
    folder = Path(os.environ.get("MAILSEC_CONFORMANCE", default))
    if not folder.is_dir():
        pytest.skip("the conformance data is missing: set MAILSEC_CONFORMANCE")
    return folder
