"""Makes the demonstration mailbox in memory and writes it to a folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mailsec.demo.catalogue import CATALOGUE, Example
from mailsec.demo.world import READER, MissingPluginError, World
from mailsec.errors import UsageError
from mailsec.hooks.manager import PluginManager

__all__ = ["Mailbox", "make_mailbox", "write_mailbox"]

README = """\
The demonstration mailbox of mailsec
====================================

Made at {at}. Everything in it is made up: its people, their domains, and a
certificate authority of its own. The private keys of those who signed were never
written anywhere; reader.pem is the key and certificate of the reader.

    mailsec --config config.toml check Maildir
    mailsec --config config.toml check --explain Maildir
    mailsec check --dns dns.zone --trust trust.pem --json Maildir

The messages, and the verdict that each must get:

{messages}
"""

CONFIG = """\
# The demonstration mailbox has its own DNS and its own trust anchor. Paths count from this file.
dns_file = "dns.zone"
trust = ["trust.pem"]
identities = ["reader.pem"]
"""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The demonstration mailbox in memory.

    Attributes:
        at: the time at which it was made.
        messages: each message with its entry in the catalogue.
        zone: the DNS file.
        trust: the trust anchor, as PEM.
        reader: the reader's private key and certificates, as PEM.
        left_out: what could not be made, and why.
    """

    at: datetime
    messages: tuple[tuple[Example, bytes], ...]
    zone: str
    trust: bytes
    reader: bytes
    left_out: tuple[tuple[Example, str], ...] = ()


async def make_mailbox(manager: PluginManager, at: datetime) -> Mailbox:
    """Makes the mailbox: new keys, and messages signed by them through the plugins.

    Args:
        manager: the plugins.
        at: the time at which it is made, aware. All times in it follow from that.
    """
    world = World(at, manager)
    messages: list[tuple[Example, bytes]] = []
    left_out: list[tuple[Example, str]] = []
    for example in CATALOGUE:
        try:
            messages.append((example, world.delivered(await example.make(world))))
        except MissingPluginError as error:
            left_out.append((example, str(error)))
    address = READER.rpartition("<")[2].strip(">")
    zone = f"; The DNS of the demonstration mailbox, made at {world.at:%Y-%m-%dT%H:%M:%SZ}.\n$TTL 300\n"
    return Mailbox(
        world.at,
        tuple(messages),
        zone + "".join(f"{line}\n" for line in world.zone),
        world.root.certificate.to_pem(),
        world.certify(address).to_pem(),
        tuple(left_out),
    )


def write_mailbox(mailbox: Mailbox, folder: Path) -> Path:
    """Writes the mailbox to a folder.

    Args:
        mailbox: the mailbox.
        folder: a folder that is empty or is not there yet.

    Returns:
        The Maildir in it.

    Raises:
        UsageError: the folder holds something already, or cannot be written.
    """
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(f"{folder} is there already and is not an empty folder: nothing was written")
        for part in ("cur", "new", "tmp"):
            (folder / "Maildir" / part).mkdir(mode=0o700, parents=True)
        start = int(mailbox.at.timestamp())
        lines = []
        for number, (example, octets) in enumerate(mailbox.messages):
            name = f"{start + number}.M{number:03}.{example.name}:2,"  # no flags: not seen yet
            _write(folder / "Maildir" / "cur" / name, octets)
            lines.append(f"  {example.name:<24} {example.level:<16} {example.title}")
        _write(folder / "dns.zone", mailbox.zone.encode())
        _write(folder / "trust.pem", mailbox.trust)
        _write(folder / "reader.pem", mailbox.reader)
        _write(folder / "config.toml", CONFIG.encode())
        text = README.format(at=f"{mailbox.at:%Y-%m-%d %H:%M:%S} UTC", messages="\n".join(lines))
        _write(folder / "README.txt", text.encode())
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror or error}") from None
    return folder / "Maildir"


def _write(file: Path, octets: bytes) -> None:
    """Writes a new file that nobody else can read."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(octets)
