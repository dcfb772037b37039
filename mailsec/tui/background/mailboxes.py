"""The mailbox that lies at a place."""

from __future__ import annotations

from mailsec.store import Mailbox, Maildir, Mbox, Place

__all__ = ["open_mailbox"]


def open_mailbox(place: Place) -> Mailbox:
    """Opens the mailbox at a place; what is wrong with it is found when it is read."""
    return Maildir(place.path) if place.kind == "maildir" else Mbox(place.path)
