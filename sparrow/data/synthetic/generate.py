"""Sets of drawn photos with boxes: the offline demo's data and the tests'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
from PIL import Image

from sparrow.data.formats.annotations import refuse_files
from sparrow.data.formats.csv import write_csv
from sparrow.data.formats.exchange import read_csv
from sparrow.data.ingest.atomic_dir import file_lock, replace_directory
from sparrow.data.synthetic.authors import authors
from sparrow.data.synthetic.composition import BIRDS, SEASONS, SPARROW
from sparrow.data.synthetic.plumage import SPECIES
from sparrow.data.synthetic.process import Task, draw_photos
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
    photos: int,
    seed: int,
    *,
    season: str = "summer",
    classes: Sequence[str] = (SPARROW,),
    prefix: str = "",
    birds: str = "all",
    keep_existing: bool = False,
    progress: Progress | None = None,
) -> None:
    """Draw photos and write the complete CSV contract under ``root``, or nothing at all.

    Args:
        root: folder to make: ``images/``, ``image_info.csv``, ``bboxes/bounding_boxes.csv``.
        photos: how many, at least 1.
        seed: the same seed gives the same pixels and tables.
        season: "summer", or "winter": snow, dim cold light, puffed birds (for drift).
        classes: species that get boxes, of ``drawing.SPECIES``; the others are distractors.
        prefix: before both table names ("new_" for data to be taken in).
        birds: "all", "others" (at least one, no sparrow) or "none".
        keep_existing: a ``root`` that is there, or that another program makes meanwhile, is left
            as it is, and nothing is drawn.
        progress: called with (done, all) after every photo.

    Raises:
        DataError: ``root`` already holds files.
        ValueError: no photos asked for, unknown season, class or birds.
    """
    _check_arguments(photos, seed, season, classes, birds)
    task = Task("", seed, season, tuple(classes), birds)
    with file_lock(root):
        if keep_existing and root.exists():
            return  # another program drew it while this one waited
        refuse_files(root)
        with replace_directory(root) as place:
            (place / "images").mkdir()
            drawn = _draw(replace(task, folder=str(place / "images")), photos, progress)
            write_csv(replace(drawn, root=place), place, prefix)


def _draw(task: Task, photos: int, progress: Progress | None) -> Dataset:
    """Draw the photos of a task; their tables."""
    image_rows, box_rows = [], []
    for author, one in zip(authors(photos, task.seed), draw_photos(task, photos), strict=True):
        image_rows.append((one.name, author, len(one.boxes), SOURCE, LICENSE, *one.size_px))
        box_rows += [(one.name, *box) for box in one.boxes]
        if progress is not None:
            progress(len(image_rows), photos)
    images = pd.DataFrame(image_rows, columns=list(IMAGE_COLUMNS))
    boxes = pd.DataFrame(box_rows, columns=list(BOX_COLUMNS))
    return Dataset(Path(task.folder), images, boxes.astype(dict.fromkeys(XYXY, float)))


def write_contact_sheet(
    root: Path, out: Path, photos: int = 24, width_px: int = 1400, prefix: str = ""
) -> None:
    """A picture of a set's first photos with their boxes, in rows that fill its width.

    Args:
        root: a set in the CSV contract, drawn or not.
        out: the picture to write; its ending chooses the format.
        photos: how many, at most.
        width_px: of the picture.
        prefix: before both table names.

    Raises:
        DataError: the set cannot be read.
    """
    dataset = read_csv(root, prefix)
    boxes, drawn = dataset.boxes_by_image(), []
    for name in dataset.images["image"][:photos]:
        xyxy = boxes[name][XYXY].to_numpy(dtype=float)
        drawn.append(draw_boxes(read_image(dataset.image_path(name)), xyxy))
    out.parent.mkdir(parents=True, exist_ok=True)
    # PNG has no such setting and ignores it.
    Image.fromarray(filled_rows(drawn, width_px, _ROW_PX, _GAP_PX)).save(out, quality=86)


def _check_arguments(
    photos: int, seed: int, season: str, classes: Sequence[str], birds: str
) -> None:
    if photos < 1 or seed < 0:
        raise ValueError(f"expected photos >= 1 and seed >= 0, found {photos} and {seed}")
    if season not in SEASONS:
        raise ValueError(f"unknown season {season!r}; expected one of {', '.join(SEASONS)}")
    if birds not in BIRDS:
        raise ValueError(f"unknown birds {birds!r}; expected one of {', '.join(BIRDS)}")
    unknown = sorted(set(classes) - set(SPECIES))
    if unknown or not classes:
        raise ValueError(
            f"cannot draw {', '.join(unknown) or 'no class'}; species: {', '.join(SPECIES)}"
        )
