"""How the screens about keys look: at three sizes, dark, light and without colour.

As in `test_screens.py`; what has changed is shown by `pytest --snapshot-update -n 0` and a comparison.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from mailsec.crypto import PrivateIdentity, PrivateKey
from mailsec.crypto.issue import make_own
from mailsec.store import Maildir
from mailsec.tui.screens.background import Background
from mailsec.tui.screens.keys.screen import KeysScreen
from mailsec.tui.screens.mailbox import MailboxScreen
from tests.tui.shell.conftest import index_all
from tests.tui.shell.keys import AT, ROBIN, Correspondents, encrypted_to, fill
from tests.tui.shell.picture import lines_of, picture
from tests.tui.shell.test_screens import SIZES, THEMES, AsText, draw

SCENES: dict[str, tuple[list[str], list[str]]] = {
    "keys": ([], []),
    "keys, a correspondent": (["down"] * 3, ["home"]),
    "keys, narrowed": (["/", *"expired"], ["escape"]),
    "keys, nothing fits": (["/", *"nobody"], ["escape"]),
    "keys, details of your own": (["enter"], ["escape"]),
    "keys, all actions": (["?"], ["escape"]),
    "keys, trust": ([*["down"] * 3, "t"], ["escape", "home"]),
    "keys, trust refused": ([*["down"] * 3, "t", "y", "enter"], ["escape", "home"]),
    "keys, distrust": (["down", "d"], ["escape", "home"]),
    "keys, forget": (["x"], ["escape"]),
    "keys, import": (["i"], ["escape"]),
    "keys, export": (["e"], ["escape"]),
    "keys, make": (["m"], ["escape"]),
    "keys, password": (["p"], ["escape"]),
    "keys, wrong password": (["p", *"wrong", "enter"], ["escape"]),
}
"""By name: the keys that lead there, and those that lead back."""


CLOSED: dict[str, tuple[list[str], list[str]]] = {
    "closed, asked for": (["enter"], ["escape", "escape"]),
    "closed, left so": (["enter", "escape"], ["escape"]),
}
"""The same for a message that is encrypted to a key under a password."""


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes on behind a picture, no cursor blinks, the clock stands, and the user's home is nobody's."""

    ticks = itertools.count()

    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return (AT + timedelta(microseconds=next(ticks))).astimezone(tz)  # what comes first is listed first

    async def briefly(*_seconds: float) -> None:
        await asyncio.sleep(0.002)

    monkeypatch.setattr("mailsec.store.keys.keystore.datetime", Clock)
    monkeypatch.setattr("mailsec.store.keys.passwords._keyring", lambda: None)
    monkeypatch.setattr("mailsec.tui.widgets.bars.NOTICE", 600.0)
    monkeypatch.setattr(Background, "start", lambda self: None)
    monkeypatch.setattr(Input, "_toggle_cursor", lambda self: None)
    monkeypatch.setattr("textual.app.wait_for_idle", briefly)
    monkeypatch.setattr("textual.pilot.wait_for_idle", briefly)


@pytest.fixture
def kept(home: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A small Maildir, with keys in the user's home."""
    people = Correspondents()
    monkeypatch.setenv("HOME", str(home.root.parent))
    folder = home.root.parent / "keys"
    end = people.bob.certificate.not_after
    own = make_own(PrivateKey.generate("ec"), [ROBIN], not_before=AT, not_after=end)
    fill(folder, PrivateIdentity(own.key, own.certificates), people)
    Maildir(home.root).deliver(encrypted_to(own.certificate))
    index_all(home)
    return replace(home, settings=replace(home.settings, keys=folder))


async def settle(pilot: Pilot[None]) -> str:
    """Waits until the screen stays as it is; gives its picture."""
    before: list[str] = []
    for _ in range(1000):
        await pilot.pause(0.01)
        now = lines_of(pilot.app)
        screens = [one for one in pilot.app.screen_stack if isinstance(one, KeysScreen | MailboxScreen)]
        busy = any(worker.is_running for screen in pilot.app.screen_stack for worker in _trying(screen))
        if now and now == before and screens and not busy and _ready(screens[-1]):
            return picture(pilot.app)
        before = now
    raise TimeoutError("the screen never rests")


def _trying(screen: Any) -> list[Any]:
    return [one for one in screen.workers if one.node is screen and type(screen).__name__ == "AskSecret"]


def _ready(screen: Any) -> bool:
    if isinstance(screen, KeysScreen):
        return screen.loaded
    judged = not screen.pane.display or screen.pane.message is None or screen.pane.report is not None
    return screen.messages.count > 0 and screen.reader.rested and judged


async def press(pilot: Pilot[None], keys: list[str]) -> str:
    for key in keys:
        await pilot.press(key)
        if key in {"enter", "escape", "t", "p"}:
            await settle(pilot)
    return await settle(pilot)


async def check(
    app: Any, scenes: dict[str, tuple[list[str], list[str]]], theme: str, snapshot: Any, first: list[str]
) -> None:
    snapshot = snapshot.use_extension(AsText)
    changed = []
    async with app.run_test(size=SIZES[-1]) as pilot:
        await settle(pilot)
        await press(pilot, first)
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await settle(pilot)
            for name, (there, back) in scenes.items():
                shown = await press(pilot, there)
                draw(app, name, size, theme)
                if theme == "plain":
                    assert all(
                        character in NOT_OURS or character.isascii() for line in lines_of(app) for character in line
                    )
                if shown != snapshot(name=f"{name}-{size[0]}x{size[1]}".replace(", ", "-").replace(" ", "-")):
                    changed.append((name, size))
                await press(pilot, back)
                if isinstance(app.screen, KeysScreen | MailboxScreen):
                    app.screen.say("")
    assert not changed


NOT_OURS = "\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("theme", THEMES)
async def test_every_screen(kept: Any, client: Callable[..., Any], snapshot: Any, theme: str) -> None:
    await check(client(kept, theme=theme, glyphs=theme != "plain"), SCENES, theme, snapshot, ["ctrl+k"])


@pytest.mark.parametrize("theme", THEMES)
async def test_a_closed_message(kept: Any, client: Callable[..., Any], snapshot: Any, theme: str) -> None:
    await check(client(kept, theme=theme, glyphs=theme != "plain"), CLOSED, theme, snapshot, ["g"])


@pytest.mark.parametrize("theme", THEMES)
async def test_where_nothing_is_kept(home: Any, client: Callable[..., Any], snapshot: Any, theme: str) -> None:
    empty = replace(home, settings=replace(home.settings, keys=Path("/nowhere/keys")))
    app = client(empty, theme=theme, glyphs=theme != "plain")
    await check(app, {"no keys yet": ([], [])}, theme, snapshot, ["ctrl+k"])
