"""The review list as one HTML page: every doubted photo with its boxes and what is doubted."""

from __future__ import annotations

import html

import pandas as pd
from PIL import Image, ImageDraw

from sparrow.data.checks.label_errors import NO_BOX
from sparrow.data.licences import attribution
from sparrow.data.tables import XYXY, Dataset
from sparrow.reports.html import figure, page, read_thumbnail

PHOTOS_SHOWN = 48
PHOTO_PX = 340
BOX, UNLABELLED, UNFOUND = (255, 196, 0), (0, 150, 255), (230, 30, 30)


def review_html(review: pd.DataFrame, dataset: Dataset, model: str) -> str:
    """One self-contained page, the photo with the surest doubt first.

    Args:
        review: of ``review.label_error_candidates``.
        dataset: the photos it is about.
        model: which model doubts, in words.
    """
    names = review["image"].drop_duplicates()
    photos = dataset.images.set_index("image", drop=False)
    figures = []
    for name in names.head(PHOTOS_SHOWN):
        small = doubts_picture(name, review, dataset)
        if small is not None:
            row = photos.loc[name].to_dict()
            figures.append(figure(small, attribution(row, "boxes drawn in"), PHOTO_PX))
    more = len(names) - len(names.head(PHOTOS_SHOWN))
    rest = f" The first {PHOTOS_SHOWN} are shown; the report lists all." if more else ""
    parts = [
        "<h1>Labels worth a second look</h1>",
        f"<p>{html.escape(model)} looked at {len(dataset.images):,} photos and strongly disagrees "
        f"with {len(review):,} labels in {len(names):,} of them. The model may be wrong as well as "
        f"the label: nothing here is an error, and nothing was changed.{rest}</p>",
        f"<p>{_key(BOX, 'a box of the table')}{_key(UNLABELLED, 'surely found, but no box')}"
        f"{_key(UNFOUND, 'a box in which nothing at all was found')}</p>",
        "<p>To correct boxes: <code>sparrow export coco</code>, any labelling tool that reads it, "
        "then <code>sparrow import coco --new</code>; the next intake takes the corrections.</p>",
        f'<div class="photos">{"".join(figures)}</div>',
    ]
    return page("Labels worth a second look", parts)


def doubts_picture(name: str, review: pd.DataFrame, dataset: Dataset) -> Image.Image | None:
    """A photo, its boxes and the doubts about it; None where the photo cannot be read."""
    read = read_thumbnail(dataset.image_path(name), PHOTO_PX)
    if read is None:
        return None
    small, scale = read
    draw = ImageDraw.Draw(small)
    for box in dataset.boxes.loc[dataset.boxes["image"] == name, XYXY].to_numpy():
        draw.rectangle([side * scale for side in box], outline=BOX, width=2)
    for doubt in review[review["image"] == name].to_dict("records"):
        colour = UNLABELLED if doubt["doubt"] == NO_BOX else UNFOUND
        corners = [doubt[column] * scale for column in XYXY]
        draw.rectangle(corners, outline=colour, width=3)
        if doubt["doubt"] == NO_BOX:
            _score(draw, corners, doubt["score"], colour)
    return small


def _score(
    draw: ImageDraw.ImageDraw, corners: list[float], score: float, colour: tuple[int, int, int]
) -> None:
    text = f"{score:.2f}"
    place = (corners[0] + 3, max(corners[1] - 14, 3))  # within the frame
    left, top, right, bottom = draw.textbbox(place, text)
    draw.rectangle((left - 3, top - 2, right + 3, bottom + 2), fill=colour)
    draw.text(place, text, fill="white")


def _key(colour: tuple[int, int, int], meaning: str) -> str:
    shade = ",".join(map(str, colour))
    return f'<span class="key" style="border-color:rgb({shade})"></span>{html.escape(meaning)} '
