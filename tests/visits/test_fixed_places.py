"""The same detection again and again at one place: found, shown, left out on request."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from sparrow.visits.fixed_places import FixedPlace, PlaceFinder, read_places, without_places

KNOT, BIRD = (100, 100, 140, 140), (200, 50, 260, 120)
NOON = datetime(2026, 5, 1, 12)


def record(name: str, *boxes: tuple[int, int, int, int], light: float = 0.5) -> dict[str, Any]:
    corners = ("x_min_px", "y_min_px", "x_max_px", "y_max_px")
    n = len(boxes)
    return {
        "file_name": name, "error": None, "width_px": 400, "height_px": 200, "brightness": light,
        "boxes": [{"label": "robin", **dict(zip(corners, box, strict=True))} for box in boxes],
        "count": n, "count_low": n, "count_high": n + 1,
        "class_counts": [{"label": "robin", "count": n, "low": n, "high": n + 1},
                         {"label": "wren", "count": 0, "low": 0, "high": None}],
    }  # fmt: skip


def found(records: list[dict[str, Any]], minutes: int = 30) -> list[FixedPlace]:
    finder = PlaceFinder()
    for number, values in enumerate(records):
        finder.add("cam", NOON + timedelta(minutes=minutes * number), values)
    return finder.places()


def test_no_photo_has_no_place() -> None:
    assert found([]) == []


def test_a_knot_is_found_and_birds_that_come_and_go_are_not() -> None:
    shaky = [(100 + i % 2, 100, 140 + i % 2, 140) for i in range(12)]
    birds = [[(200 + 10 * i, 50, 260 + 10 * i, 120)] if i % 3 else [] for i in range(12)]
    records = [record(f"{i}", k, *b) for i, (k, b) in enumerate(zip(shaky, birds, strict=True))]
    (place,) = found(records)
    assert (place.camera, place.label, place.photos, place.of_photos) == ("cam", "robin", 12, 12)
    assert place.box == (0.25, 0.5, 0.35, 0.7)  # shares of the photo
    assert (place.first, place.last) == ("0", "11")


@pytest.mark.parametrize(
    ("records", "minutes"),
    [
        ([record(f"{i}", KNOT, light=0.4 + i / 50) for i in range(9)], 30),  # too few photos
        ([record(f"{i}", KNOT, light=0.4 + i / 50) for i in range(12)], 1),  # a visit, not a knot
        ([record(f"{i}", KNOT) for i in range(12)], 30),  # nothing changes: perhaps one photo
        ([record(f"{i}", *[KNOT] * (i % 3 == 0), light=i / 40) for i in range(30)], 30),  # a third
    ],
)
def test_what_proves_nothing_is_no_place(records: list[dict[str, Any]], minutes: int) -> None:
    assert found(records, minutes) == []


def test_what_is_left_out_is_missing_in_count_class_and_interval() -> None:
    place = FixedPlace("cam", "robin", (0.25, 0.5, 0.35, 0.7))
    left = without_places(record("a", KNOT, BIRD), [place])
    assert [box["x_min_px"] for box in left["boxes"]] == [200]
    assert (left["count"], left["count_low"], left["count_high"]) == (1, 1, 2)
    assert left["class_counts"] == [
        {"label": "robin", "count": 1, "low": 1, "high": 2},
        {"label": "wren", "count": 0, "low": 0, "high": None},
    ]
    untouched = record("a", BIRD)
    assert without_places(untouched, [place]) == untouched
    assert without_places(untouched, []) is untouched


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("file,count\na.jpg,1\n", "expected a table with the columns camera, label"),
        ("", "found nothing"),
        ("camera,label,x_min,y_min,x_max,y_max\nc,robin,0,0,x,1\n", "row 2: expected four numbers"),
        ("camera,label,x_min,y_min,x_max,y_max\nc,robin,0.5,0,0.4,1\n", "row 2: expected a box"),
    ],
)
def test_what_is_no_file_of_places_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "p.csv").write_text(text)
    with pytest.raises(ValueError, match=says):
        read_places(tmp_path / "p.csv")
