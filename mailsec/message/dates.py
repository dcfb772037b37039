"""Dates of header fields, the obsolete forms too (RFC 5322 sections 3.3 and 4.3)."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from mailsec.message.comments import strip_comments
from mailsec.message.words import unfold

__all__ = ["parse_date"]

_MONTHS = {
    name: number
    for number, name in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), 1
    )
}
# Hours east of UTC (RFC 5322 section 4.3); the military letters and every other name mean "-0000".
_ZONES = {
    "ut": 0,
    "gmt": 0,
    "utc": 0,
    "est": -5,
    "edt": -4,
    "cst": -6,
    "cdt": -5,
    "mst": -7,
    "mdt": -6,
    "pst": -8,
    "pdt": -7,
}

_DATE = re.compile(
    r"""(?:[a-z]{3,9}\.?\s*,?\s*)?              # day of the week
        (\d{1,2})[\s-]\s*([a-z]{3})[a-z]{0,6}\.?[\s-]\s*(\d{2,4})\s*,?\s+  # day, month, year
        (\d{1,2})\s*:\s*(\d{2})(?:\s*:\s*(\d{2})(?:\.\d{1,9})?)?           # time of day
        (?:\s*([+-])(\d{2}):?(\d{2})|\s*([a-z]{1,5}))?(?![^\s])            # zone""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
# "Mon Jan  1 00:00:00 2024", as ctime writes it: never right, often met
_CTIME = re.compile(
    r"(?:[a-z]{3},?\s+)?([a-z]{3})\s+(\d{1,2})\s+(\d{1,2}):(\d{2}):(\d{2})\s+(?:([a-z]{1,5})\s+)?(\d{4})(?:\s+([+-])(\d{2})(\d{2}))?\Z",
    re.IGNORECASE | re.ASCII,
)


def parse_date(value: str | bytes) -> datetime | None:
    """Parses a date and time.

    A zone that says nothing (`-0000`, military letters, unknown names) or is absent counts as UTC. Years of two
    and three digits are read as RFC 5322 section 4.3 has it. A leap second becomes second 59. The day of the
    week is not compared.

    Args:
        value: a field body as received, or its text.

    Returns:
        The moment, aware; `None` where it is no date.
    """
    text = value.decode("latin-1") if isinstance(value, bytes) else value
    text = strip_comments(unfold(text[:1000].encode("latin-1", "replace")).decode("latin-1")).strip()
    if match := _DATE.match(text):
        day, month, year, hour, minute, second, sign, zone_hours, zone_minutes, zone = match.groups()
        full_year = int(year)
        if len(year) == 2:
            full_year += 2000 if full_year < 50 else 1900
        elif len(year) == 3:
            full_year += 1900
    elif match := _CTIME.match(text):
        month, day, hour, minute, second, zone, year, sign, zone_hours, zone_minutes = match.groups()
        full_year = int(year)
    else:
        return None
    if not 1900 <= full_year < 9999:  # RFC 5322 section 3.3; and no time zone leads out of the calendar
        return None
    offset = timedelta(hours=_ZONES.get((zone or "").lower(), 0))
    if sign:
        offset = timedelta(hours=int(zone_hours), minutes=int(zone_minutes))
        if int(zone_minutes) > 59 or int(zone_hours) > 23:
            return None
        if sign == "-":
            offset = -offset
    try:
        return datetime(
            full_year,
            _MONTHS[month.lower()],
            int(day),
            int(hour),
            int(minute),
            min(int(second or 0), 59) if int(second or 0) <= 60 else 60,
            tzinfo=timezone(offset) if offset else UTC,
        )
    except (ValueError, KeyError):
        return None
