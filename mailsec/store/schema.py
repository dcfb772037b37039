"""The tables of the index, as a list of steps that each bring it one version further."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

__all__ = ["APPLICATION", "STEPS", "columns", "migrate", "version"]

APPLICATION = 0x6D736563
"""What marks a database as ours (`PRAGMA application_id`): "msec"."""

STEPS: Sequence[str] = (
    # Version 1. What a list is sorted and counted by stands in `message`, which stays narrow; what only the rows
    # that are seen need stands in `detail`. `words` keeps no text: its rows are found by their number, and those of
    # messages that are gone drop out when they are joined with `message`, whose numbers are never used again.
    """
    CREATE TABLE folder (id INTEGER PRIMARY KEY AUTOINCREMENT, path BLOB NOT NULL UNIQUE);

    CREATE TABLE message (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        folder INTEGER NOT NULL,
        key BLOB NOT NULL,
        flags INTEGER NOT NULL,
        recent INTEGER NOT NULL,
        level INTEGER,
        date INTEGER NOT NULL,
        size INTEGER NOT NULL,
        attachments INTEGER NOT NULL,
        thread INTEGER NOT NULL,
        author_order TEXT NOT NULL,
        subject_order TEXT NOT NULL
    );
    CREATE UNIQUE INDEX message_key ON message (folder, key);
    CREATE INDEX message_date ON message (folder, date, id);
    CREATE INDEX message_author ON message (folder, author_order, date, id);
    CREATE INDEX message_subject ON message (folder, subject_order, date, id);
    CREATE INDEX message_size ON message (folder, size, id);
    CREATE INDEX message_state ON message (folder, flags, level);
    CREATE INDEX message_unjudged ON message (folder, date, id) WHERE level IS NULL;

    CREATE TABLE detail (
        id INTEGER PRIMARY KEY,
        author_name TEXT NOT NULL,
        author TEXT NOT NULL,
        recipients TEXT NOT NULL,
        subject TEXT NOT NULL,
        date INTEGER NOT NULL,
        own INTEGER NOT NULL,
        mentions BLOB NOT NULL
    );

    CREATE TABLE thread (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        folder INTEGER NOT NULL,
        newest INTEGER NOT NULL,
        alone INTEGER NOT NULL,
        members BLOB NOT NULL,
        depths BLOB NOT NULL
    );
    CREATE INDEX thread_newest ON thread (folder, newest, id, alone);

    CREATE TABLE link (
        folder INTEGER NOT NULL,
        hash INTEGER NOT NULL,
        thread INTEGER NOT NULL,
        PRIMARY KEY (folder, hash)
    ) WITHOUT ROWID;

    CREATE TABLE verdict (
        id INTEGER PRIMARY KEY,
        identity TEXT NOT NULL,
        sentence TEXT NOT NULL,
        temporary INTEGER NOT NULL,
        at INTEGER NOT NULL,
        evidence TEXT NOT NULL
    );

    CREATE VIRTUAL TABLE words USING fts5 (
        subject, authors, recipients, attachments, body,
        content = '', columnsize = 0, tokenize = "unicode61 remove_diacritics 2"
    );
    -- A batch is written at once, and merging waits for more of them: a third of the time of a first reading.
    INSERT INTO words (words, rank) VALUES ('hashsize', 16777216), ('automerge', 16);
    """,
)


def version(connection: sqlite3.Connection) -> int:
    """How many of the steps a database has seen.

    Args:
        connection: the database.
    """
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, steps: Sequence[str] = STEPS) -> None:
    """Takes the steps that a database has not seen, each whole or not at all.

    Args:
        connection: the database, in autocommit mode.
        steps: all steps.
    """
    for number in range(version(connection), len(steps)):
        script = steps[number]
        marks = f"PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {number + 1};"
        try:
            connection.executescript(f"BEGIN IMMEDIATE; {script} {marks} COMMIT;")
        except BaseException:
            if connection.in_transaction:
                connection.rollback()
            raise


def columns(connection: sqlite3.Connection) -> frozenset[tuple[str, str]]:
    """All tables with their columns, by which a database can be told from one of another make.

    Args:
        connection: the database.
    """
    found = connection.execute(
        "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c"
        " WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite#_%' ESCAPE '#'"
    )
    return frozenset(found)
