"""`mailsec check`: who vouches for messages, as a table, with reasons, or as JSON."""

from __future__ import annotations

import argparse
import asyncio
import ipaddress
import os
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mailsec.checker import Checker
from mailsec.cli import commands
from mailsec.cli.explain import explain
from mailsec.cli.options import Globals, merge
from mailsec.cli.screen import screen_of
from mailsec.cli.table import row, summary
from mailsec.errors import InputError, MailsecError, UsageError
from mailsec.hooks.types import Envelope
from mailsec.store import Stored, read_path, read_stream

if TYPE_CHECKING:
    from mailsec.hooks.manager import Problem
    from mailsec.pipeline import Report

__all__ = ["Outcome", "check_all", "run", "status_of"]

FINE, BAD, WRONG, LATER = 0, 1, 2, 3
ORDER = (FINE, BAD, LATER, WRONG)
"""Exit statuses; of several messages the last of these that there is."""

AT_ONCE = 8
"""Messages that are checked at the same time, where name servers are asked."""


def run(options: argparse.Namespace, given: Globals) -> int:
    """Checks everything that the command line names.

    Args:
        options: what the command line says.
        given: the global options.

    Returns:
        The exit status, as the design has it.

    Raises:
        MailsecError: nothing could be checked: the settings or options cannot be used.
    """
    from mailsec.store.keys.passwords import ask_terminal

    settings = merge(commands.load_settings(given), given, options)
    envelope = _envelope(options)
    manager = commands.make_manager(settings.disabled)
    checker = Checker(settings, manager=manager, ask=ask_terminal)
    for name in manager.unknown_disabled:
        commands.complain(f"there is no plugin {name!r} to leave out")
    screen = screen_of()
    if options.json:
        show: Callable[[Report], str] = lambda report: report.to_json()  # noqa: E731
    elif options.explain:
        show = lambda report: explain(report, screen) + "\n"  # noqa: E731
    else:
        show = lambda report: row(report, screen)  # noqa: E731
    outcome = asyncio.run(
        check_all(checker, _sources(options.paths), envelope, show, fetch_issuers=options.fetch_issuers)
    )
    if len(outcome.levels) > 1 and not options.json:
        print(("" if options.explain else "\n") + summary(outcome.levels))
    return outcome.status


class Outcome:
    """What became of a number of messages.

    Attributes:
        levels: the level of each that was checked.
        status: the exit status.
        told: sentences about plugins that were printed already.
    """

    def __init__(self) -> None:
        self.levels: list[str] = []
        self.status = FINE
        self.told: set[str] = set()

    def note(self, status: int) -> None:
        """Takes a message's exit status into that of all."""
        self.status = max(self.status, status, key=ORDER.index)

    def warn(self, problems: Sequence[Problem]) -> None:
        """Names broken plugins on standard error, each problem once."""
        for problem in problems:
            if problem.sentence not in self.told:
                self.told.add(problem.sentence)
                commands.complain(problem.sentence)


def status_of(report: Report) -> int:
    """The exit status for one message."""
    if report.verdict.temporary:
        return LATER
    return BAD if report.verdict.level in ("warning", "failed") else FINE


async def check_all(
    checker: Checker,
    sources: Iterator[Stored | MailsecError],
    envelope: Envelope,
    show: Callable[[Report], str],
    *,
    fetch_issuers: bool = False,
) -> Outcome:
    """Checks messages and prints what was found, in their order.

    Args:
        checker: the checker; it is closed at the end.
        sources: the messages, and errors in the place of those that there are not.
        envelope: what is known of the SMTP transaction.
        show: makes the text to print for a report.
        fetch_issuers: whether issuers' certificates that are missing are fetched.
    """
    outcome = Outcome()
    at_once = 1 if checker.settings.dns_file is not None else AT_ONCE
    waiting: deque[asyncio.Task[Report | Exception]] = deque()

    def finish(result: Report | Exception) -> None:
        if isinstance(result, Exception):
            outcome.note(WRONG)
            known = isinstance(result, MailsecError)
            if not known and os.environ.get("MAILSEC_DEBUG"):
                raise result
            commands.complain(str(result) if known else commands.unexpected(result))
            return
        outcome.warn(result.problems)
        outcome.levels.append(str(result.verdict.level))
        outcome.note(status_of(result))
        print(show(result), flush=True)

    async with checker:
        _ = checker.runner  # calls the hooks, so that what is broken is known
        outcome.warn(checker.problems)
        if not checker.manager.verifiers() and not checker.manager.openers():
            raise UsageError("there is no plugin that could judge anything; mailsec plugins list says why")
        try:
            for source in sources:
                waiting.append(asyncio.create_task(_check_one(checker, source, envelope, fetch_issuers)))
                while len(waiting) >= at_once:
                    finish(await waiting.popleft())
            while waiting:
                finish(await waiting.popleft())
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
    return outcome


async def _check_one(
    checker: Checker, source: Stored | MailsecError, envelope: Envelope, fetch_issuers: bool
) -> Report | Exception:
    """Checks one message; whatever goes wrong with it does not cost the others."""
    if isinstance(source, MailsecError):
        return source
    try:
        octets = source.octets()
        report = await checker.check(octets, file=source.name, envelope=envelope, fetch_issuers=fetch_issuers)
        _ = report.verdict
    except Exception as error:  # noqa: BLE001 - the border: the other messages are still checked
        return error
    return report


def _sources(paths: Sequence[str]) -> Iterator[Stored | MailsecError]:
    """All messages that the command line names; an error stands for what is not there."""
    for path in paths:
        try:
            if path == "-":
                if sys.stdin is None:  # it was closed before we began
                    raise InputError("standard input is closed: there is no message to read")
                yield from read_stream(sys.stdin.buffer, "-")
            elif not path:  # it would be the folder that we are in
                raise UsageError("the name of a file or folder is empty")
            else:
                yield from read_path(Path(path))
        except MailsecError as error:
            yield error


def _envelope(options: argparse.Namespace) -> Envelope:
    if options.ip is not None:
        try:
            ipaddress.ip_address(options.ip)
        except ValueError:
            raise UsageError(f"--ip: {options.ip!r} is no IP address") from None
    sender: str | None = options.mail_from
    if sender is not None and sender.startswith("<") and sender.endswith(">"):
        sender = sender[1:-1]
    return Envelope(client_ip=options.ip, helo=options.helo, mail_from=sender)
