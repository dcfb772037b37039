"""Widths of text on a terminal."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailsec.cli.options import take_globals
from mailsec.cli.screen import Screen, fit, fit_address, screen_of, width, wrap
from mailsec.errors import UsageError


@pytest.mark.parametrize(
    ("text", "columns"),
    [("abc", 3), ("", 0), ("會議", 4), ("ｶﾅ", 2), ("é", 1), ("e\u0301", 1), ("📝", 2), ("a\u200db", 2), ("…", 1)],
)
def test_width(text: str, columns: int) -> None:
    assert width(text) == columns


@pytest.mark.parametrize(
    ("text", "columns", "wanted"),
    [("abc", 5, "abc  "), ("abcdef", 4, "abc…"), ("會議記錄", 5, "會議…"), ("會議記錄", 4, "會… "), ("abc", 3, "abc")],
)
def test_fit(text: str, columns: int, wanted: str) -> None:
    assert fit(text, columns) == wanted


@given(st.text(), st.integers(2, 40))
def test_fit_always_fits(text: str, columns: int) -> None:
    assert width(fit(text, columns)) == columns


@pytest.mark.parametrize(
    ("address", "columns", "wanted"),
    [
        ("a@b.example", 13, "a@b.example  "),
        ("a-very-long-name@evil.example", 20, "a-v…ame@evil.example"),
        ("bank@bank.example@evil.example", 16, "b…e@evil.example"),
        ("alice@evil.example", 14, "…@evil.example"),
        ("alice@www.bank.example.evil.example", 14, "….evil.example"),
        ("會議記錄會議@a.example", 16, "會…議@a.example "),
        ("nothing like an address", 10, "…n address"),
    ],
)
def test_fit_address(address: str, columns: int, wanted: str) -> None:
    """The domain tells whose an address is; rule of trust 3."""
    assert fit_address(address, columns) == wanted


@given(st.emails() | st.text(), st.integers(2, 40))
def test_fit_address_always_fits(address: str, columns: int) -> None:
    assert width(fit_address(address, columns)) == columns


@given(st.text(max_size=90), st.from_regex(r"[a-z]{1,12}\.example", fullmatch=True), st.integers(22, 40))
def test_fit_address_keeps_the_domain(local: str, domain: str, columns: int) -> None:
    assert fit_address(f"{local}@{domain}", columns).rstrip().endswith(f"@{domain}")


@given(st.text(), st.integers(1, 40))
def test_wrap_loses_no_word(text: str, columns: int) -> None:
    lines = wrap(text, columns)
    assert " ".join(lines).split() == text.split()
    assert all(width(line) <= columns or len(line.split()) == 1 for line in lines)


def test_no_colour_where_nobody_looks() -> None:
    assert screen_of(io.StringIO()) == Screen(None, False)
    assert Screen().paint("x", "31") == "x"
    assert Screen(80, True).paint("x", "31") == "\x1b[31mx\x1b[0m"
    assert Screen(80, True).paint("x", "") == "x"
    closed = io.StringIO()
    closed.close()
    assert screen_of(closed) == Screen(None, False)


@pytest.mark.parametrize(
    ("arguments", "config", "plugins", "rest"),
    [
        (["check", "a"], None, (), ["check", "a"]),
        (["--config", "x", "check", "--no-plugin", "a", "--no-plugin=b"], "x", ("a", "b"), ["check"]),
        (["check", "--config=x", "--", "--no-plugin", "a"], "x", (), ["check", "--", "--no-plugin", "a"]),
        (["--config", "x", "--config", "y"], "y", (), []),
        (["check", "--dns", "f"], None, (), ["check", "--dns", "f"]),
    ],
)
def test_global_options(arguments: list[str], config: str | None, plugins: tuple[str, ...], rest: list[str]) -> None:
    given_, left = take_globals(arguments)
    assert (given_.config, given_.no_plugin, left) == (config, plugins, rest)


@pytest.mark.parametrize("arguments", [["--config"], ["check", "--no-plugin"], ["--config", "--"]])
def test_global_options_without_a_value(arguments: list[str]) -> None:
    with pytest.raises(UsageError, match="needs a value"):
        take_globals(arguments)
