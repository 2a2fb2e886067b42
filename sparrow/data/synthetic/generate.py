"""Sets of synthetic photos with boxes: the offline demo's data and the tests'."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
from PIL import Image

from sparrow.data.formats.annotations import refuse_files
from sparrow.data.formats.csv import write_csv
from sparrow.data.formats.exchange import read_csv
from sparrow.data.ingest.atomic_dir import file_lock, replace_directory
from sparrow.data.synthetic.authors import authors
from sparrow.data.synthetic.process import draw_photos
from sparrow.data.synthetic.settings import SyntheticSettings
from sparrow.data.tables import BOX_COLUMNS, IMAGE_COLUMNS, XYXY, Dataset
from sparrow.drawing.boxes import draw_boxes
from sparrow.drawing.sheets import filled_rows
from sparrow.images import read_image
from sparrow.progress import Progress

SOURCE = "Generated"
LICENSE = "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication"
_ROW_PX, _GAP_PX = 190, 6  # of the contact sheet


def generate_dataset(
    root: Path,
    settings: SyntheticSettings,
    *,
    keep_existing: bool = False,
    progress: Progress | None = None,
) -> None:
    """Draw photos and write the complete CSV contract under ``root``, or nothing at all.

    Args:
        root: folder to make: ``images/``, ``image_info.csv``, ``bboxes/bounding_boxes.csv``.
        settings: what the photos show.
        keep_existing: a ``root`` that exists, or that another program makes meanwhile, is left
            as it is, and nothing is drawn.
        progress: called with (done, all) after every photo.

    Raises:
        DataError: ``root`` already holds files.
    """
    with file_lock(root):
        if keep_existing and root.exists():
            return  # another program drew it while this one waited
        refuse_files(root)
        with replace_directory(root) as place:
            (place / "images").mkdir()
            dataset = _draw(settings, place / "images", progress)
            write_csv(replace(dataset, root=place), place, settings.prefix)


def _draw(settings: SyntheticSettings, folder: Path, progress: Progress | None) -> Dataset:
    """Draw the photos into a folder; their tables."""
    image_rows, box_rows = [], []
    names = authors(settings.photos, settings.seed)
    for author, photo in zip(names, draw_photos(settings, folder), strict=True):
        row = (photo.name, author, len(photo.boxes), SOURCE, LICENSE, *photo.size_px)
        image_rows.append(row)
        box_rows += [(photo.name, *box) for box in photo.boxes]
        if progress is not None:
            progress(len(image_rows), settings.photos)
    images = pd.DataFrame(image_rows, columns=list(IMAGE_COLUMNS))
    boxes = pd.DataFrame(box_rows, columns=list(BOX_COLUMNS))
    return Dataset(folder, images, boxes.astype(dict.fromkeys(XYXY, float)))


def write_contact_sheet(
    root: Path, out: Path, photos: int = 24, width_px: int = 1400, prefix: str = ""
) -> None:
    """A picture of a set's first photos with their boxes, in rows that fill its width.

    Args:
        root: a set in the CSV contract, synthetic or not.
        out: the picture to write; its ending chooses the format.
        photos: how many, at most.
        width_px: of the picture.
        prefix: before both table names.

    Raises:
        DataError: the set cannot be read.
    """
    dataset = read_csv(root, prefix)
    boxes, pictures = dataset.boxes_by_image(), []
    for name in dataset.images["image"][:photos]:
        xyxy = boxes[name][XYXY].to_numpy(dtype=float)
        pictures.append(draw_boxes(read_image(dataset.image_path(name)), xyxy))
    out.parent.mkdir(parents=True, exist_ok=True)
    # PNG has no such setting and ignores it.
    Image.fromarray(filled_rows(pictures, width_px, _ROW_PX, _GAP_PX)).save(out, quality=86)
