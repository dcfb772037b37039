"""Another program and the client in one Maildir, the client killed again and again: nothing lost, nothing twice."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from mailsec.store import Index, Maildir, parse_query
from mailsec.store.types import Row

KILLS = 12
OTHERS = Path(__file__).with_name("others.py")


def start(kind: str, top: Path, seed: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, OTHERS, kind, top, str(seed)])


def run_and_kill(top: Path, seed: int, seconds: float) -> None:
    """Starts a client and kills it so long after it has begun to work: anywhere in what it does."""
    log = top / "client.log"
    before = log.stat().st_size
    client = start("client", top, seed)
    while log.stat().st_size == before and client.poll() is None:
        time.sleep(0.01)
    time.sleep(seconds)
    client.kill()
    assert client.wait() == -9


def lines(path: Path, word: str) -> Counter[str]:
    return Counter(line.split()[1] for line in path.read_text().splitlines() if line.startswith(f"{word} "))


def rows(index: Index) -> list[Row]:
    return [row for row in index.rows(index.listing(None).ids) if row is not None]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.timeout(120)
def test_nothing_is_lost_and_nothing_is_twice(tmp_path: Path, seed: int, figure: Callable[[str], None]) -> None:
    chance = random.Random(seed)
    box = Maildir.create(tmp_path / "Maildir")
    for name in ("writer.log", "client.log"):
        (tmp_path / name).touch()
    writer = start("writer", tmp_path, seed)
    try:
        for kill in range(KILLS):
            run_and_kill(tmp_path, seed * 1000 + kill, chance.random() * 0.3)
        assert writer.poll() is None
        (tmp_path / "stop").touch()
        assert writer.wait() == 0
    finally:
        writer.kill()

    delivered = lines(tmp_path / "writer.log", "delivered") + lines(tmp_path / "client.log", "delivered")
    expunged = lines(tmp_path / "writer.log", "expunged")
    begun = lines(tmp_path / "client.log", "begun")
    there = Counter(bytes(box.read(entry.key)).rpartition(b"letter")[2].decode().strip() for entry in box.entries())
    assert set(there.values()) == {1}
    unsaid = there - (delivered - expunged)  # delivered by a client that was killed before it said so
    assert not (delivered - expunged) - there
    assert not unsaid - begun

    with Index(tmp_path / "index.sqlite") as index, Index(tmp_path / "fresh.sqlite") as fresh:
        index.refresh(box)
        assert not index.refresh(box)
        assert {row.key: (row.flags, row.recent) for row in rows(index)} == {
            entry.key: (entry.flags, entry.recent) for entry in box.entries()
        }
        assert Counter(row.subject for row in rows(index)) == there
        fresh.refresh(box)

        def shape(one: Index) -> list[tuple[str, int]]:
            return sorted((row.key, row.depth) for row in rows(one))

        assert shape(index) == shape(fresh)
        for name in chance.sample(sorted(there), 50):
            assert len(index.listing(None, parse_query(f"letter{name} ", now=None))) == 1
        folder = index.folder(box.path)
        assert sorted(index.listing(folder).ids) == sorted(row.id for row in rows(index))
        assert index.counts(folder) == fresh.counts(fresh.folder(box.path))
    figure(
        f"two programs in one Maildir: client killed {KILLS} times, {len(there)} messages left of {delivered.total()}"
    )
