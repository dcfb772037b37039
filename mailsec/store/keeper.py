"""Verdicts that are kept carry a seal of this installation, so that nobody else's are believed.

The seal is an HMAC-SHA-256 (RFC 2104) with a key that never leaves the state folder. It covers the message's octets,
by their SHA-256, and the whole verdict with its evidence. Who can read the key can seal; that is the user alone.

The sealed evidence is two lines: the seal, and the evidence as `mailsec.pipeline.replay.keep` gave it.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import mmap
import os
import secrets
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mailsec.errors import InputError, SealError
from mailsec.store.types import KeptVerdict
from mailsec.store.whole import write_whole

if TYPE_CHECKING:
    from mailsec.pipeline import Report

__all__ = ["KEY_LENGTH", "Keeper", "is_current", "read_key"]

KEY_LENGTH = 32
"""Octets of the key."""

_PURPOSE = b"mailsec kept verdict 1"


class Keeper:
    """Keeps verdicts, and tells those that it kept from any others.

    Args:
        key: `KEY_LENGTH` octets that nobody else has; see `read_key`.
    """

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_LENGTH:
            raise ValueError(f"the key of a keeper has {KEY_LENGTH} octets")
        self._key = key

    def keep(self, report: Report, at: int) -> KeptVerdict:
        """The verdict of a report with its sealed evidence.

        Args:
            report: the report on a whole message.
            at: the time now, in seconds since the epoch.
        """
        from mailsec.pipeline.replay import keep

        message = report.message
        if message is None:
            raise ValueError("a verdict is kept about a whole message only")
        verdict = report.verdict
        evidence = keep(report)
        # A list of messages shows the outer From field, and the verdict is about the one inside (RFC 9788 section 4.4).
        level = str(verdict.level)
        if report.shown.mismatch is not None and level != "failed":
            level = "warning"
        kept = KeptVerdict(level, verdict.identity, verdict.sentence, verdict.temporary, at, evidence)
        return replace(kept, evidence=f"{self._seal(kept, message.octets)}\n{evidence}")

    def open(self, kept: KeptVerdict, octets: bytes | memoryview | mmap.mmap) -> KeptVerdict:
        """Gives back a kept verdict with its bare evidence, if it is ours and about this message.

        Args:
            kept: what `keep` gave, perhaps; foreign until its seal was checked.
            octets: the message.

        Raises:
            SealError: it does not carry our seal, or is about other octets: it counts as not judged.
        """
        seal, _, evidence = kept.evidence.partition("\n")
        bare = replace(kept, evidence=evidence)
        if not hmac.compare_digest(seal.encode("utf-8", "surrogatepass"), self._seal(bare, octets).encode()):
            raise SealError("the kept verdict is not believed: it does not carry the seal of this installation")
        return bare

    def _seal(self, kept: KeptVerdict, octets: bytes | memoryview | mmap.mmap) -> str:
        fields = [kept.level, kept.identity, kept.sentence, kept.temporary, kept.at, kept.evidence]
        # JSON tells where each field ends; in ASCII, what no UTF-8 can say is told apart too
        text = json.dumps([hashlib.sha256(octets).hexdigest(), *fields]).encode()
        return hmac.new(self._key, _PURPOSE + b"\0" + text, "sha256").hexdigest()


def is_current(kept: KeptVerdict) -> bool:
    """Whether a verdict that was kept, opened before, still says what a check would say of the same evidence.

    It does not where trouble that may pass left it open, or the algorithm policy has changed since.

    Args:
        kept: what `Keeper.open` gave.
    """
    from mailsec.crypto import POLICY_VERSION

    try:
        policy = json.loads(kept.evidence)["policy"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return False
    return not kept.temporary and policy == POLICY_VERSION


def read_key(
    folder: Path,
    *,
    tell: Callable[[str], None] = lambda _sentence: None,
    random: Callable[[int], bytes] = secrets.token_bytes,
) -> bytes:
    """The key of this installation; made when there is none yet.

    Several processes may ask at once: all get the same.

    Args:
        folder: where the program keeps its state; it is there.
        tell: takes a sentence for the user where a damaged key was set aside, so that older verdicts do not count.
        random: gives random octets.

    Raises:
        InputError: it cannot be read or written.
    """
    file = folder / "verdicts.key"
    try:
        for _ in range(2):
            if (key := _existing(file)) is not None and len(key) == KEY_LENGTH:
                return key
            if key is not None:
                file.replace(file.with_name("verdicts.key.damaged"))
                tell(f"{file} was damaged and is made anew: verdicts that were kept do not count any more")
            _write_new(file, random(KEY_LENGTH))
        if (key := _existing(file)) is not None and len(key) == KEY_LENGTH:
            return key
    except OSError as error:
        raise InputError(f"{file} cannot be read or made: {error.strerror or error}") from None
    raise InputError(f"{file} does not stay as it is written")


def _existing(file: Path) -> bytes | None:
    try:
        with file.open("rb") as stream:
            return stream.read(KEY_LENGTH + 1)
    except FileNotFoundError:
        return None


def _write_new(file: Path, octets: bytes) -> None:
    """Writes a file that only we can read, whole or not at all; where somebody was first, theirs stays."""
    scratch = file.with_name(f".{file.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with contextlib.suppress(FileExistsError):
        write_whole(octets, scratch, (file,))
