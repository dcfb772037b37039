"""The client with a folder of 100,000 messages and a warm index, beside Textual's DataTable with the same rows."""

from __future__ import annotations

import asyncio
import gc
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import textual

from benchmarks.measure import Figure

if TYPE_CHECKING:
    from mailsec.tui.app import MailApp

OPENING = 0.3
PAGE = 0.05
MEMORY = 200.0
REST = 0.25
"""Seconds between two pages, in which the message is shown and judged beside the list."""
PAGES, WARM = 100, 5
"""How many pages are turned, and how many before that are not counted: the first message loads what shows it."""

CODE = """
    import asyncio, json, sys
    from pathlib import Path
    from benchmarks.client import {function}
    print(json.dumps(asyncio.run({function}(Path(sys.argv[1])))))
"""


def run(*, short: bool) -> list[Figure]:
    """Fills an index, then opens the client on it in processes of their own, in turn with the table."""
    import json

    number = 10_000 if short else 100_000
    rounds = 1 if short else 3
    with tempfile.TemporaryDirectory(prefix="mailsec-bench-") as name:
        folder = Path(name)
        _fill(folder, number)

        def measured(function: str) -> dict[str, float]:
            code = textwrap.dedent(CODE.format(function=function))
            command = [sys.executable, "-c", code, str(folder)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
            return found

        pairs = [(measured("open_client"), measured("open_table")) for _ in range(rounds)]
    mine = {key: statistics.median(one[key] for one, _ in pairs) for key in pairs[0][0]}
    table = statistics.median(one["paint"] for _, one in pairs)
    ratio = statistics.median(theirs["paint"] / ours["paint"] for ours, theirs in pairs)
    count = f"{number:,}".replace(",", " ")
    return [
        Figure(
            f"client: {count} rows painted, within 0.3 s",
            mine["paint"],
            OPENING,
            "the limit",
            "s",
            OPENING / mine["paint"],
            1,
        ),
        Figure(
            f"client: {count} rows painted",
            mine["paint"],
            table,
            f"DataTable of Textual {textual.__version__}",
            "s",
            ratio,
        ),
        Figure(
            "client: page-down to paint (p99), within 50 ms",
            mine["page"] * 1e3,
            PAGE * 1e3,
            "the limit",
            "ms",
            PAGE / mine["page"],
            1,
        ),
        Figure(
            "client: memory at its most, under 200 MB",
            mine["memory"],
            MEMORY,
            "the limit",
            "MB",
            MEMORY / mine["memory"],
            1,
        ),
    ]


def _fill(folder: Path, number: int) -> None:
    """Indexes a mailbox that is never written: its messages are made as they are read."""
    from mailsec.store import Index, Maildir

    Maildir.create(folder / "Maildir")
    (folder / "state").mkdir()
    with Index(folder / "state" / "index.sqlite") as index:
        index.refresh(_Made(folder / "Maildir", number))  # type: ignore[arg-type]


class _Made:
    """A mailbox of made messages; one in four answers the one before."""

    keeps_flags = True

    def __init__(self, path: Path, number: int) -> None:
        self.path = path
        self._number = number

    def entries(self) -> Iterator[object]:
        from mailsec.store import Entry, Flags

        for at in range(self._number):
            yield Entry(f"{1_700_000_000 + at * 60}.M{at:06}.bench", Flags.SEEN if at % 3 else Flags.NONE)

    def read(self, key: str) -> bytes:
        at = int(key.split(".")[1][1:])
        answer = f"In-Reply-To: <{at - 1}@example.org>\r\n" if at % 4 == 3 else ""
        when = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(1_700_000_000 + at * 60))
        return (
            f"From: Person {at % 977} <p{at % 977}@example.org>\r\nTo: Robin <robin@example.net>\r\n"
            f"Subject: About matter {at}\r\nDate: {when}\r\nMessage-ID: <{at}@example.org>\r\n{answer}\r\n"
            f"Words about matter {at}.\r\n"
        ).encode()


async def open_client(folder: Path) -> dict[str, float]:
    """Opens the client: seconds until its first rows are painted, seconds of a page-down, megabytes."""
    from mailsec.config import Settings
    from mailsec.tui.app import MailApp
    from mailsec.tui.keymap import make_keymap
    from mailsec.tui.screens.background import Background
    from mailsec.tui.services import open_services

    zone = folder / "dns.zone"
    zone.write_text("$TTL 300\n")
    settings = Settings(dns_file=zone)
    begin = time.perf_counter()
    services = open_services(settings, (folder / "Maildir",), folder / "state")
    keymap = make_keymap("mailsec", {})
    app = MailApp(services, keymap, theme="dark", glyphs=True, configuration=folder / "config.toml", settled=gc.freeze)
    with (
        # the index is warm, and the messages that are shown are made as they are read
        mock.patch.object(Background, "start", return_value=None),
        mock.patch("mailsec.tui.mail.open_mailbox", lambda place: _Made(place.path, 0)),
    ):
        return await _measure(app, begin)


async def _measure(app: MailApp, begin: float) -> dict[str, float]:
    from mailsec.tui.screens.mailbox import MailboxScreen

    async with app.run_test(size=(120, 40)) as pilot:
        while not isinstance(app.screen, MailboxScreen) or not app.screen.messages.count:  # noqa: ASYNC110
            await asyncio.sleep(0)
        screen = app.screen
        painted = asyncio.Event()
        screen.call_after_refresh(painted.set)
        await painted.wait()
        paint = time.perf_counter() - begin
        await pilot.pause()
        pages = []
        for turn in range(WARM + PAGES):
            await asyncio.sleep(REST)
            start = time.perf_counter()
            painted.clear()
            screen.perform("page-down")
            screen.call_after_refresh(painted.set)
            await painted.wait()
            if turn >= WARM:
                pages.append(time.perf_counter() - start)
        assert screen.messages.cursor > 1000
        pages.sort()
    return {"paint": paint, "page": pages[int(len(pages) * 0.99)], "memory": _peak()}


def _peak() -> float:
    """Megabytes that this process held at its most; what `getrusage` says begins with what its parent held."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


async def open_table(folder: Path) -> dict[str, float]:
    """Opens the same rows in a DataTable: seconds until the first are painted."""
    from textual.app import App, ComposeResult
    from textual.widgets import DataTable

    from mailsec.store import Index

    class Table(App[None]):
        def compose(self) -> ComposeResult:
            yield DataTable[str]()

        def on_mount(self) -> None:
            with Index(folder / "state" / "index.sqlite") as index:
                ids = index.listing(index.folder(folder / "Maildir")).ids
                table = self.query_one(DataTable)
                table.add_columns("author", "subject", "date")
                for at in range(0, len(ids), 1000):
                    table.add_rows(
                        (row.author_name, row.subject, str(row.date)) for row in index.rows(ids[at : at + 1000]) if row
                    )

    begin = time.perf_counter()
    app = Table()
    async with app.run_test(size=(120, 40)):
        painted = asyncio.Event()
        app.call_after_refresh(painted.set)
        await painted.wait()
        paint = time.perf_counter() - begin
    return {"paint": paint}
