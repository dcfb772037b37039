"""Flags, marks, moving, deleting, and taking it back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mailsec.store.types import Flags
from mailsec.tui.doing.registry import does
from mailsec.tui.mail import Done, Mail
from mailsec.tui.screens.pick import Pick

if TYPE_CHECKING:
    from mailsec.tui.screens.mailbox import MailboxScreen


def _toggled(screen: MailboxScreen, messages: Sequence[int], flag: Flags) -> tuple[Flags, Flags]:
    """What to add and what to remove: all get the flag, unless all have it."""
    rows = [screen.messages.row(one) for one in messages]
    every = all(row is None or row.flags & flag for row in rows)
    return (Flags.NONE, flag) if every else (flag, Flags.NONE)


@does("toggle-read")
async def _toggle_read(screen: MailboxScreen) -> None:
    targets = screen.messages.targets()
    add, remove = _toggled(screen, targets, Flags.SEEN)
    await screen.change(Mail.set_flags, targets, add, remove, "marked as read" if add else "marked as unread")


@does("toggle-flag")
async def _toggle_flag(screen: MailboxScreen) -> None:
    targets = screen.messages.targets()
    add, remove = _toggled(screen, targets, Flags.FLAGGED)
    await screen.change(Mail.set_flags, targets, add, remove, "flagged" if add else "no longer flagged")


@does("delete")
async def _delete(screen: MailboxScreen) -> None:
    targets = _take(screen)
    await screen.change(Mail.delete, targets)


def _take(screen: MailboxScreen) -> tuple[int, ...]:
    """What is to go away; the selection goes on at once, so that the next key does not mean the same message."""
    targets = screen.messages.targets()
    if targets == (screen.messages.current,):
        at = screen.messages.cursor
        screen.messages.select(at + 1 if at + 1 < screen.messages.count else at - 1)
    return targets


@does("archive")
async def _archive(screen: MailboxScreen) -> None:
    archive = screen.with_role("archive")
    if archive is None:
        screen.say("there is no folder named Archive; m moves to any folder", wrong=True)
        return
    await screen.change(Mail.move, _take(screen), archive)


async def _to_folder(
    screen: MailboxScreen, title: str, method: Callable[[Mail, Sequence[int], Path], Done], *, take: bool
) -> None:
    targets = screen.messages.targets()
    if not targets:
        return
    places = [place for place in screen.places if place.path != screen.lists.view.folder]
    if not places:
        screen.say("there is no other folder", wrong=True)
        return
    number = "the message" if len(targets) == 1 else f"{len(targets)} messages"
    chosen = await screen.app.push_screen_wait(Pick(f"{title} {number} to which folder?", [one.name for one in places]))
    if chosen is None:
        return
    target: Path = places[chosen].path
    if take:
        _take(screen)
    await screen.change(method, targets, target)


@does("move")
async def _move(screen: MailboxScreen) -> None:
    await _to_folder(screen, "Move", lambda mail, messages, target: mail.move(messages, target), take=True)


@does("copy")
async def _copy(screen: MailboxScreen) -> None:
    await _to_folder(screen, "Copy", Mail.copy, take=False)


@does("undo")
async def _undo(screen: MailboxScreen) -> None:
    await screen.change(Mail.undo)


@does("mark")
def _mark(screen: MailboxScreen) -> None:
    messages = screen.messages
    if messages.current is not None:
        messages.set_marks(messages.marked ^ {messages.current})
        messages.move(1)
        screen.tell_state()


@does("mark-thread")
def _mark_thread(screen: MailboxScreen) -> None:
    messages = screen.messages
    if messages.count:
        messages.set_marks(messages.marked | set(messages.thread_of(messages.cursor)))
        screen.tell_state()


@does("unmark-all")
def _unmark_all(screen: MailboxScreen) -> None:
    screen.messages.set_marks(())
    screen.tell_state()


@does("mark-matching")
def _mark_matching(screen: MailboxScreen) -> None:
    screen.ask_search("mark", "mark all messages with …")
