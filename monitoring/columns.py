"""What is watched: one number per photo and column, from a window of the log or the reference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from monitoring.verdict import Kind
from sparrow.class_nouns import plural
from sparrow.predictions.window import Window, minimums

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Column:
    """One watched number.

    Attributes:
        name: in verdicts and configs.
        kind: prediction, input or quality.
        words: what it is, for people; its mean over photos is what they are shown.
        is_fraction: its mean is a fraction, and how it scatters says nothing more.
        label: the class whose boxes it is about: their number, or as ``is_fraction`` their part of
            a photo's boxes; None for any other number.
    """

    name: str
    kind: Kind
    words: str
    is_fraction: bool = False
    label: str | None = None


COLUMNS = (
    Column("count", "prediction", "detections per photo"),
    Column("empty", "prediction", "fraction of photos without a detection", is_fraction=True),
    Column("score", "prediction", "score of a photo's detections"),
    Column("box_size", "prediction", "box size (side, as a fraction of the photo's)"),
    Column("box_shape", "prediction", "box shape (width over height)"),
    Column("box_x", "prediction", "boxes' position from left (0) to right (1)"),
    Column("box_y", "prediction", "boxes' position from top (0) to bottom (1)"),
    Column("photo_size", "input", "photo size (megapixels)"),
    Column("photo_shape", "input", "photo's width over its height"),
    Column("brightness", "input", "brightness (0 to 1)"),
    Column("contrast", "input", "contrast (0 to 0.5)"),
    Column("sharpness", "input", "sharpness"),
    Column("saturation", "input", "colour saturation (0 to 1)"),
    Column("count_error", "quality", "counted minus true (by feedback)"),
    Column("wrong", "quality", "fraction of answers called wrong (by feedback)", is_fraction=True),
)
NAMES = tuple(column.name for column in COLUMNS)
OF_CLASS, COUNT_OF = "class:", "count:"  # before the class, in the name of a column
DECIMALS = 6
LEAST_SIDE_PX = 0.01  # a box of no height has a shape, too
IMAGE_STATISTICS = ("brightness", "contrast", "sharpness", "saturation")


def column_titles(window: Window) -> dict[str, str]:
    """Columns that a report of this window calls otherwise: the count, if there are minimums."""
    most = window.photos["n_detections"][minimums(window.photos)]
    if most.empty:
        return {}
    return {"count": f"count ({int(most.max())} means {int(most.max())} or more)"}


def columns_of_model(classes: Sequence[str]) -> tuple[Column, ...]:
    """``COLUMNS``, the mix of a model's classes, and the count of each.

    One class has no mix, its count is among ``COLUMNS``, and of two the second one's fraction is
    all of the mix.
    """
    if len(classes) < 2:
        return COLUMNS
    mixed = classes[1:] if len(classes) == 2 else classes
    return (*COLUMNS, *map(class_column, mixed), *map(class_count_column, classes))


def class_column(label: str) -> Column:
    """The fraction of a photo's boxes that are of a class."""
    words = f"fraction of boxes that are {plural(label)}"
    return Column(OF_CLASS + label, "prediction", words, is_fraction=True, label=label)


def class_count_column(label: str) -> Column:
    """How many boxes of a class a photo has."""
    words = f"{plural(label)} per photo"
    return Column(COUNT_OF + label, "prediction", words, label=label)


def column_named(name: str) -> Column | None:
    """A watched column by its name; None for what is no number of a photo."""
    if name.startswith(OF_CLASS):
        return class_column(name.removeprefix(OF_CLASS))
    if name.startswith(COUNT_OF):
        return class_count_column(name.removeprefix(COUNT_OF))
    return next((column for column in COLUMNS if column.name == name), None)


def photo_values(window: Window, chosen: Sequence[Column] = COLUMNS) -> Floats:
    """[photos, columns] in the order of ``chosen``; NaN where a photo has no such number.

    A photo that could not be counted has no predictions, one that could not be read has no
    image statistics, one without a detection has no score and no boxes, one without feedback has no
    quality. Of several remarks on a photo the last counts. A count that is a minimum has no error
    where there are more.
    """
    photos = window.photos
    counted = photos["error"].isna().to_numpy()
    n_boxes = np.where(counted, photos["n_detections"].to_numpy(dtype=float), np.nan)
    width = photos["width_px"].to_numpy(dtype=float)
    height = photos["height_px"].to_numpy(dtype=float)
    width, height = (np.where(side > 0, side, np.nan) for side in (width, height))
    columns = {
        "count": n_boxes,
        "empty": np.where(np.isnan(n_boxes), np.nan, n_boxes == 0),
        **_box_means(window, width, height),
        "photo_size": width * height / 1e6,
        "photo_shape": width / height,
        **{name: photos[name].to_numpy(dtype=float) for name in IMAGE_STATISTICS},
        **_quality(window, n_boxes),
    }
    columns |= {c.name: _of_class(window, c, n_boxes) for c in chosen if c.label is not None}
    # A constant that was summed in another order must stay a constant.
    return np.column_stack([columns[column.name] for column in chosen]).round(DECIMALS)


def photo_table(window: Window, chosen: Sequence[Column] = COLUMNS) -> pd.DataFrame:
    """``photo_values`` under the columns' names."""
    return pd.DataFrame(photo_values(window, chosen), columns=[c.name for c in chosen])


def _box_means(window: Window, width_px: Floats, height_px: Floats) -> dict[str, Floats]:
    """Means over each photo's boxes [photos]; a box is measured in fractions of its photo."""
    boxes = window.boxes
    photo = pd.Index(window.photos["id"]).get_indexer(pd.Index(boxes["prediction_id"]))
    x_min, y_min, x_max, y_max = (
        boxes[f"{name}_px"].to_numpy() for name in ("x_min", "y_min", "x_max", "y_max")
    )
    wide, high = width_px[photo], height_px[photo]
    box_width, box_height = (x_max - x_min).clip(min=0), (y_max - y_min).clip(min=0)
    area = box_width * box_height / (wide * high)
    values = {
        "score": boxes["score"].to_numpy(),
        "box_size": np.sqrt(area),
        "box_shape": box_width / box_height.clip(min=LEAST_SIDE_PX),
        "box_x": (x_min + x_max) / 2 / wide,
        "box_y": (y_min + y_max) / 2 / high,
    }
    n_photos = len(width_px)
    number = np.bincount(photo, minlength=n_photos).astype(float)
    number[number == 0] = np.nan
    return {
        name: np.bincount(photo, value, minlength=n_photos) / number
        for name, value in values.items()
    }


def _of_class(window: Window, column: Column, n_boxes: Floats) -> Floats:
    """Each photo's boxes of the column's class [photos], or their part of all, 0..1.

    Boxes and not the log's class counts are read: photos logged by earlier releases have boxes.
    """
    photo = pd.Index(window.photos["id"]).get_indexer(pd.Index(window.boxes["prediction_id"]))
    of_class = (window.boxes["label"] == column.label).to_numpy(dtype=float)
    count = np.bincount(photo, of_class, minlength=len(n_boxes)).astype(float)
    if column.is_fraction:
        return count / np.where(n_boxes > 0, n_boxes, np.nan)
    return np.where(np.isnan(n_boxes), np.nan, count)


def _quality(window: Window, n_boxes: Floats) -> dict[str, Floats]:
    """Count error and "this is wrong" [photos], by the last remark on each photo."""
    remarks = window.feedback.drop_duplicates("prediction_id", keep="last")
    remarks = remarks.set_index("prediction_id").reindex(window.photos["id"])
    true_count = remarks["true_count"].to_numpy(dtype=float)
    said_wrong = remarks["wrong"].to_numpy(dtype=object) == True  # noqa: E712 NaN: no remark
    remarked = remarks["wrong"].notna().to_numpy()
    error = n_boxes - true_count
    error[minimums(window.photos) & (error < 0)] = np.nan  # "120 or more" is right
    wrong = said_wrong | (~np.isnan(error) & (error != 0))
    return {"count_error": error, "wrong": np.where(remarked, wrong, np.nan)}
