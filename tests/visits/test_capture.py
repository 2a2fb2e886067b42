"""When, by which camera and where, as far as a photo's file tells."""

from __future__ import annotations

import io
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from PIL import Image

from sparrow.data.photo_origin import shutter_time
from sparrow.visits.capture import Shot, capture_of, read_position, read_shot

ORIGINAL, DIGITIZED, CHANGED = 0x9003, 0x9004, 0x0132
NOON = "2026:05:01 12:00:00"
CEST = timezone(timedelta(hours=2))


def jpeg(main: dict[int, object], shot: dict[int, object], gps: dict[int, object]) -> bytes:
    exif, stream = Image.Exif(), io.BytesIO()
    for tag, value in main.items():
        exif[tag] = value
    exif.get_ifd(0x8769).update(shot)
    exif.get_ifd(0x8825).update(gps)
    Image.new("RGB", (8, 8)).save(stream, "JPEG", exif=exif)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({}, None),
        ({ORIGINAL: NOON}, datetime(2026, 5, 1, 12)),
        ({ORIGINAL: NOON, 0x9291: "07"}, datetime(2026, 5, 1, 12, 0, 0, 70_000)),
        ({ORIGINAL: NOON, 0x9011: "+02:00"}, datetime(2026, 5, 1, 12, tzinfo=CEST)),
        ({ORIGINAL: NOON, 0x9011: "   :  "}, datetime(2026, 5, 1, 12)),
        ({ORIGINAL: NOON, 0x9011: "+25:00"}, datetime(2026, 5, 1, 12)),
        ({ORIGINAL: "0000:00:00 00:00:00", DIGITIZED: NOON}, datetime(2026, 5, 1, 12)),
        ({ORIGINAL: "    :  :     :  :  ", CHANGED: NOON}, datetime(2026, 5, 1, 12)),
        # The offset is that of the time that is taken, and not of another one.
        ({CHANGED: NOON, 0x9011: "+02:00"}, datetime(2026, 5, 1, 12)),
        ({ORIGINAL: "2026:02:30 12:00:00"}, None),
        ({ORIGINAL: "1980:01:01 00:00:00"}, None),  # a clock that was never set
    ],
)
def test_times_of_exif(tags: dict[int, object], expected: datetime | None) -> None:
    assert str(shutter_time(tags)) == str(expected)  # as text, which shows the offset


def test_a_file_tells_its_shot_and_its_position_apart() -> None:
    gps = {1: "S", 2: (33.0, 30.0, 0.0), 3: "E", 4: (151.0, 12.0, 36.0)}
    photo = jpeg({0x010F: "Canon", 0x0110: "EOS 80D"}, {ORIGINAL: NOON, 0x9011: "+02:00"}, gps)
    assert read_shot(photo) == Shot("2026-05-01T12:00:00+02:00", "Canon EOS 80D")
    assert read_position(photo) == (-33.5, 151.21)


@pytest.mark.parametrize(
    "gps",
    [
        {},
        {1: "N", 2: (0.0, 0.0, 0.0), 3: "E", 4: (0.0, 0.0, 0.0)},  # a receiver without a fix
        {1: "N", 2: (95.0, 0.0, 0.0), 3: "E", 4: (13.0, 0.0, 0.0)},
        {1: "N", 2: (52.0, 0.0, 0.0)},
    ],
)
def test_what_is_no_position_is_none(gps: dict[int, object]) -> None:
    assert read_position(jpeg({}, {}, gps)) is None


def test_what_is_no_photo_tells_nothing(tmp_path: Path) -> None:
    assert read_shot(b"text") == Shot("", "")
    assert read_position(tmp_path / "missing.jpg") is None


def test_exif_before_name_before_the_file_on_request() -> None:
    shot, name = Shot("2026-05-01T12:00:00", ""), "2024-03-02/IMG_20240302_070500.jpg"
    assert capture_of(shot, name, "auto", "home").time_from == "exif"
    named = capture_of(Shot("", ""), name, "auto", "home", written_ns=1)
    assert (named.taken, named.time_from) == (datetime(2024, 3, 2, 7, 5), "name")
    assert capture_of(Shot("", ""), "a.jpg", "auto", "home").taken is None
    written = capture_of(Shot("", ""), "a.jpg", "auto", "home", written_ns=10**18)
    assert written.taken is not None
    assert (written.time_from, written.taken.timestamp()) == ("file", 1e9)


@pytest.mark.parametrize(
    ("camera", "name", "auto", "folder", "exif"),
    [
        ("", "a.jpg", "home", "home", "home"),
        ("", "garden/cam1/a.jpg", "garden/cam1", "garden/cam1", "home"),
        ("EOS 80D", "cam1/a.jpg", "EOS 80D in cam1", "cam1", "EOS 80D"),
        ("EOS 80D", "a.jpg", "EOS 80D", "home", "EOS 80D"),
        # A body is one wherever its photos are; two folders of a card are one camera.
        ("EOS 80D #4f1c2a", "x/a.jpg", "EOS 80D #4f1c2a", "x", "EOS 80D #4f1c2a"),
        ("", "DCIM/101CANON/a.jpg", "home", "home", "home"),
    ],
)
def test_cameras(camera: str, name: str, auto: str, folder: str, exif: str) -> None:
    shot = Shot("", camera)
    assert capture_of(shot, name, "auto", "home").camera == auto
    assert capture_of(shot, name, "folder", "home").camera == folder
    assert capture_of(shot, name, "exif", "home").camera == exif
