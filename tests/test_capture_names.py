"""What names and folders tell of a photo: its time, its day, its camera."""

from __future__ import annotations

from datetime import date, datetime

import pytest

from sparrow.capture_names import NamedTime, camera_folder, time_in_name

LATEST = date(2026, 6, 1)
DAY = date(2024, 5, 12)
SECOND = datetime(2024, 5, 12, 8, 15, 2)


@pytest.mark.parametrize(
    "path",
    [
        "IMG_20240512_081502.jpg",
        "IMG20240512081502.jpg",
        "VID_20240512_081502.jpg",
        "DSC_20240512_081502(2).jpg",
        "20240512T081502Z.jpg",
        "20240512081502.JPG",
        "2024-05-12 08.15.02.jpg",
        "2024-05-12_08-15-02.jpg",
        "2024-05-12T08:15:02.jpg",
        "WIN_20240512_08_15_02_Pro.jpg",
        "Screenshot 2024-05-12 at 08.15.02.png",
        "cam1_01_20240512_081502_1.jpg",
        "IMG_20240512_081502_jpg.rf.8a7f20230101bc.jpg",
        "2023-01-01/IMG_20240512_081502.jpg",  # the name counts before the folder
        "cam1/2024-05-12/08-15-02.jpg",
        "2024/05/12/081502.jpg",
    ],
)
def test_a_moment(path: str) -> None:
    assert time_in_name(path, LATEST) == NamedTime(DAY, SECOND)


@pytest.mark.parametrize(
    ("path", "microsecond"),
    [
        ("PXL_20240512_081502123.jpg", 123_000),
        ("IMG_20240512_081502_070.jpg", 70_000),
        ("2024-05-12_08-15-02.123456.jpg", 123_456),
    ],
)
def test_a_fraction_of_a_second(path: str, microsecond: int) -> None:
    moment = SECOND.replace(microsecond=microsecond)
    assert time_in_name(path, LATEST) == NamedTime(DAY, moment)


def test_morning_and_evening() -> None:
    evening = time_in_name("Screen Shot 2024-05-12 at 10.15.02 PM.png", LATEST)
    midnight = time_in_name("Screen Shot 2024-05-12 at 12.15.02 AM.png", LATEST)
    assert evening == NamedTime(DAY, SECOND.replace(hour=22))
    assert midnight == NamedTime(DAY, SECOND.replace(hour=0))


@pytest.mark.parametrize(
    "path",
    [
        "IMG-20240512-WA0001.jpg",
        "WhatsApp Image 2024-05-12 at 08.15.02.jpeg",  # when it was sent
        "2024-05-12.jpg",
        "roost_20240512_3.jpg",
        "2024-05-12/IMG_0001.jpg",
        "20240512/cam1/IMG_0001.jpg",
        "2024-05-12 garden/IMG_0001.jpg",
        "2024/05/12/IMG_0001.jpg",
        "IMG_20240512_991502.jpg",  # no such time: a number after a day
        "20240512_081502-20240512_081620.jpg",  # from, to
    ],
)
def test_no_more_than_a_day(path: str) -> None:
    assert time_in_name(path, LATEST) == NamedTime(DAY)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "IMG_0001.jpg",
        "12345678.jpg",
        "20240230.jpg",
        "2024-13-01 08.15.02.jpg",
        "19891231_081502.jpg",
        "20260602_081502.jpg",  # after ``latest``
        "20240230081502.jpg",
        "a1b20240512c3d4.jpg",  # a hash
        "920240512.jpg",
        "12.05.2024.jpg",  # 12 May or 5 December
        "2024-05/IMG_0001.jpg",
        "2024-05-12_2024-06-01.jpg",
        "2024-02-30/IMG_0001.jpg",
        "2024/02/30/IMG_0001.jpg",
        "08-15-02.jpg",
    ],
)
def test_no_time(path: str) -> None:
    assert time_in_name(path, LATEST) is None


def test_tomorrow_is_no_future_as_zones_differ() -> None:
    today = date.today()
    assert time_in_name(f"{today:%Y%m%d}.jpg") == NamedTime(today)
    assert time_in_name(f"{today.year + 1}0101.jpg") is None or today.month == 12


@pytest.mark.parametrize(
    ("path", "camera"),
    [
        ("", ""),
        ("a.jpg", ""),
        ("cam1/a.jpg", "cam1"),
        ("site A/01/a.jpg", "site A/01"),
        ("images/train/a.jpg", ""),
        ("Train/cam1/images/a.jpg", "cam1"),
        ("cam1/DCIM/100CANON/a.jpg", "cam1"),
        ("cam1/2024-05-12/a.jpg", "cam1"),
        ("2024/05/12/cam1/a.jpg", "cam1"),
        ("cam1/2024/05/a.jpg", "cam1"),
        ("cam1/20240512/a.jpg", "cam1"),
        ("2024-05/a.jpg", ""),
        ("./cam1/a.jpg", "cam1"),
    ],
)
def test_the_folder_of_a_camera(path: str, camera: str) -> None:
    assert camera_folder(path) == camera
