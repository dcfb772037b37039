"""`mailsec` opens the client, `mailsec COMMAND …` runs a command; what goes wrong is a sentence and an exit status.

Nothing heavy is imported before a command is known: `mailsec --help` has to be quick.
"""

from __future__ import annotations

import argparse
import errno
import io
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn, TypeAlias

from mailsec import __version__
from mailsec.cli import commands
from mailsec.cli.options import Globals, add_globals, take_globals
from mailsec.errors import MailsecError

if TYPE_CHECKING:
    from mailsec.config import Settings
    from mailsec.hooks.manager import PluginManager

__all__ = ["main"]

Handler: TypeAlias = "Callable[[int, FrameType | None], Any] | int"

WRONG = 2
"""The exit status of wrong usage, unreadable input, and of our own mistakes."""

INTERRUPTED = 130
BROKEN_PIPE = 141  # as a program has that SIGPIPE ended (128 + 13)
UNWRITABLE = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO))
"""What writing to the standard output fails with, where the disk is full or gone."""

DESCRIPTION = "Tells the truth about mail: who vouches for a message, and for which part of it."
EPILOG = "Exit status of check: 0 nothing wrong, 1 warning or failed, 2 wrong usage or unreadable input, 3 try later."


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command.

    Args:
        argv: the command line without the program's name; `sys.argv` if `None`.

    Returns:
        The exit status.
    """
    _lenient_output()
    handler = _take_interrupts()
    if os.environ.get("MAILSEC_DEBUG"):
        commands.show_tracebacks()
    try:
        status = _run(list(sys.argv[1:] if argv is None else argv))
        if sys.stdout is not None:  # it is, where it was closed before we began
            sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _forget_output()
        return BROKEN_PIPE
    except MailsecError as error:
        commands.complain(str(error))
        return WRONG
    except SystemExit as end:  # argparse
        return end.code if isinstance(end.code, int) else WRONG
    except Exception as error:  # the border: a mistake of ours is a sentence too
        if isinstance(error, OSError) and error.errno in UNWRITABLE and error.filename is None:
            _forget_output()
            commands.complain(f"the output cannot be written: {error.strerror or error}")
            return WRONG
        if os.environ.get("MAILSEC_DEBUG"):
            raise
        commands.complain(commands.unexpected(error))
        return WRONG
    finally:
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
    return status


def _run(argv: list[str]) -> int:
    given, rest = take_globals(argv)
    parser = _parser()
    # Only what may need a plugin's command loads plugins: the core's own are known by name.
    own = next((word for word in rest if not word.startswith("-")), None)
    helping = own is None and not {"--version"} & set(rest)
    if own in commands.OWN:
        _add_own(parser, own)
        options = parser.parse_args(rest)
        return int(options.run(options, given))
    if not rest:
        return commands.run_client(given)
    manager: PluginManager | None = None
    if own is not None or helping:
        manager = _manager(given, strict=own is not None)
    registered = {one.descriptor.name: one for one in manager.commands()} if manager is not None else {}
    subparsers = _add_own(parser)
    for name, one in registered.items():
        child = subparsers.add_parser(name, help=one.descriptor.help, allow_abbrev=False)
        add_globals(child)
        if name == own:
            commands.configure_plugin_command(one, child)
    if manager is not None and own not in registered:
        commands.warn_of(manager.problems)  # one of them may be why there is no such command
    options = parser.parse_args(rest)
    if own is None or manager is None:
        parser.print_help(sys.stderr)
        return WRONG
    return commands.run_plugin_command(registered[own], manager, options, given)


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are safe to show: a shell fills in the names of files, whoever chose them."""

    def error(self, message: str) -> NoReturn:
        from mailsec.message.safe import safe_text

        super().error(safe_text(message))


def _parser() -> argparse.ArgumentParser:
    parser = _Parser("mailsec", description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False)
    parser.add_argument("--version", action="version", version=f"mailsec {__version__}")
    add_globals(parser)
    return parser


def _add_own(
    parser: argparse.ArgumentParser, only: str | None = None
) -> argparse._SubParsersAction[argparse.ArgumentParser]:
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", dest="command")
    for name, (help_, add) in commands.OWN.items():
        child = subparsers.add_parser(
            name, help=help_, description=help_[0].upper() + help_[1:] + ".", allow_abbrev=False
        )
        add_globals(child)
        if only in (None, name):
            add(child)
    return subparsers


def _manager(given: Globals, *, strict: bool) -> PluginManager:
    """The plugins that neither the command line nor the configuration leaves out.

    Where only help is wanted (not `strict`), a configuration that cannot be used does not stand in the way.
    """
    try:
        settings: Settings | None = commands.load_settings(given)
    except MailsecError as error:
        if strict:
            raise
        commands.complain(str(error))
        settings = None
    return commands.make_manager(frozenset(given.no_plugin) | (settings.disabled if settings else frozenset()))


def _take_interrupts() -> Handler | None:
    """Makes an interrupt end even what blocks, such as the reading of a terminal; gives the handler before.

    asyncio would only cancel its task, and a read that waits would go on waiting.
    """
    if threading.current_thread() is not threading.main_thread():
        return None
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        return None

    def interrupt(number: int, frame: FrameType | None) -> None:
        del number, frame
        raise KeyboardInterrupt

    return signal.signal(signal.SIGINT, interrupt)


def _lenient_output() -> None:
    """Output never fails for a character that the terminal's encoding lacks, nor for an odd file name."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _forget_output() -> None:
    """Nobody reads any more: what is still buffered goes nowhere, so that the interpreter's end is quiet."""
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, sys.stdout.fileno())
    os.close(quiet)
