"""What the client works with besides the screen: the mail, the index, the checks."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mailsec.config import Settings
from mailsec.store import Index, Place, find_mailboxes
from mailsec.store.keeper import Keeper
from mailsec.store.keys.secrets import Secrets
from mailsec.tui.background import CheckerThread
from mailsec.tui.desk import Desk
from mailsec.tui.mail import Mail

if TYPE_CHECKING:
    from mailsec.store.keys import FileKeyStore

__all__ = ["Services", "open_services"]


@dataclass(frozen=True, slots=True)
class Services:
    """What the screens ask.

    Attributes:
        settings: the settings.
        places: the folders.
        state: the folder in which the client remembers things.
        index: where the index lies.
        rows: the index as the drawing thread has it, for rows alone.
        desk: does all else with index and mailboxes.
        keys: does all with the key store; `None` where the settings name none.
        secrets: the passwords and PINs that were typed, in memory alone.
        checker: judges the message that is shown.
        keeper: seals verdicts that are kept.
        scratch: the folder of attachments that are handed to other programs; it is gone in the end.
        clock: gives the time, in seconds since the epoch.
    """

    settings: Settings
    places: tuple[Place, ...]
    state: Path
    index: Path
    rows: Index
    desk: Desk[Mail]
    keys: Desk[FileKeyStore] | None
    secrets: Secrets
    checker: CheckerThread
    keeper: Keeper
    scratch: Path
    clock: Callable[[], float] = time.time

    def close(self) -> None:
        """Ends what is under way."""
        self.checker.close()
        self.desk.close()
        if self.keys is not None:
            self.keys.close()
        self.rows.close()
        shutil.rmtree(self.scratch, ignore_errors=True)


def open_services(
    settings: Settings,
    roots: Sequence[Path],
    state: Path,
    *,
    tell: Callable[[str], None] = lambda _sentence: None,
    clock: Callable[[], float] = time.time,
) -> Services:
    """Finds the folders and opens the index.

    Args:
        settings: the settings.
        roots: where the mail lies.
        state: the folder of the index; it is made where it is not there, for the user alone.
        tell: takes a sentence for the user, when the index had to be made anew or is waited for.
        clock: gives the time.

    Raises:
        UsageError: the folder cannot be made.
        StoreError: the index cannot be used.
        ConfigError: the settings do not fit a plugin.
    """
    from mailsec.checker import Checker
    from mailsec.errors import UsageError
    from mailsec.store.keeper import read_key

    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{state} cannot be made: {error.strerror or error}") from error
    places = find_mailboxes(roots)
    index = state / "index.sqlite"
    rows = Index(index, tell=tell)
    secrets = Secrets(settings)
    return Services(
        settings,
        places,
        state,
        index,
        rows,
        Desk(lambda: Mail(Index(index, tell=tell), places), Mail.close),
        None if settings.keys is None else Desk(_key_store(settings.keys, secrets), name="keys"),
        secrets,
        CheckerThread(lambda: Checker(settings, secrets=secrets, harvest=settings.client.harvest)),
        Keeper(read_key(state, tell=tell)),
        Path(tempfile.mkdtemp(prefix="mailsec-")),
        clock,
    )


def _key_store(folder: Path, secrets: Secrets) -> Callable[[], FileKeyStore]:
    """What opens the key store, which is imported when it is wanted first."""

    def open_store() -> FileKeyStore:
        from mailsec.store.keys.keystore import FileKeyStore

        return FileKeyStore(folder, secrets.store)

    return open_store
