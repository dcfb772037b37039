"""How long `mailsec --help` takes as a whole process, beside an interpreter that does nothing."""

from __future__ import annotations

import platform
import subprocess
import sys

from benchmarks.measure import Figure, beside


def run(*, short: bool) -> list[Figure]:
    """Starts both in turn."""

    def ours() -> None:
        subprocess.run([sys.executable, "-m", "mailsec", "--help"], check=True, stdout=subprocess.DEVNULL)

    def peer() -> None:
        subprocess.run([sys.executable, "-c", "pass"], check=True)

    mine, theirs, ratio = beside(ours, peer, rounds=5 if short else 15, repeat=1)
    limit = 0.25
    return [
        Figure("mailsec --help, within 0.25 s", mine, limit, "the limit", "s", limit / mine, 1),
        Figure("mailsec --help", mine, theirs, f"Python {platform.python_version()} doing nothing", "s", ratio),
    ]
