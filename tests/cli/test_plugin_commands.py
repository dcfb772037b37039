"""What the command of a plugin is handed."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mailsec.cli.commands import run_plugin_command
from mailsec.cli.options import Globals
from mailsec.errors import FetchError, MailsecError
from mailsec.hooks import Command, Moment, hookimpl
from mailsec.hooks.manager import PluginManager


def test_options_that_all_commands_share_are_heeded(tmp_path: Path, monkeypatch: Any) -> None:
    """Options of `mailsec check` mean the same everywhere; what has another type is the plugin's own."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_STATE_HOME", "XDG_CONFIG_HOME", "MAILSEC_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "zone").write_text('example.org. TXT "hello"\n')
    seen: list[Any] = []

    async def run(arguments: argparse.Namespace, context: Any) -> int:
        answer = await context.resolver.query("example.org", "TXT")
        seen.extend([answer.texts, context.key_store.path, context.key_store.passwords.get(), context.trust.anchors()])
        seen.append(context.moment)
        assert context.correspondents.certificates("alice@example.org") == ()
        with pytest.raises(FetchError):  # DNS comes from a file
            await context.fetcher.fetch("http://example.org/")
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
    where = tmp_path / ".local/state/mailsec/keys/keys.sqlite"
    *found, moment = seen
    assert found == [(b"hello",), where, b"hunter", ()]
    assert moment.source == "now"
    seen.clear()
    at = datetime(2026, 5, 1, tzinfo=UTC)
    missing = tmp_path / "missing.pem"
    options = argparse.Namespace(dns=tmp_path / "zone", at=at, password_command="echo hunter", trust=[], identity=[])
    assert run_plugin_command(registered, manager, options, Globals()) == 3
    assert seen[-1] == Moment(at, "chosen")
    for name in ("trust", "identity"):
        options = argparse.Namespace(dns=tmp_path / "zone", **{name: [missing]})
        with pytest.raises(MailsecError, match=r"missing\.pem"):
            run_plugin_command(registered, manager, options, Globals())
