"""The file that holds keys, trust decisions and correspondents.

One SQLite database with a rollback journal: what a transaction writes is there whole or not at all, whoever else writes
and wherever the power fails. A damaged file is never set aside by itself, since it may hold the only copy of a key.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from mailsec.errors import BusyError, StoreError
from mailsec.store.files import reason
from mailsec.store.keys.limits import PATIENCE

__all__ = ["KeyDatabase"]

_APPLICATION: Final = 0x6D736B79
_VERSION: Final = 1
_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})

_SETTINGS: Final = (
    "PRAGMA synchronous = EXTRA",  # the folder too, so that a committed key survives a power failure
    "PRAGMA secure_delete = ON",  # what is removed is overwritten
    "PRAGMA foreign_keys = ON",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA cell_size_check = ON",
)

_SCHEMA: Final = """
CREATE TABLE lock (one INTEGER PRIMARY KEY CHECK (one = 1), salt BLOB NOT NULL, cost INTEGER NOT NULL);
CREATE TABLE certificate (fingerprint TEXT PRIMARY KEY, der BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE key (
    handle TEXT PRIMARY KEY, kind TEXT NOT NULL, spki BLOB NOT NULL, secret BLOB NOT NULL, added TEXT NOT NULL
);
CREATE TABLE key_address (
    handle TEXT NOT NULL REFERENCES key ON DELETE CASCADE, place INTEGER NOT NULL, address TEXT NOT NULL,
    PRIMARY KEY (handle, place)
) WITHOUT ROWID;
CREATE TABLE key_certificate (
    handle TEXT NOT NULL REFERENCES key ON DELETE CASCADE, place INTEGER NOT NULL,
    fingerprint TEXT NOT NULL REFERENCES certificate, PRIMARY KEY (handle, place)
) WITHOUT ROWID;
CREATE TABLE trust (
    fingerprint TEXT NOT NULL REFERENCES certificate, address TEXT NOT NULL, added TEXT NOT NULL,
    PRIMARY KEY (fingerprint, address)
) WITHOUT ROWID;
CREATE TABLE known (
    address TEXT NOT NULL, fingerprint TEXT NOT NULL REFERENCES certificate, source TEXT NOT NULL,
    detail TEXT NOT NULL, seen TEXT NOT NULL, PRIMARY KEY (address, fingerprint)
) WITHOUT ROWID;
CREATE TABLE capability (address TEXT PRIMARY KEY, names TEXT NOT NULL, seen TEXT NOT NULL) WITHOUT ROWID;
"""


class KeyDatabase:
    """The database; each reading and each writing opens it anew, so that threads and processes share it freely.

    Args:
        path: the file; it and its folder are made when something is written first.
        patience: seconds that another program's writing is waited for.
    """

    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        self.path = path
        self._patience = patience

    def exists(self) -> bool:
        """Whether anything was ever kept here."""
        return self.path.exists()

    def stamp(self) -> tuple[int, int, int] | None:
        """What changes with whatever is written; `None` where there is no file."""
        try:
            status = self.path.stat()
        except OSError:
            return None
        return status.st_ino, status.st_mtime_ns, status.st_size

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection | None]:
        """A connection that sees one moment of the database; `None` where there is none yet.

        Raises:
            BusyError: another program writes for too long.
            StoreError: the file cannot be read, is damaged, or is none of ours.
        """
        if not self.exists():
            yield None
            return
        with self._connection("BEGIN") as connection:
            yield connection if self._ours(connection) else None

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it is written, or nothing where an exception leaves it.

        Raises:
            BusyError: another program writes for too long.
            StoreError: the file cannot be written, is damaged, or is none of ours.
        """
        self._make_file()
        with self._connection("BEGIN IMMEDIATE") as connection:
            if not self._ours(connection):
                self._make_tables(connection)
            yield connection
            try:
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                raise self._translated(error) from None

    def _make_file(self) -> None:
        """Makes the file, which only its owner can read; SQLite gives its journal the same mode."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                if stat.S_IMODE(os.fstat(descriptor).st_mode) & 0o077:
                    os.fchmod(descriptor, 0o600)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise StoreError(f"the keys in {self.path} cannot be written: {reason(error)}") from None

    @contextmanager
    def _connection(self, begin: str) -> Iterator[sqlite3.Connection]:
        connection: sqlite3.Connection | None = None
        try:
            connection = sqlite3.connect(
                f"file:{self._quoted()}?mode=rw", timeout=self._patience, isolation_level=None, uri=True
            )
            for setting in _SETTINGS:
                connection.execute(setting)
            connection.execute(begin)
            yield connection
        except sqlite3.Error as error:
            raise self._translated(error) from None
        finally:
            if connection is not None:
                with suppress(sqlite3.Error):
                    if connection.in_transaction:
                        connection.execute("ROLLBACK")
                connection.close()

    def _quoted(self) -> str:
        from urllib.parse import quote

        return quote(os.fspath(self.path.absolute()))

    def _ours(self, connection: sqlite3.Connection) -> bool:
        """Whether the tables are there; not so in an empty file, which a writer has made and not filled yet.

        Raises:
            StoreError: it is a database, but none that we can read.
        """
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if application == _APPLICATION and version == _VERSION:
            return True
        if application == _APPLICATION and version > _VERSION:
            raise StoreError(f"the keys in {self.path} were written by a later mailsec; use that one")
        if application or version or connection.execute("SELECT 1 FROM sqlite_master").fetchone():
            raise StoreError(f"{self.path} is a database, but not one with keys; move it away or name another folder")
        return False

    def _make_tables(self, connection: sqlite3.Connection) -> None:
        for statement in _SCHEMA.split(";"):
            if statement.strip():
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {_APPLICATION}")
        connection.execute(f"PRAGMA user_version = {_VERSION}")

    def _translated(self, error: sqlite3.Error) -> StoreError | BusyError:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in _BUSY:
            return BusyError(f"the keys in {self.path} are still locked by another program")
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            return StoreError(f"the keys in {self.path} are damaged; restore the file from a copy, or move it away")
        return StoreError(f"the keys in {self.path} cannot be read or written: {error}")
