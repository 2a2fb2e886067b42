"""Contact sheets of the worst mistakes: the birds a model misses and the ones it makes up.

Amber boxes are right, red ones false; dashed red marks a bird that was missed.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sparrow.data.tables import XYXY, Dataset
from sparrow.detections import Detections
from sparrow.drawing import WRONG_COLOR, draw_detections
from sparrow.evaluation.evaluate import Evaluation
from sparrow.evaluation.matching import flatten, match
from sparrow.images import RgbImage, read_image

TILE_PX, CAPTION_PX, GAP_PX, COLUMNS = 320, 64, 10, 3
CAPTION_FONT_PX = 13


def worst_misses(
    dataset: Dataset,
    predictions: Mapping[str, Detections],
    class_names: Sequence[str],
    evaluation: Evaluation,
    photos: int = 6,
) -> bytes | None:
    """PNG of the photos with the most missed birds; None when none is missed."""
    return _gallery(dataset, predictions, evaluation, class_names, "fn", photos)


def worst_false_alarms(
    dataset: Dataset,
    predictions: Mapping[str, Detections],
    class_names: Sequence[str],
    evaluation: Evaluation,
    photos: int = 6,
) -> bytes | None:
    """PNG of the photos with the most false birds; None when there is none."""
    return _gallery(dataset, predictions, evaluation, class_names, "fp", photos)


def photo_credit(row: Mapping[str, object]) -> tuple[str, str]:
    """(author and source, licence) of a photo; what is not known is left out."""
    known = {name: str(row.get(name) or "") for name in ("author", "source", "license")}
    for name, text in known.items():
        if text in ("unknown", "nan", "None"):
            known[name] = ""
    by = " · ".join(text for text in (known["author"], known["source"]) if text)
    return by or "author unknown", known["license"] or "licence unknown"


def _gallery(
    dataset: Dataset,
    predictions: Mapping[str, Detections],
    evaluation: Evaluation,
    class_names: Sequence[str],
    column: str,
    photos: int,
) -> bytes | None:
    table = evaluation.per_photo
    # Of photos with equally many mistakes the one with fewer birds is the worse.
    worst = table[table[column] > 0].sort_values(
        [column, "n_true", "image"], ascending=[False, True, True]
    )
    tiles = []
    for one in worst.head(photos).to_dict("records"):
        image = one["image"]
        photo = Dataset(
            dataset.root,
            dataset.images[dataset.images["image"] == image],
            dataset.boxes[dataset.boxes["image"] == image],
        )
        kept = predictions[image].above(evaluation.threshold)
        found = match(flatten(photo, {image: kept}, class_names), [evaluation.iou])[0]
        missed = np.ones(len(photo.boxes), dtype=bool)
        missed[found[found >= 0]] = False
        drawn = _mistakes(
            read_image(dataset.image_path(image)),
            kept,
            found < 0,
            photo.boxes[XYXY].to_numpy(dtype=np.float64)[missed],
        )
        caption = f"{one['n_true']} there: {one['fn']} missed, {one['fp']} false"
        row = {str(key): value for key, value in photo.images.iloc[0].items()}
        tiles.append(_tile(drawn, (caption, *photo_credit(row))))
    return _sheet(tiles) if tiles else None


def _mistakes(
    photo: RgbImage, kept: Detections, wrong: NDArray[np.bool_], missed: NDArray[np.float64]
) -> RgbImage:
    """The photo scaled first and drawn on after, so that lines and labels stay readable."""
    height, width = photo.shape[:2]
    scale = min(TILE_PX / width, TILE_PX / height)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = np.asarray(Image.fromarray(photo).resize(size, Image.Resampling.LANCZOS))
    boxes, scores = kept.boxes_xyxy * scale, kept.scores
    drawn = draw_detections(small, boxes[~wrong], scores[~wrong])
    return draw_detections(
        drawn,
        boxes[wrong],
        scores[wrong],
        color=WRONG_COLOR,
        truth_xyxy=missed * scale,
        truth_color=WRONG_COLOR,
    )


def _tile(drawn: RgbImage, captions: tuple[str, str, str]) -> Image.Image:
    tile = Image.new("RGB", (TILE_PX, TILE_PX + CAPTION_PX), "white")
    height, width = drawn.shape[:2]
    tile.paste(Image.fromarray(drawn), ((TILE_PX - width) // 2, TILE_PX - height))
    pen = ImageDraw.Draw(tile)
    font = ImageFont.load_default(size=CAPTION_FONT_PX)
    for line, text in enumerate(captions):
        color = "#777777" if line else "#222222"
        pen.text((2, TILE_PX + 4 + line * 18), _shortened(text, font), fill=color, font=font)
    return tile


def _shortened(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    if font.getlength(text) <= TILE_PX - 4:
        return text
    while text and font.getlength(text + "…") > TILE_PX - 4:
        text = text[:-1]
    return text + "…"


def _sheet(tiles: list[Image.Image]) -> bytes:
    columns = min(COLUMNS, len(tiles))
    lines = -(-len(tiles) // columns)
    width, height = tiles[0].size
    sheet = Image.new(
        "RGB",
        (columns * (width + GAP_PX) + GAP_PX, lines * (height + GAP_PX) + GAP_PX),
        "white",
    )
    for number, tile in enumerate(tiles):
        line, column = divmod(number, columns)
        sheet.paste(tile, (GAP_PX + column * (width + GAP_PX), GAP_PX + line * (height + GAP_PX)))
    buffer = io.BytesIO()
    sheet.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
