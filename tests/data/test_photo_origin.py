"""When and by which camera: read from real files, and unknown wherever it is not told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from sparrow.data.checks.measure import measure_photos
from sparrow.data.checks.photo_record import measure_photo
from sparrow.data.photo_origin import camera_name, has_body, time_taken
from sparrow.images import read_exif

MAKE, MODEL, MODIFIED, ORIENTATION = 0x010F, 0x0110, 0x0132, 0x0112
TAKEN, FRACTION, BODY, DNG_BODY = 0x9003, 0x9291, 0xA431, 0xC62F
EXIF_DIRECTORY = 0x8769


def photo(path: Path, main: dict[int, Any], shot: dict[int, Any]) -> Path:
    exif = Image.Exif()
    exif.update(main)
    exif.get_ifd(EXIF_DIRECTORY).update(shot)
    pixels = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(
        path, exif=exif.tobytes()
    )  # an Exif object loses its directory in a TIFF
    return path


def test_no_exif_is_unknown(tmp_path: Path) -> None:
    assert (time_taken({}), camera_name({})) == ("", "")
    record = measure_photo(photo(tmp_path / "bare.png", {}, {}))
    assert (record.taken_at, record.camera, record.error) == ("", "", "")


@pytest.mark.parametrize("name", ["a.jpg", "a.webp", "a.png", "a.tif"])
def test_time_and_camera_of_a_file_of_every_kind(tmp_path: Path, name: str) -> None:
    main = {MAKE: "Canon", MODEL: "Canon EOS 80D"}
    path = photo(tmp_path / name, main, {TAKEN: "2026:05:01 06:30:12", FRACTION: "07", BODY: "93"})
    table = measure_photos(tmp_path, [path.name], tmp_path / "cache")
    again = measure_photos(tmp_path, [path.name], tmp_path / "cache")  # from the cache
    for row in (table.iloc[0], again.iloc[0]):
        assert row["taken_at"] == "2026-05-01T06:30:12.070000"  # "07" are hundredths
        assert row["camera"].startswith("Canon EOS 80D #")  # the make is not said twice


@pytest.mark.parametrize(
    ("text", "fraction", "expected"),
    [
        ("2026:05:01 06:30:12", None, "2026-05-01T06:30:12"),
        ("2026:05:01 06:30:12", "7", "2026-05-01T06:30:12.700000"),  # digits after the point
        ("2026:05:01 06:30:12", "1234567", "2026-05-01T06:30:12.123456"),
        ("2026:05:01 06:30:12", "070\0 ", "2026-05-01T06:30:12.070000"),
        ("2026:05:01 06:30:12", "x", "2026-05-01T06:30:12"),  # the second is still known
        ("2026:05:01 06:30:12", "²", "2026-05-01T06:30:12"),  # a digit to Python, not to EXIF
        ("2026-05-01T06:30:12.5+02:00", None, "2026-05-01T06:30:12.500000"),  # some phones
        (b"2026:05:01 06:30:12\0", None, "2026-05-01T06:30:12"),
        # What no camera's clock shows when a photo is taken: unknown, and no photo's equal.
        ("0000:00:00 00:00:00", None, ""),
        ("    :  :     :  :  ", None, ""),
        ("2026:02:30 06:30:12", None, ""),
        ("2026:05:01 24:00:00", None, ""),
        ("2026:05:01 06:30:60", None, ""),
        ("2026:05:01", None, ""),
        ("yesterday", None, ""),
        ("", None, ""),
        (20260501, None, ""),
        (None, "07", ""),
        ("1970:01:01 00:00:00", None, ""),  # clocks that were never set start here
        ("2000:01:01 00:00:00", None, ""),
        ("1970:01:01 00:00:01", None, "1970-01-01T00:00:01"),  # set or not, it runs
        # A clock set wrong: the differences between its photos hold, and a photo that is unknown
        # today must not be known next year.
        ("2099:12:31 23:59:59", None, "2099-12-31T23:59:59"),
        ("9999:12:31 23:59:59", None, "9999-12-31T23:59:59"),
    ],
)
def test_times(text: object, fraction: object, expected: str) -> None:
    assert time_taken({TAKEN: text, FRACTION: fraction}) == expected


def test_the_time_of_the_last_change_is_not_when_it_was_taken(tmp_path: Path) -> None:
    record = measure_photo(photo(tmp_path / "a.jpg", {MODIFIED: "2026:05:01 06:30:12"}, {}))
    assert record.taken_at == ""


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({MODEL: "HC\0 500 "}, "HC 500"),
        ({MAKE: "RECONYX", MODEL: "HF2X"}, "RECONYX HF2X"),
        ({MAKE: "Canon", MODEL: "Canon EOS R5"}, "Canon EOS R5"),
        ({MAKE: "Canon"}, ""),  # whose cameras are many
        ({MAKE: "Acme", MODEL: "<script>x|y[z](u)"}, "Acme script x y z (u)"),  # it stands in pages
        ({MODEL: "é" * 99}, "é" * 60),
        ({MODEL: "X", BODY: "0000000"}, "X"),  # a number that is none
        ({MODEL: "X", BODY: "N/A"}, "X"),
        ({MODEL: 7}, "7"),
        ({MODEL: ("a", "b")}, ""),
    ],
)
def test_cameras(tags: dict[int, object], expected: str) -> None:
    assert camera_name(tags) == expected
    assert not has_body(camera_name(tags))


def test_bodies_of_one_model_differ_and_keep_their_number_to_themselves() -> None:
    one, other, dng, number = (
        camera_name({MODEL: "X100", tag: value})
        for tag, value in ((BODY, "4711081"), (BODY, "4711082"), (DNG_BODY, "4711081"), (BODY, 99))
    )
    assert one != other
    assert one == dng  # the same number, wherever it stands
    assert all(has_body(name) for name in (one, other, number))
    assert "4711081" not in one


def test_damaged_exif_is_unknown_and_the_photo_is_not_refused(tmp_path: Path) -> None:
    path = photo(tmp_path / "a.jpg", {MODEL: "X", ORIENTATION: 1}, {TAKEN: "2026:05:01 06:30:12"})
    content = path.read_bytes()
    begin = content.index(b"Exif\0\0") + 6
    for cut in (b"\xff" * 8, b"MM\0\x2a\xff\xff\xff\xff", b"II\x2a\0\x08\0\0\0"):
        path.write_bytes(content[:begin] + cut + content[begin + 8 :])
        record = measure_photo(path)
        assert (record.error, record.width_px, record.taken_at) == ("", 32, "")
    assert read_exif(b"no photo") == {}
    assert read_exif(tmp_path / "absent.jpg") == {}


def test_a_rational_where_a_text_belongs_is_unknown() -> None:
    half = TiffImagePlugin.IFDRational(1, 2)
    assert (time_taken({TAKEN: half}), camera_name({MODEL: half, BODY: half})) == ("", "")
