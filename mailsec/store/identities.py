"""Private keys from files, with a password from a command."""

from __future__ import annotations

import selectors
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mailsec.errors import KeyFileError, UsageError

if TYPE_CHECKING:
    from mailsec.crypto import MemoryKeyRing

__all__ = ["password_from", "read_identities"]

MAX_OCTETS = 1 << 20
MAX_PASSWORD = 1 << 16
"""Octets that the password command may print, all lines together."""

PASSWORD_SECONDS = 120.0
"""Seconds that the password command may take: it may have to ask somebody."""


def password_from(command: str) -> bytes:
    """Runs a command and takes the first line of what it prints as a password.

    Args:
        command: a shell command. Its output is never repeated, not in an error either.

    Raises:
        UsageError: it fails, takes too long, or prints nothing or too much.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own command, run as they wrote it
            ["/bin/sh", "-c", command],
            stdout=subprocess.PIPE,
            bufsize=0,
        )
    except (OSError, ValueError) as error:
        raise UsageError(f"the password command cannot be run: {error}") from None
    deadline = time.monotonic() + PASSWORD_SECONDS
    try:
        output = _output(process, deadline)
        status = process.wait(max(0.0, deadline - time.monotonic()))
    except (TimeoutError, subprocess.TimeoutExpired):
        raise UsageError(f"the password command did not end within {PASSWORD_SECONDS:.0f} seconds") from None
    finally:
        process.kill()  # does nothing to one that has ended
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
    if status != 0:
        ended = f"failed with exit status {status}" if status > 0 else f"was ended by signal {-status}"
        raise UsageError(f"the password command {ended}")
    password = output.split(b"\n", 1)[0].removesuffix(b"\r")
    if not password:
        raise UsageError("the password command printed nothing")
    return password


def _output(process: subprocess.Popen[bytes], deadline: float) -> bytes:
    """All that a process prints; a process that it leaves behind may hold the pipe open, so time is watched here."""
    output = bytearray()
    with selectors.DefaultSelector() as selector:
        if process.stdout is None:
            return b""
        selector.register(process.stdout, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline - time.monotonic())):
            some = process.stdout.read(MAX_PASSWORD)
            if not some:
                return bytes(output)
            output += some
            if len(output) > MAX_PASSWORD:
                raise UsageError(f"the password command printed more than {MAX_PASSWORD} octets")
    raise TimeoutError


def read_identities(ring: MemoryKeyRing, files: Sequence[Path], password: Callable[[], bytes] | None = None) -> None:
    """Adds the private keys in files to a key ring.

    Args:
        ring: the key ring.
        files: PEM files with keys and certificates, or PKCS#12.
        password: gives the password; it is asked once, and only if a file cannot be loaded without.

    Raises:
        KeyFileError: a file cannot be read or loaded; the sentence names it.
        UsageError: the password cannot be had.
    """
    known: bytes | None = None
    for file in files:
        try:
            with file.open("rb") as opened:
                octets = opened.read(MAX_OCTETS + 1)
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise KeyFileError(f"the identity {file} cannot be read: {why}") from None
        try:
            try:
                ring.add_file(octets)
            except KeyFileError:
                if password is None:
                    raise
                if known is None:
                    known = password()
                ring.add_file(octets, known)
        except KeyFileError as error:
            hint = "" if password is not None or "password" not in str(error) else " (see --password-command)"
            raise KeyFileError(f"the identity {file} cannot be used: {error}{hint}") from None
