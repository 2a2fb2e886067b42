"""The split: groups never cross it, it is balanced, repeatable, and refuses the impossible."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sparrow.config import SplitConfig
from sparrow.data.errors import DataError
from sparrow.data.split.assignments import SPLITS
from sparrow.data.split.report import report_split, split_verdict
from sparrow.data.split.split import split_dataset
from sparrow.data.tables import UNKNOWN, Dataset

BITS = 12


def dataset(photos: int, authors: int, seed: int = 0) -> Dataset:
    """Photos with random hashes (some 32 bits apart), 0 to 9 boxes each."""
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 10, photos)
    images = pd.DataFrame(
        {
            "image": [f"{i:05d}.jpg" for i in range(photos)],
            "author": [f"author {a}" for a in rng.integers(0, authors, photos)],
            "n_boxes": counts,
            "source": "Flickr",
            "license": "CC0",
            "width_px": 640,
            "height_px": 480,
            "sha256": [f"{i:064x}" for i in range(photos)],
            "phash": [rng.bytes(8).hex() for _ in range(photos)],
            "dhash": [rng.bytes(8).hex() for _ in range(photos)],
        }
    )
    n = int(counts.sum())
    corner, side = rng.uniform(0, 300, (n, 2)), rng.uniform(10, 150, (n, 2))
    boxes = pd.DataFrame({"image": np.repeat(images["image"], counts), "label": "house_sparrow"})
    boxes[["x_min_px", "y_min_px"]] = corner
    boxes[["x_max_px", "y_max_px"]] = corner + side
    return Dataset(Path("photos"), images, boxes.reset_index(drop=True))


def test_no_photos_cannot_be_split() -> None:
    with pytest.raises(DataError, match=r"cannot split 0 photos .* they are 0 independent"):
        split_dataset(dataset(0, 1), SplitConfig(), BITS, 0)


def test_two_authors_cannot_be_split() -> None:
    with pytest.raises(DataError, match="2 independent group"):
        split_dataset(dataset(50, 2), SplitConfig(), BITS, 0)


def test_shares_and_birds_are_balanced() -> None:
    result = split_dataset(dataset(500, 120), SplitConfig(), BITS, 0)
    parts = result.report["splits"]
    shares = [parts[split]["share"] for split in SPLITS]
    assert shares == pytest.approx([0.55, 0.2, 0.25], abs=0.02)
    means = [parts[split]["mean_count"] for split in SPLITS]
    assert max(means) - min(means) < 0.5  # of 4.5 on average
    assert not any(result.report["crossing"].values())


def test_lookalikes_of_different_authors_stay_together() -> None:
    data = dataset(60, 60)
    for column in ("phash", "dhash"):  # photos 0..9 are one picture, taken from ten albums
        data.images.loc[:9, column] = data.images.loc[0, column]
    for seed in range(5):
        split = split_dataset(data, SplitConfig(tries=5), BITS, seed).dataset
        assert split.images["split"][:10].nunique() == 1


def test_unknown_authors_form_no_group() -> None:
    data = dataset(40, 1)
    data.images["author"] = UNKNOWN
    split = split_dataset(data, SplitConfig(), BITS, 0).dataset
    assert set(split.images["split"]) == set(SPLITS)


def test_three_groups_fill_three_sides_even_when_one_is_huge() -> None:
    data = dataset(100, 1)
    data.images.loc[98, "author"] = "b"
    data.images.loc[99, "author"] = "c"
    sides = split_dataset(data, SplitConfig(), BITS, 0).dataset.images["split"]
    assert set(sides) == set(SPLITS)
    assert sides[0] == "train"  # the better balanced of the ways there are


def test_the_order_of_rows_does_not_matter() -> None:
    data = dataset(80, 30)
    shuffled = data.images.sample(frac=1, random_state=1).reset_index(drop=True)
    one = split_dataset(data, SplitConfig(), BITS, 3).dataset.images
    other = split_dataset(Dataset(data.root, shuffled, data.boxes), SplitConfig(), BITS, 3)
    both = other.dataset.images.sort_values("image")["split"].tolist()
    assert one["split"].tolist() == both
    assert split_dataset(data, SplitConfig(), BITS, 4).dataset.images["split"].tolist() != both


def of_cameras(photos: int, cameras: int, days: int, seed: int = 0) -> Dataset:
    """Photos of unknown authors, each camera's spread over as many days, hours apart."""
    data = dataset(photos, 1, seed)
    number = np.arange(photos)
    day, hour = number // cameras % days, number // cameras // days
    begin = np.datetime64("2026-05-01T00:00")
    times = begin + day * np.timedelta64(1, "D") + hour * np.timedelta64(7, "m")
    images = data.images.assign(
        author=UNKNOWN,
        camera=[f"HF2X #{one:06x}" for one in number % cameras],
        taken_at=times.astype(str),
    )
    return Dataset(data.root, images, data.boxes)


def test_three_cameras_are_split_and_counted_by_their_days() -> None:
    result = split_dataset(of_cameras(764, 3, 56), SplitConfig(), BITS, 0)
    images, report = result.dataset.images, result.report
    # 168 camera-days; a quarter of them, 42, are the test side's, of all three cameras.
    assert images.groupby(["camera", images["taken_at"].str[:10]])["split"].nunique().max() == 1
    test = images[images["split"] == "test"]
    assert test["group"].nunique() == report["splits"]["test"]["groups"]
    assert 36 <= test["group"].nunique() <= 48
    words = report["evidence"]
    assert words.startswith(f"{len(test)} test photos, 3 cameras, {test['group'].nunique()} camera")
    assert words.endswith(
        "the intervals speak for these cameras only (HF2X #000000; HF2X #000001; HF2X #000002)"
    )
    assert split_verdict(report)[0]


@pytest.mark.parametrize("cameras", [40, 57, 90])
def test_many_cameras_stay_whole(cameras: int) -> None:
    images = split_dataset(of_cameras(900, cameras, 5), SplitConfig(), BITS, 0).dataset.images
    assert images.groupby("camera")["split"].nunique().max() == 1
    test = images[images["split"] == "test"]
    assert test["group"].nunique() == test["camera"].nunique() >= 10


def test_one_camera_of_two_days_is_split_by_visits_and_counted_by_days() -> None:
    result = split_dataset(of_cameras(60, 1, 2), SplitConfig(), BITS, 0)
    images = result.dataset.images
    assert images["group"].nunique() == 2  # what counts as evidence: too thin for the gate
    assert set(images["split"]) == set(SPLITS)


@pytest.mark.parametrize("authors", [1, 2])
def test_too_few_authors_are_parted_by_day_and_it_is_said(authors: int) -> None:
    data = of_cameras(120, authors, 20)
    images = data.images.assign(author=[f"author {n % authors}" for n in range(120)])
    result = split_dataset(Dataset(data.root, images, data.boxes), SplitConfig(), BITS, 0)
    images = result.dataset.images
    assert images.groupby(["author", images["taken_at"].str[:10]])["split"].nunique().max() == 1
    whole, words = split_verdict(result.report)
    assert whole
    assert "too few to keep each in one split, so their days were parted" in words
    assert "author 0" in words
    # The same without times cannot be split: nothing tells which photos are independent.
    blind = data.images.assign(author=[f"author {n % authors}" for n in range(120)], taken_at="")
    with pytest.raises(DataError, match=f"{authors} independent group"):
        split_dataset(Dataset(data.root, blind, data.boxes), SplitConfig(), BITS, 0)


def test_a_burst_stays_on_one_side() -> None:
    data = of_cameras(200, 4, 25)
    burst = np.datetime64("2026-07-01T12:00:00") + 59 * np.arange(30) * np.timedelta64(1, "s")
    data.images.loc[:29, "taken_at"] = burst.astype(str)
    data.images.loc[:29, "camera"] = "X #1"
    data.images.loc[:29, "author"] = [f"author {n}" for n in range(30)]  # whoever held it
    for seed in range(3):
        result = split_dataset(data, SplitConfig(tries=5), BITS, seed)
        assert result.dataset.images["split"][:30].nunique() == 1
    apart = split_dataset(data, SplitConfig(tries=5, visit_seconds=58), BITS, 0).dataset.images
    assert apart["split"][:30].nunique() == 3


def test_sides_given_before_cameras_were_known_are_kept() -> None:
    data = of_cameras(300, 3, 20)
    rng = np.random.default_rng(0)
    before = dict(zip(data.images["sha256"][:240], rng.choice(SPLITS, 240), strict=True))
    result = split_dataset(data, SplitConfig(), BITS, 0, before)
    after = dict(zip(result.dataset.images["sha256"], result.dataset.images["split"], strict=True))
    # Every camera-day lies on all sides already; to gather them in training would leave no test.
    assert {sha: after[sha] for sha in before} == before
    rows = result.dataset.images.assign(day=data.images["taken_at"].str[:10])
    for row in rows[240:].to_dict("records"):
        same = rows[:240][((rows["camera"] == row["camera"]) & (rows["day"] == row["day"]))[:240]]
        # A day that training has seen tests nothing: the side that a model has seen most of.
        assert row["split"] == min(same["split"], key=SPLITS.index)


def test_authors_and_cameras_together() -> None:
    data = of_cameras(400, 2, 15)
    data.images.loc[:199, "author"] = [f"author {n // 4}" for n in range(200)]
    images = split_dataset(data, SplitConfig(), BITS, 0).dataset.images
    # 50 authors and 2 cameras: a quarter of 52 are more than ten groups, so all stay whole.
    assert images[:200].groupby("author")["split"].nunique().max() == 1
    assert images[200:].groupby("camera")["split"].nunique().max() == 1
    assert set(images["grouped_by"]) == {"author or camera"}


def test_the_report_finds_what_leaks() -> None:
    data = dataset(6, 6)
    images = data.images.assign(
        author=["a", "b", "c", "d", "a", "e"],
        split=["train", "train", "validation", "validation", "test", "test"],
    )
    for column in ("phash", "dhash"):
        images.loc[5, column] = images.loc[1, column]
    report = report_split(Dataset(data.root, images, data.boxes), BITS)
    assert report["crossing"]["author"] == ["a"]
    assert report["crossing"]["near_duplicate"] == [["00001.jpg", "00005.jpg"]]
    assert report["crossing"]["visit"] == []
    assert not split_verdict(report)[0]
    images = images.assign(
        camera=["X #1"] * 6, taken_at=[f"2026-05-01T00:0{n}:00" for n in range(6)]
    )
    burst = report_split(Dataset(data.root, images, data.boxes), BITS)["crossing"]["visit"]
    assert burst == [[f"{n:05d}.jpg" for n in range(6)]]
    closest = report["closest_pairs"][0]
    assert closest == {"train": "00001.jpg", "test": "00005.jpg", "bits": 0}
