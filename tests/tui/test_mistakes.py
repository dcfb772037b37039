"""The log of our own mistakes: where they came from, nothing of what was read, for its owner only, never too large."""

from __future__ import annotations

import stat
from pathlib import Path

from mailsec.tui.mistakes import LOG, LONGEST, MOST, note_mistake

AT = 1_777_636_800.0


def raised(words: str = "a secret") -> BaseException:
    try:
        try:
            {}[words]
        except KeyError as error:
            raise ValueError(words) from error
    except ValueError as error:
        return error


def test_where_it_came_from_and_nothing_of_what_was_read(tmp_path: Path) -> None:
    file = note_mistake(tmp_path, raised(), AT)
    assert file == tmp_path / LOG
    said = file.read_text()
    assert said.startswith("2026-05-01 12:00:00 UTC, mailsec ")
    assert said.index("builtins.KeyError") < said.index("builtins.ValueError")
    assert 'test_mistakes.py", line ' in said
    assert "in raised" in said
    assert "a secret" not in said.replace('words: str = "a secret"', "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_the_oldest_go_first(tmp_path: Path) -> None:
    (tmp_path / LOG).write_bytes(b"an old one\n\n" * (MOST // 12))
    for number in range(3):
        note_mistake(tmp_path, raised(), AT + number)
    said = (tmp_path / LOG).read_bytes()
    assert len(said) <= MOST
    assert said.startswith(b"an old one\n\n")
    assert said.count(b"builtins.ValueError") == 3


def test_a_mistake_that_never_ends_is_cut(tmp_path: Path) -> None:
    def deep(left: int) -> None:
        if not left:
            raise ValueError
        deep(left - 1)

    try:
        deep(900)
    except ValueError as error:
        file = note_mistake(tmp_path, error, AT)
    assert file is not None
    assert file.stat().st_size < LONGEST + 200
    assert b"calls" in file.read_bytes()


def test_exceptions_that_led_to_each_other_in_a_circle(tmp_path: Path) -> None:
    first, second = ValueError(), KeyError()
    first.__context__, second.__context__ = second, first
    assert note_mistake(tmp_path, first, AT) is not None


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "mine").write_bytes(b"mine")
    (tmp_path / LOG).symlink_to(tmp_path / "mine")
    note_mistake(tmp_path, raised(), AT)
    assert (tmp_path / "mine").read_bytes() == b"mine"


def test_where_nothing_can_be_written_nothing_happens(tmp_path: Path) -> None:
    assert note_mistake(tmp_path / "nowhere", raised(), AT) is None
