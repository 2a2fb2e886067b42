"""Does one set of photos look like another? New against raw, and train against test.

Each feature is compared in two ways: is the difference significant (Kolmogorov-Smirnov test, or
chi-square over the table of both sets; the level is shared among the features), and is it large
(Wasserstein distance in standard deviations, or Jensen-Shannon distance)? Evidently computes all
but the chi-square. Only both together are drift: with many photos everything is significant, with
few anything may be large.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from sparrow.boxes import box_areas
from sparrow.config import SplitConfig
from sparrow.data.duplicates import hash_codes
from sparrow.data.repeats import NONE, closest
from sparrow.data.tables import UNKNOWN, XYXY, Dataset
from sparrow.plain_text import one_line

Verdict = Literal["ok", "drift", "too few photos"]

MIN_ROWS = 30  # below it nothing is said about a table's features
SIGNIFICANCE = 0.01  # over all features of a table together
LARGE_DISTANCE = 0.1  # Wasserstein, in standard deviations of the reference
LARGE_DIVERGENCE = 0.1  # Jensen-Shannon, 0..1
SIZE_FACTOR = 2.0  # between the sizes of the sides as they are and as the config asks

PHOTO_NUMBERS = (
    "count", "width_px", "height_px", "brightness", "contrast", "sharpness", "saturation",
)  # fmt: skip
BOX_NUMBERS = ("size_share", "aspect", "centre_x", "centre_y")
PHOTO_KINDS = ("source", "license")


@dataclass(frozen=True)
class FeatureDrift:
    """One feature compared.

    Attributes:
        p_value: of no difference; None where a feature is constant in both sets.
        distance: Wasserstein in standard deviations, or Jensen-Shannon.
        drifted: significant and large.
    """

    feature: str
    p_value: float | None
    distance: float | None
    drifted: bool


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
    dataset: Dataset, near_duplicate_bits: int, split: SplitConfig
) -> Comparison:
    """Is the test side like the training side, without sharing photos or authors with it?

    Args:
        dataset: with its ``split`` column.
        split: the shares that were asked for.
    """
    train, test = dataset.subset("train"), dataset.subset("test")
    problems = [
        *size_ratio(train, test, split),
        *shared_photos(train, test, near_duplicate_bits),
        *shared_authors(train, test),
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
    """Authors on both sides."""
    shared = (set(a.images["author"]) & set(b.images["author"])) - {UNKNOWN}
    return [f"shared author: {author}" for author in sorted(shared)]


def photo_features(dataset: Dataset) -> pd.DataFrame:
    """A row per photo: ``PHOTO_NUMBERS`` and ``PHOTO_KINDS``."""
    images = dataset.images.rename(columns={"n_boxes": "count"})
    return images[[*PHOTO_NUMBERS, *PHOTO_KINDS]].reset_index(drop=True)


def box_features(dataset: Dataset) -> pd.DataFrame:
    """A row per box: side as a share of the photo's, width over height, centre 0..1."""
    boxes = dataset.boxes
    sizes = dataset.images.set_index("image")[["width_px", "height_px"]].reindex(boxes["image"])
    photo = sizes.to_numpy(dtype=float)
    xyxy = boxes[XYXY].to_numpy(dtype=float)
    sides = xyxy[:, 2:] - xyxy[:, :2]
    centres = (xyxy[:, 2:] + xyxy[:, :2]) / 2 / photo
    return pd.DataFrame(
        {
            "size_share": np.sqrt(box_areas(xyxy) / photo.prod(axis=1)),
            "aspect": sides[:, 0] / sides[:, 1],
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
            found, pages[title] = _evidently(old, new)
            features += found
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


def _evidently(old: pd.DataFrame, new: pd.DataFrame) -> tuple[list[FeatureDrift], str]:
    """Both comparisons of every column, and Evidently's page."""
    import evidently
    from evidently.metrics import ValueDrift

    varying = [c for c in old.columns if pd.concat([old[c], new[c]]).nunique() > 1]
    kinds = [c for c in varying if not pd.api.types.is_numeric_dtype(old[c])]
    numbers = [c for c in varying if c not in kinds]
    old, new = (table.assign(**{c: table[c].map(_no_tag) for c in kinds}) for table in (old, new))
    level = SIGNIFICANCE / max(1, len(varying))
    metrics: list[Any] = [
        *(ValueDrift(column=c, method="ks", threshold=level) for c in numbers),
        *(ValueDrift(column=c, method="wasserstein", threshold=LARGE_DISTANCE) for c in numbers),
        *(ValueDrift(column=c, method="jensenshannon", threshold=LARGE_DIVERGENCE) for c in kinds),
    ]
    definition = evidently.DataDefinition(numerical_columns=numbers, categorical_columns=kinds)
    sets = [
        evidently.Dataset.from_pandas(table[varying], data_definition=definition)
        for table in (new, old)
    ]
    snapshot = evidently.Report(metrics).run(*sets)
    values = [float(metric["value"]) for metric in snapshot.dict()["metrics"]]
    n = len(numbers)
    p_values = dict(zip(numbers, values[:n], strict=True)) | {
        c: _chi_square(old[c], new[c]) for c in kinds
    }
    distances = dict(zip([*numbers, *kinds], values[n:], strict=True))
    features = [
        FeatureDrift(c, p_values[c], distances[c], p_values[c] < level and distances[c] >= large)
        for names, large in ((numbers, LARGE_DISTANCE), (kinds, LARGE_DIVERGENCE))
        for c in names
    ]
    constant = [FeatureDrift(c, None, None, False) for c in old.columns if c not in varying]
    return features + constant, str(snapshot.get_html_str(as_iframe=False))


def _no_tag(text: str) -> str:
    """A name in which no tag begins or ends: Evidently writes it into its pages as it is."""
    return one_line(str(text)).translate({ord("<"): "\u2039", ord(">"): "\u203a"})


def _chi_square(old: pd.Series, new: pd.Series) -> float:
    """p-value that both sets have the same mix of kinds (Pearson's test of homogeneity)."""
    from scipy.stats import chi2_contingency

    counts = pd.concat([old.value_counts(), new.value_counts()], axis=1).fillna(0)
    return float(chi2_contingency(counts.to_numpy()).pvalue)
