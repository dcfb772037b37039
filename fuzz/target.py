"""One target under atheris: `python -m fuzz.target NAME CORPUS [libFuzzer's options]`."""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["mailsec", "mailsec_dkim"]):
    from fuzz import targets


def main() -> None:
    """Writes the target's seeds into the corpus and starts."""
    name, corpus, *options = sys.argv[1:]
    target = targets.TARGETS[name]
    for number, seed in enumerate(target.seeds()):
        Path(corpus, f"seed-{number:03}").write_bytes(seed)
    atheris.Setup([sys.argv[0], *options, corpus], target.try_input)
    atheris.Fuzz()


main()
