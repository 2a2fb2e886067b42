"""What a camera's clock did: how far apart its photos are, and where it was set back.

- All times of a camera have their distance from UTC: photos are compared in UTC, so that the hour
  that comes twice when summer time ends does no harm.
- Some or none have it: all are compared by the camera's own clock. A mixture is said.
- The names count on, but the time goes back: the clock was set back, or summer time ended. Photos
  before and after are never of one visit, and the place is said.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from sparrow.plain_text import one_line

LEAST_STEP_BACK_S = 2.0  # clocks that show whole seconds, and photos written a little out of order
MOST_STEPS_BACK = 0.2  # of all steps: names that are out of order more often are not in order
WRAPS = 1000  # a counter that falls by more began anew at its end: 9999, 0001
AN_HOUR_S = 3600.0

_COUNTER = re.compile(r"(.*?)(\d{3,9})", re.DOTALL)


@dataclass(frozen=True)
class ClockReading:
    """Times of one camera's photos.

    Attributes:
        seconds: [photos] on one axis; only differences mean something.
        part: [photos] 0 and up; photos of different parts are never of one visit.
        notes: what a person should know of this clock, in sentences.
    """

    seconds: list[float]
    part: list[int]
    notes: list[str]


def read_clock(names: Sequence[str], times: Sequence[datetime], from_exif: bool) -> ClockReading:
    """Bring the times of one camera's photos onto one axis.

    Args:
        names: of the photos, with ``/``.
        times: when they were taken.
        from_exif: the times are the camera's own; only then can the names contradict them.
    """
    aware = [time for time in times if time.tzinfo is not None]
    in_utc = len(aware) == len(times)
    notes = _notes_on_zones(aware, len(times))
    if in_utc:
        seconds = [time.timestamp() for time in times]
    else:
        seconds = [time.replace(tzinfo=UTC).timestamp() for time in times]
    part, steps = _parts(names, seconds) if from_exif else ([0] * len(names), [])
    notes += [_step_in_words(names, times, back, *step) for *step, back in steps]
    ahead = [name for name, time in zip(names, times, strict=True) if _is_ahead(time)]
    if ahead:
        notes.append(
            f"{len(ahead)} times are in the future, such as that of {one_line(ahead[0])}: the "
            "camera's clock is set wrong, or this machine's"
        )
    return ClockReading(seconds, part, notes)


def _notes_on_zones(aware: Sequence[datetime], photos: int) -> list[str]:
    offsets = sorted({time.isoformat()[-6:] for time in aware})
    if 0 < len(aware) < photos:
        return [
            f"{len(aware)} of {photos} times tell their distance from UTC "
            f"({', '.join(offsets)}), the others do not: all are taken by the camera's own clock"
        ]
    if len(offsets) > 1:
        return [
            f"its distance from UTC changes ({', '.join(offsets)}): visits are told apart in "
            "UTC, hours and days are those of its clock"
        ]
    return []


def _parts(
    names: Sequence[str], seconds: Sequence[float]
) -> tuple[list[int], list[tuple[int, int, float]]]:
    """[photos] part of each, and (photo before, photo after, seconds back) of each step back."""
    counted = sorted((*counter, i) for i, name in enumerate(names) if (counter := _counter(name)))
    pairs = [
        (before[-1], after[-1])
        for before, after in pairwise(counted)
        if before[0] == after[0] and after[1] - before[1] < WRAPS
    ]
    back = [
        (before, after, seconds[before] - seconds[after])
        for before, after in pairs
        if seconds[before] - seconds[after] > LEAST_STEP_BACK_S
    ]
    part = [0] * len(names)
    if not back or len(back) > max(1, MOST_STEPS_BACK * len(pairs)) or len(pairs) < 2:
        return part, []
    begins, number = {after for _, after, _ in back}, 0
    for *_, photo in counted:
        number += photo in begins
        part[photo] = number
    return part, back


def _counter(name: str) -> tuple[str, int] | None:
    """(folder and beginning, number) of a name as cameras count: ``100CANON/IMG_``, 12."""
    stem = name.rpartition(".")[0] or name
    match = _COUNTER.fullmatch(stem)
    return (match[1], int(match[2])) if match else None


def _step_in_words(
    names: Sequence[str], times: Sequence[datetime], back: float, before: int, after: int
) -> str:
    why = ", as when summer time ends" if back <= AN_HOUR_S else ""
    return (
        f"the clock goes back by {_length(back)} between {one_line(names[before])} "
        f"({times[before]:%Y-%m-%d %H:%M:%S}) and {one_line(names[after])} "
        f"({times[after]:%Y-%m-%d %H:%M:%S}){why}: photos before and after are of different visits"
    )


def _length(seconds: float) -> str:
    for unit, size in (("days", 86400.0), ("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} seconds"


def _is_ahead(time: datetime) -> bool:
    now = datetime.now(UTC)
    if time.tzinfo is None:  # of any zone: up to 14 hours ahead of UTC
        return (time.replace(tzinfo=UTC) - now).total_seconds() > 14 * 3600
    return (time - now).total_seconds() > 3600
