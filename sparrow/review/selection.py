"""Which photos a person should label, and why: feedback, low scores, conflicts, unusual photos.

These four reasons select where the model is likely wrong, so their photos teach it most and say
nothing about how often it is wrong. For that there is a fifth: a random sample of the photos in
which it finds nothing, of which ``sparrow.review.miss_rate`` makes a bound.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sparrow.boxes import box_iou
from sparrow.predictions.count_words import number_in_words
from sparrow.predictions.window import Window, minimums

XYXY = ["x_min_px", "y_min_px", "x_max_px", "y_max_px"]
LOW_FRACTION = 0.25  # of the scores' range above the threshold: a detection there is unsure
SAME_OBJECT_IOU = 0.2  # detections that overlap more may be one object; above 0.4 one was dropped
FAR = 3.0  # robust standard deviations: one normal photo in 370 is as far from the median
MAD_TO_SD = 1.4826  # of normal data
PHOTO_COLUMNS = ("brightness", "contrast", "sharpness", "saturation", "width_px", "height_px")

RANDOM_ANY = "random sample of all photos"
RANDOM_EMPTY = "random sample of photos without a detection"

Reasons = dict[str, str]  # prediction id -> why, the most urgent first


@dataclass(frozen=True)
class SelectedPhoto:
    """A photo for the queue.

    Attributes:
        prediction_id: its row in the log.
        reasons: why, in words; at least one.
        random_empty: part of the random sample of photos without a detection.
    """

    prediction_id: str
    reasons: tuple[str, ...]
    random_empty: bool


@dataclass(frozen=True)
class Selection:
    """The photos of a queue, and from how many without a detection its random part is drawn."""

    photos: tuple[SelectedPhoto, ...]
    empty_photos: int


@dataclass(frozen=True)
class SelectionLimits:
    """How many photos are selected.

    Attributes:
        photos: at most so many for the first four reasons, which take turns.
        random_empty: so many more at random of those without a detection, as far as there are.
        seed: of all that is drawn; the same one selects the same photos.
        at_random: the first ``photos`` are drawn at random as well. For a model that nobody's
            labels taught: what is labelled now becomes training and test photos, and a test on the
            photos that it finds hard would say nothing of the others.
    """

    photos: int
    random_empty: int
    seed: int
    at_random: bool = False


def select(
    window: Window,
    reference: Window | None,
    available: Collection[str],
    threshold: float,
    limits: SelectionLimits,
) -> Selection:
    """Select photos of one model version out of a window of its log.

    Args:
        reference: the model's held-out photos; None: no photo counts as unusual.
        available: prediction ids whose photos are at hand; others are not selected.
        threshold: the model's, 0..1.
    """
    rng, photos = np.random.default_rng(limits.seed), window.photos
    table = photos[photos["id"].isin(list(available)) & photos["error"].isna()]
    table = table.drop_duplicates("sha256", keep="last")  # one photo sent twice is labelled once
    boxes = window.boxes[window.boxes["prediction_id"].isin(table["id"])]
    feedback = window.feedback[window.feedback["prediction_id"].isin(table["id"])]
    reasons = [
        disputed(table, feedback),
        low_scores(boxes, threshold),
        overlapping(boxes),
        unusual(table, reference.photos, rng) if reference else {},
    ]
    if limits.at_random:
        reasons = [_drawn(rng.permutation(table["id"].to_numpy(dtype=object)), reasons)]
    empty = table["id"][table["n_detections"] == 0].to_numpy(dtype=object)
    names = _in_turns(reasons, limits.photos)
    sample = {str(name): RANDOM_EMPTY for name in rng.permutation(empty)[: limits.random_empty]}
    selected = (_selected(name, reasons, sample) for name in dict.fromkeys([*names, *sample]))
    return Selection(tuple(selected), len(empty))


def _drawn(names: NDArray[np.object_], reasons: Sequence[Reasons]) -> Reasons:
    """All photos in this order, with what else would have selected them."""
    words = {name: (RANDOM_ANY, *reasons_of(name, reasons)) for name in map(str, names)}
    return {name: "; ".join(parts) for name, parts in words.items()}


def _selected(name: str, reasons: list[Reasons], sample: Reasons) -> SelectedPhoto:
    return SelectedPhoto(name, reasons_of(name, [*reasons, sample]), name in sample)


def reasons_of(name: str, reasons: Iterable[Reasons]) -> tuple[str, ...]:
    """Why a photo is selected, in words."""
    return tuple(reason[name] for reason in reasons if name in reason)


def disputed(photos: pd.DataFrame, feedback: pd.DataFrame) -> Reasons:
    """Photos whose answer a person called wrong or counted otherwise; largest error first."""
    last = feedback.drop_duplicates("prediction_id", keep="last")
    counts = photos[["id", "count"]].assign(minimum=minimums(photos))
    rows = last.merge(counts, left_on="prediction_id", right_on="id")
    missing = rows["true_count"] - rows["count"]
    error = missing.abs().mask(rows["minimum"] & (missing > 0), 0)  # "120 or more" said so
    rows = rows.assign(error=error.fillna(0))[rows["wrong"].astype(bool) | (error > 0)]
    rows = rows.sort_values(["error", "prediction_id"], ascending=[False, True])
    return {
        row["prediction_id"]: (
            "feedback: called wrong"
            if np.isnan(row["true_count"])
            else f"feedback: {row['true_count']:.0f}, counted "
            f"{number_in_words(int(row['count']), minimum=row['minimum'])}"
        )
        for row in rows.to_dict("records")
    }


def low_scores(boxes: pd.DataFrame, threshold: float) -> Reasons:
    """Photos with a detection just above the threshold; nearest to it first."""
    limit = threshold + LOW_FRACTION * (1 - threshold)
    lowest = boxes.groupby("prediction_id")["score"].min().sort_values(kind="stable")
    return {
        str(name): f"low score: {score:.2f} at threshold {threshold:.2f}"
        for name, score in lowest[lowest < limit].items()
    }


def overlapping(boxes: pd.DataFrame) -> Reasons:
    """Photos in which two boxes may be one object, or one object two classes; most overlap first.

    Between unsure and sure the model reports both boxes; which of them is right it does not know.
    """
    conflicts: list[tuple[float, str, str]] = []
    for name, group in boxes.groupby("prediction_id"):
        overlap = np.triu(box_iou(group[XYXY], group[XYXY]), 1)  # [N, N], each pair once
        first, second = np.unravel_index(int(overlap.argmax()), overlap.shape)
        most = float(overlap[first, second])
        if most > SAME_OBJECT_IOU:
            a, b = group.iloc[int(first)], group.iloc[int(second)]
            kinds = "" if a["label"] == b["label"] else f" ({a['label']}, {b['label']})"
            scores = f"scores {a['score']:.2f} and {b['score']:.2f}"
            words = f"conflict: two boxes overlap by {most:.2f}{kinds}, {scores}"
            conflicts.append((most, str(name), words))
    return {name: words for _, name, words in sorted(conflicts, key=lambda row: (-row[0], row[1]))}


def unusual(photos: pd.DataFrame, reference: pd.DataFrame, rng: np.random.Generator) -> Reasons:
    """Photos unlike all held-out photos of the model, in random order.

    Random, because the most extreme ones resemble each other: after nightfall the queue should
    hold photos as they come, not the hundred darkest.
    """
    words = {}
    for column in PHOTO_COLUMNS:
        known = reference[column].dropna().to_numpy(dtype=float)
        if not len(known):
            continue
        middle = float(np.median(known))
        spread = MAD_TO_SD * float(np.median(np.abs(known - middle)))
        low, high = middle - FAR * spread, middle + FAR * spread
        # Never inside what was seen: a column of few values may have no spread at all.
        low, high = min(low, known.min()), max(high, known.max())
        values = photos[column].to_numpy(dtype=float)
        for name, value in zip(photos["id"], values, strict=True):
            if name not in words and (value < low or value > high):
                words[name] = f"unusual: {_value(column, value)}, known {_range(column, known)}"
    order = rng.permutation(len(words))
    rows = list(words.items())
    return dict(rows[int(i)] for i in order)


def _value(column: str, value: float) -> str:
    return f"{column.removesuffix('_px')} {_number(column, value)}"


def _range(column: str, known: NDArray[np.float64]) -> str:
    return f"{_number(column, known.min())} to {_number(column, known.max())}"


def _number(column: str, value: float) -> str:
    return f"{value:.0f} px" if column.endswith("_px") else f"{value:.3g}"


def _in_turns(reasons: list[Reasons], photos: int) -> list[str]:
    """The first of each, then the second of each …, every photo once."""
    turns = chain.from_iterable(zip_longest(*reasons))
    names = [name for name in turns if name is not None]
    return list(dict.fromkeys(names))[:photos]
