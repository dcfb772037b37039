"""The client over the demonstration and over small Maildirs, at a fixed time."""

from __future__ import annotations

import asyncio
import re
import shutil
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from mailsec.checker import Checker
from mailsec.config import ClientSettings, Settings
from mailsec.demo import make_mailbox, write_mailbox
from mailsec.hooks.manager import PluginManager
from mailsec.store import Flags, Index, Maildir, find_mailboxes
from mailsec.store.keeper import Keeper, read_key
from mailsec.tui.app import MailApp
from mailsec.tui.background.mailboxes import open_mailbox
from mailsec.tui.keymap import make_keymap
from mailsec.tui.screens.mailbox import MailboxScreen
from mailsec.tui.services import open_services

AT = datetime(2026, 5, 12, 14, 30, tzinfo=UTC)
NOW = AT.timestamp()


class Client(MailApp):
    """The client, whose pictures have no address of a font in them."""

    def export_screenshot(self, *, title: str | None = None, simplify: bool = False) -> str:
        svg = super().export_screenshot(title=title, simplify=simplify)
        return re.sub(r"\s*(?:@font-face \{.*?\}|<!--.*?-->)", "", svg, flags=re.DOTALL)


@dataclass(frozen=True)
class Session:
    """A running client."""

    app: Client
    pilot: Pilot[None]

    @property
    def screen(self) -> MailboxScreen:
        return next(one for one in self.app.screen_stack if isinstance(one, MailboxScreen))

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Writes into the line that has the keyboard, and enters it."""
        line = self.app.screen.focused
        assert isinstance(line, Input)
        line.value = text
        await self.pilot.pause()
        await self.pilot.press("enter")

    async def until(self, condition: Callable[[], object], what: str = "what was waited for") -> None:
        end = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < end, f"{what} did not come; the bottom says {self.bottom!r}"
            await self.pilot.pause(0.02)
        await self.pilot.pause()

    @property
    def bottom(self) -> str:
        return self.screen.query_one("#bottom").text  # type: ignore[attr-defined]

    @property
    def top(self) -> str:
        return self.screen.query_one("#top").text  # type: ignore[attr-defined]

    @property
    def subject(self) -> str:
        row = self.screen.messages.row(self.screen.messages.current or 0)
        return "" if row is None else row.subject

    @property
    def subjects(self) -> list[str]:
        rows = [self.screen.messages.row(one) for one in self.screen.messages.shown.ids]
        return [row.subject for row in rows if row is not None]

    def flags(self) -> Flags:
        row = self.screen.messages.row(self.screen.messages.current or 0)
        return Flags.NONE if row is None else row.flags


@pytest.fixture(autouse=True)
def in_utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The reader's time zone."""
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("NO_COLOR", raising=False)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@dataclass(frozen=True)
class Home:
    """Mail and where the client remembers things."""

    root: Path
    state: Path
    settings: Settings

    def add(self, subject: str, **fields: str) -> str:
        """Delivers a message."""
        return deliver(Maildir(self.root), subject, **fields)


def deliver(
    box: Maildir,
    subject: str,
    *,
    author: str = "Alice <alice@example.org>",
    hour: int = 9,
    body: str = "Hi",
    **more: str,
) -> str:
    fields = {
        "From": author,
        "To": "Robin <robin@example.net>",
        "Subject": subject,
        "Date": f"Mon, 11 May 2026 {hour:02}:00:00 +0000",
        "Message-ID": f"<{zlib.crc32(subject.encode())}@example.org>",
        **{name.replace("_", "-"): value for name, value in more.items()},
    }
    text = "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + f"\r\n{body}\r\n"
    return box.deliver(text.encode())


async def verify_all(home: Home) -> None:
    """Judges everything in the index."""
    keeper = Keeper(read_key(home.state))
    with Index(home.state / "index.sqlite") as index:
        box, number = Maildir(home.root), index.folder(home.root)
        async with Checker(home.settings) as checker:
            for message in index.listing(number).ids:
                report = await checker.check(box.read(index.place_of(message)[1]))
                index.keep_verdict(message, keeper.keep(report, int(NOW)))


def index_all(home: Home) -> None:
    """Indexes all folders."""
    home.state.mkdir(mode=0o700, exist_ok=True)
    with Index(home.state / "index.sqlite") as index:
        for place in find_mailboxes((home.root,)):
            index.refresh(open_mailbox(place))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Six messages, three of them a thread, and the usual folders."""
    root = tmp_path / "Maildir"
    box = Maildir.create(root)
    for name in (".Archive", ".Trash", ".Sent"):
        Maildir.create(root / name)
    deliver(box, "Plans", hour=9, Message_ID="<plans@example.org>")
    deliver(box, "Re: Plans", author="Bob <bob@example.net>", hour=10, In_Reply_To="<plans@example.org>")
    deliver(box, "Re: Plans again", hour=11, In_Reply_To="<plans@example.org>")
    deliver(box, "[bold]Brackets[/red]", author="Carol [x] <carol@example.net>", hour=12)
    deliver(box, "Link", hour=13, body="See https://example.org/page for more.")
    zone = tmp_path / "dns.zone"
    zone.write_text("$TTL 300\n")
    home = Home(root, tmp_path / "state", Settings(dns_file=zone))
    index_all(home)
    return home


@pytest.fixture(scope="session")
def demonstration_made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration, made once."""
    folder = tmp_path_factory.mktemp("demonstration") / "mailbox"
    write_mailbox(asyncio.run(make_mailbox(PluginManager(), AT)), folder)
    return folder


@pytest.fixture
def demonstration(demonstration_made: Path, tmp_path: Path) -> Home:
    """The demonstration, indexed and verified; each test has one of its own, since opening a message changes it."""
    folder = shutil.copytree(demonstration_made, tmp_path / "mailbox")
    settings = Settings(dns_file=folder / "dns.zone", trust=(folder / "trust.pem",), at=AT)
    home = Home(folder / "Maildir", tmp_path / "state", settings)
    index_all(home)
    asyncio.run(verify_all(home))
    return home


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Client]:
    """Makes a client on a home."""
    monkeypatch.setattr("mailsec.tui.widgets.bars.NOTICE", 600.0)

    def make(
        home: Home,
        *,
        theme: str = "dark",
        glyphs: bool = True,
        keys: str = "mailsec",
        bindings: Mapping[str, str] | None = None,
        **client: object,
    ) -> Client:
        settings = replace(home.settings, client=ClientSettings(**client))  # type: ignore[arg-type]
        services = open_services(settings, (home.root,), home.state, clock=lambda: NOW)
        keymap = make_keymap(keys, bindings or {})
        return Client(
            services, keymap, theme=theme, glyphs=glyphs, configuration=Path("~/config.toml"), roots=(home.root,)
        )

    return make


@pytest.fixture
def run(client: Callable[..., Client]) -> Callable[..., object]:
    """Runs a client on a home and waits for its list."""

    @asynccontextmanager
    async def run(home: Home, size: tuple[int, int] = (120, 40), **options: object) -> AsyncIterator[Session]:
        app = client(home, **options)
        async with app.run_test(size=size) as pilot:
            session = Session(app, pilot)
            await session.until(lambda: app.screen_stack and isinstance(app.screen, MailboxScreen))
            await session.until(lambda: session.screen.messages.count, "the list")
            yield session

    return run
