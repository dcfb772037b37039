"""How every screen looks: at three sizes, dark, light and without colour; and in ASCII, with nothing beyond it.

What has changed is shown by `pytest --snapshot-update -n 0` and a comparison. The pictures are text, so that there can
be many; the mailbox and a message are drawn too, in `test_snapshots.py`.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from syrupy.extensions.single_file import SingleFileSnapshotExtension, WriteMode
from textual._compositor import Compositor
from textual.pilot import Pilot
from textual.widgets import Input

from mailsec.store import Maildir
from mailsec.tui.screens.background import Background
from mailsec.tui.screens.mailbox import MailboxScreen
from tests.tui.shell.picture import lines_of, picture

SIZES = [(60, 18), (80, 24), (120, 40)]
THEMES = ["dark", "light", "plain"]


class AsText(SingleFileSnapshotExtension):
    """A file for each picture."""

    _write_mode = WriteMode.TEXT
    _file_extension = "txt"
    file_extension = "txt"


@dataclass(frozen=True)
class Scene:
    """A screen, and the way to it.

    Attributes:
        keys: pressed in the list.
        back: pressed afterwards, so that all is as before.
        subject: how that of the selected message begins; the first one where it is empty.
        opened: whether the message is opened and judged before.
    """

    keys: Sequence[str]
    back: Sequence[str] = ("escape",)
    subject: str = ""
    opened: bool = False


SCENES = {
    "help": Scene(["?"]),
    "folders": Scene(["h"]),
    "pick a folder": Scene(["c"]),
    "no folder fits": Scene(["c", "x"]),
    "no other folder": Scene(["m"], []),
    "search box": Scene(["/"]),
    "search box, wrong": Scene(["/", "i", "s", ":", "x", "enter"]),
    "nothing was found": Scene(["/", "q", "q", "enter"]),
    "palette": Scene([":"]),
    "palette, typed": Scene([":", "m", "a", "r", "k"]),
    "threads folded": Scene(["Z"], ["Z"]),
    "marked": Scene(["t", "j", "t"], ["M"]),
    "why": Scene(["y"], subject="Invoice 2231", opened=True),
    "parts": Scene(["p"], subject="Invoice 2231", opened=True),
    "a part": Scene(["p", *["down"] * 4, "enter"], ["escape", "escape"], subject="Invoice 2231", opened=True),
    "save": Scene(["s"], subject="Invoice 2231", opened=True),
    "ask": Scene(["O"], subject="Invoice 2231", opened=True),
    "all header fields": Scene(["A"], ["A"], opened=True),
}
"""By name."""


UPDATES = {"drawn": 0}
"""How often something was drawn anew."""


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing goes on behind a picture, no cursor blinks, and the user's home is nobody's."""
    monkeypatch.setattr(Background, "start", lambda self: None)
    monkeypatch.setattr(Input, "_toggle_cursor", lambda self: None)
    monkeypatch.setenv("HOME", "/mail/robin")

    def drawn(compositor: Compositor, **_options: object) -> None:
        UPDATES["drawn"] += bool(compositor._dirty_regions)
        compositor._dirty_regions.clear()

    # composing what would be sent to a terminal took a third of the time, and there is none
    monkeypatch.setattr(Compositor, "render_update", drawn)

    async def briefly(*_seconds: float) -> None:
        await asyncio.sleep(0.002)

    # `settle` finds out when all is drawn; Textual would wait for a processor that has nothing else to do either
    monkeypatch.setattr("textual.app.wait_for_idle", briefly)
    monkeypatch.setattr("textual.pilot.wait_for_idle", briefly)


async def settle(pilot: Pilot[None]) -> None:
    """Waits until nothing is under way and nothing is drawn any more."""
    screens = [one for one in pilot.app.screen_stack if isinstance(one, MailboxScreen)]
    for _ in range(1000):
        before = UPDATES["drawn"]
        await pilot.pause(0.01)
        ready = all(
            not screen.background.busy
            and screen.reader.rested
            and (not screen.pane.display or screen.pane.message is None or screen.pane.report is not None)
            for screen in screens
        )
        if ready and UPDATES["drawn"] == before:
            return
    raise TimeoutError("the screen never rests")


async def look(pilot: Pilot[None]) -> str:
    """The picture of a screen that rests."""
    for _ in range(10):
        await settle(pilot)
        before, shown = UPDATES["drawn"], picture(pilot.app)
        await pilot.pause()
        if UPDATES["drawn"] == before:  # looking at it brought nothing new
            return shown
    raise TimeoutError("the screen never rests")


async def show(pilot: Pilot[None], scene: Scene) -> None:
    """Goes to a scene."""
    (mailbox,) = (one for one in pilot.app.screen_stack if isinstance(one, MailboxScreen))
    mailbox.say("")
    mailbox.give_keyboard("list")
    rows = [mailbox.messages.row(one) for one in mailbox.messages.shown.ids]
    at = next(at for at, row in enumerate(rows) if row is not None and row.subject.startswith(scene.subject))
    if at != mailbox.messages.cursor:
        mailbox.messages.cursor = at
        await settle(pilot)
    if scene.opened:
        await pilot.press("l")
        await settle(pilot)
    for key in scene.keys:
        await pilot.press(key)
        await settle(pilot)


async def leave(pilot: Pilot[None], scene: Scene) -> None:
    for key in [*scene.back, *(["escape"] if scene.opened else [])]:
        await pilot.press(key)
        await settle(pilot)


def draw(app: Any, scene: str, size: tuple[int, int], theme: str) -> None:
    """Draws a screen for somebody who wants to look: into the folder that `PICTURES` names."""
    if folder := os.environ.get("PICTURES"):
        name = f"{scene.replace(' ', '-').replace(',', '')}-{size[0]}x{size[1]}-{theme}.svg"
        Path(folder, name).write_text(app.export_screenshot())


async def check(app: Any, scenes: dict[str, Scene], theme: str, snapshot: Any) -> None:
    """Compares each scene at each size."""
    snapshot = snapshot.use_extension(AsText)
    changed = []
    async with app.run_test(size=SIZES[-1]) as pilot:
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await settle(pilot)
            for name, scene in scenes.items():
                if scene.keys:
                    await show(pilot, scene)
                shown = await look(pilot)
                draw(app, name, size, theme)
                if shown != snapshot(name=f"{name}-{size[0]}x{size[1]}".replace(", ", "-").replace(" ", "-")):
                    changed.append((name, size))
                await leave(pilot, scene)
    assert not changed


@pytest.mark.parametrize("theme", THEMES)
async def test_every_screen(demonstration: Any, client: Callable[..., Any], snapshot: Any, theme: str) -> None:
    await check(client(demonstration, theme=theme, glyphs=theme != "plain"), SCENES, theme, snapshot)


@pytest.mark.parametrize("theme", THEMES)
async def test_where_there_is_no_mail(home: Any, client: Callable[..., Any], snapshot: Any, theme: str) -> None:
    nowhere = replace(home, root=Path("/nowhere/Maildir"))
    await check(client(nowhere, theme=theme, glyphs=theme != "plain"), {"no mail yet": Scene([], [])}, theme, snapshot)
    Maildir.create(home.state / "Maildir")
    empty = replace(home, root=home.state / "Maildir")
    scene = {"an empty folder": Scene([], [])}
    await check(client(empty, theme=theme, glyphs=theme != "plain"), scene, theme, snapshot)


@pytest.mark.parametrize("size", [SIZES[1]], ids=str)
async def test_nothing_beyond_ascii_is_ours(home: Any, client: Callable[..., Any], size: tuple[int, int]) -> None:
    """The mail is in ASCII, so whatever is not is the client's or a widget's."""
    app = client(home, theme="dark", glyphs=False)
    async with app.run_test(size=size) as pilot:
        await settle(pilot)
        for name, scene in SCENES.items():
            await show(pilot, replace(scene, subject=""))
            await look(pilot)
            odd = {character for line in lines_of(app) for character in line if not character.isascii()}
            assert not odd, name
            await leave(pilot, scene)
            while len(app.screen_stack) > 2:
                await pilot.press("escape")
                await settle(pilot)
