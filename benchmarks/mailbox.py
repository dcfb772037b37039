"""The index: first reading of a Maildir beside `notmuch new`, then opening, searching and threading with it."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.measure import Figure, beside, seconds
from mailsec.store import Index, Maildir, parse_query

FULL, SHORT = 100_000, 5_000
"""Messages of the Maildir, in the full and in the short form."""

BESIDE, BESIDE_SHORT = 10_000, 1_000
"""Messages of the Maildir that the peer reads too, which takes it a while."""

CHAIN = 15_000
"""Messages of the longest thread."""

PER_CORE = 2_000
"""Messages that a core must read for the first time in a second."""

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def run(*, short: bool) -> list[Figure]:
    """Makes a Maildir, has both index it, and asks ours."""
    count = SHORT if short else FULL
    with tempfile.TemporaryDirectory(prefix="mailsec-bench-") as folder:
        top = Path(folder)
        few = BESIDE_SHORT if short else BESIDE
        figures = [_beside_notmuch(top, write_maildir(top / "beside", letters(few)), few)]
        maildir = write_maildir(top / "Maildir", letters(count))
        figures.append(_first_reading(top / "index.sqlite", maildir, count))
        figures += _asking(top / "index.sqlite", maildir, count)
        chain = write_maildir(top / "chain", reply_chain(CHAIN // 5 if short else CHAIN))
        figures += _chain(top / "chain.sqlite", chain)
    return figures


# -- the mail ----------------------------------------------------------------------------------------------


def letters(count: int) -> Iterator[bytes]:
    """Letters of some 4 KB in threads of a few, by a few hundred people, with words as frequent as in prose."""
    chance = random.Random(1)
    syllables = [a + b for a in "bcdfghklmnprstvw" for b in ("a", "e", "i", "o", "u", "an", "er", "il")]
    vocabulary = ["".join(chance.choices(syllables, k=chance.randint(1, 4))) for _ in range(20_000)]
    weights = [1 / (rank + 1) for rank in range(len(vocabulary))]
    people = [f"{chance.choice(vocabulary).title()} {chance.choice(vocabulary).title()}" for _ in range(400)]
    threads: list[list[str]] = []
    for number in range(count):
        if threads and chance.random() < 0.6:
            references = chance.choice(threads[-200:])
        else:
            references = []
            threads.append(references)
        author, other = chance.sample(people, 2)
        words = chance.choices(vocabulary, weights, k=450)
        lines = "\n".join(" ".join(words[at : at + 10]) for at in range(0, 450, 10))
        received = "".join(
            f"Received: from mx{hop}.example.org (mx{hop}.example.org [192.0.2.{hop}])\n\tby mail.example.net with"
            f" ESMTPS id {chance.randbytes(8).hex()};\n\tMon, {_date(number)}\n"
            for hop in range(3)
        )
        mentions = "\n ".join(f"<{one}>" for one in references[-12:])
        own = f"{number}.{chance.randbytes(6).hex()}@example.org"
        yield (
            f"{received}From: {author} <{author.replace(' ', '.').lower()}@example.org>\n"
            f"To: {other} <{other.replace(' ', '.').lower()}@example.net>\n"
            f"Subject: {'Re: ' if references else ''}{' '.join(words[:5])}\nDate: Mon, {_date(number)}\n"
            f"Message-ID: <{own}>\n{f'References: {mentions}' + chr(10) if references else ''}"
            f"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n{lines}\nletter{number}\n"
        ).encode()
        references.append(own)


def reply_chain(count: int) -> Iterator[bytes]:
    """Letters that each answer the one before, and mention the last twenty."""
    for number in range(count):
        mentions = "\n ".join(f"<{one}@example.org>" for one in range(max(0, number - 20), number))
        yield (
            f"From: alice@example.org\nTo: bob@example.net\nSubject: Re: the chain\nDate: Mon, {_date(number)}\n"
            f"Message-ID: <{number}@example.org>\n{f'References: {mentions}' + chr(10) if number else ''}\nYes.\n"
        ).encode()


def _date(number: int) -> str:
    minutes = number * 5
    day = minutes // 1440
    month, year = day // 28 % 12, 2020 + day // 336
    return f"{day % 28 + 1:02} {_MONTHS[month]} {year} {minutes // 60 % 24:02}:{minutes % 60:02}:00 +0000"


def write_maildir(path: Path, messages: Iterator[bytes]) -> Maildir:
    """Writes messages as another program would have left them, each seen."""
    maildir = Maildir.create(path)
    for number, octets in enumerate(messages):
        (path / "cur" / f"{1_600_000_000 + number * 300}.M{number}.bench:2,S").write_bytes(octets)
    return maildir


# -- the figures -------------------------------------------------------------------------------------------


def _beside_notmuch(top: Path, maildir: Maildir, count: int) -> Figure:
    """Both read a Maildir for the first time, in turn; ours on one core, as notmuch does."""
    notmuch = shutil.which("notmuch")
    if notmuch is None:
        raise SystemExit("the benchmark of the mailbox needs notmuch: make lab")
    configuration = top / "notmuch-config"
    configuration.write_text(
        f"[database]\npath={maildir.path}\n[user]\nname=A\nprimary_email=a@example.org\n[new]\ntags=new\n"
        "[maildir]\nsynchronize_flags=false\n"
    )
    environment = {**os.environ, "NOTMUCH_CONFIG": str(configuration), "HOME": str(top)}

    def asked(*arguments: str) -> str:
        command = [notmuch, *arguments]
        return subprocess.run(command, check=True, env=environment, capture_output=True, text=True).stdout.strip()

    def ours() -> None:
        _read_first(top / "beside.sqlite", maildir, count)

    def peer() -> None:
        shutil.rmtree(maildir.path / ".notmuch", ignore_errors=True)
        asked("new", "--quiet")

    mine, theirs, ratio = beside(ours, peer, rounds=2, repeat=1)
    assert int(asked("count", "*")) == count
    version = asked("--version").removeprefix("notmuch ")
    return Figure(
        f"first index of {count:,} letters", count / mine, count / theirs, f"notmuch {version}", "/s", ratio, 1
    )


def _read_first(path: Path, maildir: Maildir, count: int) -> None:
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    with Index(path) as index:
        changes = index.refresh(Maildir(maildir.path))
        assert changes.added == count, changes


def _first_reading(path: Path, maildir: Maildir, count: int) -> Figure:
    """On one core, by the time that this process has used: others use the machine too."""
    before = time.process_time()
    _read_first(path, maildir, count)
    rate = count / (time.process_time() - before)
    name = f"first index of {count:,} letters, on a core"
    return Figure(name, rate, PER_CORE, "the limit", "/s", rate / PER_CORE, 1)


def _least(name: str, action: Callable[[], object], limit: float) -> Figure:
    """The least of several rounds against a limit: it is absolute, and others use the machine too."""
    action()
    least = min(seconds(action, 1) for _ in range(15))
    return Figure(name, least * 1e3, limit * 1e3, "the limit", "ms", limit / least, 1)


def _asking(path: Path, maildir: Maildir, count: int) -> Iterator[Figure]:
    def opened() -> None:
        with Index(path) as index:
            folder = index.folder(maildir.path)
            listing = index.listing(folder)
            assert len(listing) == count
            assert all(index.rows(listing.ids[:50]))
            assert index.counts(folder).total == count

    yield _least(f"open a folder of {count:,}, list, 50 rows, counts", opened, 0.3)
    with Index(path) as index:
        folder = index.folder(maildir.path)
        ids = index.listing(folder).ids
        middle = len(ids) // 2

        def page() -> None:
            assert all(index.rows(ids[middle : middle + 50]))

        yield _least("read a page of 50 rows", page, 0.05)
        for text, least in ((f"letter{count // 2}", 1), ("subject:re letter1", count // 20), ("is:unread", 0)):
            query = parse_query(text)
            assert len(index.listing(folder, query)) >= least
            yield _least(f"search for {text}", partial(index.listing, folder, query), 0.05)

        def nothing_new() -> None:
            assert not index.refresh(maildir)

        def names() -> None:
            assert len(list((maildir.path / "cur").iterdir())) == count

        mine, theirs, ratio = beside(nothing_new, names, rounds=3, repeat=1)
        name = "refresh where nothing is new"
        yield Figure(name, mine * 1e3, theirs * 1e3, "listing the names alone", "ms", ratio)


def _chain(path: Path, chain: Maildir) -> Iterator[Figure]:
    with Index(path) as index:
        before = time.process_time()
        added = index.refresh(chain).added
        rate = added / (time.process_time() - before)
        folder = index.folder(chain.path)

        def view() -> None:
            listing = index.listing(folder)
            assert listing.depths[-1] == added - 1
            assert all(index.rows(listing.ids[-50:]))

        yield Figure(f"first index of a thread {added:,} deep", rate, PER_CORE, "the limit", "/s", rate / PER_CORE, 1)
        yield _least(f"view of a thread {added:,} deep", view, 0.5)
