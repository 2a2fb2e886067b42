"""Pictures of an evaluated model, for the cards."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from sparrow.boxes import as_boxes
from sparrow.config import Config
from sparrow.data.licences import attribution
from sparrow.data.tables import XYXY, Dataset
from sparrow.detections import Detections

if TYPE_CHECKING:
    from sparrow.evaluation.evaluate import Evaluation
    from sparrow.evaluation.scored import Scored


def evaluation_pictures(config: Config, dataset: Dataset, scored: Scored) -> dict[str, bytes]:
    """One attributed example photo of the test split, and the curves, by title."""
    from sparrow.reports.figures import evaluation_pngs, reliability_png

    pictures = {
        name.removesuffix(".png").replace("_", " ").capitalize(): png
        for name, png in evaluation_pngs(scored.evaluation).items()
    }
    if scored.count_check is not None:
        pictures["Reliability"] = reliability_png(scored.count_check.reliability)
    test = dataset.subset("test")
    title, example = example_picture(test, scored.evaluation, scored.detections, config.seed)
    return {title: example, **pictures}


def mistake_pictures(dataset: Dataset, scored: Scored) -> dict[str, bytes]:
    """The photos of the test split with the worst misses and false alarms, by title."""
    from sparrow.reports.galleries import worst_false_alarms, worst_misses

    test, pictures = dataset.subset("test"), {}
    for title, gallery in (("Worst misses", worst_misses), ("False alarms", worst_false_alarms)):
        png = gallery(test, scored)
        if png is not None:
            pictures[title] = png
    return pictures


def example_picture(
    test: Dataset, evaluation: Evaluation, found: Mapping[str, Detections], seed: int
) -> tuple[str, bytes]:
    """A random test photo with birds, its true boxes dashed and the found ones with their scores.

    Returns:
        The attribution (author, source, licence, that boxes were drawn in) and the PNG.
    """
    import numpy as np
    from PIL import Image

    from sparrow.drawing import draw_detections
    from sparrow.images import read_image

    candidates = test.images[test.images["n_boxes"] > 0]
    row = candidates.iloc[int(np.random.default_rng(seed).integers(len(candidates)))]
    kept = found[row["image"]].above(evaluation.threshold)
    truth = as_boxes(test.boxes.loc[test.boxes["image"] == row["image"], XYXY])
    drawn = draw_detections(
        read_image(test.image_path(row["image"])), kept.boxes_xyxy, kept.scores, truth_xyxy=truth
    )
    buffer = io.BytesIO()
    Image.fromarray(drawn).save(buffer, "PNG")
    changes = f"modified: boxes drawn in ({len(kept)} found, {len(truth)} true)"
    return attribution(row.to_dict(), changes), buffer.getvalue()


def training_picture(samples: Sequence[tuple[Any, Any]], columns: int = 4) -> bytes:
    """A contact sheet of training photos as the network sees them, with their boxes.

    Args:
        samples: (uint8 [H, W, 3], boxes float [N, 4] xyxy px) of each photo.
        columns: photos side by side.

    Returns:
        A PNG; the photos keep their proportions, so that crops and zooms can be told.
    """
    from PIL import Image

    from sparrow.drawing import draw_detections

    drawn = [Image.fromarray(draw_detections(image, boxes, None)) for image, boxes in samples]
    rows = [drawn[i : i + columns] for i in range(0, len(drawn), columns)]
    cell_px = max((max(photo.size) for photo in drawn), default=1)
    gap_px = max(2, cell_px // 40)
    step_px = cell_px + gap_px
    heights = [max(photo.height for photo in row) for row in rows]
    size = (columns * step_px + gap_px, sum(heights) + gap_px * (len(rows) + 1))
    sheet = Image.new("RGB", size, "white")
    top = gap_px
    for row, height in zip(rows, heights, strict=True):
        for column, photo in enumerate(row):
            sheet.paste(photo, (gap_px + column * step_px, top))
        top += height + gap_px
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()
