"""What processes of ours say to the client and are told by it."""

from __future__ import annotations

from dataclasses import dataclass

from mailsec.config import Settings
from mailsec.store import KeptVerdict, Place
from mailsec.store.keeper import Keeper

__all__ = ["Advanced", "Answer", "Failed", "Ready", "Told", "Verification", "Wanted"]


@dataclass(frozen=True, slots=True)
class Advanced:
    """How far it has come.

    Attributes:
        done: messages that are done.
        total: messages that there are to do.
    """

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Told:
    """Something that the user should know.

    Attributes:
        sentence: the sentence.
    """

    sentence: str


@dataclass(frozen=True, slots=True)
class Failed:
    """The work that was asked for could not be done.

    Attributes:
        sentence: why.
    """

    sentence: str


@dataclass(frozen=True, slots=True)
class Ready:
    """The process has made what it needs and waits for work."""


@dataclass(frozen=True, slots=True)
class Verification:
    """What a process that verifies is told first.

    Attributes:
        place: the mailbox.
        settings: by what messages are judged.
        keeper: seals the verdicts.
    """

    place: Place
    settings: Settings
    keeper: Keeper


@dataclass(frozen=True, slots=True)
class Wanted:
    """A message to be judged.

    Attributes:
        id: its number in the index.
        key: its key in its mailbox.
        kept: the verdict that was kept; it stands if it is ours, about these octets, and still current.
    """

    id: int
    key: str
    kept: KeptVerdict | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a message that was to be judged.

    Attributes:
        id: its number in the index.
        verdict: the new verdict; `None` where there is none.
        stands: whether the verdict that was kept stands.
        why: why the message was not judged; empty where it was.
        encrypted: whether that is because it is encrypted, and no private key is here.
    """

    id: int
    verdict: KeptVerdict | None = None
    stands: bool = False
    why: str = ""
    encrypted: bool = False
