"""How mailbox and message look, drawn: at three sizes, dark, light and without colour.

The other screens are in `test_screens.py`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from mailsec.tui.screens.background import Background
from mailsec.tui.screens.mailbox import MailboxScreen

SIZES = [(60, 18), (80, 24), (120, 40)]
THEMES = ["dark", "light", "plain"]


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes on behind a picture: the index is made already."""
    monkeypatch.setattr(Background, "start", lambda self: None)


def look(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


async def settle(pilot: Pilot[None]) -> None:
    """Waits until nothing is under way any more."""
    screen = next(one for one in pilot.app.screen_stack if isinstance(one, MailboxScreen))
    for _ in range(1000):
        await pilot.pause(0.02)
        ready = not screen.pane.display or screen.pane.message is None or screen.pane.report is not None
        if screen.messages.count and not screen.background.busy and ready and screen.reader.rested:
            break
    await pilot.pause()


def after(*keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def run(pilot: Pilot[None]) -> None:
        await settle(pilot)
        for key in keys:
            await pilot.press(key)
        await settle(pilot)

    return run


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES, ids=look)
def test_the_mailbox(demonstration: Any, client: Any, snap_compare: Any, size: tuple[int, int], theme: str) -> None:
    app = client(demonstration, theme=theme, glyphs=theme != "plain")
    assert snap_compare(app, terminal_size=size, run_before=after("j", "j", "t"))


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES, ids=look)
def test_a_message(demonstration: Any, client: Any, snap_compare: Any, size: tuple[int, int], theme: str) -> None:
    app = client(demonstration, theme=theme, glyphs=theme != "plain")
    assert snap_compare(app, terminal_size=size, run_before=after(*["j"] * 7, "l"))
