"""The process that indexes: one mailbox after the other, killed at any time and started again."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from mailsec.errors import MailsecError, WorkerError
from mailsec.store import Index, Place
from mailsec.tui.background import Indexing

Fill = Callable[[int], "list[str]"]


def keys_in(index_path: Path, place: Place) -> list[str]:
    with Index(index_path) as index:
        return sorted(row.key for row in index.rows(index.listing(index.folder(place.path)).ids) if row is not None)


def is_there(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has waited for does not."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


async def until_gone(pid: int) -> None:
    """Waits until a process has ended."""
    deadline = time.monotonic() + 10
    while is_there(pid):
        assert time.monotonic() < deadline, f"the process {pid} is still there"
        await asyncio.sleep(0.01)


async def test_it_indexes_what_is_new_and_tells_how_far_it_is(place: Place, index_path: Path, fill: Fill) -> None:
    told: list[tuple[str, int, int]] = []
    indexing = Indexing(index_path, progress=lambda place, done, total: told.append((place.name, done, total)))
    keys = fill(30)
    assert (await indexing.refresh(place)).added == 30
    assert told[-1] == ("mail", 30, 30)
    pid = indexing.pid
    keys += fill(3)
    assert (await indexing.refresh(place)).added == 3
    assert indexing.pid == pid  # the same process
    assert keys_in(index_path, place) == sorted(keys)
    await indexing.close()
    assert indexing.pid is None
    assert pid is not None
    await until_gone(pid)


async def test_what_is_asked_twice_before_its_turn_is_done_once(place: Place, index_path: Path, fill: Fill) -> None:
    fill(5)
    indexing = Indexing(index_path)
    changes = await asyncio.gather(*(indexing.refresh(place) for _ in range(10)))
    assert sorted(one.added for one in changes) == [5] * 10
    await indexing.close()


async def test_a_mailbox_that_is_not_there_is_a_sentence_and_the_next_is_indexed(
    place: Place, index_path: Path, fill: Fill, tmp_path: Path
) -> None:
    fill(2)
    indexing = Indexing(index_path)
    with pytest.raises(MailsecError, match="missing"):
        await indexing.refresh(Place("missing", tmp_path / "missing", "maildir", 0, ""))
    assert (await indexing.refresh(place)).added == 2
    await indexing.close()


async def test_a_damaged_index_is_made_anew_with_a_word(place: Place, index_path: Path, fill: Fill) -> None:
    fill(2)
    index_path.parent.mkdir()
    index_path.write_bytes(b"This is no database. " * 500)
    told: list[str] = []
    indexing = Indexing(index_path, tell=told.append)
    assert (await indexing.refresh(place)).added == 2
    assert told
    await indexing.close()


@pytest.mark.parametrize("seed", range(3))
async def test_killed_at_random_moments_nothing_is_lost_and_nothing_twice(
    seed: int, place: Place, index_path: Path, fill: Fill
) -> None:
    chance = random.Random(seed)
    keys = fill(600)
    indexing = Indexing(index_path)
    killed = 0
    for _ in range(4):
        refreshing = asyncio.create_task(indexing.refresh(place))
        while not refreshing.done():
            await asyncio.sleep(chance.uniform(0.2, 0.6))
            if indexing.pid is not None and killed < 6:
                os.kill(indexing.pid, signal.SIGKILL)
                killed += 1
        with suppress(WorkerError):  # it was killed as often as it is tried
            await refreshing
    assert killed
    await indexing.refresh(place)
    assert keys_in(index_path, place) == sorted(keys)
    await indexing.close()


async def test_one_that_ends_while_idle_is_replaced(place: Place, index_path: Path, fill: Fill) -> None:
    fill(1)
    indexing = Indexing(index_path)
    await indexing.refresh(place)
    assert indexing.pid is not None
    os.kill(indexing.pid, signal.SIGKILL)
    await asyncio.sleep(0.1)
    fill(1)
    assert (await indexing.refresh(place)).added == 1
    await indexing.close()


async def test_cancelled_by_all_who_wait_the_process_ends(place: Place, index_path: Path, fill: Fill) -> None:
    keys = fill(3000)
    begun = asyncio.Event()
    indexing = Indexing(index_path, progress=lambda *_: begun.set())
    one, other = (asyncio.create_task(indexing.refresh(place)) for _ in range(2))
    await begun.wait()
    pid = indexing.pid
    one.cancel()
    with pytest.raises(asyncio.CancelledError):
        await one
    assert indexing.pid == pid  # the other still waits
    other.cancel()
    with pytest.raises(asyncio.CancelledError):
        await other
    assert pid is not None
    await until_gone(pid)
    assert len(keys_in(index_path, place)) < 3000
    await indexing.refresh(place)
    assert keys_in(index_path, place) == sorted(keys)
    await indexing.close()


async def test_it_ends_with_the_client_however_that_ends(place: Place, index_path: Path, fill: Fill) -> None:
    """A client that is killed leaves no process behind."""
    fill(1)
    script = (
        "import asyncio, sys, time; from pathlib import Path; from mailsec.store import Place\n"
        "from mailsec.tui.background import Indexing\n"
        "async def main():\n"
        "    indexing = Indexing(Path(sys.argv[1]))\n"
        "    await indexing.refresh(Place('mail', Path(sys.argv[2]), 'maildir', 0, ''))\n"
        "    print(indexing.pid, flush=True); time.sleep(60)\n"
        "asyncio.run(main())"
    )
    client = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script, str(index_path), str(place.path)), stdout=asyncio.subprocess.PIPE
    )
    assert client.stdout is not None
    pid = int(await client.stdout.readline())
    assert is_there(pid)
    client.kill()
    await client.wait()
    await until_gone(pid)
