"""The core's own commands by name, and what all commands need: settings, plugins, complaints."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from mailsec.cli.options import Globals, add_judging
from mailsec.errors import describe

if TYPE_CHECKING:
    from mailsec.config import Settings
    from mailsec.hooks.manager import PluginManager, Problem, Registered
    from mailsec.hooks.types import (
        Command,
        Correspondents,
        Fetcher,
        KeyRing,
        KeyStore,
        Moment,
        Resolver,
        TrustStore,
    )

__all__ = [
    "OWN",
    "complain",
    "configure_plugin_command",
    "load_settings",
    "make_manager",
    "run_client",
    "run_plugin_command",
    "show_tracebacks",
    "unexpected",
    "warn_of",
]


def _add_check(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths", metavar="FILE", nargs="+", help="a message, an mbox file, a Maildir, a folder of *.eml, or - for input"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a line for each message")
    parser.add_argument("--explain", action="store_true", help="print why: every result with its evidence")
    parser.add_argument(
        "--fetch-issuers",
        action="store_true",
        help="fetch issuers' certificates that did not come along from where certificates say; whoever runs the server "
        "learns that the message is read",
    )
    add_judging(parser)
    group = parser.add_argument_group("the SMTP transaction, as far as it is known")
    group.add_argument("--ip", metavar="A", help="the address of the client that connected")
    group.add_argument("--helo", metavar="N", help="what it said after HELO or EHLO")
    group.add_argument("--mail-from", metavar="M", help="the reverse-path; <> for a bounce")
    parser.set_defaults(run=_check)


def _check(options: argparse.Namespace, given: Globals) -> int:
    from mailsec.cli.check import run

    return run(options, given)


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--make", metavar="FOLDER", help="make it in this folder and keep it")
    parser.set_defaults(run=_demo)


def _demo(options: argparse.Namespace, given: Globals) -> int:
    from mailsec.cli.demo import run

    return run(options, given)


def _add_plugins(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    child = actions.add_parser("list", help="list the plugins with their hooks and problems", allow_abbrev=False)
    child.add_argument("--json", action="store_true", help="print one JSON object a line for each plugin")
    child.set_defaults(run=_plugins)


def _plugins(options: argparse.Namespace, given: Globals) -> int:
    from mailsec.cli.plugins import run

    return run(options, given)


OWN: Mapping[str, tuple[str, Callable[[argparse.ArgumentParser], None]]] = MappingProxyType(
    {
        "check": ("say who vouches for messages, and for which part of them", _add_check),
        "demo": ("open the client on a demonstration mailbox", _add_demo),
        "plugins": ("show the plugins", _add_plugins),
    }
)
"""The core's own commands: what each does, and what adds its arguments."""


def run_client(given: Globals) -> int:
    """Opens the client.

    Args:
        given: the global options.
    """
    from mailsec.cli.client import run

    return run(given)


# -- settings and plugins ------------------------------------------------------------------------------------


def load_settings(given: Globals) -> Settings:
    """Reads the configuration file; the kept keys lie in their usual place where it names no other.

    Raises:
        ConfigError: it cannot be used.
    """
    from mailsec.config import key_folder, load

    settings = load(given.config)
    return replace(settings, keys=key_folder(settings))


def make_manager(disabled: Collection[str]) -> PluginManager:
    """Makes the plugins' manager, and says which of the plugins to leave out there are not."""
    from mailsec.hooks.manager import PluginManager

    return PluginManager(disabled=disabled, reserved=OWN)


def warn_of(problems: Iterable[Problem]) -> None:
    """Names broken plugins on standard error."""
    for problem in problems:
        complain(problem.sentence)


def complain(sentence: str) -> None:
    """Prints a sentence on standard error, on one line and without anything that a terminal might obey."""
    from mailsec.message.safe import safe_text

    try:
        print(f"mailsec: {safe_text(sentence)}", file=sys.stderr)
    except (OSError, ValueError):  # nobody listens
        return


def show_tracebacks() -> None:
    """Prints on standard error where plugins raise, for their authors; the text may hold what a message said."""
    import logging

    from mailsec.message.safe import safe_text

    class Formatter(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return safe_text(super().format(record), multiline=True)

    handler = logging.StreamHandler()
    handler.setFormatter(Formatter("mailsec: %(message)s"))
    logger = logging.getLogger("mailsec")
    logger.handlers = [handler]
    logger.setLevel(logging.DEBUG)
    logger.propagate = False


def unexpected(error: BaseException) -> str:
    """A sentence for an exception that should not have been."""
    hint = "" if os.environ.get("MAILSEC_DEBUG") else " Run again with MAILSEC_DEBUG=1 to see where."
    return f"this is a mistake in mailsec or a plugin: {describe(error)}.{hint}"


# -- commands of plugins -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _CommandContext:
    """What a plugin's command is handed; implements `mailsec.hooks.CommandContext`."""

    resolver: Resolver
    fetcher: Fetcher
    trust: TrustStore
    moment: Moment
    keys: KeyRing
    correspondents: Correspondents
    key_store: KeyStore
    settings: Any


def configure_plugin_command(registered: Registered[Command], parser: argparse.ArgumentParser) -> None:
    """Lets a plugin's command add its arguments.

    Raises:
        PluginError: it fails to.
    """
    from mailsec.errors import MailsecError, PluginError

    try:
        registered.descriptor.configure(parser)
    except MailsecError:
        raise
    except Exception as error:  # the border: this is the plugin's code
        raise PluginError(_fault(registered, error)) from error


def _fault(registered: Registered[Command], error: BaseException) -> str:
    return f"the command {registered.descriptor.name} of the plugin {registered.label} raised {describe(error)}"


def run_plugin_command(
    registered: Registered[Command], manager: PluginManager, options: argparse.Namespace, given: Globals
) -> int:
    """Runs a command that a plugin brings.

    Args:
        registered: the command.
        manager: the plugins.
        options: its arguments.
        given: the global options.

    Raises:
        MailsecError: the command's own, or the settings cannot be used.
        PluginError: the command failed, or gave no exit status.
    """
    import asyncio
    import inspect
    from datetime import UTC, datetime

    from mailsec.checker import Checker
    from mailsec.cli.options import merge
    from mailsec.errors import MailsecError, PluginError
    from mailsec.hooks.types import Moment
    from mailsec.store.keys.passwords import ask_terminal

    settings = merge(load_settings(given), given, _shared_options(options))

    async def run() -> object:
        async with Checker(settings, manager=manager, ask=ask_terminal) as checker:
            services = checker.services
            own = checker.plugin_settings.get(registered.plugin)
            assert checker.key_store is not None  # load_settings has named its folder
            context = _CommandContext(
                services.resolver,
                services.fetcher,
                services.trust,
                Moment(datetime.now(UTC)) if settings.at is None else Moment(settings.at, "chosen"),
                services.keys,
                services.correspondents,
                checker.key_store,
                own,
            )
            try:
                status = registered.descriptor.run(options, context)
                return await status if inspect.isawaitable(status) else status
            except (MailsecError, BrokenPipeError):
                raise
            except Exception as error:
                if os.environ.get("MAILSEC_DEBUG"):
                    raise
                raise PluginError(_fault(registered, error)) from error

    status = asyncio.run(run())
    if type(status) is not int:
        raise PluginError(
            f"the command {registered.descriptor.name} of the plugin {registered.label} gave no exit status"
        )
    return status


def _shared_options(options: argparse.Namespace) -> argparse.Namespace:
    """Those of a plugin's options that mean the same as the core's: whom, when and by what secrets to trust."""
    from datetime import datetime
    from pathlib import Path

    kinds = {"dns": Path, "at": datetime, "password_command": str}
    found: dict[str, Any] = {
        name: value for name, kind in kinds.items() if isinstance(value := getattr(options, name, None), kind)
    }
    for name in ("trust", "identity"):
        value = getattr(options, name, None)
        if isinstance(value, list) and all(isinstance(one, Path) for one in value):
            found[name] = value
    return argparse.Namespace(**found)
