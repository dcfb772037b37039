"""The index's file: made, brought up to date, waited for, and made anew where it is damaged."""

from __future__ import annotations

import fcntl
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from mailsec.errors import BusyError, StoreError
from mailsec.store import Changes, Index, Maildir, database, parse_query, schema

Letter = Callable[..., bytes]


@pytest.fixture
def path(tmp_path: Path, box: Maildir, letter: Letter) -> Path:
    """A sound index of one message."""
    box.deliver(letter(1))
    with Index(tmp_path / "index.sqlite") as index:
        index.refresh(box)
    return tmp_path / "index.sqlite"


def executed(path: Path, script: str) -> None:
    connection = sqlite3.connect(path)
    connection.executescript(script)
    connection.commit()
    connection.close()


def overwritten(at: int, octets: bytes) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        whole = bytearray(path.read_bytes())
        whole[at : at + len(octets)] = octets
        path.write_bytes(whole)

    return change


DAMAGED = [
    ("no database", lambda path: path.write_bytes(b"nonsense" * 1000), "is damaged"),
    ("its first page", overwritten(16, b"\xff" * 4000), "is damaged"),
    ("its table of tables", overwritten(100, b"\xff" * 3996), "is damaged"),
    ("cut", lambda path: path.write_bytes(path.read_bytes()[:5000]), "is damaged"),
    ("another program's", lambda path: executed(path, "PRAGMA application_id = 7"), "of another program"),
    ("a later version's", lambda path: executed(path, "PRAGMA user_version = 99"), "by a later version of mailsec"),
    ("without a table", lambda path: executed(path, "DROP TABLE link"), "has not the tables"),
    ("with a column too many", lambda path: executed(path, "ALTER TABLE link ADD x"), "has not the tables"),
]


@pytest.mark.parametrize(("damage", "why"), [c[1:] for c in DAMAGED], ids=[c[0] for c in DAMAGED])
def test_what_is_no_sound_index_is_set_aside_and_made_anew(
    path: Path, box: Maildir, damage: Callable[[Path], None], why: str
) -> None:
    damage(path)
    octets = path.read_bytes()
    told: list[str] = []
    with Index(path, tell=told.append) as index:
        assert index.refresh(box) == Changes(added=1)
    (sentence,) = told
    assert why in sentence
    assert sentence.endswith("it was set aside as index.sqlite.damaged and is made anew.")
    assert path.with_name("index.sqlite.damaged").read_bytes() == octets
    with Index(path, tell=told.append) as index:
        assert not index.refresh(box)
    assert len(told) == 1


def test_damage_that_is_met_later_is_remembered(path: Path, box: Maildir) -> None:
    executed(path, "UPDATE words_data SET block = x'ffffffff' WHERE id > 10")  # which opening does not look at
    told: list[str] = []
    with Index(path, tell=told.append) as index:
        assert told == []
        with pytest.raises(StoreError, match=r"is damaged \(.*\); opened again, it is made anew"):
            index.listing(None, parse_query("letter1"))
    with Index(path, tell=told.append) as index, Index(path, tell=told.append) as other:
        assert len(told) == 1
        assert index.refresh(box) == Changes(added=1)
        assert len(other.listing(None, parse_query("letter1"))) == 1


def test_a_mark_of_damage_that_is_not_this_file_s_means_nothing(path: Path, box: Maildir) -> None:
    path.with_name("index.sqlite.damage").write_text("7")
    told: list[str] = []
    with Index(path, tell=told.append) as index:
        assert not index.refresh(box)
    assert told == []


def test_an_empty_file_becomes_an_index(tmp_path: Path, box: Maildir) -> None:
    (tmp_path / "empty").touch()
    told: list[str] = []
    with Index(tmp_path / "empty", tell=told.append) as index:
        assert not index.refresh(box)
    assert told == []


def test_what_cannot_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path, tmp_path / "file" / "index"):
        with pytest.raises(StoreError, match=r"the index .* cannot be opened"):
            Index(path)


# -- locked ------------------------------------------------------------------------------------------------


def test_a_locked_index_is_waited_for_with_a_word(path: Path, box: Maildir, letter: Letter) -> None:
    box.deliver(letter(2))
    told: list[str] = []
    with Index(path, tell=told.append) as index:
        holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        holder.execute("BEGIN IMMEDIATE")

        def let_go() -> None:
            holder.execute("COMMIT")
            holder.close()

        def tell_and_let_go(sentence: str) -> None:
            told.append(sentence)
            threading.Thread(target=let_go).start()

        index.close()
        with Index(path, tell=tell_and_let_go) as waiting:
            assert waiting.refresh(box) == Changes(added=1)
    assert told == [f"Waiting for another program to let go of the index {path} …"]


def test_readers_do_not_wait_for_a_writer(path: Path) -> None:
    told: list[str] = []
    with Index(path, tell=told.append) as index:
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        holder.execute("DELETE FROM message")
        assert len(index.listing(None)) == 1
        with Index(path, tell=told.append) as other:
            assert len(other.listing(None)) == 1
        holder.close()
    assert told == []


def test_but_not_for_ever(path: Path, box: Maildir, letter: Letter) -> None:
    box.deliver(letter(2))
    with Index(path, patience=0) as index:
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(BusyError, match="still locked by another program"):
            index.refresh(box)
        holder.close()
        assert index.refresh(box) == Changes(added=1)


@pytest.mark.parametrize("how", ["the database", "the lock beside it"])
def test_opening_waits_and_gives_up(path: Path, how: str) -> None:
    if how == "the database":
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        holder.execute("DELETE FROM link")
        with pytest.raises(BusyError, match="still locked by another program"):
            Index(path, patience=0)
        holder.close()
    else:
        with path.with_name("index.sqlite.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with pytest.raises(BusyError, match="still locked by another program"):
                Index(path, patience=0)
    with Index(path, patience=0) as index:
        assert len(index.listing(None)) == 1


def test_a_write_that_fails_leaves_nothing(path: Path) -> None:
    opened = database.Database(path, lambda _: None)

    def write(*statements: str) -> None:
        with opened.writing() as connection:
            for statement in statements:
                connection.execute(statement)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write("DELETE FROM message")
    with pytest.raises(StoreError, match="cannot be used: UNIQUE"):
        write("DELETE FROM link", "INSERT INTO folder SELECT 7, path FROM folder")
    assert [len(opened.rows(f"SELECT * FROM {table}")) for table in ("message", "link")] == [1, 1]
    opened.close()


# -- versions ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("known", range(len(schema.STEPS) + 1))
def test_every_version_is_brought_up_to_date(tmp_path: Path, box: Maildir, letter: Letter, known: int) -> None:
    path = tmp_path / "old.sqlite"
    connection = sqlite3.connect(path, isolation_level=None)
    schema.migrate(connection, schema.STEPS[:known])
    assert schema.version(connection) == known
    connection.close()
    box.deliver(letter(1))
    told: list[str] = []
    with Index(path, tell=told.append) as index:
        assert index.refresh(box) == Changes(added=1)
    assert told == []
    connection = sqlite3.connect(path)
    assert schema.version(connection) == len(schema.STEPS)
    connection.close()


def test_a_step_is_taken_whole_or_not_at_all(path: Path) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    version, columns = schema.version(connection), schema.columns(connection)
    steps = [*schema.STEPS, "CREATE TABLE more (a);", "CREATE TABLE most (a); INSERT INTO nowhere VALUES (1);"]
    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        schema.migrate(connection, steps)
    assert schema.version(connection) == version + 1
    assert schema.columns(connection) == columns | {("more", "a")}
    schema.migrate(connection, [*steps[:-1], "ALTER TABLE more ADD b;"])
    assert schema.columns(connection) == columns | {("more", "a"), ("more", "b")}
    assert len(connection.execute("SELECT * FROM message").fetchall()) == 1
    connection.close()
