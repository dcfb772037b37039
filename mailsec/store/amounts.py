"""Days and sizes as people write them in a search."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

__all__ = ["parse_size", "parse_span"]

_DATE = re.compile(r"([0-9]{4})(?:-([0-9]{1,2})(?:-([0-9]{1,2}))?)?\Z")
_AGO = re.compile(r"([0-9]{1,4})([dwmy])\Z")
_SIZE = re.compile(r"([0-9]{1,12})([kKmMgG]?)[bB]?\Z")
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def parse_size(text: str) -> int:
    """Octets.

    Args:
        text: such as `"300"`, `"20k"` or `"2M"`.

    Raises:
        ValueError: it is no size.
    """
    match = _SIZE.match(text)
    if match is None:
        raise ValueError("no size")
    return int(match[1]) * _UNITS[match[2].lower()]


def parse_span(text: str, now: datetime) -> tuple[int, int]:
    """The first second of a day, a month or a year, and the first after it, in seconds since the epoch.

    Args:
        text: such as `"2026"`, `"2026-05"`, `"2026-05-17"`, `"today"`, `"yesterday"`, or a day that long ago: `"7d"`,
            `"2w"`, `"3m"`, `"1y"`.
        now: the present time in the zone whose days are meant; without a zone on the clock of this machine.

    Raises:
        ValueError: it is no such date.
    """
    try:
        first, after = _days(text, now.replace(hour=0, minute=0, second=0, microsecond=0))
        return int(first.timestamp()), int(after.timestamp())
    except (OverflowError, OSError):
        raise ValueError("outside the calendar") from None


def _days(text: str, today: datetime) -> tuple[datetime, datetime]:
    if text == "today":
        return today, today + timedelta(days=1)
    if text == "yesterday":
        return today - timedelta(days=1), today
    if match := _AGO.match(text):
        first = _ago(today, int(match[1]), match[2])
        return first, first + timedelta(days=1)
    match = _DATE.match(text)
    if match is None:
        raise ValueError("no date")
    year, month = int(match[1]), int(match[2] or 1)
    first = today.replace(year=year, month=month, day=int(match[3] or 1))
    if match[3]:
        return first, first + timedelta(days=1)
    if match[2]:
        return first, first.replace(year=year + month // 12, month=month % 12 + 1)
    return first, first.replace(year=year + 1)


def _ago(today: datetime, number: int, unit: str) -> datetime:
    if unit in "dw":
        return today - timedelta(days=number * (7 if unit == "w" else 1))
    year, month = divmod(today.year * 12 + today.month - 1 - number * (12 if unit == "y" else 1), 12)
    for day in range(today.day, 28, -1):  # the 31st of a month that has none is its last
        try:
            return today.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return today.replace(year=year, month=month + 1, day=min(today.day, 28))
