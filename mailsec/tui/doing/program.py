"""Help, palette, themes, and the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsec.tui.doing.registry import does
from mailsec.tui.screens.help import HelpScreen
from mailsec.tui.themes import THEMES

if TYPE_CHECKING:
    from mailsec.tui.screens.mailbox import MailboxScreen


@does("help")
def _help(screen: MailboxScreen) -> None:
    screen.app.push_screen(HelpScreen(screen.keymap))


@does("palette")
def _palette(screen: MailboxScreen) -> None:
    screen.app.action_command_palette()


@does("toggle-folders")
def _toggle_folders(screen: MailboxScreen) -> None:
    screen.want_folders = not screen.want_folders
    screen.lay_out()


@does("toggle-preview")
def _toggle_preview(screen: MailboxScreen) -> None:
    screen.want_preview = not screen.want_preview
    screen.lay_out()


@does("next-theme")
def _next_theme(screen: MailboxScreen) -> None:
    names = [theme.name for theme in THEMES]
    at = names.index(screen.app.theme) if screen.app.theme in names else -1
    screen.app.theme = names[(at + 1) % len(names)]
    screen.say(f"theme {screen.app.theme}")


@does("quit")
def _quit(screen: MailboxScreen) -> None:
    screen.app.exit()
