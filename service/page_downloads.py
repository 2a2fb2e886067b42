"""The files that a visitor downloads: what is on the screen, as table, COCO or pictures."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from service.page_photo import PagePhoto, ShownBox
from service.page_protocol import Download
from service.page_room import PageRoom
from service.page_sightings import class_names, visits_csv
from service.pictures import annotated, encoded
from sparrow.drawing.boxes import BoxStyle
from sparrow.images import MAX_FILE_BYTES, ImageError, RgbImage, read_image
from sparrow.inference.count_formats import coco, columns_by_class, csv_text, row
from sparrow.predictions.record import LoggedBox, PredictionRecord

NAMES = {
    "csv": "counts.csv",
    "visits": "visits.csv",
    "coco": "counts.coco.json",
    "pictures": "annotated.zip",
}
BYTES_PER_PIXEL = 0.5  # of a picture, rather too much: 0.38 was measured of nothing but grain
BYTES_PER_PHOTO = 100_000  # of a table
DRAWN = 1.0  # in the place of the score that a person's box has not; it gets into no file


def write_download(photos: Sequence[PagePhoto], options: Download, room: PageRoom) -> Path:
    """Write the file that is asked for, of the boxes that are on the screen.

    Raises:
        ValueError: a photo's file no longer exists (files are kept for an hour), or no room.
        OSError: the disk is full.
    """
    records = [_as_shown(photo, options.min_score) for photo in photos]
    if options.what == "pictures":
        return _write_pictures(photos, records, options, room)
    file = room.take(BYTES_PER_PHOTO * len(photos)) / NAMES[options.what]
    if options.what == "csv":
        by_class = columns_by_class(class_names(photos))
        text = csv_text([row(record, by_class) for record in records], by_class)
    elif options.what == "visits":
        text = visits_csv(photos, options.min_score)
    else:
        text = json.dumps(_coco(photos, records, options.min_score), indent=1)
    file.write_text(text, encoding="utf-8")
    return file


def _write_pictures(
    photos: Sequence[PagePhoto],
    records: Sequence[PredictionRecord],
    options: Download,
    room: PageRoom,
) -> Path:
    pixels = sum(record.width_px * record.height_px for record in records)
    file = room.take(int(BYTES_PER_PIXEL * pixels)) / NAMES["pictures"]
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for position, (photo, record) in enumerate(zip(photos, records, strict=True), 1):
            if record.error is None:
                picture = encoded(_drawn(photo, record, scores=options.scores))
                archive.writestr(f"{position:03d}-{Path(photo.file.name).stem}.jpg", picture)
    return file


def _drawn(photo: PagePhoto, record: PredictionRecord, *, scores: bool) -> RgbImage:
    """The photo in its own size with the boxes of ``record``; uint8 [height, width, 3], upright."""
    try:
        content = photo.file.read(MAX_FILE_BYTES)
        image = read_image(content, record.width_px * record.height_px)
    except (OSError, ImageError) as error:  # it was readable once: it is removed or replaced
        raise ValueError(f"{photo.file.name} is no longer here; please add it again.") from error
    style = BoxStyle(show_scores=scores and photo.corrected is None)
    return annotated(image, record, photo.class_names, style=style)


def _as_shown(photo: PagePhoto, min_score: float | None) -> PredictionRecord:
    """The photo's record with the count, the interval and the boxes of the screen."""
    low, high = photo.interval(min_score)
    return replace(
        photo.counted.record,
        boxes=tuple(_logged(box) for box in photo.boxes(min_score)),
        count=photo.count(min_score),
        count_low=low,
        count_high=high,
        class_counts=photo.class_counts(min_score),
    )


def _logged(box: ShownBox) -> LoggedBox:
    return LoggedBox(box.label, DRAWN if box.score is None else box.score, *box.corners_px)


def _coco(
    photos: Sequence[PagePhoto], records: Sequence[PredictionRecord], min_score: float | None
) -> dict[str, object]:
    """COCO's data format; a box that a person drew has no score."""
    made = coco(records, class_names(photos))
    readable = [photo for photo in photos if photo.counted.record.error is None]
    boxes = [box for photo in readable for box in photo.boxes(min_score)]
    for annotation, box in zip(made["annotations"], boxes, strict=True):
        if box.score is None:
            del annotation["score"]
    return made
