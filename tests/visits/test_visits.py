"""Photos into visits, hours and days: midnight, summer time, two cameras, clocks set back."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from sparrow.false_alarms import FalseAlarms
from sparrow.visits.capture import Capture
from sparrow.visits.maximum import Number
from sparrow.visits.tables import COLUMNS, rows
from sparrow.visits.visits import Group, SeenPhoto, find_sightings

CEST, CET = timezone(timedelta(hours=2)), timezone(timedelta(hours=1))


def seen(name: str, taken: datetime | str | None, count: int = 1, camera: str = "cam") -> SeenPhoto:
    time = datetime.fromisoformat(taken) if isinstance(taken, str) else taken
    number = Number(count, count, count)
    return SeenPhoto(name, Capture(time, "exif" if time else "", camera), (number, number))


def names(groups: list[Group]) -> list[list[str]]:
    return [[photo.name for photo in group.photos] for group in groups]


def test_no_photo_makes_nothing() -> None:
    assert find_sightings([]).groups == []


def test_a_gap_parts_visits_and_photos_without_a_time_are_of_none() -> None:
    photos = [
        seen("a", "2026-05-01 12:00:00"), seen("c", "2026-05-01 12:02:01", 2),
        seen("b", "2026-05-01 12:01:00", 3), seen("d", None, 9),
    ]  # fmt: skip
    sightings = find_sightings(photos, 60)
    assert names(sightings.visits) == [["a", "b"], ["c"]]  # 60 s are within, 61 s are not
    assert [group.maxima[0].count for group in sightings.visits] == [3, 2]
    assert [photo.name for photo in sightings.undated] == ["d"]
    assert sightings.visit_of == {"a": 1, "b": 1, "c": 2}
    (camera,) = sightings.cameras  # which has all its photos, dated or not
    assert (camera.maxima[0].count, len(camera.photos), camera.visits) == (9, 4, 2)


def test_few_flagged_photos_leave_a_range_and_a_camera_of_them_has_none() -> None:
    """Of 40 photos two are usual at 2 %, and of 20 (each hour's) one; all of another camera not."""
    start = datetime(2026, 5, 1, 12, 0)
    sure, odd = Number(2, 1, 3, 2.0, 0.9), Number(1, None, None, 1.0, 0.5)

    def photo(n: int, camera: str, *, unlike: bool) -> SeenPhoto:
        taken = Capture(start + timedelta(minutes=3 * n), "exif", camera)
        return SeenPhoto(f"{camera}/{n}", taken, (odd,) * 2 if unlike else (sure,) * 2, unlike)

    photos = [photo(n, "a", unlike=n in (3, 30)) for n in range(40)]
    photos += [photo(n, "b", unlike=True) for n in range(40)]
    sightings = find_sightings(photos, false_alarms=FalseAlarms(0.02))
    told = [(g.per, g.camera, g.unlike, g.maxima[0].low) for g in sightings.groups]
    assert [row for row in told if row[0] in ("hour", "day")] == [
        ("hour", "a", 1, 1), ("hour", "a", 1, 1), ("hour", "b", 20, None), ("hour", "b", 20, None),
        ("day", "a", 2, 1), ("day", "b", 40, None),
    ]  # fmt: skip
    assert [row[2:] for row in told if row[:2] == ("visit", "a") and row[2]] == [(1, None)] * 2
    # A model that does not say how often it is wrong about them: none has a range, as before.
    assert {g.maxima[0].low for g in find_sightings(photos).days} == {None}
    csv = list(rows(sightings.days, ["robin"]))
    assert [(row["photos"], row["unlike"]) for row in csv] == [(40, 2), (40, 40)]


def test_two_cameras_are_never_of_one_visit() -> None:
    photos = [seen(f"{camera}/a", "2026-05-01 12:00:00", camera=camera) for camera in "yx"]
    assert names(find_sightings(photos).visits) == [["x/a"], ["y/a"]]


def test_a_visit_over_midnight_is_one_and_its_photos_are_of_two_days() -> None:
    photos = [seen("a", "2026-05-01 23:59:50", 2), seen("b", "2026-05-02 00:00:10", 3)]
    sightings = find_sightings(photos)
    assert names(sightings.visits) == [["a", "b"]]
    assert [(g.maxima[0].count, g.visits) for g in sightings.days] == [(2, 1), (3, 0)]
    assert [f"{g.begins:%d %H}" for g in sightings.hours] == ["01 23", "02 00"]


def test_with_their_offset_the_hour_that_comes_twice_is_two() -> None:
    """02:30 before and after summer time ends are an hour apart."""
    photos = [
        seen("IMG_001.jpg", datetime(2025, 10, 26, 2, 30, tzinfo=CEST)),
        seen("IMG_002.jpg", datetime(2025, 10, 26, 2, 30, 20, tzinfo=CET)),
    ]
    sightings = find_sightings(photos)
    assert len(sightings.visits) == 2
    assert "its distance from UTC changes (+01:00, +02:00)" in sightings.notes[0]


def test_without_offset_the_step_back_is_noticed_by_the_names() -> None:
    """The clock shows 02:59:30, then 02:00:00, though the counter goes on."""
    photos = [
        seen("IMG_0001.jpg", "2025-10-26 02:00:10"), seen("IMG_0002.jpg", "2025-10-26 02:59:30"),
        seen("IMG_0003.jpg", "2025-10-26 02:00:00"), seen("IMG_0004.jpg", "2025-10-26 02:00:20"),
    ]  # fmt: skip
    sightings = find_sightings(photos)
    # 0001 is 10 s from 0003 by the clock, and an hour in truth.
    assert names(sightings.visits) == [
        ["IMG_0001.jpg"], ["IMG_0002.jpg"], ["IMG_0003.jpg", "IMG_0004.jpg"],
    ]  # fmt: skip
    (note,) = sightings.notes
    assert "cam: the clock goes back by 60 minutes between IMG_0002.jpg" in note
    assert "as when summer time ends" in note


def test_a_clock_that_was_reset_is_said() -> None:
    times = ["2026-05-01 08:00", "2026-05-01 09:00", "2015-01-01 00:05", "2015-01-01 00:06"]
    photos = [seen(f"DSC{i:05d}.jpg", time) for i, time in enumerate(times)]
    (note,) = find_sightings(photos).notes
    assert "the clock goes back by 4138 days between DSC00001.jpg" in note
    assert "summer" not in note


@pytest.mark.parametrize(
    "photo_names",
    [
        ["IMG_9998.jpg", "IMG_9999.jpg", "IMG_0001.jpg"],  # the counter began anew
        ["3f.jpg", "a0.jpg", "00.jpg"],  # names that count nothing
        ["101CANON/IMG_0002.jpg", "101CANON/IMG_0003.jpg", "100CANON/IMG_0009.jpg"],
    ],
)
def test_names_that_prove_nothing_are_not_held_against_the_clock(photo_names: list[str]) -> None:
    photos = [seen(name, datetime(2026, 5, 1, 8, n)) for n, name in enumerate(photo_names)]
    sightings = find_sightings(photos)
    assert sightings.notes == []
    assert len(sightings.visits) == 1


def test_a_mixture_of_times_with_and_without_offset_goes_by_the_clock_and_is_said() -> None:
    photos = [
        seen("a", datetime(2026, 5, 1, 12, tzinfo=CEST)),
        seen("b", datetime(2026, 5, 1, 12, 0, 30)),
    ]
    sightings = find_sightings(photos)
    assert names(sightings.visits) == [["a", "b"]]
    assert "1 of 2 times tell their distance from UTC (+02:00)" in sightings.notes[0]


def test_a_time_in_the_future_is_said() -> None:
    (note,) = find_sightings([seen("a", "2199-05-01 12:00")]).notes
    assert "in the future, such as that of a" in note


def test_rows_name_the_photo_and_the_class() -> None:
    number = (Number(3, 2, 4), Number(2, None, None), Number(1, 1, None))
    photo = SeenPhoto("x/a.jpg", Capture(datetime(2026, 5, 1, 12), "exif", "x"), number)
    table = list(rows(find_sightings([photo]).visits, ["robin", "wren"]))
    assert [tuple(row) for row in table] == [COLUMNS] * 3
    columns = ("class", "most_at_once", "most_low", "most_is_minimum")
    assert [tuple(row[name] for name in columns) for row in table] == [
        ("all classes", 3, 2, False), ("robin", 2, None, False), ("wren", 1, 1, True),
    ]  # fmt: skip
    assert {row["shown_by"] for row in table} == {"x/a.jpg"}
    # Of a model of one class the sum would say the same twice.
    single = SeenPhoto("a.jpg", photo.capture, number[:2])
    assert [r["class"] for r in rows(find_sightings([single]).visits, ["robin"])] == ["robin"]
