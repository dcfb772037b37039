from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from mailsec.crypto import PrivateKey

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def keys() -> Callable[..., PrivateKey]:
    """Private keys made on the spot, each once: `keys("rsa", 0)`, `keys("ec", 1, curve="P-384")`."""
    made: dict[tuple[Any, ...], PrivateKey] = {}

    def get(kind: Any = "rsa", number: int = 0, **options: Any) -> PrivateKey:
        name = (kind, number, *sorted(options.items()))
        if name not in made:
            made[name] = PrivateKey.generate(kind, **options)
        return made[name]

    return get


@pytest.fixture(scope="session")
def openssl() -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """Runs the program openssl with arguments and standard input, and gives what became of it."""
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("the program openssl is missing")

    def run(*arguments: str, stdin: bytes = b"", check: bool = True) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run([program, *arguments], input=stdin, capture_output=True, check=False, timeout=60)
        assert not check or done.returncode == 0, done.stderr.decode()
        return done

    return run
