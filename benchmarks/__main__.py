"""Runs the benchmarks and prints a table, or JSON; exits with 1 where a target is missed in the long form."""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import sys
from dataclasses import asdict

from benchmarks.measure import Figure

NAMES = (
    "parsing",
    "dkim",
    "smime_signed",
    "smime_encrypted",
    "smime_commands",
    "startup",
    "pipeline",
    "mailbox",
    "client",
    "latency",
)


def main() -> int:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which of {', '.join(NAMES)}; all if none is named")
    parser.add_argument("--short", action="store_true", help="fewer rounds; a missed target does not fail the run")
    parser.add_argument("--json", action="store_true", help="print JSON, one object a line")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(NAMES)
    if unknown:
        parser.error(f"there is no benchmark named {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    print(f"Python {platform.python_version()} on {platform.machine()}", file=sys.stderr)
    missed = 0
    for name in arguments.names or NAMES:
        figures: list[Figure] = importlib.import_module(f"benchmarks.{name}").run(short=arguments.short)
        for figure in figures:
            missed += not figure.reached
            print(json.dumps(asdict(figure)) if arguments.json else line(figure), flush=True)
    return 1 if missed and not arguments.short else 0


def line(figure: Figure) -> str:
    """One line of the table."""
    target = "" if figure.target is None else f"  target {figure.target:g}: {'reached' if figure.reached else 'MISSED'}"
    return (
        f"{figure.name:<48} {figure.ours:>10.4g} {figure.unit:<3} beside {figure.peer:>10.4g} {figure.unit:<3}"
        f" ({figure.peer_name})  ratio {figure.ratio:.2f}{target}"
    )


if __name__ == "__main__":
    sys.exit(main())
