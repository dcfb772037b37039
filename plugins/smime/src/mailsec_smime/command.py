"""`mailsec smime …`: what the plugin brings to the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

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
