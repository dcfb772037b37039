"""Writing what came in a message into a folder: under a safe name, beside what is there, whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from mailsec.errors import InputError
from mailsec.message import numbered_name, safe_file_name
from mailsec.store.whole import write_whole

__all__ = ["folder_from", "save_new"]

_TRIES = 10_000


def folder_from(text: str) -> Path:
    """The folder that a reader typed.

    Args:
        text: a path; `~` stands for the home folder.

    Raises:
        InputError: there is no such folder, or nothing can be written into it.
    """
    try:
        folder = Path(text.strip() or ".").expanduser()
        if not folder.is_dir():
            raise InputError(f"{folder} is no folder.")
        if not os.access(folder, os.W_OK | os.X_OK):
            raise InputError(f"Nothing can be written into {folder}.")
    except (OSError, ValueError, RuntimeError) as error:
        raise InputError(f"This is no folder: {error}.") from None
    return folder


def save_new(
    folder: Path, name: str, octets: bytes | memoryview, *, token: Callable[[], str] = lambda: secrets.token_hex(8)
) -> Path:
    """Writes a new file that only its owner can read; one that is there already is never touched.

    Args:
        folder: where to.
        name: the name that the message suggests; made safe here.
        octets: what is written.
        token: gives a name that is not taken, for the file while it is being written.

    Returns:
        The file, whose name has a number where the one that was wanted is taken.

    Raises:
        InputError: it cannot be written; then nothing was.
    """
    safe = safe_file_name(name)
    part = folder / f".mailsec-{token()}.part"
    names = (folder / (safe if number == 1 else numbered_name(safe, number)) for number in range(1, _TRIES))
    try:
        return Path(write_whole(octets, part, names))
    except FileExistsError:
        raise InputError(f"There are too many files called {safe} in {folder}.") from None
    except OSError as error:
        raise InputError(f"{folder / safe} cannot be written: {error.strerror or error}.") from None
