"""`gpgsm` as a peer: a home of its own, an agent that asks nobody, and the keys of a benchmark."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from mailsec.crypto.issue import Issued

TRIES = 4
"""PKCS#12 files that it is given at most."""


@contextlib.contextmanager
def running_gpgsm(folder: Path, authority: Issued, alice: Issued) -> Iterator[Callable[..., None] | None]:
    """Runs `gpgsm` in a home of its own.

    Args:
        folder: a folder for the home.
        authority: whom it trusts.
        alice: whose key it has.

    Yields:
        Calls it with arguments; `None` where it is missing.
    """
    if any(shutil.which(program) is None for program in ("gpgsm", "gpg-agent", "gpgconf")):
        print("gpgsm is missing and left out", file=sys.stderr)
        yield None
        return
    home = folder / "g"
    home.mkdir(mode=0o700)
    fingerprint = hashlib.sha1(authority.certificate.der, usedforsecurity=False).hexdigest().upper()
    (home / "trustlist.txt").write_text(f"{fingerprint} S relax\n")
    (home / "gpgsm.conf").write_text("disable-crl-checks\ndisable-dirmngr\n")
    (home / "gpg-agent.conf").write_text("allow-loopback-pinentry\n")
    environment = {**os.environ, "GNUPGHOME": str(home), "LC_ALL": "C"}

    def call(*arguments: str, stdin: bytes = b"") -> None:
        # The agent asks for passphrases through a pipe of their own.
        reader, writer = os.pipe()
        os.write(writer, b"x\n")
        os.close(writer)
        loopback = ("--pinentry-mode", "loopback", "--passphrase-fd", str(reader))
        try:
            subprocess.run(
                ["gpgsm", "--batch", "--yes", *loopback, *arguments],
                input=stdin,
                check=True,
                capture_output=True,
                env=environment,
                pass_fds=(reader,),
            )
        finally:
            os.close(reader)

    try:
        for certificate in alice.chain:
            call("--import", stdin=certificate.to_pem())
        import_key(call, lambda: alice.to_pkcs12(b"x", old=True))
        yield call
    finally:
        subprocess.run(["gpgconf", "--kill", "all"], env=environment, check=False)


def import_key(call: Callable[..., object], pkcs12: Callable[[], bytes]) -> None:
    """Has gpgsm take a key.

    gpgsm 2.2 refuses one of some hundred PKCS#12 files, by the chance of their salts: then it is given another.

    Args:
        call: calls it with arguments and `stdin`; raises where it fails.
        pkcs12: makes the file anew, under the password of `call`.
    """
    for _ in range(TRIES - 1):
        with contextlib.suppress(AssertionError, subprocess.CalledProcessError):
            call("--import", stdin=pkcs12())
            return
    call("--import", stdin=pkcs12())
