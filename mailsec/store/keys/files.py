"""Files with keys that leave the key store."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from mailsec.errors import InputError, UsageError
from mailsec.store.files import reason
from mailsec.store.keys.limits import FILE_OCTETS
from mailsec.store.whole import sync_folder

__all__ = ["read_limited", "write_private"]


def read_limited(path: Path, limit: int = FILE_OCTETS) -> bytes:
    """Reads a file that should be small.

    Args:
        path: the file.
        limit: how many octets it may have.

    Raises:
        InputError: it cannot be read, or is larger; the sentence names it.
    """
    try:
        with path.open("rb") as file:
            octets = file.read(limit + 1)
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read: {reason(error)}") from None
    if len(octets) > limit:
        raise InputError(f"{path} has more than {limit} octets, which no file with keys has")
    return octets


def write_private(path: Path, octets: bytes | Iterable[bytes | memoryview], *, replace: bool = False) -> None:
    """Writes a file that only its owner can read, whole or not at all.

    Args:
        path: the file.
        octets: its content, in one piece or in several.
        replace: whether a file of that name may be replaced.

    Raises:
        UsageError: there is a file of that name, or it cannot be written; the sentence names it.
    """
    scratch = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.writelines((octets,) if isinstance(octets, bytes) else octets)
                stream.flush()
                os.fsync(stream.fileno())
            if replace:
                scratch.replace(path)
            else:
                os.link(scratch, path)
            sync_folder(str(path.parent))
        finally:
            scratch.unlink(missing_ok=True)
    except FileExistsError:
        raise UsageError(f"{path} is there already and was left as it is; --force replaces it") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be written: {reason(error)}") from None
