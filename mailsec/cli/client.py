"""`mailsec`: the client, in the terminal."""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from mailsec.errors import MailsecError, UsageError

if TYPE_CHECKING:
    from mailsec.cli.ending import Ending
    from mailsec.cli.options import Globals
    from mailsec.config import Settings
    from mailsec.tui.app import MailApp

__all__ = ["has_glyphs", "is_terminal", "run", "run_client"]


FRAMES = "240"
"""Pictures a second at most."""


def run(given: Globals) -> int:
    """Opens the client on the user's mail.

    Args:
        given: the global options.

    Returns:
        The exit status.

    Raises:
        UsageError: there is no terminal, or the configuration cannot be used.
        StoreError: the index cannot be used.
    """
    if not is_terminal():
        raise UsageError("the client needs a terminal; mailsec --help names the commands that need none")
    import argparse

    from mailsec.cli.commands import load_settings
    from mailsec.cli.options import merge
    from mailsec.config import mail_roots, state_folder

    settings = merge(load_settings(given), given, argparse.Namespace())
    return run_client(settings, mail_roots(settings), state_folder(settings))


def run_client(settings: Settings, roots: Sequence[Path], state: Path) -> int:
    """Runs the client until the user ends it.

    Args:
        settings: the settings.
        roots: where the mail lies.
        state: the folder of the index.

    Raises:
        UsageError: a binding names a key or an action that there is not, or the folder cannot be made.
        StoreError: the index cannot be used.
    """
    # Textual looks that often for something to paint, and only while there is: a key never waits for the next look.
    os.environ.setdefault("TEXTUAL_FPS", FRAMES)

    from mailsec.cli.commands import complain, unexpected
    from mailsec.cli.ending import orderly_end
    from mailsec.config import locate
    from mailsec.tui.app import MISTAKE, MailApp, theme_for
    from mailsec.tui.keymap import make_keymap
    from mailsec.tui.mistakes import note_mistake
    from mailsec.tui.services import open_services

    client = settings.client
    source = settings.source or locate()
    keymap = make_keymap(client.keys, client.bindings, f"{source}: [client.bindings]")
    with orderly_end() as ending:
        services = open_services(settings, roots, state, tell=complain)
        try:
            app = MailApp(
                services,
                keymap,
                theme=theme_for(client.theme),
                glyphs=client.glyphs and has_glyphs(sys.stdout),
                configuration=source,
                roots=tuple(roots),
                settled=gc.freeze,  # whole collections took 0.1 s, nearly all of it over what stays for good
            )
            asyncio.run(_run(app, ending))
        except MailsecError:
            raise
        except Exception as error:  # the border: a mistake of ours, of which the state folder keeps where
            if os.environ.get("MAILSEC_DEBUG"):
                raise
            file = note_mistake(state, error, time.time())
            complain(unexpected(error) + (f" {file} tells where it was." if file is not None else ""))
            return MISTAKE
        finally:  # the client does so itself, where it comes to that
            shutil.rmtree(services.scratch, ignore_errors=True)
    return app.return_code or 0


async def _run(app: MailApp, ending: Ending) -> None:
    """Runs the client until the user or the system ends it."""
    from mailsec.cli.ending import watching

    loop = asyncio.get_running_loop()
    ending.ask = lambda status: loop.call_soon_threadsafe(partial(app.exit, return_code=status))
    try:
        with watching(sys.stdin.fileno(), partial(loop.call_soon_threadsafe, ending.hang_up)):
            await app.run_async()
    finally:
        ending.ask = None


def is_terminal(streams: Sequence[TextIO | None] = (), environ: Mapping[str, str] = os.environ) -> bool:
    """Whether somebody sits before a terminal that can show the client.

    Args:
        streams: standard input and output where there are none given.
        environ: the environment: `TERM=dumb` names a terminal that cannot.
    """
    for stream in streams or (sys.stdin, sys.stdout):
        try:
            if stream is None or not stream.isatty():
                return False
        except ValueError:  # it is closed
            return False
    return environ.get("TERM", "") not in {"", "dumb"}


def has_glyphs(stream: TextIO) -> bool:
    """Whether a terminal's encoding has the signs that the client draws."""
    try:
        "✓✗·●⚑├└│▸▾◆▌→…─".encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
