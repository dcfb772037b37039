"""Keys: presets, the user's own, and sentences for mistakes."""

from __future__ import annotations

import pytest

from mailsec.errors import ConfigError
from mailsec.tui.keymap import PRESETS, Presses, key_name, make_keymap, shown


@pytest.mark.parametrize("preset", PRESETS)
def test_presets_can_be_used(preset: str) -> None:
    keymap = make_keymap(preset, {})
    assert keymap.keys_of("help") == (("?",), ("f1",))


@pytest.mark.parametrize(
    ("bindings", "zone", "key", "action"),
    [
        ({}, "list", "d", "delete"),
        ({}, "folders", "d", None),
        ({}, "list", "j", "down"),
        ({}, "message", "j", "scroll-down"),
        ({}, "list", "h", "focus-folders"),
        ({}, "message", "h", "focus-list"),
        ({"x": "delete"}, "list", "x", "delete"),
        ({"x": "delete"}, "folders", "x", None),
        ({"d": "none"}, "list", "d", None),
        ({"d": "none"}, "message", "d", None),
        ({"ctrl+x": "quit"}, "folders", "ctrl+x", "quit"),
        ({"ü": "quit"}, "folders", "ü", "quit"),
    ],
)
def test_what_a_key_does(bindings: dict[str, str], zone: str, key: str, action: str | None) -> None:
    assert Presses(make_keymap("mailsec", bindings)).press(key, zone) == action  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bindings", "words"),
    [
        ({"x": "delte"}, "x: there is no action 'delte'; did you mean 'delete'?"),
        ({"x": "zzzzzz"}, "there is no action 'zzzzzz'; the help screen lists them"),
        ({"entr": "open"}, "'entr' is no key; a key is a character, or a name such as enter, f1 or ctrl+d; did you"),
        ({"ctrl+": "open"}, "'ctrl+' is no key"),
        ({"ctrl+nothing": "open"}, "'ctrl+nothing' is no key"),
        ({"\x1b": "open"}, "is no key"),
        ({"": "open"}, "'' should be one to 3 keys"),
        ({"a b c d": "open"}, "'a b c d' should be one to 3 keys"),
        ({"d d": "delete"}, "'d' is bound to 'delete', so 'd d' for 'delete' can never be pressed"),
    ],
)
def test_mistakes_are_named(bindings: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_keymap("mailsec", bindings, "config.toml: [client.bindings]")
    assert str(caught.value).startswith("config.toml: [client.bindings]: ")
    assert words in str(caught.value)


def test_keys_one_after_another() -> None:
    presses = Presses(make_keymap("aerc", {}))
    assert presses.press("g", "list") == ""
    assert presses.begun == ("g",)
    assert presses.press("g", "list") == "first"
    assert presses.begun == ()
    assert presses.press("g", "list") == ""
    assert presses.press("x", "list") == ""  # broken off, and x is not taken for itself
    assert presses.press("j", "list") == "down"
    assert presses.press("~", "list") is None


@pytest.mark.parametrize(
    ("key", "character", "name"),
    [
        ("question_mark", "?", "?"),
        ("upper_g", "G", "G"),
        ("space", " ", "space"),
        ("ctrl+d", "\x04", "ctrl+d"),
        ("alt+v", "v", "alt+v"),
        ("enter", "\r", "enter"),
        ("f1", None, "f1"),
    ],
)
def test_names_of_keys(key: str, character: str | None, name: str) -> None:
    assert key_name(key, character) == name


def test_how_keys_are_shown() -> None:
    assert [shown(chord) for chord in [("ctrl+d",), ("g", "g"), ("enter",), ("?",)]] == ["^D", "g g", "⏎", "?"]
