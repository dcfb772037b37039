"""What the command of a plugin is handed."""

from __future__ import annotations

import argparse
from pathlib import Path
from types import ModuleType
from typing import Any

from mailsec.cli.commands import run_plugin_command
from mailsec.cli.options import Globals
from mailsec.hooks import Command, hookimpl
from mailsec.hooks.manager import PluginManager


def test_options_that_all_commands_share_are_heeded(tmp_path: Path, monkeypatch: Any) -> None:
    """`--dns` and `--password-command` mean the same everywhere; other options are the plugin's own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "MAILSEC_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "zone").write_text('example.org. TXT "hello"\n')
    seen: list[Any] = []

    async def run(arguments: argparse.Namespace, context: Any) -> int:
        answer = await context.resolver.query("example.org", "TXT")
        seen.extend([answer.texts, context.key_store.path, context.key_store.passwords.get(), context.trust.anchors()])
        return 3

    plugin = ModuleType("plugin")
    plugin.mailsec_commands = hookimpl(  # type: ignore[attr-defined]
        lambda: [Command(name="ask", help="asks", configure=lambda parser: None, run=run)]
    )
    vars(plugin)["mailsec_commands"].__name__ = "mailsec_commands"
    manager = PluginManager(entry_points=[], extra={"plugin": plugin})
    (registered,) = manager.commands()
    options = argparse.Namespace(dns=tmp_path / "zone", password_command="echo hunter", trust="the plugin's own", at=7)
    assert run_plugin_command(registered, manager, options, Globals()) == 3
    assert seen == [(b"hello",), tmp_path / ".local/state/mailsec/keys/keys.sqlite", b"hunter", ()]
