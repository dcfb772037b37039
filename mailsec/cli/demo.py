"""`mailsec demo`: makes the demonstration mailbox and opens it, or checks it where there is no terminal."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from mailsec.checker import Checker
from mailsec.cli import commands
from mailsec.cli.check import check_all
from mailsec.cli.client import is_terminal, run_client
from mailsec.cli.ending import orderly_end
from mailsec.cli.options import Globals
from mailsec.cli.screen import screen_of
from mailsec.cli.table import row, summary
from mailsec.demo import make_mailbox, write_mailbox
from mailsec.hooks.types import Envelope
from mailsec.message import safe_text
from mailsec.store import read_path

__all__ = ["run"]


def run(options: argparse.Namespace, given: Globals) -> int:
    """Makes the mailbox; without `--make` in a folder that is gone in the end, open in the client.

    Where there is no terminal the table of its verdicts is printed instead.

    Args:
        options: `make`.
        given: the global options.

    Raises:
        MailsecError: it cannot be made or written.
    """
    settings = commands.load_settings(given)
    disabled = settings.disabled | frozenset(given.no_plugin)
    manager = commands.make_manager(disabled)
    mailbox = asyncio.run(make_mailbox(manager, datetime.now(UTC)))
    commands.warn_of(manager.problems)
    for why in dict.fromkeys(why for _, why in mailbox.left_out):
        names = ", ".join(example.name for example, reason in mailbox.left_out if reason == why)
        commands.complain(f"left out, since {why}: {names}")
    if options.make is not None:
        folder = Path(options.make)
        maildir = write_mailbox(mailbox, folder)
        print(f"{len(mailbox.messages)} messages are in {safe_text(str(maildir))}. To check them:")
        print(f"  mailsec --config {safe_text(str(folder / 'config.toml'))} check {safe_text(str(maildir))}")
        return 0
    screen = screen_of()
    with orderly_end(), tempfile.TemporaryDirectory(prefix="mailsec-demo-") as name:
        maildir = write_mailbox(mailbox, Path(name, "mailbox"))
        anchors = (Path(name, "mailbox", "trust.pem"),)
        zone = Path(name, "mailbox", "dns.zone")
        reader = (Path(name, "mailbox", "reader.pem"),)
        own = replace(settings, dns_file=zone, trust=anchors, identities=reader, disabled=disabled, at=None)
        own = replace(own, keys=Path(name, "keys"), tokens=())  # the user's own stay out of it
        if is_terminal():
            own = replace(own, client=replace(settings.client, verify_folders=True))
            return run_client(own, (maildir,), Path(name, "state"))
        checker = Checker(own, manager=manager)
        outcome = asyncio.run(check_all(checker, read_path(maildir), Envelope(), lambda report: row(report, screen)))
    print(f"\n{summary(outcome.levels)}")
    print("This mailbox is gone again; mailsec demo --make FOLDER makes one that stays.")
    return 0
