"""The few keys that the line at the bottom names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from mailsec.tui.actions import Zone
from mailsec.tui.keymap import Keymap

__all__ = ["HINTS", "hints"]

HINTS: Mapping[Zone, Sequence[tuple[str, str]]] = MappingProxyType(
    {
        "list": (
            ("down", "move"),
            ("open", "open"),
            ("delete", "delete"),
            ("undo", "undo"),
            ("toggle-flag", "flag"),
            ("mark", "mark"),
            ("search", "search"),
            ("why", "why"),
            ("verify-folder", "verify"),
            ("palette", "commands"),
            ("help", "keys"),
        ),
        "folders": (
            ("down", "move"),
            ("open", "open"),
            ("search-all", "search"),
            ("palette", "commands"),
            ("help", "keys"),
        ),
        "message": (
            ("scroll-page-down", "on"),
            ("next", "next"),
            ("previous", "previous"),
            ("back", "list"),
            ("delete", "delete"),
            ("why", "why"),
            ("parts", "parts"),
            ("next-link", "link"),
            ("palette", "commands"),
            ("help", "keys"),
        ),
    }
)
"""The actions that the line at the bottom names, with a word for each."""


def hints(keymap: Keymap, zone: Zone) -> list[tuple[str, str]]:
    """Keys, each with a word for what it does.

    Args:
        keymap: which key does what.
        zone: the pane that has the keyboard.
    """
    named = ((keymap.names_of(action, zone), word) for action, word in HINTS[zone])
    return [(keys[0], word) for keys, word in named if keys]
