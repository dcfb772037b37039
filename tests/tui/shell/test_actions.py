"""One table of actions: keys, help, palette and handlers hold every one of it."""

from __future__ import annotations

from typing import Any

import pytest
from textual.command import DiscoveryHit

from mailsec.tui.actions import ACTIONS, ZONES
from mailsec.tui.doing import HANDLERS
from mailsec.tui.keymap import PRESETS, make_keymap
from mailsec.tui.palette import ActionProvider
from mailsec.tui.screens.help import help_lines
from mailsec.tui.screens.hints import HINTS


def test_every_action_is_done_by_something() -> None:
    assert set(HANDLERS) == set(ACTIONS)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_action_has_a_key_where_it_applies(preset: str) -> None:
    keymap = make_keymap(preset, {})
    assert [name for name in ACTIONS if not keymap.keys_of(name)] == []
    for zone in ZONES:
        wrong = {name for name in keymap.zones[zone].values() if zone not in ACTIONS[name].zones}
        assert wrong == set(), zone


@pytest.mark.parametrize("preset", PRESETS)
def test_help_lists_every_action(preset: str) -> None:
    words = [words for keys, words in help_lines(make_keymap(preset, {})) if keys]
    assert words == [action.help for action in ACTIONS.values()]


def test_help_has_each_heading_once() -> None:
    headings = [words for keys, words in help_lines(make_keymap("mailsec", {})) if not keys]
    assert headings == list(dict.fromkeys(action.group for action in ACTIONS.values()))


async def test_the_palette_offers_every_action(home: Any, run: Any) -> None:
    async with run(home) as session:
        provider = ActionProvider(session.screen)
        found = [hit async for hit in provider.discover()]
        assert all(isinstance(hit, DiscoveryHit) for hit in found)
        assert [str(hit.display) for hit in found] == [action.title for action in ACTIONS.values()]
        for action in ACTIONS.values():
            hits = [hit async for hit in provider.search(action.title)]
            assert action.title in [hit.text for hit in hits], action.name


async def test_the_palette_does_what_is_chosen(home: Any, run: Any) -> None:
    async with run(home) as session:
        await session.press(":")
        await session.press(*"next theme")
        await session.pilot.pause(0.3)
        await session.press("enter")
        await session.until(lambda: session.app.theme == "light", "the other theme")


def test_hints_name_actions_that_have_keys() -> None:
    for zone, named in HINTS.items():
        for action, _ in named:
            for preset in PRESETS:
                assert make_keymap(preset, {}).keys_of(action, zone), (preset, zone, action)
