"""What a command reads: a mapped file, or what came through a pipe, and whether it is a message or a CMS structure."""

from __future__ import annotations

import mmap
import os
import stat
import sys
from typing import TYPE_CHECKING, Final

from mailsec.errors import InputError, LimitError, UsageError
from mailsec.message.buffer import make_buffer
from mailsec.message.transfer import decode_pieces
from mailsec.store.files import reason
from mailsec_smime.commands.limits import INPUT_OCTETS, PEM_HEAD
from mailsec_smime.spooling import Piece, Spool, spooled

if TYPE_CHECKING:
    from pathlib import Path

_STEP: Final = 1 << 18
_LABELS: Final = (b"CMS", b"PKCS7", b"PKCS #7 SIGNED DATA", b"SIGNED MESSAGE", b"ENCRYPTED MESSAGE")
"""What stands after BEGIN (RFC 7468 section 9; GnuPG writes the last two)."""


def read_input(name: str | Path) -> Piece:
    """Reads a file, or standard input where the name is `-`; a file is mapped, a pipe goes to an unlinked file.

    Raises:
        UsageError: there is no such file.
        InputError: it cannot be read, or is empty.
        LimitError: it is too large.
    """
    where = "standard input" if str(name) == "-" else str(name)
    try:
        if str(name) != "-":
            descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
            try:
                octets = _read(descriptor, where)
            finally:
                os.close(descriptor)
        elif sys.stdin is None:  # it was closed before we began
            raise InputError("standard input is closed: there is nothing to read")
        else:
            octets = _read(sys.stdin.fileno(), where)
    except FileNotFoundError:
        raise UsageError(f"{where}: no such file") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{where} cannot be read: {reason(error)}") from None
    if not octets:
        raise InputError(f"{where} is empty: there is nothing to read")
    return octets


def _read(descriptor: int, where: str) -> Piece:
    status = os.fstat(descriptor)
    if stat.S_ISREG(status.st_mode) and status.st_size and os.lseek(descriptor, 0, os.SEEK_CUR) == 0:
        _check(status.st_size, where)
        return memoryview(mmap.mmap(descriptor, status.st_size, access=mmap.ACCESS_READ))
    spool = Spool()
    while octets := os.read(descriptor, _STEP):
        spool.write(octets)
        _check(spool.size, where)
    return spool.whole()


def _check(size: int, where: str) -> None:
    if size > INPUT_OCTETS:
        raise LimitError(f"{where} has more than {INPUT_OCTETS} octets, which is more than is taken")


def structure(octets: Piece) -> Piece | None:
    """The CMS structure that a file holds, in BER or DER; `None` where it is something else, such as a message.

    Args:
        octets: the file: a structure, or one in PEM (RFC 7468).
    """
    head = bytes(octets[:PEM_HEAD])
    if head[:1] == b"\x30" and head[1:2] >= b"\x80":  # a SEQUENCE, and no header field: those are in ASCII
        return octets
    for label in _LABELS:
        start = b"-----BEGIN %b-----" % label
        at = head.find(start)
        if at == 0 or (at > 0 and head[at - 1 : at] == b"\n" and b":" not in head[:at]):
            view = memoryview(octets)
            end = make_buffer(octets).find(b"-----END", at, len(octets))
            body = view[at + len(start) : end if end >= 0 else len(octets)]
            return spooled(decode_pieces(body, "base64"))
    return None
