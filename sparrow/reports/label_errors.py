"""The label-error candidates as one HTML page: each photo with its boxes and candidates."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from sparrow.data.checks.label_errors import NO_BOX
from sparrow.data.licences import attribution, shown_photos
from sparrow.data.tables import XYXY, Dataset
from sparrow.drawing.boxes import (
    DETECTION_COLOR,
    OTHER_COLOR,
    WRONG_COLOR,
    BoxStyle,
    draw_boxes,
)
from sparrow.drawing.pictures import encode_jpeg, fit_within
from sparrow.images import ImageError, RgbImage, read_image
from sparrow.reports.templates import render

PHOTOS_SHOWN = 48
PHOTO_PX = 340
KEYS = (
    (DETECTION_COLOR, "a box of the table"),
    (OTHER_COLOR, "surely detected, but no box"),
    (WRONG_COLOR, "a box in which nothing at all was detected"),
)


def label_errors_html(
    candidates: pd.DataFrame, dataset: Dataset, model: str, licences: Sequence[str] | None = None
) -> str:
    """One self-contained page, the photo with the surest candidate first.

    Args:
        candidates: of ``label_errors.label_error_candidates``.
        dataset: the photos it is about.
        model: which model disagrees, in words.
        licences: ``data.show_licenses``; other photos are named, not shown.
    """
    names = candidates["image"].drop_duplicates()
    photos = shown_photos(dataset, licences).images.set_index("image", drop=False)
    pictures = []
    for name in names[names.isin(photos.index)].head(PHOTOS_SHOWN):
        if (small := candidates_picture(name, candidates, dataset)) is not None:
            credit = attribution(photos.loc[name].to_dict(), "boxes drawn in")
            pictures.append((encode_jpeg(small), credit))
    return render(
        "label_errors.html",
        title="Labels worth a second look",
        model=model,
        photos=len(dataset.images),
        candidates=len(candidates),
        named=len(names),
        shown=PHOTOS_SHOWN,
        keys=KEYS,
        withheld=[str(name) for name in names[~names.isin(photos.index)]],
        pictures=pictures,
    )


def candidates_picture(name: str, candidates: pd.DataFrame, dataset: Dataset) -> RgbImage | None:
    """A photo, its boxes and the candidates in it; None where the photo cannot be read."""
    try:
        small, scale = fit_within(read_image(dataset.image_path(name)), PHOTO_PX)
    except ImageError:
        return None
    labelled = dataset.boxes.loc[dataset.boxes["image"] == name, XYXY]
    drawn = draw_boxes(small, labelled.to_numpy(dtype=float) * scale)
    here = candidates[candidates["image"] == name]
    without_box = here["kind"] == NO_BOX
    empty, unlabelled = here[~without_box], here[without_box]
    drawn = draw_boxes(drawn, empty[XYXY].to_numpy() * scale, style=BoxStyle(WRONG_COLOR))
    boxes, scores = unlabelled[XYXY].to_numpy() * scale, unlabelled["score"].to_numpy()
    return draw_boxes(drawn, boxes, scores, BoxStyle(OTHER_COLOR))
