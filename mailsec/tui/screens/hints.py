"""The few keys that the line at the bottom names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from mailsec.tui.actions import Zone
from mailsec.tui.keymap import Keymap

__all__ = ["EMPTY", "HINTS", "hints"]

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


EMPTY: Sequence[tuple[str, str]] = (
    ("back", "back"),
    ("choose-folder", "folders"),
    ("search", "search"),
    ("refresh", "look again"),
    ("palette", "commands"),
    ("help", "keys"),
)
"""Those that it names while there is no message to do anything with."""


def hints(keymap: Keymap, zone: Zone, *, empty: bool = False) -> list[tuple[str, str]]:
    """Keys, each with a word for what it does.

    Args:
        keymap: which key does what.
        zone: the pane that has the keyboard.
        empty: whether the list has no messages.
    """
    wanted = EMPTY if empty and zone == "list" else HINTS[zone]
    named = ((keymap.names_of(action, zone), word) for action, word in wanted)
    return [(keys[0], word) for keys, word in named if keys]
