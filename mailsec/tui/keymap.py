"""Which key does what: a preset from a data file, and single keys that the user's configuration changes."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from types import MappingProxyType
from typing import TypeAlias

from mailsec.errors import ConfigError
from mailsec.hooks.settings import did_you_mean
from mailsec.tui.actions import ACTIONS, ZONES, Zone

__all__ = ["NOTHING", "PRESETS", "Chord", "Keymap", "Presses", "key_name", "make_keymap", "shown"]

Chord: TypeAlias = tuple[str, ...]
"""Keys pressed one after another; mostly one."""

PRESETS = ("mailsec", "mutt", "aerc")

NOTHING = "none"
"""The name that takes a key's action away."""

_TABLES: Mapping[str, tuple[Zone, ...]] = MappingProxyType(
    {
        "everywhere": ZONES,
        "mail": ("list", "message"),
        "list": ("list",),
        "folders": ("folders",),
        "message": ("message",),
    }
)  # from the widest to the narrowest: the later decides
_LONGEST = 3
_NAMED = (
    "backspace delete down end enter escape home insert left pagedown pageup right space tab up "
    + " ".join(f"f{number}" for number in range(1, 25))
).split()
_MODIFIED = re.compile(r"(?:(?:ctrl|alt|shift)\+)+(?P<key>.+)")
_SHOWN: Mapping[str, str] = MappingProxyType(
    {"enter": "⏎", "down": "↓", "up": "↑", "left": "←", "right": "→", "pagedown": "PgDn", "pageup": "PgUp"}
)


@dataclass(frozen=True, slots=True)
class Keymap:
    """The keys of each part of the screen.

    Attributes:
        zones: for each part of the screen the names of the actions by their keys.
        glyphs: whether keys are named by signs that the terminal may not have.
    """

    zones: Mapping[Zone, Mapping[Chord, str]]
    glyphs: bool = True

    def keys_of(self, action: str, zone: Zone | None = None) -> tuple[Chord, ...]:
        """The keys of an action, in the order in which they were given.

        Args:
            action: its name.
            zone: the part of the screen; `None` for all.
        """
        found = (
            chord
            for one in (ZONES if zone is None else (zone,))
            for chord, name in self.zones[one].items()
            if name == action
        )
        return tuple(dict.fromkeys(found))

    def names_of(self, action: str, zone: Zone | None = None) -> tuple[str, ...]:
        """The keys of an action, as the screen names them.

        Args:
            action: its name.
            zone: the part of the screen; `None` for all.
        """
        return tuple(dict.fromkeys(shown(chord, glyphs=self.glyphs) for chord in self.keys_of(action, zone)))


class Presses:
    """Keys as they are pressed; remembers the beginning of a chord.

    Args:
        keymap: which key does what.
    """

    def __init__(self, keymap: Keymap) -> None:
        self._keymap = keymap
        self._begun: Chord = ()

    @property
    def begun(self) -> Chord:
        """The beginning of a chord that waits for its next key."""
        return self._begun

    def press(self, key: str, zone: Zone) -> str | None:
        """Takes a key.

        Args:
            key: its name, as `key_name` gives it.
            zone: the part of the screen that has the keyboard.

        Returns:
            The name of the action; empty where a chord has begun or was broken off; `None` for a key that does nothing.
        """
        table = self._keymap.zones[zone]
        chord = (*self._begun, key)
        if (action := table.get(chord)) is not None:
            self._begun = ()
            return action
        if any(one[: len(chord)] == chord for one in table):
            self._begun = chord
            return ""
        begun, self._begun = self._begun, ()
        return "" if begun else None


def key_name(key: str, character: str | None) -> str:
    """The name of a key that was pressed, as keymaps write it.

    Args:
        key: Textual's name of it, such as `"question_mark"` or `"ctrl+d"`.
        character: what it writes, such as `"?"`; `None` where it writes nothing.
    """
    if character is not None and len(character) == 1 and character.isprintable() and character != " ":
        return character if not key.startswith(("ctrl+", "alt+")) else key
    return key


def shown(chord: Chord, *, glyphs: bool = True) -> str:
    """Keys as the screen names them, such as `"^D"`, `"g g"` or `"⏎"`.

    Args:
        chord: the keys.
        glyphs: whether signs beyond ASCII may be used, as for the enter key.
    """
    return " ".join(_name(key, glyphs=glyphs) for key in chord)


def _name(key: str, *, glyphs: bool) -> str:
    if re.fullmatch(r"ctrl\+.", key):
        return "^" + key[5:].upper()
    name = _SHOWN.get(key, key)
    return name if glyphs or name.isascii() else key


def make_keymap(preset: str, bindings: Mapping[str, str], where: str = "the configuration") -> Keymap:
    """Makes the keymap.

    Args:
        preset: one of `PRESETS`.
        bindings: for single keys, or keys with blanks between them, the name of an action, or `NOTHING`.
        where: the file and table, for the sentences.

    Raises:
        ConfigError: a key or an action is not known, or a key both does something and begins a chord; the sentence
            names it.
    """
    text = resources.files("mailsec.tui").joinpath("keymaps", f"{preset}.toml").read_text("utf-8")
    tables = tomllib.loads(text)
    zones: dict[Zone, dict[Chord, str]] = {zone: {} for zone in ZONES}
    for table, of in _TABLES.items():
        for chord, action in _read(tables.pop(table, {}), f"the preset {preset}: [{table}]"):
            _bind(zones, of, chord, action)
    if tables:
        raise ConfigError(f"the preset {preset}: there is no table {min(tables)!r}{did_you_mean(min(tables), _TABLES)}")
    for chord, action in _read(bindings, where):
        of = ZONES if action == NOTHING else tuple(zone for zone in ZONES if zone in ACTIONS[action].zones)
        _bind(zones, of, chord, action)
    for zone in ZONES:
        _check_chords(zones[zone], where)
    return Keymap(MappingProxyType({zone: MappingProxyType(table) for zone, table in zones.items()}))


def _read(table: Mapping[str, str], where: str) -> Iterator[tuple[Chord, str]]:
    for keys, action in table.items():
        chord = tuple(keys.split())
        if not 1 <= len(chord) <= _LONGEST:
            raise ConfigError(f"{where}: {keys!r} should be one to {_LONGEST} keys with blanks between them")
        for key in chord:
            if not _is_key(key):
                raise ConfigError(
                    f"{where}: {key!r} is no key; a key is a character, or a name such as enter, f1 or ctrl+d"
                    + (did_you_mean(key, _NAMED) if len(key) > 1 else "")
                )
        if action != NOTHING and action not in ACTIONS:
            raise ConfigError(f"{where}: {keys}: there is no action {action!r}{_near(action)}")
        yield chord, action


def _near(action: str) -> str:
    """The nearest action; all of them would be too many for a sentence."""
    near = did_you_mean(action, ACTIONS)
    return near if near.startswith("; did") else "; the help screen lists them"


def _is_key(key: str) -> bool:
    if match := _MODIFIED.fullmatch(key):
        key = match["key"]
    return key in _NAMED or (len(key) == 1 and key.isprintable() and not key.isspace())


def _bind(zones: Mapping[Zone, dict[Chord, str]], of: Sequence[Zone], chord: Chord, action: str) -> None:
    for zone in of:
        zones[zone].pop(chord, None)
        if action != NOTHING:
            zones[zone][chord] = action


def _check_chords(table: Mapping[Chord, str], where: str) -> None:
    for chord in table:
        for length in range(1, len(chord)):
            if (begin := chord[:length]) in table:
                raise ConfigError(
                    f"{where}: {' '.join(begin)!r} is bound to {table[begin]!r}, so {' '.join(chord)!r} "
                    f"for {table[chord]!r} can never be pressed"
                )
