"""Keys: shown, asked for, and whom to trust.

What that needs is imported when it is done first: certificates cost the client's start too much.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from mailsec.errors import UsageError
from mailsec.tui.doing.registry import does

if TYPE_CHECKING:
    from mailsec.tui.screens.mailbox import MailboxScreen


@does("keys")
def _keys(screen: MailboxScreen) -> None:
    from mailsec.tui.screens.keys.screen import KeysScreen

    screen.app.push_screen(KeysScreen(screen.services, glyphs=screen.glyphs, changed=screen.reader.judge_again))


@does("unlock")
async def _unlock(screen: MailboxScreen) -> None:
    if await screen.reader.judged():
        await screen.reader.unlock()


@does("trust-signer")
async def _trust_signer(screen: MailboxScreen) -> None:
    from mailsec.tui.screens.keys.deciding import decide, signers_of

    report = screen.pane.report if await screen.reader.judged() else None
    if report is None:
        return
    signers = signers_of(report)
    if not signers:
        screen.say("nobody has signed this message by S/MIME, so there is no certificate to trust")
        return
    if screen.services.keys is None:
        raise UsageError("the settings name no folder for keys: no decision can be kept")
    now = datetime.fromtimestamp(screen.services.clock(), UTC)
    said = await decide(screen.app, screen.services.keys, signers, now)
    screen.say(said)
    await screen.reader.judge_again()
