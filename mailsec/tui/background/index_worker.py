"""The work of the indexing process: one mailbox after the other, as it is told."""

from __future__ import annotations

import time
from pathlib import Path

from mailsec.errors import MailsecError, StoreError, describe
from mailsec.store import Changes, Index, Place
from mailsec.tui.background.channel import BlockingChannel
from mailsec.tui.background.mailboxes import open_mailbox
from mailsec.tui.background.messages import Advanced, Failed, Told

__all__ = ["serve"]

OFTEN = 0.05
"""Seconds between two messages on how far it has come."""


def serve(channel: BlockingChannel) -> None:
    """Refreshes the index of the mailboxes that it is told until the channel closes.

    First it is told the path of the index, then `Place`s; for each it answers with any number of `Advanced` and
    `Told`, and in the end with `Changes` or `Failed`.

    Raises:
        ChannelClosed: the client is gone.
    """
    path: Path = channel.receive()
    while True:
        place: Place = channel.receive()
        try:
            answer: Changes | Failed = _refresh_or_make_anew(path, place, channel)
        except MailsecError as error:
            answer = Failed(str(error))
        except Exception as error:  # noqa: BLE001 - the border: the next mailbox is indexed all the same
            answer = Failed(f"{place.path} cannot be indexed; this is a mistake in mailsec: {describe(error)}")
        channel.send(answer)


def _refresh_or_make_anew(path: Path, place: Place, channel: BlockingChannel) -> Changes:
    """Refreshes; an index that turns out to be damaged is opened again, which makes it anew."""
    try:
        return _refresh(path, place, channel)
    except StoreError:
        return _refresh(path, place, channel)


def _refresh(path: Path, place: Place, channel: BlockingChannel) -> Changes:
    last = time.monotonic()

    def progress(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= OFTEN or done == total:
            last = now
            channel.send(Advanced(done, total))

    with Index(path, tell=lambda sentence: channel.send(Told(sentence))) as index:
        return index.refresh(open_mailbox(place), progress=progress)
