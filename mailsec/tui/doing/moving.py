"""Going about: rows, panes, folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsec.tui.doing.registry import does
from mailsec.tui.mail import Mail
from mailsec.tui.screens.pick import Pick
from mailsec.tui.widgets.folders import Seen

if TYPE_CHECKING:
    from mailsec.tui.screens.mailbox import MailboxScreen

ENDLESS = 1 << 40


def _step(screen: MailboxScreen, by: int) -> None:
    screen.messages.move(by)
    if screen.zone == "message":
        screen.open_selected()


@does("next")
def _next(screen: MailboxScreen) -> None:
    _step(screen, 1)


@does("previous")
def _previous(screen: MailboxScreen) -> None:
    _step(screen, -1)


@does("down")
def _down(screen: MailboxScreen) -> None:
    screen.lines.move(1)


@does("up")
def _up(screen: MailboxScreen) -> None:
    screen.lines.move(-1)


@does("page-down")
def _page_down(screen: MailboxScreen) -> None:
    screen.lines.move(max(1, screen.lines.page - 1))


@does("page-up")
def _page_up(screen: MailboxScreen) -> None:
    screen.lines.move(-max(1, screen.lines.page - 1))


@does("first")
def _first(screen: MailboxScreen) -> None:
    screen.lines.move(-ENDLESS)


@does("last")
def _last(screen: MailboxScreen) -> None:
    screen.lines.move(ENDLESS)


@does("open")
def _open(screen: MailboxScreen) -> None:
    if screen.zone == "folders":
        screen.lists.open_selected()
    else:
        screen.open_selected(insist=True)


@does("next-unread")
async def _next_unread(screen: MailboxScreen) -> None:
    found = await screen.desk.ask(Mail.next_unread, screen.lists.view, screen.messages.current)
    if found is None:
        screen.say("nothing is unread here")
        return
    await screen.lists.reveal(found)
    if screen.zone == "message":
        screen.open_selected()


@does("focus-folders")
def _focus_folders(screen: MailboxScreen) -> None:
    screen.give_keyboard("folders")


@does("focus-list")
def _focus_list(screen: MailboxScreen) -> None:
    screen.give_keyboard("list")


@does("focus-message")
def _focus_message(screen: MailboxScreen) -> None:
    screen.open_selected()


@does("next-pane")
def _next_pane(screen: MailboxScreen) -> None:
    if screen.zone == "list" and screen.messages.current is not None:
        screen.open_selected()
    else:
        screen.give_keyboard("list" if screen.zone == "folders" else "folders")


@does("back")
def _back(screen: MailboxScreen) -> None:
    if screen.zone in {"message", "folders"}:
        screen.give_keyboard("list")
    elif screen.messages.marked:
        screen.messages.set_marks(())
        screen.say("")
    elif screen.verifying:
        screen.stop_verifying()
    elif screen.lists.view.query:
        screen.lists.leave_search()
    else:
        screen.say("")


@does("choose-folder")
async def _choose_folder(screen: MailboxScreen) -> None:
    items = [item for item in screen.folders.items if isinstance(item, Seen)]
    chosen = await screen.app.push_screen_wait(Pick("Go to which folder?", [item.name for item in items]))
    if chosen is not None:
        screen.lists.open(items[chosen].path)
