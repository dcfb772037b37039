"""Reading the message: scrolling, links, parts, attachments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsec.errors import MailsecError
from mailsec.message import Part, safe_file_name, safe_text
from mailsec.pipeline.chains import offered_issuers
from mailsec.tui.doing.registry import does
from mailsec.tui.opening import open_file, open_link
from mailsec.tui.screens.ask import Ask
from mailsec.tui.screens.pick import Pick

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mailsec.tui.reading import WhyScreen
    from mailsec.tui.screens.mailbox import MailboxScreen


LONGEST, URLS = 200, 3
"""Characters of a URL that a question shows, and how many URLs."""


@does("scroll-down")
def _scroll_down(screen: MailboxScreen) -> None:
    screen.pane.action_scroll_down()


@does("scroll-up")
def _scroll_up(screen: MailboxScreen) -> None:
    screen.pane.action_scroll_up()


@does("scroll-page-down")
def _scroll_page_down(screen: MailboxScreen) -> None:
    body = screen.pane.body
    if body.scroll_offset.y >= body.max_scroll_y:
        screen.perform("next")
    else:
        screen.pane.action_page_down()


@does("scroll-page-up")
def _scroll_page_up(screen: MailboxScreen) -> None:
    screen.pane.action_page_up()


@does("scroll-half-down")
@does("scroll-message-down")
def _scroll_half_down(screen: MailboxScreen) -> None:
    screen.pane.action_half_page_down()


@does("scroll-half-up")
@does("scroll-message-up")
def _scroll_half_up(screen: MailboxScreen) -> None:
    screen.pane.action_half_page_up()


@does("scroll-top")
def _scroll_top(screen: MailboxScreen) -> None:
    screen.pane.action_scroll_home()


@does("scroll-bottom")
def _scroll_bottom(screen: MailboxScreen) -> None:
    screen.pane.action_scroll_end()


@does("next-link")
def _next_link(screen: MailboxScreen) -> None:
    screen.pane.action_next_link()


@does("previous-link")
def _previous_link(screen: MailboxScreen) -> None:
    screen.pane.action_previous_link()


@does("open-link")
def _open_link(screen: MailboxScreen) -> None:
    screen.pane.action_choose()


@does("toggle-html")
def _toggle_html(screen: MailboxScreen) -> None:
    screen.pane.action_toggle_html()


@does("pictures")
async def _pictures(screen: MailboxScreen) -> None:
    if await screen.reader.ready():
        screen.pane.action_pictures()


@does("toggle-quotes")
def _toggle_quotes(screen: MailboxScreen) -> None:
    screen.pane.action_toggle_quotes()


@does("toggle-headers")
def _toggle_headers(screen: MailboxScreen) -> None:
    screen.pane.action_toggle_headers()


@does("why")
async def _why(screen: MailboxScreen) -> None:
    if await screen.reader.ready():
        screen.pane.action_why()


@does("parts")
async def _parts(screen: MailboxScreen) -> None:
    if await screen.reader.ready():
        screen.pane.action_parts()


@does("save-attachments")
async def _save_attachments(screen: MailboxScreen) -> None:
    if await screen.reader.ready():
        screen.pane.action_save_attachments()


@does("open-attachment")
async def _open_attachment(screen: MailboxScreen) -> None:
    if not await screen.reader.ready():
        return
    parts = screen.pane.attachments
    if not parts:
        screen.say("this message has no attachment")
        return
    chosen: int | None = 0
    if len(parts) > 1:
        chosen = await screen.app.push_screen_wait(Pick("Open which attachment?", [_name(part) for part in parts]))
    if chosen is not None:
        await ask_to_open(screen, parts[chosen])


def _name(part: Part) -> str:
    return safe_file_name(part.filename or "")


async def ask_to_open(screen: MailboxScreen, part: Part) -> None:
    """Asks whether to hand an attachment to the system's program, and does so after a yes.

    Args:
        screen: the screen.
        part: the attachment.
    """
    name = _name(part)
    details = f"It is {part.content_type} and is handed to the system's program as\n{name}"
    if not await screen.app.push_screen_wait(Ask("Open this attachment?", details)):
        return
    file = open_file(screen.services.scratch, name, part.content)
    screen.say(f"{file.name} was handed to the system's program")


async def ask_to_follow(screen: MailboxScreen, target: str) -> None:
    """Shows the true target of a link and asks whether to hand it to the system's program.

    Args:
        screen: the screen.
        target: the target; foreign text.
    """
    if await screen.app.push_screen_wait(Ask("Open this link?", target)):
        open_link(target)
        screen.say("the link was handed to the system's program")


async def ask_to_fetch(screen: MailboxScreen, why: WhyScreen, urls: Sequence[str]) -> None:
    """Asks whether to fetch issuers' certificates that are missing; after a yes, has the message judged with them.

    Args:
        screen: the screen with the message.
        why: the screen that tells why, which shows what comes of it.
        urls: where the certificates are offered; foreign text.
    """
    told = "Whoever runs the server learns that this message is being read, when, and from which address:"
    more = "Certificates that come from there may name further places for their own issuers, which are asked too."
    trust = "What is fetched is trusted no more than what came with the message."
    shown = [url if len(url) <= LONGEST else f"{url[:LONGEST]}…" for url in urls[:URLS]]
    if not await screen.app.push_screen_wait(Ask("Fetch the issuer's certificate?", told, *shown, more, trust)):
        return
    why.notify("fetching …", timeout=2)
    try:
        report = await screen.reader.judge_with_issuers(why.report)
    except MailsecError as error:
        why.notify(safe_text(str(error)), severity="error", markup=False)
        return
    if why.is_current:
        await why.show(report)
    lacking = offered_issuers(report)
    why.notify("It could not be had." if lacking else "The message was judged anew.", timeout=4)
