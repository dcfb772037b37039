"""What runs in a process of ours: `python -P -m mailsec.tui.background.worker WORK DESCRIPTOR`."""

from __future__ import annotations

import contextlib
import importlib
import os
import select
import socket
import sys
import threading
from collections.abc import Sequence

from mailsec.tui.background.channel import BlockingChannel, ChannelClosed

__all__ = ["main"]

NICE = 10
"""By how much a worker is nicer to others than the client, which must never wait for it."""

WORK = {
    "index": "mailsec.tui.background.index_worker",
    "pictures": "mailsec.tui.background.picture_worker",
    "verify": "mailsec.tui.background.verify_worker",
}
"""What a worker can do, and the module whose `serve` does it."""


def main(arguments: Sequence[str]) -> int:
    """Does one kind of work until the client is gone.

    Args:
        arguments: the kind of work, and the number of the descriptor of the channel.
    """
    work, descriptor = arguments
    end = socket.socket(fileno=int(descriptor))
    threading.Thread(target=_end_with_the_client, args=(end.fileno(),), daemon=True).start()
    with contextlib.suppress(OSError):
        os.nice(NICE)
    with contextlib.suppress(ChannelClosed):
        importlib.import_module(WORK[work]).serve(BlockingChannel(end))
    return 0


def _end_with_the_client(descriptor: int) -> None:
    """Ends this process when the client has ended, whatever a plugin is doing then."""
    poll = select.poll()
    poll.register(descriptor, 0)  # only that the other end is gone is of interest
    poll.poll()
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
