"""Contact sheets of the worst mistakes: missed objects and false detections.

Amber boxes are right, red ones false; dashed red marks a missed object.
"""

from __future__ import annotations

import io
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sparrow.data.tables import XYXY, Dataset
from sparrow.detections import Detections
from sparrow.drawing import WRONG_COLOR, draw_detections
from sparrow.evaluation.scored import Scored
from sparrow.images import RgbImage, read_image

TILE_PX, CAPTION_PX, GAP_PX, COLUMNS = 320, 64, 10, 3
CAPTION_FONT_PX = 13


def worst_misses(dataset: Dataset, scored: Scored, photos: int = 6) -> bytes | None:
    """PNG of the photos with the most missed objects; None when none is missed."""
    return _gallery(dataset, scored, "fn", photos)


def worst_false_alarms(dataset: Dataset, scored: Scored, photos: int = 6) -> bytes | None:
    """PNG of the photos with the most false detections; None when there is none."""
    return _gallery(dataset, scored, "fp", photos)


def photo_credit(row: Mapping[str, object]) -> tuple[str, str]:
    """(author and source, licence) of a photo; what is not known is left out."""
    known = {name: str(row.get(name) or "") for name in ("author", "source", "license")}
    for name, text in known.items():
        if text in ("unknown", "nan", "None"):
            known[name] = ""
    by = " · ".join(text for text in (known["author"], known["source"]) if text)
    return by or "author unknown", known["license"] or "licence unknown"


def _gallery(dataset: Dataset, scored: Scored, column: str, photos: int) -> bytes | None:
    table = scored.evaluation.per_photo
    # Of photos with equally many mistakes the one with fewer objects is the worse.
    worst = table[table[column] > 0].sort_values(
        [column, "n_true", "image"], ascending=[False, True, True]
    )
    tiles = [_photo_tile(dataset, scored, int(place)) for place in worst.index[:photos]]
    return _sheet(tiles) if tiles else None


def _photo_tile(dataset: Dataset, scored: Scored, place: int) -> Image.Image:
    """A photo with its mistakes; ``place`` is its row in ``Evaluation.per_photo``."""
    evaluation = scored.evaluation
    counts = evaluation.per_photo.iloc[place]
    image, photo = str(counts["image"]), scored.flat.photos.iloc[place]
    kept = scored.detections[image].above(evaluation.threshold)
    matched = scored.flat.matched_in(place, evaluation.iou)[: len(kept)]
    boxes = dataset.boxes[dataset.boxes["image"] == image]
    boxes = boxes[boxes["label"].isin(scored.flat.class_names)]
    truths = boxes[XYXY].to_numpy(dtype=np.float64)
    missed = np.ones(len(truths), dtype=bool)
    missed[matched[matched >= 0]] = False
    drawn = _mistakes(read_image(dataset.image_path(image)), kept, matched < 0, truths[missed])
    caption = f"{counts['n_true']} there: {counts['fn']} missed, {counts['fp']} false"
    return _tile(drawn, (caption, *photo_credit({str(k): v for k, v in photo.items()})))


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
