"""Dates as a reader wants them: short beside a list, whole on demand."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

__all__ = ["full_date", "short_age", "short_date"]

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_FIRST = -62_135_596_800  # the year 1
_LAST = 253_402_214_400  # the last day but one of the year 9999


def _local(seconds: float, zone: tzinfo | None) -> datetime:
    bounded = min(max(seconds, _FIRST + 86_400), _LAST)
    try:
        return datetime.fromtimestamp(bounded, zone or UTC).astimezone(zone)
    except (OverflowError, OSError, ValueError):
        return datetime.fromtimestamp(bounded, UTC)


def short_date(seconds: float, now: float, zone: tzinfo | None = None) -> str:
    """A date in at most ten columns: `14:02` today, `Mon 17:20` within a week, `12 May` this year, `2025-11-03` before.

    A date that lies ahead is never called a time of today or a day of this week: it is given whole.

    Args:
        seconds: the date, in seconds since the epoch.
        now: the present, likewise.
        zone: the reader's time zone; that of the system if `None`.
    """
    at, present = _local(seconds, zone), _local(now, zone)
    days = (present.date() - at.date()).days
    if days == 0:
        return f"{at:%H:%M}"
    if 0 < days < 7:
        return f"{_DAYS[at.weekday()]} {at:%H:%M}"
    if days > 0 and at.year == present.year:
        return f"{at.day} {_MONTHS[at.month - 1]}"
    return f"{at.year:04}-{at.month:02}-{at.day:02}"


def full_date(at: datetime, zone: tzinfo | None = None) -> str:
    """A date whole, in the reader's time zone: `Tue 12 May 2026, 14:02`, with that of the writer where it differs.

    Args:
        at: the date, aware.
        zone: the reader's time zone; that of the system if `None`.
    """
    mine = _local(at.timestamp(), zone)
    text = f"{_DAYS[mine.weekday()]} {mine.day} {_MONTHS[mine.month - 1]} {mine.year:04}, {mine:%H:%M}"
    return text if mine.utcoffset() == at.utcoffset() else f"{text} (written at {at:%H:%M %z})"


def short_age(seconds: float) -> str:
    """How long ago something was: `just now`, `5 min ago`, `3 h ago`, `2 days ago`.

    Args:
        seconds: how many seconds ago; a negative number counts as none.
    """
    minutes = max(0, int(seconds // 60))
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    if minutes < 48 * 60:
        return f"{minutes // 60} h ago"
    return f"{minutes // 1440} days ago"
