"""Hands files and links to the system's own program; only ever after a question."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from mailsec.errors import UsageError, describe
from mailsec.tui.reading.saving import save_new

__all__ = ["SCHEMES", "open_file", "open_link", "start"]

SCHEMES = frozenset(("http", "https", "mailto"))
"""The kinds of links that are handed on; others might run something."""

PROGRAM = "xdg-open"


def start(arguments: Sequence[str]) -> None:
    """Starts a program that lives on its own.

    Args:
        arguments: the program and its arguments; no shell reads them.

    Raises:
        UsageError: there is no such program, or it cannot be started.
    """
    if shutil.which(arguments[0]) is None:
        raise UsageError(f"there is no program {arguments[0]} that could open it")
    try:
        subprocess.Popen(  # noqa: S603 - a list of arguments, each of them checked
            list(arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise UsageError(f"{arguments[0]} cannot be started: {describe(error)}") from error


def open_link(target: str, run: Callable[[Sequence[str]], None] = start) -> None:
    """Hands a link to the system's program.

    Args:
        target: the link.
        run: starts a program.

    Raises:
        UsageError: it is no link of a kind that is handed on.
    """
    try:
        scheme = urlsplit(target).scheme.lower()
    except ValueError:
        scheme = ""
    if scheme not in SCHEMES or not target.isprintable() or " " in target:
        raise UsageError("only links that begin with https:, http: or mailto: are handed to other programs")
    run([PROGRAM, target])


def open_file(
    folder: Path, name: str, octets: bytes | memoryview, run: Callable[[Sequence[str]], None] = start
) -> Path:
    """Writes a file that only the user can read and hands it to the system's program.

    Args:
        folder: a folder of ours.
        name: the name that the message suggests; made safe.
        octets: what it holds.
        run: starts a program.

    Returns:
        The file.

    Raises:
        UsageError: the folder cannot be made, or nothing opens the file.
        InputError: it cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {describe(error)}") from error
    file = save_new(folder, name, octets)
    run([PROGRAM, str(file)])
    return file
