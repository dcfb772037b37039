"""Options that every command has, and how options and configuration become one."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mailsec.errors import UsageError

if TYPE_CHECKING:
    from mailsec.config import Settings

__all__ = ["Globals", "add_globals", "add_judging", "merge", "rfc3339", "take_globals"]

_RFC3339 = re.compile(
    r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:)(\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)\Z", re.ASCII
)  # RFC 3339 section 5.6


@dataclass(frozen=True, slots=True)
class Globals:
    """The options that may stand before or after a command.

    Attributes:
        config: `--config`.
        no_plugin: each `--no-plugin`.
    """

    config: str | None = None
    no_plugin: tuple[str, ...] = ()


def take_globals(arguments: Sequence[str]) -> tuple[Globals, list[str]]:
    """Takes the global options out of a command line, wherever they stand before `--`.

    They are needed before the rest can be read: which commands there are depends on them.

    Args:
        arguments: the command line without the program's name.

    Raises:
        UsageError: an option has no value.
    """
    config: str | None = None
    plugins: list[str] = []
    rest: list[str] = []
    waiting = list(arguments)
    while waiting:
        argument = waiting.pop(0)
        name, equals, value = argument.partition("=")
        if argument == "--":
            rest += [argument, *waiting]
            break
        if name not in ("--config", "--no-plugin"):
            rest.append(argument)
            continue
        if not equals:
            if not waiting or waiting[0] == "--":
                raise UsageError(f"the option {name} needs a value")
            value = waiting.pop(0)
        if name == "--config":
            config = value
        else:
            plugins.append(value)
    return Globals(config, tuple(plugins)), rest


def add_globals(parser: argparse.ArgumentParser) -> None:
    """Names the global options in a parser's help; `take_globals` has read them before."""
    group = parser.add_argument_group("everywhere")
    group.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS, help="use this configuration file")
    group.add_argument(
        "--no-plugin", metavar="NAME", action="append", default=argparse.SUPPRESS, help="leave a plugin out"
    )


def add_judging(parser: argparse.ArgumentParser) -> None:
    """Adds the options that say by what messages are judged."""
    group = parser.add_argument_group("judging")
    group.add_argument("--dns", metavar="FILE", type=Path, help="answer all DNS questions from this master file")
    group.add_argument("--at", metavar="TIME", type=rfc3339, help="judge at this time, such as 2026-05-01T12:00:00Z")
    group.add_argument(
        "--trust", metavar="PEM", type=Path, action="append", default=[], help="add trust anchors; may be repeated"
    )
    group.add_argument(
        "--identity",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="add a private key with its certificates (PEM or PKCS#12); may be repeated",
    )
    group.add_argument("--password-command", metavar="CMD", help="a command that prints the identities' password")


def rfc3339(text: str) -> datetime:
    """Reads a time as RFC 3339 section 5.6 writes it, in UTC.

    Args:
        text: such as `"2026-05-01T12:00:00Z"`. A leap second is the second before it.

    Raises:
        argparse.ArgumentTypeError: it is no such time.
    """
    match = _RFC3339.match(text)
    try:
        if match is None:
            raise ValueError(text)
        day, minute, second, _, offset = match.groups()
        leap = second == "60"
        whole = f"{day}T{minute}{'59' if leap else second}{'+00:00' if offset in 'Zz' else offset}"
        found = datetime.fromisoformat(whole) + timedelta(seconds=float(match[4] or 0) if not leap else 0)
        return found.astimezone(UTC)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time: write it as 2026-05-01T12:00:00Z or 2026-05-01T14:00:00+02:00 (RFC 3339)"
        ) from None


def merge(settings: Settings, given: Globals, options: argparse.Namespace) -> Settings:
    """The settings with what the command line says about them.

    Args:
        settings: those of the configuration file.
        given: the global options.
        options: the options of `add_judging`, as far as the command has them.
    """
    return replace(
        settings,
        disabled=settings.disabled | frozenset(given.no_plugin),
        dns_file=getattr(options, "dns", None) or settings.dns_file,
        at=getattr(options, "at", None) or settings.at,
        trust=(*settings.trust, *getattr(options, "trust", ())),
        identities=(*settings.identities, *getattr(options, "identity", ())),
        password_command=getattr(options, "password_command", None) or settings.password_command,
    )
