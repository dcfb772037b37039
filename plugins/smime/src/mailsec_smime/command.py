"""`mailsec smime …`: what the plugin brings to the command line."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from mailsec.hooks import CommandContext


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the subcommands to the parser of `mailsec smime`."""
    from mailsec_smime.commands.arguments import add_commands
    from mailsec_smime.keys.arguments import add_keys

    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    add_commands(actions)
    add_keys(actions)


async def run(arguments: argparse.Namespace, context: CommandContext) -> int:
    """Runs the subcommand that was named."""
    status = arguments.action(arguments, context)
    return int(status if isinstance(status, int) else await status)


def later(module: str, name: str) -> Callable[[argparse.Namespace, CommandContext], Any]:
    """A subcommand that is imported when it is run: none pays for the others.

    Args:
        module: the module that has it.
        name: its function.
    """

    def action(arguments: argparse.Namespace, context: CommandContext) -> Any:
        return getattr(import_module(module), name)(arguments, context)

    return action
