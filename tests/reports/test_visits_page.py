"""The page of ``sparrow count --report``: with nothing, with much, and what it says of doubt."""

from __future__ import annotations

import html
from datetime import datetime, timedelta

from sparrow.reports.visits_page import CountedSet, visits_html, visits_with_photo
from sparrow.visits.capture import Capture
from sparrow.visits.maximum import Number
from sparrow.visits.visits import SeenPhoto, Sightings, find_sightings

START = datetime(2026, 5, 1, 6)
JPEG = b"\xff\xd8\xff\xd9"


def page(sightings: Sightings, *names: str, pictures: dict[int, bytes] | None = None) -> str:
    counted = CountedSet("Photos", ["Nothing."], names, {"goose": "geese"}, [], 60.0, [], [])
    return html.unescape(visits_html(counted, sightings, pictures or {}))


def photo(minutes: float, *numbers: Number, camera: str = "feeder") -> SeenPhoto:
    taken = START + timedelta(minutes=minutes)
    return SeenPhoto(f"{camera}/{minutes:g}.jpg", Capture(taken, "exif", camera), numbers)


def test_without_any_photo_there_is_no_table_and_no_chart() -> None:
    text = page(find_sightings([]), "goose")
    assert "No photo could be counted" in text
    assert "<table" not in text
    assert "<svg" not in text


def test_a_doubtful_box_is_said_under_its_photo() -> None:
    """Three boxes of which the expected count bears out two, in both photos of a visit."""
    doubtful = Number(3, 2, 3, 2.3, 0.6)
    sightings = find_sightings([photo(n / 10, doubtful, doubtful) for n in range(2)])
    text = page(sightings, "goose", pictures={1: JPEG})
    words = "2 geese at once (likely 2 to 3); 3 boxes, 1 of them too doubtful to count"
    assert f"Visit 1, 2026-05-01 06:00:00 to 06:00:06: {words}. feeder/0.jpg, feeder" in text


def test_a_photo_without_a_range_leaves_none_to_its_day() -> None:
    sure, none = Number(2, 1, 3, 2.0, 1.0), Number(1, None, None)
    sightings = find_sightings([photo(0, sure, sure), photo(30, none, none)])
    assert [(v.maxima[0].low, v.maxima[0].high) for v in sightings.visits] == [(1, 3), (None, None)]
    assert [(day.maxima[0].low, day.maxima[0].high) for day in sightings.days] == [(None, None)]
    text = page(sightings, "goose")
    assert "Most geese at once by day</figcaption>" in text  # no lines for a range that is not


def test_of_many_equal_visits_each_day_and_camera_has_a_photo() -> None:
    number = Number(2, 1, 3, 2.0, 1.0)
    photos = [
        photo(5 * n, number, number, camera=camera) for camera in ("feeder", "pond")
        for n in range(500)
    ]  # fmt: skip
    sightings = find_sightings(photos)
    shown = visits_with_photo(sightings)
    assert len(shown) == 24
    days = {(visit.camera, visit.begins.date()) for visit in shown if visit.begins}
    assert len(days) == len(sightings.days) == 4
    text = page(sightings, "goose", pictures={visit.number: JPEG for visit in shown})
    assert "Of 1,000 visits in which something was seen, 24 with the largest numbers" in text
    assert "800 more are not listed here" in text
