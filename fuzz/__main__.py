"""Runs the targets one after the other, each in a process of its own, and prints how many inputs were tried."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

TARGETS = ("message", "cms", "enveloped", "smime", "certificates", "revocation", "keyfiles", "dkim", "authres")
INPUT_SECONDS = 10
MEMORY_MB = 1024
MAX_OCTETS = 65536


def main() -> int:
    """Runs what was asked for; 1 where an input was found that breaks a target."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"which of {', '.join(TARGETS)}; all if none")
    parser.add_argument("--seconds", type=int, default=60, help="how long to try each target")
    parser.add_argument("--keep", type=Path, help="a folder for inputs that break a target")
    arguments = parser.parse_args()
    unknown = set(arguments.targets) - set(TARGETS)
    if unknown:
        parser.error(f"there is no target named {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
    keep = arguments.keep or Path(tempfile.mkdtemp(prefix="mailsec-fuzz-"))
    return max([run(target, arguments.seconds, keep) for target in arguments.targets or TARGETS])


def run(target: str, seconds: int, keep: Path) -> int:
    """Fuzzes one target and prints a line about it; 1 where it broke."""
    keep.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mailsec-corpus-") as corpus:
        process = subprocess.run(
            [
                sys.executable,
                "-m",
                "fuzz.target",
                target,
                corpus,
                f"-max_total_time={seconds}",
                f"-timeout={INPUT_SECONDS}",
                f"-rss_limit_mb={MEMORY_MB}",
                f"-max_len={MAX_OCTETS}",
                f"-artifact_prefix={keep}/{target}-",
                "-print_final_stats=1",
            ],
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        kept = len(list(Path(corpus).iterdir()))
    tried = re.search(r"stat::number_of_executed_units:\s*(\d+)", process.stderr)
    peak = re.search(r"stat::peak_rss_mb:\s*(\d+)", process.stderr)
    if process.returncode or not tried or not peak:
        print(f"fuzz {target}: BROKEN, exit status {process.returncode}; the input is kept in {keep}", flush=True)
        print(process.stdout[-2000:], process.stderr[-4000:], sep="\n", flush=True)
        return 1
    print(
        f"fuzz {target}: {tried[1]} inputs in {seconds} s, {kept} kept for what they reach, peak {peak[1]} MB: "
        "no crash, no hang",
        flush=True,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
