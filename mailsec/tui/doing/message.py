"""Reading the message: scrolling, links, parts, attachments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mailsec.tui.doing.registry import does

if TYPE_CHECKING:
    from mailsec.tui.screens.mailbox import MailboxScreen

# Each of these is an action of the pane that shows the message.
_OF_THE_PANE = {
    "scroll-down": "scroll_line_down",
    "scroll-up": "scroll_line_up",
    "scroll-page-up": "scroll_page_up",
    "scroll-half-down": "scroll_half_down",
    "scroll-half-up": "scroll_half_up",
    "scroll-top": "scroll_top",
    "scroll-bottom": "scroll_bottom",
    "next-link": "next_link",
    "previous-link": "previous_link",
    "open-link": "open_link",
    "why": "why",
    "parts": "parts",
    "toggle-html": "toggle_html",
    "toggle-quotes": "toggle_quotes",
    "toggle-headers": "toggle_headers",
    "save-attachments": "save_attachments",
    "scroll-message-down": "scroll_half_down",
    "scroll-message-up": "scroll_half_up",
}
