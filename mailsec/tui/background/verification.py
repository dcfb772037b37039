"""A whole folder verified on all cores: processes that judge, and one writer.

A process that dies while it judges is replaced. What it had not answered is tried once more, each message for itself,
so that only a message that ends a process twice is left unjudged, and counted.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from mailsec.config import Settings
from mailsec.errors import InputError, MailsecError, WorkerError
from mailsec.store import Index, KeptVerdict, Order, Place
from mailsec.store.keeper import Keeper
from mailsec.tui.background.child import Child
from mailsec.tui.background.messages import Answer, Failed, Ready, Verification, Wanted

__all__ = ["FolderVerification", "Progress"]

_T = TypeVar("_T")

CHUNK = 16
"""Messages that a process is given at a time."""

STILLBORN = 5
"""How many processes in a row may end before they are ready."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the verification of a folder has come.

    Attributes:
        total: messages in the folder when it began.
        judged: those that have a verdict now, kept ones that stand among them.
        unjudged: those that have none: they are gone, cannot be read, or ended the process that judged them.
        encrypted: those that have none yet since they are encrypted: they are judged when they are opened.
    """

    total: int = 0
    judged: int = 0
    unjudged: int = 0
    encrypted: int = 0

    @property
    def done(self) -> int:
        """Messages that are done with."""
        return self.judged + self.unjudged + self.encrypted


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Messages to be judged by one process, and whether one ended over them already."""

    ids: tuple[int, ...]
    again: bool = False


class FolderVerification:
    """Verifies all messages of a folder that have no verdict that stands.

    A verdict that was kept stands if this installation kept it about the same octets, nothing temporary left it open,
    and the algorithm policy is the same.

    Args:
        index: where the index lies; it knows the folder already.
        place: the folder's mailbox.
        settings: by what messages are judged.
        keeper: seals the verdicts.
        afresh: whether verdicts that stand are made anew too.
        processes: how many judge at the same time; as many as there are cores if `None`.
        progress: told how far it has come.
        changed: told the numbers of messages that have a new verdict in the index.
    """

    def __init__(
        self,
        index: Path,
        place: Place,
        settings: Settings,
        keeper: Keeper,
        *,
        afresh: bool = False,
        processes: int | None = None,
        progress: Callable[[Progress], None] = lambda _progress: None,
        changed: Callable[[Sequence[int]], None] = lambda _ids: None,
    ) -> None:
        self._index = index
        # a verdict needs no private key, and a password is not asked for by processes that nobody sees
        own = replace(settings, identities=(), password_command=None, tokens=(), pin_command=None)
        self._task = Verification(place, own, keeper)
        self._afresh = afresh
        self._processes = processes or len(os.sched_getaffinity(0))
        self._tell_progress = progress
        self._tell_changed = changed
        self._chunks: deque[_Chunk] = deque()
        self._stillborn = 0
        self._children: set[Child] = set()
        self.progress = Progress()

    @property
    def pids(self) -> tuple[int, ...]:
        """The numbers of the processes that judge."""
        return tuple(child.pid for child in self._children)

    async def run(self) -> Progress:
        """Verifies the folder. Cancelled, it ends at once; the verdicts so far are kept.

        Returns:
            What became of all messages.

        Raises:
            MailsecError: the settings cannot be used, or the index cannot.
            WorkerError: processes end before they do anything.
        """
        writer = _Writer(self._index, self._task.place)
        try:
            ids = await writer.ids()
            self._advance(total=len(ids))
            self._chunks.extend(_Chunk(tuple(ids[at : at + CHUNK])) for at in range(0, len(ids), CHUNK))
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._processes, len(self._chunks))):
                    group.create_task(self._keep_judging(writer))
        except BaseExceptionGroup as errors:
            raise _first(errors) from None
        finally:
            for child in self._children:
                child.end()
            self._children.clear()
            writer.close()
        return self.progress

    async def _keep_judging(self, writer: _Writer) -> None:
        child: Child | None = None
        while self._chunks:
            chunk = self._chunks.popleft()
            wanted = await writer.wanted(chunk.ids, afresh=self._afresh)
            self._advance(unjudged=len(chunk.ids) - len(wanted))
            answers: dict[int, Answer] = {}
            try:
                child = child or await self._start()
                await child.send(wanted)
                while len(answers) < len(wanted):
                    answer: Answer = await child.receive()
                    answers[answer.id] = answer
            except WorkerError:
                if child is not None:
                    self._end(child)
                    child = None
                self._take_back(chunk, [one.id for one in wanted if one.id not in answers])
            finally:  # what is answered is kept, even where the wait for the rest was cancelled
                new = [(one.id, one.verdict) for one in answers.values() if one.verdict is not None]
                await asyncio.shield(writer.write(new))
            judged = sum(one.verdict is not None or one.stands for one in answers.values())
            encrypted = sum(one.encrypted for one in answers.values())
            self._advance(judged=judged, unjudged=len(answers) - judged - encrypted, encrypted=encrypted)
            self._tell_changed([number for number, _ in new])
        if child is not None:
            self._end(child)

    def _take_back(self, chunk: _Chunk, ids: Sequence[int]) -> None:
        """What a process that ended had not answered: each for itself the first time, given up the second."""
        if chunk.again:
            self._advance(unjudged=len(ids))
        else:
            self._chunks.extend(_Chunk((one,), again=True) for one in ids)

    async def _start(self) -> Child:
        while True:
            child = await Child.start("verify", self._task)
            self._children.add(child)
            try:
                match await child.receive():
                    case Ready():
                        self._stillborn = 0
                        return child
                    case Failed(sentence):
                        raise MailsecError(sentence)
            except WorkerError:
                self._stillborn += 1
                self._end(child)
                if self._stillborn >= STILLBORN:
                    raise MailsecError("the processes that verify end before they do anything") from None

    def _end(self, child: Child) -> None:
        self._children.discard(child)
        child.end()

    def _advance(self, *, total: int = 0, judged: int = 0, unjudged: int = 0, encrypted: int = 0) -> None:
        now = self.progress
        self.progress = Progress(
            now.total + total, now.judged + judged, now.unjudged + unjudged, now.encrypted + encrypted
        )
        self._tell_progress(self.progress)


class _Writer:
    """The one that reads and writes the index, in a thread that owns it.

    Args:
        path: where the index lies.
        place: the folder's mailbox.
    """

    def __init__(self, path: Path, place: Place) -> None:
        self._path = path
        self._place = place
        self._executor = ThreadPoolExecutor(1, "mailsec-writer")
        self._index: Index | None = None

    async def ids(self) -> Sequence[int]:
        """The messages of the folder, the newest first."""
        return await self._call(self._ids)

    async def wanted(self, ids: Sequence[int], *, afresh: bool) -> list[Wanted]:
        """What a process must know to judge messages; without those that are gone."""
        return await self._call(self._wanted, ids, afresh)

    async def write(self, verdicts: Sequence[tuple[int, KeptVerdict]]) -> None:
        """Keeps verdicts."""
        if verdicts:
            await self._call(self._write, verdicts)

    def close(self) -> None:
        """Closes the index when what is under way is done; nobody waits for it."""
        self._executor.submit(self._close)
        self._executor.shutdown(wait=False)

    async def _call(self, function: Callable[..., _T], *arguments: object) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, function, *arguments)

    def _open(self) -> Index:
        if self._index is None:
            self._index = Index(self._path)
        return self._index

    def _close(self) -> None:
        if self._index is not None:
            self._index.close()

    def _ids(self) -> Sequence[int]:
        index = self._open()
        return index.listing(index.folder(self._place.path), order=Order.DATE).ids

    def _wanted(self, ids: Sequence[int], afresh: bool) -> list[Wanted]:
        index = self._open()
        found = []
        for number in ids:
            with suppress(InputError):  # it is gone
                _, key = index.place_of(number)
                found.append(Wanted(number, key, None if afresh else index.verdict(number)))
        return found

    def _write(self, verdicts: Sequence[tuple[int, KeptVerdict]]) -> None:
        index = self._open()
        for number, verdict in verdicts:
            index.keep_verdict(number, verdict)


def _first(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first exception of several that came at the same time."""
    first: BaseException = errors
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    return first
