"""Does one set of photos look like another? New against raw, and test against train.

Each rule of ``sparrow.data.comparison`` is applied: what the sets share, how large they are, and
how their features are distributed. Features are compared by groups of photos that belong together
(``compared_groups``).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sparrow.boxes import box_areas
from sparrow.config import ChecksConfig, Config, SplitConfig
from sparrow.config.checks import ComparisonRule
from sparrow.data.compared_groups import Groups, groups_of_new, groups_of_splits
from sparrow.data.comparison import NEW, AppliedRule, Comparison, Verdict, outcome_of
from sparrow.data.feature_drift import MIN_ROWS, FeatureDrift, FeatureTable, compare_features
from sparrow.data.split.evidence import known_authors
from sparrow.data.split.report import find_crossing
from sparrow.data.split.ties import PhotoTies, photo_ties
from sparrow.data.tables import XYXY, Dataset

SIZE_FACTOR = 2.0  # between the sizes of train and test as they are and as the config asks

# What the sets are called that a rule on drift compares.
SETS: dict[ComparisonRule, tuple[str, str]] = {
    "new-drift": ("raw", NEW),
    "split-drift": ("training", "test"),
}
PHOTO_NUMBERS = (
    "count", "width_px", "height_px", "brightness", "contrast", "sharpness", "saturation",
)  # fmt: skip
PHOTO_KINDS = ("source", "license")


def compare_new_with_raw(raw: Dataset, new: Dataset, config: Config) -> Comparison:
    """Is new data like what is there, without being the same photos again?

    Photos that the raw set has under any name are corrections, or known already; near-duplicates
    and photos of known authors are grouped with theirs by the split. Neither is wrong.

    Args:
        raw: checked.
        new: checked; all of the new data.
        config: the sections checks, data and split.
    """
    added = new.having(~new.images["sha256"].isin(raw.images["sha256"]))
    groups = groups_of_new(_ties(_joined(raw, added), config), len(raw.images))
    shared = shared_files("new-shared-photos", raw, new)
    # Ingest matches them by content: they are corrections, or bring nothing.
    shared = shared._replace(broken=False, required="matched by content")
    return _comparison("new-drift", (raw, added), groups, [shared], config.checks)


def compare_train_with_test(
    dataset: Dataset, config: Config, *, authors_parted: bool = False
) -> Comparison:
    """Are test photos like training photos, without sharing photos or groups with them?

    Args:
        dataset: with its ``split`` column.
        authors_parted: the split had no other way (its report's ``authors_parted_by_day``).
    """
    train, test = dataset.subset("train"), dataset.subset("test")
    groups = groups_of_splits(_ties(_joined(train, test), config), len(train.images))
    crossing = find_crossing(dataset.images, _ties(dataset.images, config))
    applied = [
        shared_files("shared-photos", train, test),
        _shared_groups(crossing, bool(known_authors(dataset.images)), authors_parted),
        size_ratio(len(train.images), len(test.images), config.split, config.checks),
    ]
    return _comparison("split-drift", (train, test), groups, applied, config.checks)


def _comparison(
    drift_rule: ComparisonRule,
    sets: tuple[Dataset, Dataset],
    groups: Groups,
    applied: Sequence[AppliedRule],
    checks: ChecksConfig,
) -> Comparison:
    """The sets' features compared; what came of the other rules, and of the one on drift."""
    tables = _tables(*sets, groups)
    verdict, features = _compare(tables, groups, checks)
    applied = [*applied, _drift(drift_rule, verdict, features, groups, checks)]
    reference, current = SETS[drift_rule]
    return Comparison(
        reference=reference,
        current=current,
        photos=(len(sets[0].images), len(sets[1].images)),
        verdict=verdict,
        features=tuple(features),
        rules=tuple(outcome_of(result, checks) for result in applied),
        checks=checks,
        tables=tables,
    )


def shared_files(rule: ComparisonRule, reference: Dataset, current: Dataset) -> AppliedRule:
    """Photos of ``current`` that are a file of ``reference`` under another name."""
    names: dict[str, list[str]] = {}
    for name, sha256 in zip(reference.images["image"], reference.images["sha256"], strict=True):
        names.setdefault(sha256, []).append(name)
    shared = [
        f"{names[sha256][0]} and {name} are the same file"
        for name, sha256 in zip(current.images["image"], current.images["sha256"], strict=True)
        if sha256 in names and name not in names[sha256]
    ]
    observed = f"{len(shared):,} of {len(current.images):,} photos"
    return AppliedRule(rule, bool(shared), "none", observed, shared)


def size_ratio(n_train: int, n_test: int, split: SplitConfig, checks: ChecksConfig) -> AppliedRule:
    """Test photos a training photo, against the limits of the config.

    Without limits half to twice (``SIZE_FACTOR``) what the fractions of the split ask for: groups
    that may not be torn can be too large for them.
    """
    wanted = split.test_fraction / (1 - split.test_fraction - split.validation_fraction)
    low = wanted / SIZE_FACTOR if checks.min_size_ratio is None else checks.min_size_ratio
    high = wanted * SIZE_FACTOR if checks.max_size_ratio is None else checks.max_size_ratio
    if low > high:  # of a limit that is not set, and one that is, the latter
        low, high = (low, low) if checks.max_size_ratio is None else (high, high)
    broken = n_test > max(1.0, high * n_train) or n_test < low * n_train
    word = "" if not broken else ", too many" if n_test > low * n_train else ", too few"
    ratio = n_test / n_train if n_train else float("inf")
    return AppliedRule(
        "size-ratio",
        broken,
        f"{low:.3g} to {high:.3g} test photos a training photo (the split asks for {wanted:.3g})",
        f"{n_test:,} test photos for {n_train:,} training photos, {ratio:.3g} a photo{word}",
    )


def _shared_groups(
    crossing: dict[str, list[str | list[str]]], with_authors: bool, authors_parted: bool
) -> AppliedRule:
    kinds = {kind: names for kind, names in crossing.items() if kind != "author"}
    observed = [f"{kind.replace('_', '-')}: {len(names)}" for kind, names in kinds.items()]
    authors = crossing["author"]
    if not with_authors:
        observed.append("no author is known")
    elif authors_parted:
        observed.append(f"authors: {len(authors)}, too few to keep each in one split")
    else:
        kinds["author"] = authors
        observed.append(f"authors: {len(authors)}")
    details = [
        f"{kind.replace('_', '-')}: {name if isinstance(name, str) else ' + '.join(name)}"
        for kind, names in kinds.items()
        for name in names
    ]
    return AppliedRule(
        "shared-groups", bool(details), "none", f"in two splits: {'; '.join(observed)}", details
    )


def _drift(
    rule: ComparisonRule,
    verdict: Verdict,
    features: list[FeatureDrift],
    groups: Groups,
    checks: ChecksConfig,
) -> AppliedRule:
    required = (
        f"no feature both more than {checks.max_drift:g} standard deviations away and unlikely by "
        f"chance (p at most {checks.false_alarm_rate:g})"
    )
    if verdict == "too few photos":
        return AppliedRule(rule, None, required, f"too few photos: fewer than {MIN_ROWS} on a side")
    tested = [f for f in features if f.distance is not None and f.p_value is not None]
    words = [f"{f.feature}: distance {f.distance:.2f}, p {f.p_value:.3f}" for f in tested]
    drifted = [text for f, text in zip(tested, words, strict=True) if f.drifted]
    observed = f"{len(drifted)} of {len(tested)} features drifted, by {groups.words}"
    if tested and not drifted:
        nearest = int(np.argmin([f.p_value for f in tested if f.p_value is not None]))
        observed += f"; the least likely by chance is {words[nearest]}"
    return AppliedRule(rule, bool(drifted), required, observed, drifted)


def photo_features(dataset: Dataset) -> pd.DataFrame:
    """A row per photo: ``PHOTO_NUMBERS`` and ``PHOTO_KINDS``."""
    images = dataset.images.rename(columns={"n_boxes": "count"})
    return images[[*PHOTO_NUMBERS, *PHOTO_KINDS]].reset_index(drop=True)


def box_features(dataset: Dataset) -> pd.DataFrame:
    """A row per box: its label, square root of its share of the photo, width over height, and its
    centre, 0..1.
    """
    boxes = dataset.boxes
    sizes = dataset.images.set_index("image")[["width_px", "height_px"]].reindex(boxes["image"])
    photo = sizes.to_numpy(dtype=float)
    xyxy = boxes[XYXY].to_numpy(dtype=float)
    sizes_px = xyxy[:, 2:] - xyxy[:, :2]
    centres = (xyxy[:, 2:] + xyxy[:, :2]) / 2 / photo
    return pd.DataFrame(
        {
            "label": boxes["label"].to_numpy(),
            "size_share": np.sqrt(box_areas(xyxy) / photo.prod(axis=1)),
            "aspect": sizes_px[:, 0] / sizes_px[:, 1],
            "centre_x": centres[:, 0],
            "centre_y": centres[:, 1],
        }
    )


def _tables(reference: Dataset, current: Dataset, groups: Groups) -> dict[str, FeatureTable]:
    """The features of photos and of boxes."""
    sides = (reference, groups.reference), (current, groups.current)
    photos = [photo_features(side) for side, _ in sides]
    boxes = [box_features(side) for side, _ in sides]
    of_box = [
        of_photo[pd.Index(side.images["image"]).get_indexer(side.boxes["image"])]
        for side, of_photo in sides
    ]
    return {
        "photos": FeatureTable(photos[0], photos[1], groups.reference, groups.current),
        "boxes": FeatureTable(boxes[0], boxes[1], of_box[0], of_box[1]),
    }


def _compare(
    tables: dict[str, FeatureTable], groups: Groups, checks: ChecksConfig
) -> tuple[Verdict, list[FeatureDrift]]:
    if not tables["photos"].is_testable:
        return "too few photos", []
    features = compare_features(tables, groups.is_current, checks)
    return ("drift" if any(feature.drifted for feature in features) else "ok"), features


def _joined(reference: Dataset, current: Dataset) -> pd.DataFrame:
    return pd.concat([reference.images, current.images], ignore_index=True)


def _ties(images: pd.DataFrame, config: Config) -> PhotoTies:
    return photo_ties(images, config.data.near_duplicate_bits, config.split.visit_seconds)
