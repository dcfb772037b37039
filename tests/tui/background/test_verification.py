"""A whole folder verified by processes: every message is judged or counted, whatever becomes of the processes."""

from __future__ import annotations

import asyncio
import os
import pickle
import random
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mailsec.cli import main
from mailsec.config import Settings, load
from mailsec.errors import MailsecError
from mailsec.store import Index, KeptVerdict, Maildir, Place
from mailsec.store.keeper import Keeper
from mailsec.tui.background import FolderVerification, Progress

Fill = Callable[[int], "list[str]"]
KEEPER = Keeper(bytes(32))

ACTING = """
import os, pathlib, signal, time
from mailsec.hooks import AuthResult, Result, Verifier, hookimpl

async def verify(message, context):
    subject = bytes(message).partition(b"Subject: Letter ")[2].split()[0]
    {act}
    return [AuthResult("x-act", Result.NONE)]

@hookimpl
def mailsec_verifiers():
    return [Verifier(name="acting", methods=("x-act",), verify=verify, timeout=0.5)]
"""


@pytest.fixture
def demo(tmp_path: Path) -> Path:
    assert main(["demo", "--make", str(tmp_path / "demo")]) == 0
    return tmp_path / "demo"


@pytest.fixture
def offline(tmp_path: Path) -> Settings:
    zone = tmp_path / "dns.zone"
    zone.write_text("")
    return Settings(dns_file=zone)


def verdicts(index_path: Path, place: Place) -> dict[str, KeptVerdict | None]:
    """The kept verdict of each message of the folder, by its key; each is sealed for its very octets."""
    mailbox = Maildir(place.path)
    found = {}
    with Index(index_path) as index:
        for row in index.rows(index.listing(index.folder(place.path)).ids):
            assert row is not None
            kept = index.verdict(row.id)
            assert row.level == (None if kept is None else kept.level)
            if kept is not None:
                KEEPER.open(kept, mailbox.read(row.key))
            found[row.key] = kept
    return found


def pids_gone(pids: Sequence[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


ENCRYPTED = {
    "encrypted",
    "encrypted-cbc",
    "encrypted-exfiltration",
    "encrypted-to-another",
    "encrypted-triple",
    "encrypted-unsigned",
    "header-spoofed",
}
"""Messages that no process without keys can judge."""


async def test_the_demonstration_gets_the_verdicts_that_check_gives(demo: Path, index_path: Path) -> None:
    place = Place("demo", demo / "Maildir", "maildir", 0, "inbox")
    with Index(index_path) as index:
        index.refresh(Maildir(place.path))
    told: list[Progress] = []
    changed: list[int] = []
    folder = FolderVerification(
        index_path,
        place,
        load(demo / "config.toml"),
        KEEPER,
        progress=told.append,
        changed=changed.extend,
    )
    done = await folder.run()
    found = verdicts(index_path, place)
    closed = {key for key, kept in found.items() if kept is None}
    assert {key.split(".", 2)[2] for key in closed} == ENCRYPTED
    assert done == Progress(len(found), len(found) - len(closed), 0, len(closed))
    assert done.total > 50
    assert told[-1] == done
    assert [one.done for one in told] == sorted(one.done for one in told)
    with Index(index_path) as index:
        assert len(changed) == done.judged
        assert set(changed) < set(index.listing(None).ids)
    lines = (line.split() for line in (demo / "README.txt").read_text().splitlines())
    wanted = {line[0]: line[1] for line in lines if len(line) > 2}
    # a list shows the outer From field, so that what somebody else signed inside is marked there
    wanted["header-list-from"] = "warning"
    for key, kept in found.items():
        if kept is None:
            continue
        assert kept.level == wanted[key.split(".", 2)[2]], key
        assert "DNS from dns.zone" in kept.sentence
    assert folder.pids == ()


async def test_verdicts_that_stand_are_not_made_again(
    place: Place, index_path: Path, indexed: Fill, offline: Settings
) -> None:
    keys = indexed(20)
    await FolderVerification(index_path, place, offline, KEEPER).run()
    with Index(index_path) as index:
        ids = list(index.listing(index.folder(place.path)).ids)
        first = index.verdict(ids[0])
        assert first is not None
        index.keep_verdict(ids[0], replace(first, level="verified"))  # forged
        for number in ids[1:3]:
            second = index.verdict(number)
            assert second is not None
            body = Maildir(place.path).read(index.place_of(number)[1])
            bare = replace(KEEPER.open(second, body), temporary=True)
            seal = KEEPER._seal(bare, body)
            index.keep_verdict(number, replace(bare, evidence=f"{seal}\n{bare.evidence}"))  # ours, and temporary
    changed: list[int] = []
    done = await FolderVerification(index_path, place, offline, KEEPER, changed=changed.extend).run()
    assert done == Progress(20, 20, 0)
    assert sorted(changed) == sorted(ids[:3])
    assert {kept.level for kept in verdicts(index_path, place).values() if kept} == {"unauthenticated"}
    assert len(keys) == 20
    changed.clear()
    await FolderVerification(index_path, place, offline, KEEPER, afresh=True, changed=changed.extend).run()
    assert sorted(changed) == sorted(ids)
    changed.clear()
    await FolderVerification(index_path, place, offline, Keeper(b"x" * 32), changed=changed.extend).run()
    assert sorted(changed) == sorted(ids)  # of another installation


async def test_messages_that_are_gone_are_counted(
    place: Place, index_path: Path, indexed: Fill, offline: Settings
) -> None:
    keys = indexed(40)
    for key in keys[::4]:
        (place.path / "new" / key).unlink()
    done = await FolderVerification(index_path, place, offline, KEEPER).run()
    assert done == Progress(40, 30, 10)


async def test_an_empty_folder_needs_no_process(place: Place, index_path: Path, offline: Settings) -> None:
    assert await FolderVerification(index_path, place, offline, KEEPER).run() == Progress()


@pytest.mark.parametrize("seed", range(3))
async def test_processes_killed_at_random_moments_lose_no_message(
    seed: int,
    place: Place,
    index_path: Path,
    indexed: Fill,
    offline: Settings,
    install: Callable[[str], None],
) -> None:
    install(ACTING.format(act="time.sleep(0.01)"))
    chance = random.Random(seed)
    keys = indexed(200)
    folder = FolderVerification(index_path, place, offline, KEEPER, processes=2)
    running = asyncio.create_task(folder.run())
    kills = 0
    while not running.done():
        await asyncio.sleep(chance.uniform(0.3, 0.9))
        if folder.pids and kills < 4 and folder.progress.judged:
            os.kill(chance.choice(folder.pids), signal.SIGKILL)
            kills += 1
    done = await running
    assert kills
    assert done.total == done.done == 200
    found = verdicts(index_path, place)
    assert sorted(found) == sorted(keys)
    assert sum(kept is not None for kept in found.values()) >= done.judged
    assert done.unjudged <= 16  # a process was killed over the same message twice at the most a few times


async def test_a_message_that_ends_its_process_costs_only_itself(
    place: Place, index_path: Path, indexed: Fill, offline: Settings, install: Callable[[str], None]
) -> None:
    keys = indexed(50)
    install(ACTING.format(act="if subject in (b'7', b'30'): os.kill(os.getpid(), signal.SIGKILL)"))
    done = await FolderVerification(index_path, place, offline, KEEPER).run()
    assert done == Progress(50, 48, 2)
    assert {key for key, kept in verdicts(index_path, place).items() if kept is None} == {keys[7], keys[30]}


async def test_a_plugin_that_blocks_costs_its_result_alone(
    place: Place, index_path: Path, indexed: Fill, offline: Settings, install: Callable[[str], None]
) -> None:
    keys = indexed(6)
    install(ACTING.format(act="while subject == b'3': pass"))
    assert await FolderVerification(index_path, place, offline, KEEPER).run() == Progress(6, 6, 0)
    kept = verdicts(index_path, place)[keys[3]]
    assert kept is not None


async def test_what_a_plugin_prints_does_not_reach_the_terminal(
    place: Place,
    index_path: Path,
    indexed: Fill,
    offline: Settings,
    install: Callable[[str], None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    indexed(2)
    install(ACTING.format(act="print('noise', flush=True); os.write(1, b'noise'); os.write(2, b'noise')"))
    assert (await FolderVerification(index_path, place, offline, KEEPER).run()).judged == 2
    assert capfd.readouterr() == ("", "")


async def test_cancelled_it_ends_at_once_and_keeps_what_it_has(
    place: Place, index_path: Path, indexed: Fill, offline: Settings, install: Callable[[str], None]
) -> None:
    indexed(400)
    install(ACTING.format(act="time.sleep(0.02)"))
    folder = FolderVerification(index_path, place, offline, KEEPER, processes=2)
    running = asyncio.create_task(folder.run())
    while folder.progress.judged < 16:
        await asyncio.sleep(0.01)
    pids = folder.pids
    assert pids
    running.cancel()
    start = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert time.monotonic() - start < 5
    assert pids_gone(pids)
    judged = sum(kept is not None for kept in verdicts(index_path, place).values())
    assert 16 <= judged < 400


async def test_settings_that_cannot_be_used_are_a_sentence(
    place: Place, index_path: Path, indexed: Fill, tmp_path: Path
) -> None:
    indexed(2)
    with pytest.raises(MailsecError, match=r"no-such\.zone"):
        await FolderVerification(index_path, place, Settings(dns_file=tmp_path / "no-such.zone"), KEEPER).run()


async def test_processes_that_end_at_once_are_a_sentence(
    place: Place, index_path: Path, indexed: Fill, offline: Settings, install: Callable[[str], None]
) -> None:
    indexed(2)
    install("import os; os._exit(3)")
    with pytest.raises(MailsecError, match="end before they do anything"):
        await FolderVerification(index_path, place, offline, KEEPER).run()


async def test_processes_get_no_private_key(
    place: Place, index_path: Path, indexed: Fill, offline: Settings, tmp_path: Path
) -> None:
    indexed(2)
    asked = tmp_path / "asked"
    settings = replace(offline, identities=(tmp_path / "none.pem",), password_command=f"touch {asked}")
    assert (await FolderVerification(index_path, place, settings, KEEPER).run()).judged == 2
    assert not asked.exists()


def test_settings_travel_to_another_process(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(
        'dns_file = "a"\nat = 2026-05-01T12:00:00Z\ntrust = ["b"]\n'
        '[plugins]\ndisabled = ["spf"]\n[plugins.dkim]\nx = 1\n'
    )
    settings = load(config)
    assert pickle.loads(pickle.dumps(settings)) == settings
