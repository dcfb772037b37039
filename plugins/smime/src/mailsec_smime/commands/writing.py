"""Where a command writes: to standard output, or to a file that appears whole or not at all."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterable
from pathlib import Path

from mailsec.errors import UsageError
from mailsec.store.files import reason
from mailsec_smime.signing import base64_lines
from mailsec_smime.spooling import Piece

__all__ = ["Output", "pem"]


class Output:
    """What `--output` names.

    Args:
        name: a file; `-` is standard output.
        force: whether a file that is there is replaced.
        binary: whether what is written is nothing to show on a terminal.

    Raises:
        UsageError: there is a file already that is not to be replaced, or a terminal would get octets.
    """

    def __init__(self, name: str, *, force: bool, binary: bool = False) -> None:
        self._path = None if name == "-" else Path(name)
        self._force = force
        if self._path is None:
            if sys.stdout is None:  # it was closed before we began
                raise UsageError("standard output is closed: name a file with --output")
            if binary and sys.stdout.isatty():
                raise UsageError("DER is nothing to show on a terminal: write PEM (--pem), or to a file (--output)")
        elif not force and not self._is_device() and self._path.exists():
            raise UsageError(f"{name} is there already and was left as it is; --force replaces it")

    @property
    def is_standard(self) -> bool:
        """Whether it is standard output."""
        return self._path is None

    def write(self, pieces: Iterable[Piece]) -> None:
        """Writes all of it.

        Raises:
            UsageError: it cannot be written; there is no new file then.
        """
        if self._path is None:
            self._write_standard(pieces)
        elif self._is_device():
            try:
                with self._path.open("wb") as device:
                    device.writelines(pieces)
            except OSError as error:
                raise UsageError(f"{self._path} cannot be written: {reason(error)}") from None
        else:
            from mailsec.store.keys import write_private

            write_private(self._path, pieces, replace=self._force)

    def _write_standard(self, pieces: Iterable[Piece]) -> None:
        try:
            sys.stdout.flush()
            sys.stdout.buffer.writelines(pieces)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            quiet = os.open(os.devnull, os.O_WRONLY)  # what is still buffered goes nowhere
            os.dup2(quiet, sys.stdout.fileno())
            os.close(quiet)
            raise UsageError(f"standard output cannot be written: {reason(error)}") from None

    def _is_device(self) -> bool:
        """Whether it is something that is written to and not replaced, such as `/dev/null` or a named pipe."""
        assert self._path is not None
        try:
            mode = self._path.stat().st_mode
        except (OSError, ValueError):
            return False
        return stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)


def pem(pieces: Iterable[Piece]) -> Iterable[bytes]:
    """A CMS structure as PEM (RFC 7468 section 9)."""
    yield b"-----BEGIN CMS-----\n"
    yield from base64_lines(pieces)
    yield b"-----END CMS-----\n"
