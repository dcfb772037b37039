"""The work of a process that verifies: the messages of one mailbox, in chunks, as it is told."""

from __future__ import annotations

import asyncio
import mmap
import time
from collections.abc import Sequence

from mailsec.checker import Checker
from mailsec.errors import InputError, MailsecError, SealError, describe
from mailsec.pipeline import NO_KEYS
from mailsec.pipeline.facts import is_closed
from mailsec.store import KeptVerdict, Mailbox
from mailsec.store.keeper import Keeper, is_current
from mailsec.tui.background.channel import BlockingChannel
from mailsec.tui.background.mailboxes import open_mailbox
from mailsec.tui.background.messages import Answer, Failed, Ready, Verification, Wanted

__all__ = ["serve"]

AT_ONCE = 8
"""Messages that are checked at the same time, where name servers are asked."""


def serve(channel: BlockingChannel) -> None:
    """Judges the messages that it is told until the channel closes.

    First it is told a `Verification` and answers with `Ready` or `Failed`; then, for each sequence of `Wanted`, with
    an `Answer` for each of them, in any order. Checks run on the main thread, where a plugin that blocks is
    interrupted.

    Raises:
        ChannelClosed: the client is gone.
    """
    task: Verification = channel.receive()
    with asyncio.Runner() as runner:
        try:
            checker = runner.run(_make_checker(task))
        except MailsecError as error:
            channel.send(Failed(str(error)))
            return
        judge = _Judge(checker, open_mailbox(task.place), task.keeper, channel)
        channel.send(Ready())
        at_once = 1 if task.settings.dns_file is not None else AT_ONCE
        while True:
            wanted: Sequence[Wanted] = channel.receive()
            runner.run(judge.all(wanted, at_once))


async def _make_checker(task: Verification) -> Checker:
    checker = Checker(task.settings, keys=NO_KEYS)
    _ = checker.runner  # calls the hooks, so that what is broken is known
    return checker


class _Judge:
    """Judges messages of one mailbox and answers over a channel."""

    def __init__(self, checker: Checker, mailbox: Mailbox, keeper: Keeper, channel: BlockingChannel) -> None:
        self._checker = checker
        self._mailbox = mailbox
        self._keeper = keeper
        self._channel = channel

    async def all(self, wanted: Sequence[Wanted], at_once: int) -> None:
        """Judges all, some at the same time."""
        waiting = iter(wanted)

        async def carry() -> None:
            for one in waiting:
                self._channel.send(await self._one(one))

        async with asyncio.TaskGroup() as group:
            for _ in range(min(at_once, len(wanted))):
                group.create_task(carry())

    async def _one(self, wanted: Wanted) -> Answer:
        """Judges one message; whatever goes wrong with it does not cost the others."""
        try:
            octets = self._mailbox.read(wanted.key)
            if wanted.kept is not None and _stands(wanted.kept, self._keeper, octets):
                return Answer(wanted.id, stands=True)
            report = await self._checker.check(octets)
            if any(map(is_closed, report.results)):  # no private key is here, and what is inside may change the verdict
                return Answer(wanted.id, why="it is encrypted: it is judged when it is opened", encrypted=True)
            return Answer(wanted.id, self._keeper.keep(report, int(time.time())))
        except InputError as error:
            return Answer(wanted.id, why=str(error))
        except Exception as error:  # noqa: BLE001 - the border: the other messages are still judged
            return Answer(wanted.id, why=f"this is a mistake in mailsec or a plugin: {describe(error)}")


def _stands(kept: KeptVerdict, keeper: Keeper, octets: bytes | memoryview | mmap.mmap) -> bool:
    try:
        return is_current(keeper.open(kept, octets))
    except SealError:
        return False
