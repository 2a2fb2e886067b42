"""Which photos belong together: known answers, whatever the order of rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sparrow.config import DataConfig, SplitConfig
from sparrow.data.split.groups import count_groups, group_names, group_numbers, with_groups
from sparrow.data.split.ties import NEAR_DUPLICATE_BITS, VISIT_SECONDS, photo_ties
from sparrow.data.tables import UNKNOWN, Dataset

BODY = "Canon EOS 80D #0a1b2c"


def table(
    rows: list[tuple[str, str, str]], pictures: list[int] | None = None, first: int = 0
) -> pd.DataFrame:
    """(author, camera, time) a photo; photos of one picture number look alike."""
    images = pd.DataFrame(rows, columns=["author", "camera", "taken_at"])
    images["image"] = [f"{first + number:03d}.jpg" for number in range(len(rows))]
    images["sha256"] = images["image"]
    shown = range(first, first + len(rows)) if pictures is None else pictures
    for column, seed in (("phash", 1), ("dhash", 2)):
        images[column] = [np.random.default_rng([seed, one]).bytes(8).hex() for one in shown]
    return images


def at(second: float, day: int = 1) -> str:
    begin = np.datetime64(f"2026-05-{day:02d}T00:00:00")
    return str(begin + np.timedelta64(round(second * 1000), "ms"))


def test_no_photo_and_one() -> None:
    none = photo_ties(table([]))
    assert none.by_whole.tolist() == none.by_day.tolist() == none.visits.tolist() == []
    one = photo_ties(table([(UNKNOWN, "", "")]))
    assert one.by_whole.tolist() == one.by_day.tolist() == [0]
    assert group_names(table([]), none.by_whole).tolist() == []


def test_what_is_unknown_is_equal_to_nothing() -> None:
    unknown = table([(UNKNOWN, "", ""), ("", "", ""), (UNKNOWN, "", ""), (UNKNOWN, "", at(0))])
    assert photo_ties(unknown).by_whole.tolist() == [0, 1, 2, 3]
    unknown.loc[0, ["author", "camera", "taken_at"]] = None
    assert photo_ties(unknown).by_day.tolist() == [0, 1, 2, 3]
    bare = unknown[["image"]]  # a table that nobody measured
    assert photo_ties(bare).by_whole.tolist() == [0, 1, 2, 3]


def test_dated_photos_of_nobody_known_may_be_of_one_camera() -> None:
    # Two within a minute, one an hour later, one a day later; one without a time, one of an author.
    times = (at(0), at(30), at(3600), at(0, day=2), "", at(0))
    who = (*[UNKNOWN] * 5, "a")
    ties = photo_ties(table([(name, "", time) for name, time in zip(who, times, strict=True)]))
    assert ties.visits.tolist() == [0, 0, 1, 2, 3, 4]
    days = [0, 0, 0, 1, 2, 3]
    assert ties.by_whole.tolist() == ties.by_camera_day.tolist() == ties.by_day.tolist() == days
    # A camera that is known is another one, however near in time.
    known = photo_ties(table([(UNKNOWN, "", at(0)), (UNKNOWN, BODY, at(0))]))
    assert known.by_whole.tolist() == known.by_day.tolist() == [0, 1]


def test_twelve_days_of_an_unknown_camera_are_twelve_groups() -> None:
    rows = [(UNKNOWN, "", at(10 * shot, day)) for day in range(1, 13) for shot in range(3)]
    assert count_groups(photo_ties(table(rows)).by_whole) == 12


def test_author_picture_and_visit_tie() -> None:
    images = table(
        [("a", "", ""), ("a", "", ""), ("b", "", ""), (UNKNOWN, "", ""), ("c", BODY, at(0)),
         (UNKNOWN, BODY, at(60)), (UNKNOWN, "", "")],
        [0, 1, 1, 1, 4, 5, 6],
    )  # fmt: skip
    # 0 and 1 share an author, 1, 2 and 3 a picture; 4 and 5 are one visit of one body.
    assert photo_ties(images).by_author.tolist() == [0, 0, 0, 0, 1, 1, 2]


@pytest.mark.parametrize(
    ("gap_s", "visit_s", "visits"),
    [
        (60, 60.0, [0, 0, 0]),
        (60.001, 60.0, [0, 1, 2]),  # fractions of a second count
        (0, 0.0, [0, 0, 0]),
        (0.25, 0.0, [0, 1, 2]),
        (0.25, 0.25, [0, 0, 0]),
        (3600, 3600.0, [0, 0, 0]),  # each from the one before, not from the first
    ],
)
def test_a_visit_ends_at_a_longer_gap(gap_s: float, visit_s: float, visits: list[int]) -> None:
    images = table([(UNKNOWN, BODY, at(gap_s * number)) for number in range(3)])
    assert photo_ties(images, visit_seconds=visit_s).visits.tolist() == visits


def test_a_model_is_every_authors_own_and_a_body_is_one() -> None:
    rows = [("a", "iPhone 12", at(0)), ("b", "iPhone 12", at(1)), (UNKNOWN, "iPhone 12", at(2)),
            (UNKNOWN, "iPhone 12", at(3)), ("a", BODY, at(0)), ("b", BODY, at(1))]  # fmt: skip
    # Two people may photograph with the same model in one second; of unknown ones nobody knows.
    assert photo_ties(table(rows)).visits.tolist() == [0, 1, 2, 2, 3, 3]


def test_days_of_cameras_and_authors() -> None:
    rows = [(UNKNOWN, BODY, at(0)), (UNKNOWN, BODY, at(9000)), (UNKNOWN, BODY, at(0, day=2)),
            (UNKNOWN, BODY, ""), ("a", BODY, at(5000)), ("a", "", at(9999)), ("a", "", at(0, 2)),
            ("a", "", "")]  # fmt: skip
    ties = photo_ties(table(rows))
    assert ties.by_whole.tolist() == [0, 0, 0, 0, 1, 1, 1, 1]
    assert ties.by_day.tolist() == [0, 0, 1, 2, 3, 3, 4, 5]  # an undated photo stands alone
    assert ties.by_camera_day.tolist() == [0, 0, 1, 2, 3, 3, 3, 3]
    rows = [("a", "", ""), ("a", "", ""), ("a", "", at(0))]
    images = table(rows)
    assert photo_ties(images).by_day_at_most.tolist() == [0, 0, 1]
    images["named_camera"] = ["left", "right", ""]
    assert photo_ties(images).by_day_at_most.tolist() == [0, 1, 2]
    assert photo_ties(images).by_author.tolist() == [0, 0, 0]


def test_two_authors_without_times_are_their_pictures() -> None:
    images = table([("a", "", "")] * 6 + [("b", "", "")] * 6, [0, 0, 1, 2, 3, 4, 5, 6, 6, 6, 7, 8])
    grouped = with_groups(Dataset(Path(), images, pd.DataFrame())).images
    # Two authors are fewer than ten groups; no day is known; 12 photos show nine pictures.
    assert grouped["group"].nunique() == 9
    assert set(grouped["grouped_by"]) == {"day"}


@pytest.mark.parametrize(("authors", "groups"), [(9, 18), (10, 10), (25, 25)])
def test_authors_are_the_groups_from_ten_on(authors: int, groups: int) -> None:
    rows = [(f"author {number}", "", at(0, day)) for number in range(authors) for day in (1, 2)]
    grouped = with_groups(Dataset(Path(), table(rows), pd.DataFrame())).images
    assert grouped["group"].nunique() == groups


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = [
        (str(rng.choice([UNKNOWN, "a", "b"])), str(rng.choice(["", "HF2X", BODY])),
         str(rng.choice(["", at(float(rng.integers(3000)), int(rng.integers(1, 9)))])))
        for _ in range(80)
    ]  # fmt: skip
    images = table(rows, rng.integers(0, 60, 80).tolist())
    shuffled = images.sample(frac=1, random_state=seed)
    for level in ("visits", "by_author", "by_whole", "by_camera_day", "by_day", "by_day_at_most"):
        one = group_names(images, getattr(photo_ties(images), level))
        other = group_names(shuffled, getattr(photo_ties(shuffled), level))
        assert dict(zip(images["image"], one, strict=True)) == dict(
            zip(shuffled["image"], other, strict=True)
        )
        # A finer level never ties what a coarser one does not.
        assert pd.Series(one).groupby(photo_ties(images).by_whole).nunique().ge(1).all()


def test_numbers_of_groups_follow_the_rows() -> None:
    assert group_numbers(pd.DataFrame({"group": ["b", "a", "b"]})).tolist() == [0, 1, 0]
    assert group_numbers(pd.DataFrame({"group": [4, 7, 4]})).tolist() == [0, 1, 0]  # an old table's
    assert count_groups(np.zeros(0)) == 0
    for bad in (pd.DataFrame({"image": ["a"]}), pd.DataFrame({"group": ["a", None]})):
        with pytest.raises(ValueError, match="expected the column 'group'"):
            group_numbers(bad)


def test_groups_once_made_are_kept() -> None:
    images = table([("a", "", "")] * 2).assign(group=["x", "y"])
    dataset = Dataset(Path(), images, pd.DataFrame())
    assert with_groups(dataset) is dataset


def test_the_defaults_are_the_configs() -> None:
    config = (DataConfig().near_duplicate_bits, SplitConfig().visit_seconds)
    assert config == (NEAR_DUPLICATE_BITS, VISIT_SECONDS)


def test_thousands_of_photos_of_one_camera_are_its_days() -> None:
    rows = [(UNKNOWN, BODY, at(30.0 * n % 80000, 1 + n % 20)) for n in range(4_000)]
    ties = photo_ties(table(rows).drop(columns=["phash", "dhash"]))
    assert count_groups(ties.by_whole) == 1
    assert count_groups(ties.by_day) == 20


def test_a_visit_over_midnight_is_one_group() -> None:
    rows = [(UNKNOWN, BODY, at(86399.5, 1)), (UNKNOWN, BODY, at(0.5, 2)), (UNKNOWN, BODY, at(9, 3))]
    assert photo_ties(table(rows)).by_day.tolist() == [0, 0, 1]
