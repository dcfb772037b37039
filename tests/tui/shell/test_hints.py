"""The line at the bottom names whole keys, and an empty list says what to do."""

from __future__ import annotations

from typing import Any

import pytest

from mailsec.store import Maildir
from mailsec.tui.actions import ZONES
from mailsec.tui.keymap import PRESETS, make_keymap
from mailsec.tui.screens.hints import hints
from tests.tui.shell.picture import lines_of


@pytest.mark.parametrize("preset", PRESETS)
async def test_keys_are_named_whole_or_not_at_all(home: Any, run: Any, preset: str) -> None:
    keymap = make_keymap(preset, {})
    async with run(home, keys=preset) as session:
        for zone in ZONES:
            wanted = [f"{key} {word}" for key, word in hints(keymap, zone)]
            for width in range(40, 140, 7):
                await session.pilot.resize_terminal(width, 18)
                session.screen.give_keyboard(zone)
                await session.pilot.pause()
                named = [one for one in lines_of(session.app)[-1].strip().split("  ") if one]
                assert named == [*wanted[: len(named) - 1], wanted[-1]], (zone, width)


async def test_states_stand_beside_them(home: Any, run: Any) -> None:
    async with run(home, (60, 18)) as session:
        await session.press("t", "t")
        line = lines_of(session.app)[-1]
        assert line.rstrip().endswith("2 marked")
        assert "…" not in line
        assert "? keys" in line


@pytest.mark.parametrize(("preset", "key"), [("mailsec", "c"), ("mutt", "c"), ("aerc", "c")])
async def test_an_empty_folder_says_what_to_do(home: Any, run: Any, client: Any, preset: str, key: str) -> None:
    async with run(home, (80, 24), keys=preset) as session:
        for message in list(Maildir(home.root).entries()):
            Maildir(home.root).remove(message.key)
        sentence = f"This folder is empty. New mail appears by itself; {key} goes"
        await session.until(lambda: any(sentence in line for line in lines_of(session.app)), "the sentence")
        assert "delete" not in session.bottom
        home.add("New mail")
        await session.until(lambda: "New mail" in session.subjects, "the new message")
        assert not any(sentence in line for line in lines_of(session.app))


async def test_a_search_that_finds_nothing_names_the_key_back(home: Any, run: Any) -> None:
    async with run(home, (80, 24), bindings={"q": "none", "escape": "none", "x": "back"}) as session:
        await session.press("/")
        await session.type("nothing-like-that")
        sentence = "Nothing was found. x shows the folder again; / searches"
        await session.until(lambda: any(sentence in line for line in lines_of(session.app)), "the sentence")
        await session.press("x")
        await session.until(lambda: session.subjects, "the folder")
