"""The command palette: every action of the table, found by its name."""

from __future__ import annotations

from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from mailsec.tui.actions import ACTIONS, Action
from mailsec.tui.screens.mailbox import MailboxScreen

__all__ = ["ActionProvider"]


class ActionProvider(Provider):
    """Offers the actions of the main screen."""

    async def discover(self) -> Hits:
        """All of them."""
        if isinstance(screen := self.screen, MailboxScreen):
            for action in ACTIONS.values():
                yield DiscoveryHit(
                    Content(action.title), partial(screen.perform, action.name), help=_help(screen, action)
                )

    async def search(self, query: str) -> Hits:
        """Those whose title or help fits."""
        if not isinstance(screen := self.screen, MailboxScreen):
            return
        matcher = self.matcher(query)
        for action in ACTIONS.values():
            score = max(matcher.match(action.title), matcher.match(action.name), matcher.match(action.help) / 2)
            if score > 0:
                yield Hit(
                    score,
                    matcher.highlight(action.title),
                    partial(screen.perform, action.name),
                    text=action.title,
                    help=_help(screen, action),
                )


def _help(screen: MailboxScreen, action: Action) -> str:
    keys = "  ".join(screen.keymap.names_of(action.name))
    # help is markup to Textual, and a key may be a bracket
    return f"{action.help}" + (f"   ({keys})" if keys and "[" not in keys else "")
