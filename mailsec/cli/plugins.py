"""`mailsec plugins list`."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mailsec.cli import commands
from mailsec.cli.options import Globals
from mailsec.cli.screen import fit, width
from mailsec.message import safe_text

if TYPE_CHECKING:
    from mailsec.hooks.manager import PluginInfo, PluginManager

__all__ = ["run"]


def run(options: argparse.Namespace, given: Globals) -> int:
    """Lists the plugins; those that are broken or left out too.

    Args:
        options: `json`.
        given: the global options.

    Raises:
        ConfigError: the configuration cannot be used.
    """
    settings = commands.load_settings(given)
    manager = commands.make_manager(settings.disabled | frozenset(given.no_plugin))
    manager.call_all()
    for name in manager.unknown_disabled:
        commands.complain(f"there is no plugin {name!r} to leave out")
    if options.json:
        for plugin in manager.plugins:
            print(json.dumps(_as_json(plugin, manager)))
        return 0
    rows = [_row(plugin, manager) for plugin in manager.plugins]
    if not rows:
        print("No plugins are installed.")
        return 0
    rows.insert(0, ("NAME", "VERSION", "DISTRIBUTION", "METHODS", "HOOKS"))
    widths = [max(width(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join([*(fit(cell, columns) for cell, columns in zip(row, widths, strict=False)), row[-1]]).rstrip())
    for problem in manager.problems:
        print(f"! {safe_text(problem.sentence)}")
    return 0


def _row(plugin: PluginInfo, manager: PluginManager) -> tuple[str, ...]:
    hooks = ", ".join(name.removeprefix("mailsec_") for name in plugin.hooks) if plugin.enabled else "(left out)"
    return tuple(
        safe_text(cell) or "-"
        for cell in (plugin.name, plugin.version, plugin.distribution, ", ".join(_methods(plugin, manager)), hooks)
    )


def _methods(plugin: PluginInfo, manager: PluginManager) -> Iterator[str]:
    """The methods that a plugin gives results for."""
    kinds = (manager.verifiers(), manager.openers(), manager.guards())
    found = (method for kind in kinds for one in kind if one.plugin == plugin.name for method in one.descriptor.methods)
    yield from dict.fromkeys(found)


def _as_json(plugin: PluginInfo, manager: PluginManager) -> dict[str, object]:
    return {
        "name": plugin.name,
        "version": plugin.version,
        "distribution": plugin.distribution,
        "enabled": plugin.enabled,
        "hooks": list(plugin.hooks),
        "methods": list(_methods(plugin, manager)),
        "problems": [problem.sentence for problem in manager.problems if problem.plugin == plugin.name],
    }
