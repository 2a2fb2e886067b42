"""Contact sheets of the worst mistakes: the objects a model misses and the ones it makes up.

Amber boxes are right, red ones false; dashed red marks an object that was missed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from sparrow.boxes import Boxes
from sparrow.data.licences import shown_photos
from sparrow.data.tables import XYXY, Dataset
from sparrow.detections import Detections
from sparrow.drawing.boxes import WRONG_COLOR, BoxStyle, draw_boxes
from sparrow.drawing.pictures import encode_png, fit_within
from sparrow.drawing.sheets import SheetStyle, Tile, contact_sheet
from sparrow.evaluation.evaluate import Evaluation
from sparrow.evaluation.matching import FlatDetections
from sparrow.images import RgbImage, read_image

TILE_PX, COLUMNS, PHOTOS = 320, 3, 6


@dataclass(frozen=True, eq=False)
class ScoredPhotos:
    """Photos with what a model detected in them.

    Attributes:
        dataset: the photos and their boxes.
        detections: of each photo, by name, down to low scores.
        flat: the same, matched with the boxes.
        evaluation: of these detections; its threshold and IoU say what is a mistake.
        licences: ``data.show_licenses``; other photos are not shown.
    """

    dataset: Dataset
    detections: Mapping[str, Detections]
    flat: FlatDetections
    evaluation: Evaluation
    licences: Sequence[str] | None = None


def worst_misses(scored: ScoredPhotos, photos: int = PHOTOS) -> bytes | None:
    """PNG of the photos with the most missed objects; None when none is missed."""
    return _gallery(scored, "fn", photos)


def worst_false_alarms(scored: ScoredPhotos, photos: int = PHOTOS) -> bytes | None:
    """PNG of the photos with the most false detections; None when there is none."""
    return _gallery(scored, "fp", photos)


def photo_credit(row: Mapping[str, object]) -> tuple[str, str]:
    """(author and source, licence) of a photo; what is not known is left out."""
    known = {name: str(row.get(name) or "") for name in ("author", "source", "license")}
    for name, text in known.items():
        if text in ("unknown", "nan", "None"):
            known[name] = ""
    by = " · ".join(text for text in (known["author"], known["source"]) if text)
    return by or "author unknown", known["license"] or "licence unknown"


def _gallery(scored: ScoredPhotos, column: Literal["fn", "fp"], photos: int) -> bytes | None:
    table = scored.evaluation.per_photo
    shown = shown_photos(scored.dataset, scored.licences).images["image"]
    table = table[table["image"].isin(shown)]
    # Of photos with equally many mistakes the one with fewer objects is the worse.
    worst = table[table[column] > 0].sort_values(
        [column, "n_true", "image"], ascending=[False, True, True]
    )
    tiles = [_tile(scored, int(place)) for place in worst.index[:photos]]
    if not tiles:
        return None
    style = SheetStyle(min(COLUMNS, len(tiles)), TILE_PX, text_lines=3)
    return encode_png(contact_sheet(tiles, style))


def _tile(scored: ScoredPhotos, place: int) -> Tile:
    """A photo with its mistakes; ``place``: its row of ``per_photo``."""
    counts, dataset = scored.evaluation.per_photo.iloc[place], scored.dataset
    image = str(counts["image"])
    kept = scored.detections[image].above(scored.evaluation.threshold)
    # [N] number of the photo's true box, -1: none; the threshold cuts the lowest scores off.
    matched = scored.flat.matched_in(place, scored.evaluation.iou)[: len(kept)]
    boxes = dataset.boxes[dataset.boxes["image"] == image]
    boxes = boxes[boxes["label"].isin(scored.flat.class_names)]
    truth = boxes[XYXY].to_numpy(dtype=np.float64)
    missed = np.ones(len(truth), dtype=bool)
    missed[matched[matched >= 0]] = False
    pixels = read_image(dataset.image_path(image))
    caption = f"{counts['n_true']} there: {counts['fn']} missed, {counts['fp']} false"
    row = {str(name): value for name, value in scored.flat.photos.iloc[place].items()}
    return Tile(_mistakes(pixels, kept, matched < 0, truth[missed]), caption, photo_credit(row))


def _mistakes(photo: RgbImage, kept: Detections, wrong: np.ndarray, missed: Boxes) -> RgbImage:
    """The photo made small first and drawn on after, so that lines and labels stay readable."""
    small, scale = fit_within(photo, TILE_PX)
    boxes, scores = kept.boxes_xyxy * scale, kept.scores
    drawn = draw_boxes(small, boxes[~wrong], scores[~wrong])
    drawn = draw_boxes(drawn, missed * scale, style=BoxStyle(WRONG_COLOR, dashed=True))
    return draw_boxes(drawn, boxes[wrong], scores[wrong], BoxStyle(WRONG_COLOR))
