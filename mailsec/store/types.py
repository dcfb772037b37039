"""What the store speaks of: mailboxes and their entries, flags, the rows of a list, verdicts that are kept."""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntFlag
from pathlib import Path
from typing import Literal, Protocol

__all__ = ["Entry", "Flags", "KeptVerdict", "Level", "Mailbox", "Row"]

Level = Literal["verified", "authenticated", "unauthenticated", "warning", "failed"]
"""The level of a verdict."""


class Flags(IntFlag):
    """What was done with a message; the letters are those of Maildir's info (`:2,DFPRST`)."""

    NONE = 0
    SEEN = 1  # S
    REPLIED = 2  # R
    FLAGGED = 4  # F
    DRAFT = 8  # D
    PASSED = 16  # P: resent, forwarded or bounced
    TRASHED = 32  # T


@dataclass(frozen=True, slots=True)
class Entry:
    """A message as its mailbox lists it, without a look inside.

    Attributes:
        key: names it in its mailbox for good, whatever its flags become: a Maildir's unique name; in an mbox file
            where it begins and a digest of how.
        flags: its flags.
        recent: whether it lies in `new`, so that no program has taken notice of it yet.
    """

    key: str
    flags: Flags
    recent: bool = False


class Mailbox(Protocol):
    """One folder of messages on this machine: a Maildir or an mbox file.

    Other programs change it at any time. What is gone when it is wanted is an `InputError` that names it.
    """

    @property
    def path(self) -> Path:
        """Where it lies."""
        ...

    @property
    def keeps_flags(self) -> bool:
        """Whether flags are written into the mailbox itself; if not, the index alone knows them."""
        ...

    def entries(self) -> Iterator[Entry]:
        """All messages, each once."""
        ...

    def read(self, key: str) -> bytes | memoryview | mmap.mmap:
        """A message's octets; a large one is mapped."""
        ...

    def set_flags(self, key: str, *, add: Flags = Flags.NONE, remove: Flags = Flags.NONE) -> Flags:
        """Changes flags and gives those that hold now; a message in `new` moves to `cur`."""
        ...

    def deliver(self, octets: bytes | memoryview, flags: Flags = Flags.NONE) -> str:
        """Adds a message, whole or not at all, and gives its key."""
        ...

    def remove(self, key: str) -> None:
        """Removes a message for good."""
        ...


@dataclass(frozen=True, slots=True)
class KeptVerdict:
    """The verdict on a message as it was kept, with what it rested on.

    Attributes:
        level: `"verified"`, `"authenticated"`, `"unauthenticated"`, `"warning"` or `"failed"`.
        identity: who vouches for it; safe to show.
        sentence: why; safe to show.
        temporary: whether trouble that may pass left the level open, so that it is worth a second try.
        at: when it was judged, in seconds since the epoch.
        evidence: what it rested on, as `mailsec.pipeline.replay.keep` gives it.
    """

    level: str
    identity: str
    sentence: str
    temporary: bool
    at: int
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A message in a list. Its texts are foreign: `safe_text` before they are shown.

    Attributes:
        id: its number in the index, never used again for another.
        folder: the number of its folder in the index.
        key: its key in its mailbox.
        flags: its flags.
        recent: whether no program had taken notice of it.
        date: its Date, or its delivery where that cannot be read, in seconds since the epoch.
        author_name: the display name of the first author; empty where there is none.
        author: the address of the first author; empty where there is none.
        recipients: the display names or addresses in To, joined by a comma.
        subject: the subject, decoded.
        size: octets.
        attachments: how many attachments it has.
        thread: the number of its thread.
        depth: how deep it stands in its thread; 0 for the first.
        level: the level of the verdict that is kept; `None` while nobody has judged it.
    """

    id: int
    folder: int
    key: str
    flags: Flags
    recent: bool
    date: int
    author_name: str
    author: str
    recipients: str
    subject: str
    size: int
    attachments: int
    thread: int
    depth: int
    level: Level | None
