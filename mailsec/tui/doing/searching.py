"""Searching, sorting, folding, verifying: what decides which rows the list has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsec.store.listing import Order
from mailsec.tui.doing.registry import does
from mailsec.tui.screens.pick import Pick

if TYPE_CHECKING:
    from mailsec.tui.screens.mailbox import MailboxScreen

ORDERS = (
    ("threads, the newest first", Order.THREADS),
    ("date, the newest first", Order.DATE),
    ("date, the oldest first", Order.DATE_UP),
    ("author", Order.AUTHOR),
    ("author, backwards", Order.AUTHOR_DOWN),
    ("subject", Order.SUBJECT),
    ("subject, backwards", Order.SUBJECT_DOWN),
    ("size, the largest first", Order.SIZE),
    ("size, the smallest first", Order.SIZE_UP),
)


@does("search")
def _search(screen: MailboxScreen) -> None:
    screen.ask_search("search", "search in this folder", screen.lists.view.query)


@does("search-all")
def _search_all(screen: MailboxScreen) -> None:
    screen.ask_search("search-all", "search in all folders", screen.lists.view.query)


@does("sort")
async def _sort(screen: MailboxScreen) -> None:
    chosen = await screen.app.push_screen_wait(Pick("Sort by", [name for name, _ in ORDERS]))
    if chosen is not None:
        await screen.lists.sort(ORDERS[chosen][1])


@does("fold-thread")
async def _fold_thread(screen: MailboxScreen) -> None:
    await screen.lists.fold()


@does("fold-all")
async def _fold_all(screen: MailboxScreen) -> None:
    await screen.lists.fold_all()


@does("verify-folder")
def _verify_folder(screen: MailboxScreen) -> None:
    if screen.verifying:
        screen.stop_verifying()
    else:
        screen.start_verifying()


@does("refresh")
def _refresh(screen: MailboxScreen) -> None:
    screen.refresh_folders()
