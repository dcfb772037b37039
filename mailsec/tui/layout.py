"""Which panes are seen, by the room there is."""

from __future__ import annotations

from dataclasses import dataclass

from mailsec.tui.actions import Zone

__all__ = ["Layout", "lay_out"]

BESIDE = 110
"""Columns from which the message has room beside the list."""
BELOW = 34
"""Lines from which it has room below the list."""
FOLDERS = 80
"""Columns from which the folders have room beside the list."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Which panes are seen.

    Attributes:
        folders: whether the folders are.
        messages: whether the list is.
        message: whether the message is.
        below: whether the message stands below the list, not beside it.
    """

    folders: bool
    messages: bool
    message: bool
    below: bool = False

    def shows(self, zone: Zone) -> bool:
        """Whether a part of the screen is seen."""
        return {"folders": self.folders, "list": self.messages, "message": self.message}[zone]


def lay_out(columns: int, lines: int, zone: Zone, *, folders: bool = True, preview: bool = True) -> Layout:
    """Says which panes are seen: first the preview goes, then the folders, and at last only one pane is left.

    Args:
        columns: the width.
        lines: the height.
        zone: the pane that has the keyboard; it is always seen.
        folders: whether the reader wants to see the folders.
        preview: whether the reader wants to see the message beside the list.
    """
    beside = preview and columns >= BESIDE
    below = preview and not beside and lines >= BELOW and columns >= FOLDERS
    if zone == "message" and not beside and not below:
        return Layout(folders=False, messages=False, message=True)
    wide = columns >= FOLDERS
    if zone == "folders" and not wide:
        return Layout(folders=True, messages=False, message=False)
    return Layout(folders=(folders and wide) or zone == "folders", messages=True, message=beside or below, below=below)
