"""The demonstration mailbox: every message gets the verdict that the catalogue promises."""

from __future__ import annotations

import asyncio
import re
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mailsec.checker import Checker
from mailsec.config import Settings, load
from mailsec.demo import CATALOGUE, Example, Mailbox, make_mailbox, table, write_mailbox
from mailsec.errors import UsageError
from mailsec.hooks.manager import PluginManager
from mailsec.message import parse, safe_text
from mailsec.pipeline import Report
from mailsec.store import read_path
from mailsec.testing import FailingResolver

AT = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
REACHABLE = {1, 2, 3, 4, 5, 6, 7, 10, 11, 14, 15, 16, 17, 19}  # 13 is below, with a resolver that fails


@pytest.fixture(scope="module")
def mailbox() -> Mailbox:
    return asyncio.run(make_mailbox(PluginManager(), AT))


@pytest.fixture(scope="module")
def folder(mailbox: Mailbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "mailbox"
    write_mailbox(mailbox, folder)
    return folder


@pytest.fixture(scope="module")
def reports(mailbox: Mailbox, folder: Path) -> dict[str, Report]:
    async def check() -> dict[str, Report]:
        settings = Settings(
            dns_file=folder / "dns.zone", trust=(folder / "trust.pem",), identities=(folder / "reader.pem",), at=AT
        )
        async with Checker(settings) as checker:
            return {example.name: await checker.check(octets) for example, octets in mailbox.messages}

    return asyncio.run(check())


@pytest.mark.parametrize("example", CATALOGUE, ids=lambda example: example.name)
def test_each_message_gets_the_verdict_that_it_must_get(example: Example, reports: dict[str, Report]) -> None:
    verdict = reports[example.name].verdict
    assert (verdict.level, verdict.row) == (example.level, example.row), verdict.sentence
    assert not verdict.temporary
    assert reports[example.name].problems == ()


def test_every_row_that_these_plugins_can_reach_has_a_message() -> None:
    assert {example.row for example in CATALOGUE} == REACHABLE


def test_names_are_unique() -> None:
    names = [example.name for example in CATALOGUE]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in names)


async def test_dns_trouble_leaves_the_level_open(mailbox: Mailbox) -> None:
    """Row 13: whatever DKIM alone would settle is open; what a person signed is not."""
    async with Checker(Settings(at=AT), resolver=FailingResolver(everything=True)) as checker:
        for example, octets in mailbox.messages:
            if example.name.startswith("dkim-rsa"):
                verdict = (await checker.check(octets)).verdict
                assert (verdict.level, verdict.row, verdict.temporary) == ("unauthenticated", 13, True)


def test_what_is_signed_by_others_is_named(reports: dict[str, Report]) -> None:
    for name, words in {
        "smime-other-person": ("mallory@example.com", "alice@example.org"),
        "smime-two-signers": ("alice@example.org", "bob@example.net"),
        "dkim-other-domain": ("mailer.example.com",),
        "smime-rsa": ("Subject, Date and To are not covered",),
    }.items():
        assert all(word in reports[name].verdict.sentence for word in words)


def test_nothing_hostile_survives_in_what_is_shown(reports: dict[str, Report]) -> None:
    for report in reports.values():
        for field in report.header:
            shown = safe_text(field.value)
            assert shown == safe_text(shown)
            assert not re.search(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", shown)


def test_messages_are_kept_octet_for_octet(mailbox: Mailbox) -> None:
    for _, octets in mailbox.messages:
        assert bytes(parse(octets)) == octets


def test_apart_from_the_keys_it_is_always_the_same(mailbox: Mailbox) -> None:
    again = asyncio.run(make_mailbox(PluginManager(), AT + timedelta(microseconds=7)))
    unsigned = {"plain", "hostile-bidi", "attachments", "deep-nesting", "old-charsets", "two-from-fields"}
    first = {example.name: octets for example, octets in mailbox.messages if example.name in unsigned}
    second = {example.name: octets for example, octets in again.messages if example.name in unsigned}
    assert first == second
    assert [example.name for example, _ in again.messages] == [example.name for example, _ in mailbox.messages]


def test_the_thread_hangs_together(mailbox: Mailbox) -> None:
    known: set[str] = set()
    messages = [parse(octets) for example, octets in mailbox.messages if example.name.startswith("thread-")]
    assert len(messages) == 10
    for message in messages:
        references = message.header.first("references")
        if references is not None:
            assert set(references.value.split()) <= known
        identifier = message.header.first("message-id")
        assert identifier is not None
        known.add(identifier.value.strip())
    assert len(known) == 10


# -- on disk -------------------------------------------------------------------------------------------------


def test_the_folder(mailbox: Mailbox, folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [
        "Maildir", "README.txt", "config.toml", "dns.zone", "reader.pem", "trust.pem",
    ]  # fmt: skip
    stored = [bytes(memoryview(one.octets())) for one in read_path(folder / "Maildir")]
    assert stored == [octets for _, octets in mailbox.messages]
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in files)
    # the only private key that is written is the reader's
    assert [path.name for path in files if b"PRIVATE KEY" in path.read_bytes()] == ["reader.pem"]
    assert "smime-rsa" in (folder / "README.txt").read_text()


async def test_the_configuration_in_it_works(folder: Path) -> None:
    settings = load(folder / "config.toml")
    async with Checker(settings) as checker:
        assert [identity.name for identity in checker.services.keys.identities()] == ["robin@example.net"]
        report = await checker.check(next(read_path(folder / "Maildir")).octets())
    assert report.conditions == ("DNS from dns.zone",)


def test_nothing_is_overwritten(mailbox: Mailbox, tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(UsageError, match="not an empty folder"):
        write_mailbox(mailbox, tmp_path)
    with pytest.raises(UsageError, match="not an empty folder"):
        write_mailbox(mailbox, tmp_path / "mine")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


@pytest.mark.parametrize(("plugin", "prefix", "word"), [("dkim", "dkim-", "sealer"), ("smime", "smime-", "protector")])
def test_without_a_plugin_what_needs_it_is_left_out_and_named(plugin: str, prefix: str, word: str) -> None:
    mailbox = asyncio.run(make_mailbox(PluginManager(disabled=[plugin]), AT))
    left_out = {example.name for example, _ in mailbox.left_out}
    careless = {"dkim-appended", "dkim-sha1", "dkim-short-key"}  # no plugin would make those
    assert {example.name for example in CATALOGUE if example.name.startswith(prefix)} - careless <= left_out
    assert {why for _, why in mailbox.left_out} == {f"no plugin that is installed brings a {word} named {plugin}"}
    assert "plain" in {example.name for example, _ in mailbox.messages}


# -- documentation -------------------------------------------------------------------------------------------


def test_the_documentation_lists_the_catalogue() -> None:
    assert table() in (ROOT / "docs" / "demo.md").read_text(encoding="utf-8")
