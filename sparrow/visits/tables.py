"""Visits, hours, days and cameras as rows of one table: a row a group and class."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sparrow.plain_text import utf8
from sparrow.visits.visits import Group

ALL = "all classes"
COLUMNS = (
    "per", "visit", "camera", "begins", "ends", "photos", "visits", "class", "most_at_once",
    "most_low", "most_high", "most_is_minimum", "shown_by", "unlike",
)  # fmt: skip


def class_rows(class_names: Sequence[str]) -> list[tuple[int, str]]:
    """(place among a group's maxima, name) of what a table shows; the sum where it says more."""
    own = list(enumerate(class_names, 1))
    return own if len(own) == 1 else [(0, ALL), *own]


def rows(groups: Sequence[Group], class_names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """The rows of ``COLUMNS``; what is not known is None.

    ``most_at_once`` is the largest count of one photo, which ``shown_by`` names; ``most_low`` to
    ``most_high`` is its interval; ``unlike`` photos are flagged as unlike those that the model
    learnt from. How many individuals came in all, no photo tells.
    """
    for group in groups:
        for place, name in class_rows(class_names):
            most = group.maxima[place]
            yield {
                "per": group.per,
                "visit": group.number or None,
                "camera": utf8(group.camera),
                "begins": _iso(group.begins),
                "ends": _iso(group.ends),
                "photos": len(group.photos),
                "visits": group.visits,
                "class": name,
                "most_at_once": most.count,
                "most_low": most.low,
                "most_high": most.high,
                "most_is_minimum": most.low is not None and most.high is None,
                "shown_by": utf8(group.photos[most.photo].name),
                "unlike": group.unlike,
            }


def _iso(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()
