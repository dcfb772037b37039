"""The whole demonstration mailbox is checked, and checked again from what was kept, with equal results."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailsec.checker import Checker
from mailsec.cli import main
from mailsec.config import load as load_settings
from mailsec.message import parse
from mailsec.pipeline import Runner
from mailsec.pipeline.replay import keep, load


async def test_every_message_of_the_demonstration(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--make", str(tmp_path / "mailbox")]) == 0
    capsys.readouterr()
    files = sorted((tmp_path / "mailbox" / "Maildir").glob("*/*"))
    async with Checker(load_settings(tmp_path / "mailbox" / "config.toml")) as checker:
        for file in files:
            message = parse(file.read_bytes())
            report = await checker.check(message)
            recorded = load(keep(report))
            runner = Runner(
                checker.manager.verifiers(),
                checker.manager.openers(),
                services=recorded.services,
                settings=checker.plugin_settings,
                conditions=recorded.conditions,
            )
            again = await runner.check(message, moment=recorded.moment, envelope=recorded.envelope)
            assert again.results == report.results, file.name
            assert again.verdict.level == report.verdict.level, file.name
            assert report.problems == (), file.name
    assert len(files) > 30
