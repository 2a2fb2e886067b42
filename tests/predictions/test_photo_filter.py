"""Which photos of a log a filter lets through, in the database's own words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from sparrow.predictions.photo_filter import ALL_PHOTOS, PhotoFilter

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def words(chosen: PhotoFilter) -> list[str]:
    return [
        str(clause.compile(compile_kwargs={"literal_binds": True})) for clause in chosen.clauses()
    ]


def test_nothing_asked_for_leaves_nothing_out() -> None:
    assert words(ALL_PHOTOS) == words(PhotoFilter()) == []


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        (PhotoFilter("birds", "3"),
         ["predictions.model_name = 'birds'", "predictions.model_version = '3'"]),
        (PhotoFilter(model_version=""), ["predictions.model_version = ''"]),  # no None
        (PhotoFilter(source="page"), ["predictions.source = 'page'"]),
        # The tables hold UTC: an hour east of it, noon is 11:00.
        (PhotoFilter(since=NOON.replace(tzinfo=timezone(timedelta(hours=1)))),
         ["predictions.time >= '2026-05-01 11:00:00'"]),
        (PhotoFilter(until=NOON), ["predictions.time < '2026-05-01 12:00:00'"]),
        (PhotoFilter(fraction=0.25), ["predictions.id < '40000000'"]),  # a quarter of 2^32
        (PhotoFilter(fraction=0.0), ["predictions.id < '00000000'"]),  # no photo
        (PhotoFilter(fraction=1.0), []),  # every one
    ],
)  # fmt: skip
def test_each_field_is_a_clause(chosen: PhotoFilter, expected: list[str]) -> None:
    assert words(chosen) == expected


def test_a_time_without_its_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="with its zone"):
        PhotoFilter(since=datetime(2026, 5, 1)).clauses()
