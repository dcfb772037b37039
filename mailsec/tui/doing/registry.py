"""Which function does which action."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from mailsec.tui.actions import ACTIONS

if TYPE_CHECKING:
    from mailsec.tui.screens.mailbox import MailboxScreen

__all__ = ["HANDLERS", "Handler", "does"]

Handler: TypeAlias = "Callable[[MailboxScreen], Awaitable[None] | None]"

HANDLERS: dict[str, Handler] = {}
"""The functions by the names of their actions. What is quick is done at once; what may wait gives an awaitable."""


def does(name: str) -> Callable[[Handler], Handler]:
    """Names the action that a function does.

    Args:
        name: a name in the table of actions.
    """
    if name not in ACTIONS:
        raise ValueError(f"there is no action {name!r}")

    def keep(handler: Handler) -> Handler:
        HANDLERS[name] = handler
        return handler

    return keep
