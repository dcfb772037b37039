"""The password of an encrypted message, asked for at a real terminal: it reaches neither the screen nor the disk."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.terminal import Terminal
from mailsec.crypto import PrivateIdentity, PrivateKey
from mailsec.crypto.issue import make_own
from mailsec.store import Maildir
from tests.tui.shell.keys import ROBIN, encrypted_to, open_store

PASSWORD = "zebra-crossing"
"""One that no other text has in it."""


def test_it_is_asked_for_and_shown_nowhere(
    open_client: Callable[..., Terminal], maildir: Path, environment: dict[str, str], tmp_path: Path
) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    times = {"not_before": now - timedelta(days=1), "not_after": now + timedelta(days=30)}
    own = make_own(PrivateKey.generate("ec"), [ROBIN], **times)
    keys = Path(environment["HOME"], ".local", "state", "mailsec", "keys")
    open_store(keys, PASSWORD).add_key(PrivateIdentity(own.key, own.certificates), [ROBIN])
    Maildir(maildir).deliver(encrypted_to(own.certificate))
    terminal = open_client(columns=80, rows=24)
    terminal.wait_for("Surprise")
    terminal.settle()
    terminal.send("\r")
    terminal.wait_for("The password of the kept keys")
    terminal.settle()
    terminal.send("wrong-one\r")
    terminal.wait_for("try again")
    terminal.settle()
    terminal.send(PASSWORD)
    terminal.settle()
    assert b"cake" not in terminal.output
    terminal.send("\r")
    terminal.wait_for("cake")
    terminal.settle()
    terminal.send("Q")
    assert terminal.wait(30) == 0
    for secret in (PASSWORD.encode(), b"wrong-one"):
        assert secret not in terminal.output
        assert not [file for file in tmp_path.rglob("*") if file.is_file() and secret in file.read_bytes()]
