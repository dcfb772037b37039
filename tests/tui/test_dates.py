"""Dates as a reader wants them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from mailsec.tui.dates import full_date, short_age, short_date

NOW = datetime(2026, 5, 12, 15, 0, tzinfo=UTC).timestamp()  # a Tuesday
CASES = {
    "today": ((2026, 5, 12, 14, 2), "14:02"),
    "just after midnight": ((2026, 5, 12, 0, 0), "00:00"),
    "yesterday": ((2026, 5, 11, 17, 20), "Mon 17:20"),
    "six days ago": ((2026, 5, 6, 9, 5), "Wed 09:05"),
    "a week ago": ((2026, 5, 5, 9, 5), "5 May"),
    "this year": ((2026, 1, 12), "12 Jan"),
    "last year": ((2025, 11, 3), "2025-11-03"),
    "later today": ((2026, 5, 12, 23, 0), "23:00"),
    "tomorrow": ((2026, 5, 13), "2026-05-13"),
    "long ago": ((1971, 2, 3), "1971-02-03"),
}


@pytest.mark.parametrize(("at", "text"), CASES.values(), ids=CASES)
def test_short(at: tuple[int, ...], text: str) -> None:
    assert short_date(datetime(*at, tzinfo=UTC).timestamp(), NOW, UTC) == text


@pytest.mark.parametrize("seconds", [-1e300, -1e12, -1, 0, 2**31, 1e12, 1e300])
def test_any_number_is_some_date_of_ten_columns(seconds: float) -> None:
    assert len(short_date(seconds, NOW, UTC)) <= 10
    assert short_date(seconds, NOW)


def test_full_names_the_writers_time_where_it_differs() -> None:
    at = datetime(2026, 5, 12, 16, 2, tzinfo=timezone(timedelta(hours=2)))
    assert full_date(at, UTC) == "Tue 12 May 2026, 14:02 (written at 16:02 +0200)"
    assert full_date(at.astimezone(UTC), UTC) == "Tue 12 May 2026, 14:02"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-5, "just now"), (59, "just now"), (60, "1 min ago"), (7_200, "2 h ago"), (5 * 86_400, "5 days ago")],
)
def test_age(seconds: float, text: str) -> None:
    assert short_age(seconds) == text
