"""The time zone that a person names for cameras whose photos do not tell it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})\Z")
_MOST = timedelta(hours=14)  # no zone is further from UTC


def time_zone(text: str) -> tzinfo:
    """A zone by its name (``Europe/Berlin``) or by its distance from UTC (``+02:00``, ``Z``).

    Raises:
        ValueError: there is no such zone.
    """
    if text in ("Z", "UTC"):
        return UTC
    parts = _OFFSET.match(text)
    if parts is not None:
        distance = timedelta(hours=int(parts[2]), minutes=int(parts[3]))
        if distance <= _MOST and int(parts[3]) < 60:
            return timezone(-distance if parts[1] == "-" else distance)
    else:
        try:
            return ZoneInfo(text)
        except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: the name of a folder
            pass
    raise ValueError(
        f"{text}: expected a distance from UTC such as +02:00, or the name of a time zone such as "
        "Europe/Berlin (where the system has no list of them, install the package tzdata)"
    )


def in_zone(taken: datetime, zone: tzinfo | None) -> datetime | None:
    """A time with its distance from UTC; None where neither it nor ``zone`` tells one."""
    if taken.tzinfo is not None:
        return taken
    return None if zone is None else taken.replace(tzinfo=zone)


def is_ambiguous(taken: datetime, zone: tzinfo | None) -> bool:
    """Whether a camera's clock showed this time twice, or never, where summer time changes."""
    if taken.tzinfo is not None or zone is None:
        return False
    return zone.utcoffset(taken.replace(fold=0)) != zone.utcoffset(taken.replace(fold=1))
