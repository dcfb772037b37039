"""The index's file: opened, waited for, and made anew where it is damaged.

All processes that open the file take turns by a lock beside it, so that a damaged one is set aside once and not again
by the next process, which would take the new one away.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from mailsec.errors import BusyError, StoreError
from mailsec.store.files import reason
from mailsec.store.schema import APPLICATION, STEPS, columns, migrate, version

__all__ = ["PATIENCE", "Database"]

PATIENCE = 30.0
"""Seconds that a locked index is waited for."""

MOMENT = 1.0
"""Seconds after which the user is told what is waited for."""

_T = TypeVar("_T")

_DAMAGE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_SCHEMA}
_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}

_SETTINGS = """
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -16000;
    PRAGMA mmap_size = 268435456;
    PRAGMA foreign_keys = OFF;
"""


class _WrongError(Exception):
    """The file is a database, but not our index; says what is wrong."""


class Database:
    """An open index. It belongs to the thread that opened it.

    Args:
        path: the file; it is made, readable by its owner alone, where it is not there.
        tell: takes a sentence for the user when the file is waited for or made anew.
        patience: seconds that it is waited for.

    Raises:
        BusyError: another program holds it locked for too long.
        StoreError: it cannot be opened or made.
    """

    def __init__(self, path: Path, tell: Callable[[str], None], patience: float = PATIENCE) -> None:
        self._path = path
        self._tell = tell
        self._patience = patience
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._turn():
                self._connection = self._open_sound()
        except OSError as error:
            raise StoreError(f"the index {path} cannot be opened: {reason(error)}") from None

    def close(self) -> None:
        """Closes it."""
        self._connection.close()

    # -- using it ------------------------------------------------------------------------------------------

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Any]:
        """What a question finds.

        Args:
            sql: the question.
            parameters: what stands for its question marks.

        Raises:
            BusyError: the index is locked for too long.
            StoreError: it cannot be read.
        """
        return self._patiently(lambda: self._connection.execute(sql, parameters).fetchall())

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it is written, or nothing where an exception leaves it.

        Raises:
            BusyError: the index is locked for too long.
            StoreError: it cannot be written.
        """
        connection = self._connection
        self._patiently(lambda: connection.execute("BEGIN IMMEDIATE"))
        try:
            yield connection
            self._patiently(lambda: connection.execute("COMMIT"))
        except sqlite3.Error as error:
            raise self._translated(error) from None
        finally:
            if connection.in_transaction:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")

    def _patiently(self, action: Callable[[], _T]) -> _T:
        """Does something with the file, again and again while it is locked and patience lasts."""
        deadline = time.monotonic() + self._patience
        told = False
        while True:
            try:
                return action()
            except sqlite3.Error as error:
                if _code(error) not in _BUSY:
                    raise self._translated(error) from None
                if time.monotonic() >= deadline:
                    raise BusyError(f"the index {self._path} is still locked by another program") from None
            if not told:
                self._tell(f"Waiting for another program to let go of the index {self._path} …")
                told = True

    def _translated(self, error: sqlite3.Error) -> StoreError:
        """What an error of SQLite means here; damage is written down for the next who opens the file."""
        if _code(error) in _DAMAGE:
            with suppress(OSError):
                self._mark.write_text(str(self._path.stat().st_ino))
            return StoreError(f"the index {self._path} is damaged ({error}); opened again, it is made anew")
        return StoreError(f"the index {self._path} cannot be used: {error}")

    # -- opening it ----------------------------------------------------------------------------------------

    @property
    def _mark(self) -> Path:
        """Where damage that was met in use is written down, by the number of the damaged file."""
        return self._beside(".damage")

    def _beside(self, ending: str) -> Path:
        return self._path.with_name(self._path.name + ending)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Waits until no other process opens the file."""
        descriptor = os.open(self._beside(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            deadline = time.monotonic() + self._patience
            told = False
            begun = time.monotonic()
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    now = time.monotonic()
                    if now >= deadline:
                        raise BusyError(f"the index {self._path} is still locked by another program") from None
                    if not told and now - begun >= MOMENT:
                        self._tell(f"Waiting for another program to let go of the index {self._path} …")
                        told = True
                    time.sleep(0.02)
            yield
        finally:
            os.close(descriptor)

    def _open_sound(self) -> sqlite3.Connection:
        """Opens the file; what is no sound index of ours is set aside and made anew, once."""
        try:
            return self._open()
        except (_WrongError, sqlite3.DatabaseError) as error:
            if isinstance(error, sqlite3.DatabaseError) and _code(error) not in _DAMAGE:
                raise StoreError(f"the index {self._path} cannot be opened: {error}") from None
            aside = self._set_aside()
            why = str(error) if isinstance(error, _WrongError) else "is damaged"
            self._tell(f"The index {self._path} {why}; it was set aside as {aside.name} and is made anew.")
        try:
            return self._open()
        except (_WrongError, sqlite3.Error) as error:
            raise StoreError(f"the index {self._path} cannot be made: {error}") from None

    def _open(self) -> sqlite3.Connection:
        if not self._path.exists():
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        if self._mark.exists():
            damaged = self._mark.read_text() == str(self._path.stat().st_ino)
            self._mark.unlink()
            if damaged:
                raise _WrongError("is damaged")
        connection = sqlite3.connect(self._path, timeout=MOMENT, isolation_level=None)
        try:
            self._patiently_opened(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _patiently_opened(self, connection: sqlite3.Connection) -> None:
        deadline = time.monotonic() + self._patience
        told = False
        while True:
            try:
                connection.executescript(_SETTINGS)
                _check(connection)
                return
            except sqlite3.OperationalError as error:
                if _code(error) not in _BUSY:
                    raise
                if time.monotonic() >= deadline:
                    raise BusyError(f"the index {self._path} is still locked by another program") from None
            if not told:
                self._tell(f"Waiting for another program to let go of the index {self._path} …")
                told = True

    def _set_aside(self) -> Path:
        aside = self._beside(".damaged")
        self._path.replace(aside)
        for ending in ("-wal", "-shm"):
            self._beside(ending).unlink(missing_ok=True)
        return aside


def _code(error: sqlite3.Error) -> int:
    """The primary result code; extended ones tell more than is asked here."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def _check(connection: sqlite3.Connection) -> None:
    """Brings an index up to date, and finds out whether it is one.

    Raises:
        _WrongError: it is none.
    """
    known = version(connection)
    if known == 0 and not columns(connection):
        migrate(connection)
        return
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
        raise _WrongError("is the database of another program")
    if known > len(STEPS):
        raise _WrongError("was made by a later version of mailsec")
    migrate(connection)
    if columns(connection) != _expected():
        raise _WrongError("has not the tables that it should have")


@cache
def _expected() -> frozenset[tuple[str, str]]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    try:
        migrate(connection)
        return columns(connection)
    finally:
        connection.close()
