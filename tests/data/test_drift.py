"""Comparing sets: the same kind of photos is no drift, darker photos are, little data says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sparrow.config import ChecksConfig, Config, SplitConfig, make_config
from sparrow.data.comparison import Comparison
from sparrow.data.drift import (
    compare_new_with_raw,
    compare_train_with_test,
    size_ratio,
)
from sparrow.data.errors import DataError
from sparrow.data.feature_drift import distance, evidently_pages
from sparrow.data.tables import UNKNOWN, Dataset

CONFIG, SPLIT = make_config({}), SplitConfig()


def photos(n: int, seed: int, brightness: float = 0.5, **columns: Any) -> Dataset:
    """Photos with two boxes each; everything but the brightness is alike for all seeds."""
    rng = np.random.default_rng(seed)
    images = pd.DataFrame(
        {
            "image": [f"{seed}-{i}.jpg" for i in range(n)],
            "author": [f"{seed}-{i // 3}" for i in range(n)],
            "n_boxes": rng.integers(1, 8, n),
            "source": "Flickr",
            "license": rng.choice(["BY", "CC0"], n),
            "width_px": rng.choice([640, 1024], n),
            "height_px": 480,
            "sha256": [f"{seed}{i:060x}" for i in range(n)],
            "phash": [rng.bytes(8).hex() for _ in range(n)],
            "dhash": [rng.bytes(8).hex() for _ in range(n)],
            "brightness": rng.normal(brightness, 0.1, n),
            "contrast": rng.normal(0.2, 0.02, n),
            "sharpness": rng.normal(0.1, 0.02, n),
            "saturation": rng.normal(0.4, 0.1, n),
        }
    ).assign(**columns)
    corner = rng.uniform(0, 300, (2 * n, 2))
    boxes = pd.DataFrame({"image": np.repeat(images["image"], 2), "label": "house_sparrow"})
    boxes[["x_min_px", "y_min_px"]] = corner
    boxes[["x_max_px", "y_max_px"]] = corner + rng.uniform(20, 150, (2 * n, 2))
    return Dataset(Path("photos"), images, boxes.reset_index(drop=True))


def joined(a: Dataset, b: Dataset) -> Dataset:
    images = pd.concat([a.images, b.images], ignore_index=True)
    return Dataset(a.root, images, pd.concat([a.boxes, b.boxes], ignore_index=True))


def split_of(train: Dataset, test: Dataset) -> Dataset:
    sides = (("train", train), ("test", test))
    marked = [Dataset(p.root, p.images.assign(split=side), p.boxes) for side, p in sides]
    return joined(*marked)


def accepting(*rules: str) -> Config:
    return make_config({"checks": {"accept": list(rules)}})


def statuses(comparison: Comparison) -> dict[str, str]:
    return {outcome.rule: outcome.status for outcome in comparison.rules}


def observed(comparison: Comparison, rule: str) -> str:
    (outcome,) = [outcome for outcome in comparison.rules if outcome.rule == rule]
    return outcome.observed


def test_a_few_photos_say_nothing() -> None:
    comparison = compare_new_with_raw(photos(200, 1), photos(6, 2), CONFIG)
    assert comparison.verdict == "too few photos"
    assert evidently_pages(comparison.tables, 0.1) == {}
    assert statuses(comparison) == {"new-shared-photos": "passed", "new-drift": "not tested"}
    comparison.raise_for_violations()
    assert "passes; not tested: new-drift" in comparison.summary()


@pytest.mark.parametrize("n", [0, 1])
def test_no_photo_and_a_single_one_are_compared_too(n: int) -> None:
    new = photos(n, 2)
    comparison = compare_new_with_raw(photos(40, 1), new, CONFIG)
    assert comparison.photos == (40, n)
    assert observed(comparison, "new-shared-photos") == f"0 of {n} photos"
    comparison.raise_for_violations()


def test_alike_passes_and_darker_ends_the_run_with_the_line_that_accepts_it() -> None:
    train = photos(300, 1)
    alike = compare_train_with_test(split_of(train, photos(120, 2)), CONFIG)
    assert (alike.verdict, alike.drifted) == ("ok", [])
    assert set(statuses(alike).values()) == {"passed"}
    alike.raise_for_violations()
    dark = split_of(train, photos(120, 3, brightness=0.35))
    darker = compare_train_with_test(dark, CONFIG)
    assert (darker.verdict, darker.drifted) == ("drift", ["brightness"])
    with pytest.raises(DataError) as refused:
        darker.raise_for_violations()
    said = str(refused.value)
    assert "split-drift: 1 of 11 features drifted, by 100 groups against 40" in said
    assert "brightness: distance 1.4" in said  # (0.5 - 0.35) / 0.1 is 1.5
    assert "checks: {accept: [split-drift]}" in said
    assert "--set 'checks.accept=[split-drift]'" in said
    accepted = compare_train_with_test(dark, accepting("split-drift"))
    accepted.raise_for_violations()
    assert statuses(accepted)["split-drift"] == "accepted"
    assert "passes; accepted: split-drift" in accepted.summary()


def test_what_is_accepted_already_stays_in_the_line_that_is_suggested() -> None:
    dark = split_of(photos(300, 1), photos(120, 3, brightness=0.35))
    comparison = compare_train_with_test(dark, accepting("size-ratio", "new-drift"))
    assert "accept: [size-ratio, new-drift, split-drift]" in comparison.how_to_accept()


def test_a_drift_within_its_limit_is_none() -> None:
    dark = split_of(photos(300, 1), photos(120, 3, brightness=0.35))
    assert compare_train_with_test(dark, make_config({"checks": {"max_drift": 2.0}})).drifted == []


def test_distances_are_those_of_evidently() -> None:
    """Its pages show the distances that the verdict rests on."""
    from evidently.legacy.calculations.stattests.jensenshannon import _jensenshannon
    from evidently.legacy.calculations.stattests.wasserstein_distance_norm import (
        _wasserstein_distance_norm,
    )
    from evidently.legacy.core import ColumnType

    old, new = photos(300, 1).images, photos(120, 3, brightness=0.35).images
    number, kind = ColumnType.Numerical, ColumnType.Categorical
    for name in ("brightness", "n_boxes"):
        assert distance(old[name], new[name]) == pytest.approx(
            _wasserstein_distance_norm(old[name], new[name], number, 0.1)[0]
        )
    for new_kinds in (new["license"], new["license"].replace("BY", "CC BY-NC")):
        assert distance(old["license"], new_kinds) == pytest.approx(
            _jensenshannon(old["license"], new_kinds, kind, 0.1)[0]
        )


def test_authors_each_with_a_manner_of_their_own_are_no_drift() -> None:
    """Photos of an author are equally bright; by photos alone every other split would differ."""
    rng = np.random.default_rng(0)
    every = photos(300, 1).images
    manner = dict(zip(every["author"].unique(), rng.normal(0.5, 0.2, 100), strict=True))
    drifted = 0
    for seed in range(5):
        data = photos(300, 1, brightness=0.5)
        chosen = np.random.default_rng(seed).permutation(100)[:10]
        is_test = data.images["author"].isin([f"1-{i}" for i in chosen])
        images = data.images.assign(
            brightness=data.images["author"].map(manner), split=np.where(is_test, "test", "train")
        )
        comparison = compare_train_with_test(Dataset(data.root, images, data.boxes), CONFIG)
        drifted += bool(comparison.drifted)
    assert drifted == 0


def test_a_single_new_author_is_compared_by_photos() -> None:
    """As an author only it were 1 of 101 groups, and no difference could ever be significant."""
    by_a_single_author = photos(60, 2, author="newcomer")
    raw = photos(300, 1)
    assert compare_new_with_raw(raw, by_a_single_author, CONFIG).drifted == []
    dark = photos(60, 2, brightness=0.3, author="newcomer")
    comparison = compare_new_with_raw(raw, dark, CONFIG)
    assert statuses(comparison)["new-drift"] == "failed"
    assert "300 groups against 60" in observed(comparison, "new-drift")


def test_a_second_source_is_drift_until_both_sets_have_it() -> None:
    raw, new = photos(300, 1), photos(120, 2, source="iNaturalist")
    comparison = compare_new_with_raw(raw, new, CONFIG)
    assert comparison.drifted == ["source"]
    assert statuses(comparison)["new-drift"] == "failed"
    halves = [photos(150, 3, source="iNaturalist"), photos(60, 4, source="iNaturalist")]
    both = compare_new_with_raw(
        joined(photos(150, 1), halves[0]), joined(photos(60, 2), halves[1]), CONFIG
    )
    assert statuses(both) == {"new-shared-photos": "passed", "new-drift": "passed"}


def test_another_mix_of_classes_is_drift() -> None:
    raw, new = photos(300, 1), photos(120, 2)
    raw.boxes.loc[::2, "label"] = "robin"
    new.boxes.loc[::10, "label"] = "robin"
    assert compare_new_with_raw(raw, new, CONFIG).drifted == ["label"]


def test_corrections_known_photos_and_likenesses_pass() -> None:
    raw, new = photos(40, 1), photos(6, 2)
    again = raw.having(raw.images.index < 3)  # sent again, perhaps with other boxes
    again.boxes["x_min_px"] += 1
    new.images.loc[0, ["phash", "dhash"]] = raw.images.loc[5, ["phash", "dhash"]].to_numpy()
    comparison = compare_new_with_raw(raw, joined(again, new), CONFIG)
    assert statuses(comparison)["new-shared-photos"] == "passed"
    assert comparison.photos == (40, 6)  # what is added


def test_a_new_photo_that_is_a_file_of_the_raw_set_by_another_name_is_matched_and_said() -> None:
    raw, new = photos(40, 1), photos(6, 2)
    new.images.loc[1, "sha256"] = raw.images.loc[7, "sha256"]
    comparison = compare_new_with_raw(raw, new, CONFIG)
    comparison.raise_for_violations()
    (shared,) = [outcome for outcome in comparison.rules if outcome.rule == "new-shared-photos"]
    assert (shared.status, shared.observed) == ("passed", "1 of 6 photos")
    assert shared.details == ("1-7.jpg and 2-1.jpg are the same file",)
    assert comparison.photos == (40, 5)


def test_what_train_and_test_must_not_share() -> None:
    train, test = photos(20, 1), photos(4, 2)
    for column in ("sha256", "phash", "dhash", "author"):
        test.images.loc[0, column] = train.images.loc[5, column]
    test.images.loc[1, "author"] = train.images.loc[0, "author"] = UNKNOWN  # not an author
    comparison = compare_train_with_test(split_of(train, test), CONFIG)
    assert {outcome.rule: outcome.details for outcome in comparison.failed} == {
        "shared-photos": ("1-5.jpg and 2-0.jpg are the same file",),
        "shared-groups": ("near-duplicate: 1-5.jpg + 2-0.jpg", "author: 1-1"),
        "size-ratio": (),
    }
    # Where there are too few authors to keep each in one split, that is no fault.
    parted = compare_train_with_test(split_of(train, test), CONFIG, authors_parted=True)
    (groups,) = [outcome for outcome in parted.rules if outcome.rule == "shared-groups"]
    assert groups.details == ("near-duplicate: 1-5.jpg + 2-0.jpg",)
    assert "authors: 1, too few to keep each in one split" in groups.observed


@pytest.mark.parametrize(
    ("shares", "test_photos", "says"),
    [
        ((0.12, 0.08), 15, None),  # the demo's own: 0.12 / 0.8 of 100 training photos
        ((0.25, 0.2), 45, None),
        ((0.05, 0.05), 6, None),
        ((0.45, 0.05), 90, None),
        ((0.12, 0.08), 7, "too few"),
        ((0.12, 0.08), 31, "too many"),
        ((0.25, 0.2), 22, "too few"),
        ((0.45, 0.05), 181, "too many"),
    ],
)
def test_sides_are_held_against_the_shares_that_were_asked_for(
    shares: tuple[float, float], test_photos: int, says: str | None
) -> None:
    split = SplitConfig(test_fraction=shares[0], validation_fraction=shares[1])
    applied = size_ratio(100, test_photos, split, ChecksConfig())
    assert applied.broken == (says is not None)
    assert says is None or says in applied.observed


@pytest.mark.parametrize(
    ("test_photos", "broken"), [(24, True), (25, False), (100, False), (101, True)]
)
def test_limits_of_the_config_go_before_the_shares(test_photos: int, broken: bool) -> None:
    limits = ChecksConfig(min_size_ratio=0.25, max_size_ratio=1.0)  # the reference's
    applied = size_ratio(100, test_photos, SPLIT, limits)
    assert applied.broken == broken
    assert applied.required.startswith("0.25 to 1 test photos")


@pytest.mark.parametrize(
    ("limits", "required"),
    [
        ({"min_size_ratio": 2.0}, "2 to 2 test photos"),  # the fractions ask for 0.455
        ({"max_size_ratio": 0.1}, "0.1 to 0.1 test photos"),
        ({"min_size_ratio": 0.3}, "0.3 to 0.909 test photos"),
    ],
)
def test_a_limit_that_is_set_goes_before_one_that_is_not(
    limits: dict[str, float], required: str
) -> None:
    assert size_ratio(100, 45, SPLIT, ChecksConfig(**limits)).required.startswith(required)


def test_a_single_photo_each_is_not_too_many() -> None:
    assert not size_ratio(1, 1, SPLIT, ChecksConfig()).broken
