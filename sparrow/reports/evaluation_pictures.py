"""Pictures of an evaluated model, for the cards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sparrow.boxes import Boxes, as_boxes
from sparrow.config import Config
from sparrow.data.licences import attribution, shown_photos
from sparrow.data.tables import XYXY, Dataset
from sparrow.detections import Detections
from sparrow.drawing.boxes import TRUTH_COLOR, BoxStyle, draw_boxes
from sparrow.drawing.class_boxes import draw_class_boxes
from sparrow.drawing.pictures import encode_jpeg, encode_png
from sparrow.drawing.sheets import SheetStyle, Tile, contact_sheet
from sparrow.images import RgbImage, read_image
from sparrow.predictions.record import LoggedBox

if TYPE_CHECKING:
    from sparrow.evaluation.scored import Scored

EXAMPLE_QUALITY = 88  # of its JPEG


def evaluation_pictures(scored: Scored) -> dict[str, bytes]:
    """The curves of an evaluation: PNG by title."""
    from sparrow.reports.confusion_figure import CONFUSION, confusion_png
    from sparrow.reports.figures import evaluation_pngs, reliability_png

    pictures = {
        name.removesuffix(".png").replace("_", " ").capitalize(): png
        for name, png in evaluation_pngs(scored.evaluation).items()
    }
    if scored.evaluation.confusion is not None:
        pictures[CONFUSION] = confusion_png(scored.evaluation.confusion)
    if scored.count_check is not None:
        pictures["Reliability"] = reliability_png(scored.count_check.reliability)
    return pictures


def example_of(config: Config, dataset: Dataset, scored: Scored) -> Example | None:
    """An attributed example photo of the test split; None where none may be shown."""
    test = shown_photos(dataset.subset("test"), config.data.show_licenses)
    return example_picture(test, scored, config.seed)


def mistake_pictures(config: Config, dataset: Dataset, scored: Scored) -> dict[str, bytes]:
    """The photos of the test split with the worst misses and false alarms, by title."""
    from sparrow.reports.galleries import ScoredPhotos, worst_false_alarms, worst_misses

    test = dataset.subset("test")
    licences = config.data.show_licenses
    photos = ScoredPhotos(test, scored.detections, scored.flat, scored.evaluation, licences)
    pictures = {}
    for title, gallery in (("Worst misses", worst_misses), ("False alarms", worst_false_alarms)):
        png = gallery(photos)
        if png is not None:
            pictures[title] = png
    return pictures


@dataclass(frozen=True)
class Example:
    """A photo with boxes drawn in.

    Attributes:
        photo: its row of ``Dataset.images``.
        changes: what was done to it, which the licences want stated.
        jpeg: the picture.
    """

    photo: Mapping[str, Any]  # a row of a table, of many types
    changes: str
    jpeg: bytes

    @property
    def credit(self) -> str:
        """Author, source, licence and changes in a line."""
        return attribution(self.photo, self.changes)


def example_picture(test: Dataset, scored: Scored, seed: int) -> Example | None:
    """A random test photo with objects: true boxes dashed, detections with class and score.

    None where no photo has any.

    Args:
        test: the photos that may be shown (``licences.shown_photos``).
    """
    candidates = test.images[test.images["n_boxes"] > 0]
    if candidates.empty:
        return None
    row = candidates.iloc[int(np.random.default_rng(seed).integers(len(candidates)))]
    names = scored.flat.class_names
    kept = scored.detections[row["image"]].above(scored.evaluation.threshold)
    truth = as_boxes(test.boxes.loc[test.boxes["image"] == row["image"], XYXY])
    photo = read_image(test.image_path(row["image"]))
    drawn = draw_boxes(photo, truth, style=BoxStyle(TRUTH_COLOR, dashed=True))
    drawn = draw_class_boxes(drawn, _named_boxes(kept, names), names)
    changes = f"modified: boxes drawn in ({len(kept)} found, {len(truth)} true)"
    photo_row = {str(name): value for name, value in row.items()}
    return Example(photo_row, changes, encode_jpeg(drawn, EXAMPLE_QUALITY))


def _named_boxes(detections: Detections, class_names: Sequence[str]) -> list[LoggedBox]:
    rows = zip(detections.labels, detections.scores, detections.boxes_xyxy, strict=True)
    return [
        LoggedBox(class_names[label - 1], float(score), *map(float, box))
        for label, score, box in rows
    ]


def training_picture(samples: Sequence[tuple[RgbImage, Boxes]], columns: int = 4) -> bytes:
    """A contact sheet of training photos as the network sees them, with their boxes.

    Args:
        samples: (uint8 [H, W, 3], boxes float [N, 4] xyxy px) of each photo.
        columns: photos side by side.

    Returns:
        A PNG; the photos keep their proportions, so that crops and zooms can be told.
    """
    drawn = [draw_boxes(image, boxes) for image, boxes in samples]
    tile_px = max((max(image.shape[:2]) for image in drawn), default=1)
    style = SheetStyle(columns, tile_px, gap_px=max(2, tile_px // 40))
    return encode_png(contact_sheet([Tile(image) for image in drawn], style))
