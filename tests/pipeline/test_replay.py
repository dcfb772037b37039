"""The whole demonstration mailbox is checked, and checked again from what was kept, with equal results."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mailsec.checker import Checker
from mailsec.cli import main
from mailsec.config import load as load_settings
from mailsec.message import parse
from mailsec.pipeline import Runner
from mailsec.pipeline.replay import keep, load


@pytest.fixture
def mailbox(tmp_path: Path) -> Path:
    assert main(["demo", "--make", str(tmp_path / "mailbox")]) == 0
    return tmp_path / "mailbox"


async def test_every_message_of_the_demonstration(mailbox: Path) -> None:
    files = sorted((mailbox / "Maildir").glob("*/*"))
    async with Checker(load_settings(mailbox / "config.toml")) as checker:
        for file in files:
            message = parse(file.read_bytes())
            report = await checker.check(message)
            recorded = load(keep(report))
            runner = Runner(
                checker.manager.verifiers(),
                checker.manager.openers(),
                services=replace(recorded.services, keys=checker.services.keys),  # no evidence holds a key
                settings=checker.plugin_settings,
                conditions=recorded.conditions,
            )
            again = await runner.check(message, moment=recorded.moment, envelope=recorded.envelope)
            assert again.results == report.results, file.name
            assert again.verdict.level == report.verdict.level, file.name
            assert report.problems == (), file.name
    assert len(files) > 30
