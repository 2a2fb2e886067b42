"""What numbers rest on and for whom they speak, in words."""

from __future__ import annotations

import pandas as pd
import pytest

from sparrow.data.split.evidence import evidence_words, splits_words, takers_words
from sparrow.data.split.groups import CAMERA_DAYS, DAYS, WHOLES


def photos(author: list[str], camera: list[str], group: list[str], by: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "image": [f"{n}.jpg" for n in range(len(author))],
            "author": author,
            "camera": camera,
            "taken_at": ["2026-05-01T06:00:00" if name else "" for name in camera],
            "group": group,
            "grouped_by": by,
        }
    )


UNKNOWN = ["unknown"] * 4


@pytest.mark.parametrize(
    ("images", "expected"),
    [
        (photos([], [], [], WHOLES), "0 test photos in 0 groups"),
        (photos(["a"], [""], ["x"], WHOLES), "1 test photos in 1 group (1 author)"),
        (
            photos(["a", "a", "b", "c"], [""] * 4, list("xxyy"), WHOLES),
            "4 test photos in 2 groups (3 authors)",
        ),
        (
            photos(["a", "unknown", "b", "unknown"], ["", "X", "", "X"], list("wxyx"), WHOLES),
            "4 test photos in 3 groups (2 authors, 1 camera)",
        ),
        (
            photos(UNKNOWN, ["X", "X", "Y", "Y"], list("wxyy"), DAYS),
            "4 test photos, 2 cameras, 3 camera-days: the intervals speak for these cameras only "
            "(X; Y)",
        ),
        (
            photos(UNKNOWN, ["X"] * 4, list("wxyy"), CAMERA_DAYS),
            "4 test photos, 1 camera, 3 camera-days: the intervals speak for this camera only (X)",
        ),
        (
            photos(["a", "b", "b", "b"], ["X", "X", "Y", "Y"], list("wxyz"), DAYS),
            "4 test photos, 2 authors, 4 author-days: the intervals speak for these authors only "
            "(a; b)",
        ),
        (
            photos(["a", "a", "unknown", "unknown"], ["", "", "X", "X"], list("wxyz"), DAYS),
            "4 test photos, 1 author, 1 camera, 4 days: the intervals speak for these author and "
            "camera only (a; X)",
        ),
        (
            photos(["a", "b", "unknown", "unknown"], ["", "", "X", "X"], list("wxyz"), CAMERA_DAYS),
            "4 test photos, 2 authors, 1 camera, 4 groups (days of a camera, authors as wholes): "
            "the intervals speak for this camera only (X)",
        ),
        (
            photos(["a", "b"], ["", ""], list("xy"), DAYS),
            "2 test photos, 2 authors, 2 different pictures (no times are known): the intervals "
            "speak for these authors only (a; b)",
        ),
    ],
)
def test_words(images: pd.DataFrame, expected: str) -> None:
    assert evidence_words(images, "test photos") == expected


def test_what_is_not_known_is_said() -> None:
    images = photos(["a", "unknown", "unknown", ""], ["", "X", "", ""], list("wxyz"), WHOLES)
    words = evidence_words(images)
    assert words.startswith("4 photos in 4 groups (1 author, 1 camera); of 2 photos neither")
    assert "one person may have taken them" in words
    assert takers_words(images) == "1 author and 1 camera"
    assert takers_words(images[2:]) == "unknown authors"


def test_dated_photos_of_nobody_known_say_what_they_count_by() -> None:
    images = photos(["unknown"] * 3, [""] * 3, list("xxy"), WHOLES)
    images["taken_at"] = ["2026-05-01T08:00:00", "2026-05-01T08:30:00", "2026-05-02T08:00:00"]
    dated = evidence_words(images)
    assert dated.endswith("; who took them is unknown: those of one day are one group")
    images.loc[2, "taken_at"] = ""
    assert "of 1 photo neither author, camera nor time is known" in evidence_words(images)


def test_many_names_are_cut() -> None:
    names = [f"author {n:02d}" for n in range(12)]
    words = evidence_words(photos(names, [""] * 12, names, DAYS))
    assert words.endswith("author 09 and 2 more)")


def test_a_table_of_an_older_version_has_words_too() -> None:
    old = pd.DataFrame({"image": ["1", "2"], "author": ["a", "b"], "group": [0, 1]})
    assert evidence_words(old) == "2 photos in 2 groups (2 authors)"
    assert evidence_words(old[["image", "group"]]) == (
        "2 photos in 2 groups (single photos and near-duplicates); who took them is unknown, so "
        "photos of one place or day may be on both sides of the split"
    )


def test_what_lies_on_several_sides() -> None:
    images = photos(["a", "b", "unknown", "unknown"], ["", "", "X", "X"], list("wxyz"), DAYS)
    images["split"] = ["train", "test", "train", "train"]
    assert splits_words(images).startswith("No author, no near-duplicate picture and no visit")
    images["split"] = ["train", "test", "train", "test"]
    assert "1 camera has photos in more than one split" in splits_words(images)
    images["author"] = ["a", "a", "unknown", "unknown"]
    words = splits_words(images)
    assert "No author" not in words
    assert "1 author has photos in more than one split" in words
