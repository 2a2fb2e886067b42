"""Sets of drawn photos with boxes: the offline demo's data and the tests'."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pandas as pd
from PIL import Image, ImageDraw

from sparrow.data.annotations import new_folder
from sparrow.data.drawn.authors import authors
from sparrow.data.drawn.composition import SEASONS, SPARROW, draw_photo
from sparrow.data.drawn.plumage import SPECIES
from sparrow.data.exchange import read_csv
from sparrow.data.formats import write_csv
from sparrow.data.tables import BOX_COLUMNS, IMAGE_COLUMNS, XYXY, Dataset

SOURCE = "Generated"
LICENSE = "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication"


def generate_dataset(
    root: Path,
    photos: int,
    seed: int,
    *,
    season: str = "summer",
    classes: Sequence[str] = (SPARROW,),
    prefix: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Draw photos and write the complete CSV contract under ``root``, or nothing at all.

    Args:
        root: folder to make: ``images/``, ``image_info.csv``, ``bboxes/bounding_boxes.csv``.
        photos: how many, at least 1.
        seed: the same seed gives the same pixels and tables.
        season: "summer", or "winter": snow, dim cold light, puffed birds (for drift).
        classes: species that get boxes, of ``drawing.SPECIES``; the others are distractors.
        prefix: before both table names ("new_" for data to be taken in).
        progress: called with (done, all) after every photo.

    Raises:
        DataError: ``root`` already holds files.
        ValueError: no photos asked for, unknown season or class.
    """
    _check_arguments(photos, seed, season, classes)
    image_rows, box_rows = [], []
    with new_folder(root) as place:
        (place / "images").mkdir()
        for index, author in enumerate(authors(photos, seed)):
            photo = draw_photo(seed, index, season, classes)
            name = f"{season}_{seed:04d}_{index:05d}.jpg"
            picture = Image.fromarray(photo.pixels)
            picture.save(place / "images" / name, quality=photo.jpeg_quality)
            image_rows.append((name, author, len(photo.boxes), SOURCE, LICENSE, *picture.size))
            box_rows += [(name, *box) for box in photo.boxes]
            if progress is not None:
                progress(index + 1, photos)
        images = pd.DataFrame(image_rows, columns=list(IMAGE_COLUMNS))
        boxes = pd.DataFrame(box_rows, columns=list(BOX_COLUMNS))
        boxes = boxes.astype(dict.fromkeys(XYXY, float))
        write_csv(Dataset(place, images, boxes), place, prefix)


def contact_sheet(
    root: Path, out: Path, photos: int = 24, columns: int = 6, prefix: str = ""
) -> None:
    """A picture of a set's first photos with their boxes, scaled to rows of one height.

    Args:
        root: a set in the CSV contract, drawn or not.
        out: the picture to write; its ending chooses the format.
        photos: how many, at most.
        columns: photos in a row.
        prefix: before both table names.

    Raises:
        DataError: the set cannot be read.
    """
    dataset = read_csv(root, prefix)
    boxes = dataset.boxes_by_image()
    side, gap = 220, 6
    names = list(dataset.images["image"][:photos])
    rows = -(-len(names) // columns)
    sheet = Image.new("RGB", (columns * (side + gap) + gap, rows * (side + gap) + gap), "white")
    for number, name in enumerate(names):
        with Image.open(dataset.image_path(name)) as file:
            picture = file.convert("RGB")
        pen = ImageDraw.Draw(picture)
        for x_min, y_min, x_max, y_max in boxes[name][XYXY].to_numpy(dtype=float).tolist():
            pen.rectangle((x_min, y_min, x_max - 1, y_max - 1), outline=(255, 220, 0), width=2)
        picture.thumbnail((side, side), Image.Resampling.LANCZOS)
        row, column = divmod(number, columns)
        left = gap + column * (side + gap) + (side - picture.width) // 2
        top = gap + row * (side + gap) + (side - picture.height) // 2
        sheet.paste(picture, (left, top))
    out.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(out, quality=88) if out.suffix.lower() in (".jpg", ".jpeg") else sheet.save(out)


def _check_arguments(photos: int, seed: int, season: str, classes: Sequence[str]) -> None:
    if photos < 1 or seed < 0:
        raise ValueError(f"expected photos >= 1 and seed >= 0, found {photos} and {seed}")
    if season not in SEASONS:
        raise ValueError(f"unknown season {season!r}; expected one of {', '.join(SEASONS)}")
    unknown = sorted(set(classes) - set(SPECIES))
    if unknown or not classes:
        raise ValueError(
            f"cannot draw {', '.join(unknown) or 'no class'}; species: {', '.join(SPECIES)}"
        )
