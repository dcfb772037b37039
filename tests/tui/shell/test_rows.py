"""Rows: foreign text never breaks the columns, and threads have their lines."""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mailsec.store.types import Flags, Row
from mailsec.tui.cells import clean, fit
from mailsec.tui.widgets.rows import ASCII, GLYPHS, row_pieces, thread_lines

ROW = Row(1, 1, "key", Flags.NONE, True, 0, "Alice", "alice@example.org", "Robin", "Plans", 100, 0, 1, 0, None)
FOREIGN = st.text(st.characters(exclude_categories=()), max_size=60) | st.sampled_from(
    [
        "日本語のメール件名",
        "مرحبا بالعالم",
        "👩‍👩‍👧‍👦 family",
        "e" + "\u0301" * 30,
        "\x1b]0;title\x07",
        "a\x9b31mb",
        "[bold]x[/red]",
        "\u202eabc",
    ]
)


def text(row: Row, cells: int, **options: Any) -> str:
    options = {"lines": "", "date": lambda _seconds: "14:02", "glyphs": GLYPHS, **options}
    return "".join(piece for piece, _ in row_pieces(row, cells, **options))


@given(
    FOREIGN,
    FOREIGN,
    FOREIGN,
    st.integers(24, 200),
    st.integers(0, 400),
    st.integers(0, 12),
    st.integers(0, 2000),
    st.sampled_from([None, "verified", "failed"]),
    st.integers(0, 63),
)
def test_a_row_has_just_its_width_and_no_controls(
    subject: str, name: str, address: str, cells: int, attachments: int, depth: int, folded: int, level: Any, flags: int
) -> None:
    row = replace(
        ROW, subject=subject, author_name=name, author=address, attachments=attachments, level=level, flags=Flags(flags)
    )
    shown = text(row, cells, lines="│ " * depth, folded=folded, selected=True, marked=True)
    assert cell_len(shown) == cells
    assert not any(unicodedata.category(character) in {"Cc", "Cs"} for character in shown)
    assert not any(character in shown for character in "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069")


@given(FOREIGN, st.integers(0, 40), st.booleans())
def test_text_is_cut_and_filled_by_cells(foreign: str, cells: int, right: bool) -> None:
    assert cell_len(fit(clean(foreign), cells, right=right)) == cells


@pytest.mark.parametrize(
    ("changes", "options", "words"),
    [
        ({}, {}, ["●", "Alice", "Plans", "14:02"]),
        ({"level": "verified"}, {}, ["✓"]),
        ({"level": "verified"}, {"glyphs": ASCII}, ["V", "N"]),
        ({"level": "failed"}, {"glyphs": ASCII}, ["X"]),
        ({"flags": Flags.SEEN | Flags.REPLIED | Flags.FLAGGED}, {}, ["↩", "⚑"]),
        ({"attachments": 1}, {}, ["⌁"]),
        ({"attachments": 2}, {}, ["⌁2"]),
        ({"subject": ""}, {}, ["(no subject)"]),
        ({"author": "", "author_name": ""}, {}, ["(no author)"]),
        ({"author_name": "ceo@bank.example"}, {}, ["alice@example.org"]),  # a name never stands in for an address
        ({}, {"outgoing": True}, ["→ Robin"]),
        ({}, {"folded": 3}, ["+3"]),
        ({}, {"selected": True}, ["▸"]),
        ({}, {"marked": True}, ["◆"]),
    ],
)
def test_what_stands_in_a_row(changes: dict[str, Any], options: dict[str, Any], words: list[str]) -> None:
    shown = text(replace(ROW, **changes), 80, **options)
    assert [word for word in words if word not in shown] == []


def test_no_sign_beyond_ascii_where_the_terminal_has_none() -> None:
    for level in ("verified", "authenticated", "unauthenticated", "warning", "failed", None):
        row = replace(ROW, level=level, flags=Flags.FLAGGED, attachments=3)  # type: ignore[arg-type]
        assert text(row, 80, glyphs=ASCII, selected=True, marked=True, lines="` ").isascii()


@pytest.mark.parametrize(
    ("depths", "lines"),
    [
        ([0], [""]),
        ([0, 1], ["", "└ "]),
        ([0, 1, 1], ["", "├ ", "└ "]),
        ([0, 1, 2, 1], ["", "├ ", "│ └ ", "└ "]),
        ([0, 1, 2, 2], ["", "└ ", "  ├ ", "  └ "]),
        ([0, 1, 2, 3, 2, 1], ["", "├ ", "│ ├ ", "│ │ └ ", "│ └ ", "└ "]),
        ([0, 1, 0, 1], ["", "└ ", "", "└ "]),
    ],
)
def test_the_lines_of_threads(depths: list[int], lines: list[str]) -> None:
    threads = [sum(depth == 0 for depth in depths[: at + 1]) for at in range(len(depths))]
    assert [thread_lines(depths, threads, at) for at in range(len(depths))] == lines


def test_lines_end_with_the_thread() -> None:
    assert thread_lines([0, 1, 1], [1, 1, 2], 1) == "└ "


def test_the_lines_of_a_deep_thread_stay_short() -> None:
    depths = list(range(15_000))
    assert len(thread_lines(depths, [1] * 15_000, 14_000)) == 10
