"""Cameras and times of photos: of EXIF, of the row, of the name."""

from __future__ import annotations

import numpy as np
import pandas as pd

from sparrow.data.split.capture import cameras, days, moments
from sparrow.data.split.ties import photo_ties

BODY = "Canon EOS 80D #4f1c2a"


def photos(names: list[str], **columns: list[str | None]) -> pd.DataFrame:
    return pd.DataFrame({"image": names, "author": ["unknown"] * len(names), **columns})


def test_nothing_is_known_of_no_photo_and_of_a_number() -> None:
    for images in (photos([]), photos(["IMG_0001.jpg"])):
        assert cameras(images).tolist() == days(images).tolist() == [""] * len(images)
        assert np.isnat(moments(images)).all()


def test_a_camera_is_the_one_that_the_row_names_else_the_folder_else_the_model() -> None:
    names, measured = ["one/1.jpg", "two/1.jpg", "images/train/1.jpg", "4.jpg"], ["", "H", "H", ""]
    images = photos(names, camera=measured)
    assert cameras(images).tolist() == ["one", "two", "H", ""]
    images = photos(names, camera=measured, named_camera=["", "three", None, "three"])
    assert cameras(images).tolist() == ["", "three", "H", "three"]
    # One folder for all tells nothing apart.
    assert cameras(photos(["set/1.jpg", "set/2.jpg"])).tolist() == ["", ""]


def test_a_body_is_one_camera_in_any_folder() -> None:
    images = photos(["one/1.jpg", "two/1.jpg", "two/2.jpg"], camera=[BODY, BODY, ""])
    assert cameras(images).tolist() == [BODY] * 3
    # Two bodies in one folder: the folder's camera was exchanged.
    names, other = ["one/1.jpg", "one/2.jpg", "two/1.jpg"], BODY.replace("4f", "5f")
    assert cameras(photos(names, camera=[BODY, other, ""])).tolist() == ["one", "one", "two"]


def test_a_name_tells_the_time_where_exif_tells_none() -> None:
    images = photos(
        ["IMG_20240512_081502.jpg", "IMG_20240512_081502.jpg", "IMG-20240512-WA0001.jpg", "4.jpg"],
        taken_at=["2023-01-01T06:00:00.070000", "", "", None],
    )
    assert days(images).tolist() == ["2023-01-01", "2024-05-12", "2024-05-12", ""]
    assert moments(images)[1] == np.datetime64("2024-05-12T08:15:02")
    assert np.isnat(moments(images)).tolist() == [False, False, True, True]


def test_a_visit_is_of_one_named_camera_and_never_of_a_day_alone() -> None:
    names = [f"IMG_20240512_0815{second:02}.jpg" for second in (0, 30, 31)]
    images = photos([*names, "IMG-20240512-WA0001.jpg"], named_camera=["a", "a", "b", "a"])
    ties = photo_ties(images)
    assert ties.visits.tolist() == [0, 0, 1, 2]
    assert ties.by_day.tolist() == [0, 0, 1, 0]
    assert ties.by_whole.tolist() == [0, 0, 1, 0]
