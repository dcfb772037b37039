"""One target under atheris: `python -m fuzz.target NAME CORPUS [libFuzzer's options]`.

A target is a module of this package with `seeds()`, which gives octets to begin with, and `try_input(octets)`;
whatever that raises is a finding.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path

import atheris


def main() -> None:
    """Writes the target's seeds into the corpus and starts."""
    name, corpus, *options = sys.argv[1:]
    with atheris.instrument_imports(include=["mailsec", "mailsec_dkim", "mailsec_smime"]):
        import mailsec.crypto

        target = importlib.import_module(f"fuzz.{name}")
        for module in pkgutil.walk_packages(mailsec.crypto.__path__, "mailsec.crypto."):
            importlib.import_module(module.name)  # what is loaded when it is first used would not be seen
    for number, seed in enumerate(target.seeds()):
        Path(corpus, f"seed-{number:03}").write_bytes(seed)
    atheris.Setup([sys.argv[0], *options, corpus], target.try_input)
    atheris.Fuzz()


main()
