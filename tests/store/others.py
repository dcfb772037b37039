"""Processes that use one Maildir at the same time: `python others.py writer|client FOLDER SEED`.

The writer is another program: it delivers, renames and expunges by itself, until there is a file `stop`. The client
keeps the index, changes flags and delivers, until it is killed. Both write down in a log
what they begin and what they have done.
"""

from __future__ import annotations

import os
import random
import sys
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

from mailsec.errors import MailsecError
from mailsec.store import Flags, Index, Maildir


def letter(name: str, before: str | None) -> bytes:
    mention = f"In-Reply-To: <{before}@x>\n" if before else ""
    return f"From: a@example.org\nSubject: {name}\nMessage-ID: <{name}@x>\n{mention}\nletter{name}\n".encode()


class Log:
    """Lines that are on the disk's side of this process when `write` returns."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, line: str) -> None:
        os.write(self._descriptor, f"{line}\n".encode())


def writer(top: Path, seed: int) -> None:
    chance, log, maildir = random.Random(seed), Log(top / "writer.log"), top / "Maildir"
    for number in count():
        if (top / "stop").exists():
            return
        time.sleep(0.0005)
        kind = chance.random()
        if kind < 0.5:
            name = f"w{number}"
            file = f"{1_700_000_000 + number}.{name}.other"
            (maildir / "tmp" / file).write_bytes(letter(name, f"w{chance.randrange(number + 1)}"))
            (maildir / "tmp" / file).rename(maildir / "new" / file)
            log.write(f"delivered {name}")
            continue
        files = [*(maildir / "new").iterdir(), *(maildir / "cur").iterdir()]
        if not files:
            continue
        file = chance.choice(files)
        key = file.name.partition(":")[0]
        with suppress(FileNotFoundError):  # the client was there first
            if kind < 0.85:
                flags = "".join(sorted(chance.sample("DFRS", chance.randint(0, 4))))
                file.rename(maildir / "cur" / f"{key}:2,{flags}")
            else:
                octets = file.read_bytes()
                file.unlink()
                log.write(f"expunged {octets.rpartition(b'letter')[2].decode().strip()}")


def client(top: Path, seed: int) -> None:
    chance, log, maildir = random.Random(seed), Log(top / "client.log"), Maildir(top / "Maildir")
    sent = 0
    with Index(top / "index.sqlite") as index:
        folder = index.folder(maildir.path)
        while True:
            index.refresh(maildir)
            ids = index.listing(folder).ids
            for number in chance.sample(list(ids), min(20, len(ids))):
                flag = chance.choice([Flags.SEEN, Flags.FLAGGED, Flags.REPLIED])
                with suppress(MailsecError):  # the writer was there first
                    index.change_flags(maildir, number, **{chance.choice(["add", "remove"]): flag})
            name = f"c{os.getpid()}n{sent}"
            log.write(f"begun {name}")
            maildir.deliver(letter(name, None), Flags.SEEN if chance.random() < 0.5 else Flags.NONE)
            log.write(f"delivered {name}")
            sent += 1


if __name__ == "__main__":
    {"writer": writer, "client": client}[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))
