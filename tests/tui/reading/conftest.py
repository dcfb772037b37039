"""The demonstration's messages with their reports, and a little application that shows what is tested."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from textual.app import App, ComposeResult

from mailsec.checker import Checker
from mailsec.config import Settings
from mailsec.demo import make_mailbox, write_mailbox
from mailsec.hooks.manager import PluginManager
from mailsec.message import Message, parse
from mailsec.pipeline import Report
from mailsec.tui.reading import MessagePane, WhyScreen
from mailsec.tui.themes import DEFAULTS, THEMES

AT = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
NOW = AT.timestamp() + 3_600


@dataclass(frozen=True)
class Demo:
    """The demonstration mailbox: messages and reports by name, and checking of others in its world."""

    messages: dict[str, bytes]
    reports: dict[str, Report]
    settings: Settings

    def message(self, name: str) -> Message:
        return parse(self.messages[name])

    def check(self, octets: bytes) -> Report:
        async def run() -> Report:
            async with Checker(self.settings) as checker:
                return await checker.check(octets)

        with ThreadPoolExecutor(1) as pool:  # the test may have a loop of its own
            return pool.submit(asyncio.run, run()).result()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    folder = tmp_path_factory.mktemp("reading") / "mailbox"
    mailbox = asyncio.run(make_mailbox(PluginManager(), AT))
    write_mailbox(mailbox, folder)
    settings = Settings(
        dns_file=folder / "dns.zone", trust=(folder / "trust.pem",), identities=(folder / "reader.pem",), at=AT
    )

    async def check() -> dict[str, Report]:
        async with Checker(settings) as checker:
            return {example.name: await checker.check(octets) for example, octets in mailbox.messages}

    return Demo({example.name: octets for example, octets in mailbox.messages}, asyncio.run(check()), settings)


class Reader(App[None]):
    """An application with one pane."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self, theme: str = "dark", *, glyphs: bool = True, then: Callable[[Reader], None] | None = None
    ) -> None:
        super().__init__()
        self.wanted = theme
        self.then = then
        self.pane = MessagePane(clock=lambda: NOW, zone=UTC, glyphs=glyphs, why_hint="y why")
        self.posted: list[object] = []

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return dict(DEFAULTS)

    def compose(self) -> ComposeResult:
        yield self.pane

    def on_mount(self) -> None:
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self.wanted
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.pane.body.focus()
        if self.then is not None:
            self.then(self)

    def export_screenshot(self, *, title: str | None = None, simplify: bool = False) -> str:
        """Without the address of a font, which a picture in this repository must not have."""
        svg = super().export_screenshot(title=title, simplify=simplify)
        return re.sub(r"\s*(?:@font-face \{.*?\}|<!--.*?-->)", "", svg, flags=re.DOTALL)

    def on_message_pane_link_chosen(self, event: MessagePane.LinkChosen) -> None:
        self.posted.append(event.url)

    def on_why_screen_save_evidence(self, event: WhyScreen.SaveEvidence) -> None:
        self.posted.append(event.report)

    def on_message_pane_attachment_chosen(self, event: MessagePane.AttachmentChosen) -> None:
        self.posted.append(event.part)


@pytest.fixture
def reader() -> type[Reader]:
    return Reader


@pytest.fixture
def lines_on() -> Callable[[App[None]], list[str]]:
    def lines(app: App[None]) -> list[str]:
        """What is on the screen, line by line."""
        strips = app.screen._compositor.render_strips()
        return ["".join(segment.text for segment in strip).rstrip() for strip in strips]

    return lines
