"""Does one set of photos look like another? New against raw, and train against test.

Their features are compared (``sparrow.data.feature_drift``); what they must not share is listed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from sparrow.boxes import box_areas
from sparrow.config import SplitConfig
from sparrow.data.duplicates import hash_codes
from sparrow.data.feature_drift import FeatureDrift, compare_features
from sparrow.data.repeats import NONE, closest
from sparrow.data.tables import UNKNOWN, XYXY, Dataset

Verdict = Literal["ok", "drift", "too few photos"]

MIN_ROWS = 30  # below it nothing is said about a table's features
SIZE_FACTOR = 2.0  # between the sizes of train and test as they are and as the config asks

PHOTO_NUMBERS = (
    "count", "width_px", "height_px", "brightness", "contrast", "sharpness", "saturation",
)  # fmt: skip
BOX_NUMBERS = ("size_share", "aspect", "centre_x", "centre_y")
PHOTO_KINDS = ("source", "license")


@dataclass(frozen=True)
class Comparison:
    """Two sets compared.

    Attributes:
        reference, current: what the sets are called.
        photos: (reference, current).
        known_authors: share of the current photos whose author the reference knows, 0..1.
        verdict: of the features; silence never passes as ok.
        features: one per feature compared.
        problems: what is wrong beside drift, in words: shared photos, shared authors, odd sizes.
        html: Evidently's own report of each table, by title.
    """

    reference: str
    current: str
    photos: tuple[int, int]
    known_authors: float
    verdict: Verdict
    features: tuple[FeatureDrift, ...]
    problems: tuple[str, ...]
    html: dict[str, str] = field(repr=False)

    @property
    def drifted(self) -> list[str]:
        """Names of the features that drifted."""
        return [feature.feature for feature in self.features if feature.drifted]

    def summary(self) -> str:
        """A few lines for a terminal."""
        head = (
            f"{self.current} ({self.photos[1]:,} photos) against {self.reference} "
            f"({self.photos[0]:,}): {self.verdict}"
        )
        drifts = [
            f"  {f.feature}: distance {f.distance:.2f}, p {f.p_value:.1e}"
            for f in self.features
            if f.drifted and f.distance is not None and f.p_value is not None
        ]
        return "\n".join([head, *drifts, *(f"  {problem}" for problem in self.problems)])


def compare_new_with_raw(raw: Dataset, new: Dataset, near_duplicate_bits: int) -> Comparison:
    """Is new data like what is there, without being the same photos again?"""
    problems = shared_photos(raw, new, near_duplicate_bits)
    return _compare(raw, new, ("raw", "new"), problems)


def compare_train_with_test(
    dataset: Dataset,
    near_duplicate_bits: int,
    split: SplitConfig,
    *,
    authors_parted: bool = False,
) -> Comparison:
    """Are test photos like training photos, without sharing photos or authors with them?

    Args:
        dataset: with its ``split`` column.
        split: the shares that were asked for.
        authors_parted: the split had to part the days of its few authors (the split report's
            ``authors_parted_by_day``): that they are in both is then no problem.
    """
    train, test = dataset.subset("train"), dataset.subset("test")
    problems = [
        *size_ratio(train, test, split),
        *shared_photos(train, test, near_duplicate_bits),
        *([] if authors_parted else shared_authors(train, test)),
    ]
    return _compare(train, test, ("train", "test"), problems)


def size_ratio(train: Dataset, test: Dataset, split: SplitConfig) -> list[str]:
    """Test / train should be as the config's shares have it; off by more than ``SIZE_FACTOR`` is
    a problem: groups that may not be torn are then too large for the shares.
    """
    n_train, n_test = len(train.images), len(test.images)
    wanted = n_train * split.test_fraction / (1 - split.test_fraction - split.validation_fraction)
    said = f"{n_test:,} test photos for {n_train:,} training photos"
    if n_test > max(1, SIZE_FACTOR * wanted) or n_test < wanted / SIZE_FACTOR:
        word = "many" if n_test > wanted else "few"
        return [f"size ratio: {said} are too {word}; the config's shares ask for {wanted:.0f}"]
    return []


def shared_photos(a: Dataset, b: Dataset, near_duplicate_bits: int) -> list[str]:
    """Photos of ``b`` that ``a`` has too, as the same file or nearly the same picture."""
    same = dict(zip(a.images["sha256"], a.images["image"], strict=True))
    known = a.images["image"].to_numpy()
    twins, bits = closest(hash_codes(b.images), hash_codes(a.images), near_duplicate_bits)
    problems = []
    for number, (name, sha256) in enumerate(
        zip(b.images["image"], b.images["sha256"], strict=True)
    ):
        if sha256 in same:
            problems.append(f"shared photo: {same[sha256]} and {name} are the same file")
        elif twins[number] != NONE:
            pair = f"{known[twins[number]]} and {name}"
            problems.append(f"shared photo: {pair} differ in {bits[number]} of 64 bits")
    return problems


def shared_authors(a: Dataset, b: Dataset) -> list[str]:
    """Authors of photos in both sets."""
    shared = (set(a.images["author"]) & set(b.images["author"])) - {UNKNOWN}
    return [f"shared author: {author}" for author in sorted(shared)]


def photo_features(dataset: Dataset) -> pd.DataFrame:
    """A row per photo: ``PHOTO_NUMBERS`` and ``PHOTO_KINDS``."""
    images = dataset.images.rename(columns={"n_boxes": "count"})
    return images[[*PHOTO_NUMBERS, *PHOTO_KINDS]].reset_index(drop=True)


def box_features(dataset: Dataset) -> pd.DataFrame:
    """A row per box: square root of its share of the photo, width over height, centre 0..1."""
    boxes = dataset.boxes
    sizes = dataset.images.set_index("image")[["width_px", "height_px"]].reindex(boxes["image"])
    photo = sizes.to_numpy(dtype=float)
    xyxy = boxes[XYXY].to_numpy(dtype=float)
    sizes_px = xyxy[:, 2:] - xyxy[:, :2]
    centres = (xyxy[:, 2:] + xyxy[:, :2]) / 2 / photo
    return pd.DataFrame(
        {
            "size_share": np.sqrt(box_areas(xyxy) / photo.prod(axis=1)),
            "aspect": sizes_px[:, 0] / sizes_px[:, 1],
            "centre_x": centres[:, 0],
            "centre_y": centres[:, 1],
        }
    )


def _compare(
    reference: Dataset,
    current: Dataset,
    names: tuple[str, str],
    problems: list[str],
) -> Comparison:
    tables = {
        "photos": (photo_features(reference), photo_features(current)),
        "boxes": (box_features(reference), box_features(current)),
    }
    features: list[FeatureDrift] = []
    pages: dict[str, str] = {}
    for title, (old, new) in tables.items():
        if min(len(old), len(new)) >= MIN_ROWS:
            compared, pages[title] = compare_features(old, new)
            features += compared
    verdict: Verdict = "drift" if any(f.drifted for f in features) else "ok"
    if "photos" not in pages:
        verdict = "too few photos"
    return Comparison(
        *names,
        photos=(len(reference.images), len(current.images)),
        known_authors=float(current.images["author"].isin(reference.images["author"]).mean()),
        verdict=verdict,
        features=tuple(features),
        problems=tuple(problems),
        html=pages,
    )
