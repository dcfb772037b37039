"""Everything that can be done in the client, in one table.

Keys, the help screen and the command palette are made from it, so that none of them knows more than another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

__all__ = ["ACTIONS", "ZONES", "Action", "Zone"]

Zone: TypeAlias = Literal["list", "folders", "message"]
"""The part of the screen that has the keyboard."""

ZONES: tuple[Zone, ...] = ("list", "folders", "message")

_EVERYWHERE: frozenset[Zone] = frozenset(ZONES)
_MAIL: frozenset[Zone] = frozenset(("list", "message"))


@dataclass(frozen=True, slots=True)
class Action:
    """Something that can be done.

    Attributes:
        name: its name in the configuration; words joined by `-`.
        title: what it is called in the palette.
        help: what it does, in a sentence without its stop.
        group: the heading beneath which help lists it.
        zones: where its keys count.
    """

    name: str
    title: str
    help: str
    group: str
    zones: frozenset[Zone]


def _table() -> Mapping[str, Action]:
    found: dict[str, Action] = {}

    def group(heading: str, zones: frozenset[Zone], *rows: tuple[str, str, str]) -> None:
        for name, title, help_ in rows:
            found[name] = Action(name, title, help_, heading, zones)

    group(
        "Moving",
        _MAIL,
        ("next", "Next message", "goes to the message below"),
        ("previous", "Previous message", "goes to the message above"),
    )
    group(
        "Moving",
        frozenset(("list", "folders")),
        ("down", "Down", "moves the selection down"),
        ("up", "Up", "moves the selection up"),
        ("page-down", "Page down", "moves down by a page"),
        ("page-up", "Page up", "moves up by a page"),
        ("first", "First", "goes to the top"),
        ("last", "Last", "goes to the bottom"),
        ("open", "Open", "opens the message or folder"),
    )
    group(
        "Moving",
        _EVERYWHERE,
        ("next-unread", "Next unread message", "goes to the next message that was not read"),
        ("focus-folders", "Go to the folders", "gives the keyboard to the folders"),
        ("focus-list", "Go to the list", "gives the keyboard to the list of messages"),
        ("focus-message", "Go to the message", "gives the keyboard to the message"),
        ("next-pane", "Next pane", "gives the keyboard to the pane beside"),
        ("back", "Back", "closes the message, ends the search, drops the marks"),
        ("choose-folder", "Go to a folder…", "goes to a folder by its name"),
    )
    group(
        "The message",
        frozenset(("message",)),
        ("scroll-down", "Scroll down", "scrolls down by a line"),
        ("scroll-up", "Scroll up", "scrolls up by a line"),
        ("scroll-page-down", "Scroll a page down", "scrolls down by a page, at the end goes to the next message"),
        ("scroll-page-up", "Scroll a page up", "scrolls up by a page"),
        ("scroll-half-down", "Scroll half a page down", "scrolls down by half a page"),
        ("scroll-half-up", "Scroll half a page up", "scrolls up by half a page"),
        ("scroll-top", "Top of the message", "scrolls to the top"),
        ("scroll-bottom", "Bottom of the message", "scrolls to the bottom"),
        ("next-link", "Next link", "selects the next link"),
        ("previous-link", "Previous link", "selects the link before"),
        ("open-link", "Open the link…", "shows the true target of the link and asks whether to open it"),
    )
    group(
        "The message",
        _MAIL,
        ("why", "Why this verdict", "shows what the verdict rests on"),
        ("parts", "Parts of the message", "shows the parts with types, sizes and who vouches for them"),
        ("toggle-html", "HTML or plain text", "shows the HTML as text, or the plain text again"),
        ("pictures", "Pictures", "shows the pictures of the message, or hides them"),
        ("toggle-quotes", "Fold quoted text", "folds or unfolds quoted text"),
        ("toggle-headers", "All header fields", "shows all header fields, or the few again"),
        ("save-attachments", "Save attachments…", "saves the attachments into a folder"),
        ("open-attachment", "Open an attachment…", "hands an attachment to the system's program, after a question"),
        ("unlock", "Unlock…", "asks for the password or PIN that an encrypted message needs"),
        ("trust-signer", "Trust the signer…", "shows the signer's certificate and asks whether you trust it"),
        ("scroll-message-down", "Scroll the message", "scrolls the shown message from the list"),
        ("scroll-message-up", "Scroll the message back", "scrolls the shown message up from the list"),
    )
    group(
        "Mail",
        _MAIL,
        ("toggle-read", "Read or unread", "marks as read, or as unread again"),
        ("toggle-flag", "Flag", "sets or takes away the flag"),
        ("delete", "Delete", "moves to the trash; can be undone"),
        ("move", "Move to a folder…", "moves to another folder; can be undone"),
        ("copy", "Copy to a folder…", "copies to another folder; can be undone"),
        ("archive", "Archive", "moves to the archive folder; can be undone"),
        ("undo", "Undo", "takes the last change back"),
        ("mark", "Mark", "marks the message, so that the next action takes all marked ones"),
    )
    group(
        "The list",
        frozenset(("list",)),
        ("mark-thread", "Mark the thread", "marks all messages of the thread"),
        ("mark-matching", "Mark matching…", "marks all messages that a search finds"),
        ("unmark-all", "Drop all marks", "takes all marks away"),
        ("fold-thread", "Fold the thread", "folds the thread to one row, or unfolds it"),
    )
    group(
        "The list",
        _EVERYWHERE,
        ("fold-all", "Fold all threads", "folds all threads, or unfolds them"),
        ("sort", "Sort…", "sorts by thread, date, author, subject or size"),
        ("search", "Search…", "searches the folder"),
        ("search-all", "Search everywhere…", "searches all folders"),
        ("verify-folder", "Verify the folder", "checks every message of the folder; again, to stop"),
        ("refresh", "Look for new mail", "reads the folder again"),
    )
    group(
        "The program",
        _EVERYWHERE,
        ("help", "Keys", "shows all keys"),
        ("palette", "Commands…", "finds an action by its name"),
        ("keys", "Keys and certificates", "shows your keys, whom you trust, and correspondents' certificates"),
        ("toggle-folders", "Folders on or off", "shows or hides the folders"),
        ("toggle-preview", "Preview on or off", "shows the message beside the list, or on its own"),
        ("next-theme", "Next theme", "changes the colours"),
        ("quit", "Quit", "ends the program"),
    )
    return MappingProxyType(found)


ACTIONS: Mapping[str, Action] = _table()
"""All actions by name, in the order in which help lists them."""
