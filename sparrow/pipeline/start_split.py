"""Whether three splits can be filled, told from tables and photos' headers before any work.

It never refuses what the split itself would accept: likeness, which only the pixels tell, makes
groups fewer and never more.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from sparrow.config import Config
from sparrow.data.errors import DataError
from sparrow.data.formats.csv import CAMERA_CSV
from sparrow.data.licences import keep_licences
from sparrow.data.photo_origin import camera_name, time_taken
from sparrow.data.split.assignments import SPLITS
from sparrow.data.split.capture import cameras, days
from sparrow.data.split.evidence import known_authors
from sparrow.data.split.feasible import can_be_split, too_few_words
from sparrow.data.split.ties import photo_ties
from sparrow.data.tables import BOX_COLUMNS, NAMED_CAMERA, UNKNOWN, Dataset
from sparrow.images import read_exif

MOST_HEADERS = 5_000  # read in about two seconds; of larger sets the split says it, in its step
MOST_UNKNOWN = 0.5  # of the photos: from there on it is worth a warning
_COLUMNS = {"Name": "image", "Author": "author", "License": "license", CAMERA_CSV: NAMED_CAMERA}


def check_split(config: Config, photos: pd.DataFrame) -> tuple[list[str], list[str]]:
    """What makes a split impossible, and what makes it worth little: lines for a person.

    Args:
        config: of the run.
        photos: the table of photos as it is in the file.
    """
    images = photos.rename(columns=_COLUMNS)
    if not {"image", "author", "license"} <= set(images):
        return [], []  # the check of the tables names the column
    texts = [name for name in _COLUMNS.values() if name in images]
    images = images.astype(dict.fromkeys(texts, object)).fillna(dict.fromkeys(texts, ""))
    root = Path(config.data.root)
    try:
        kept = keep_licences(
            Dataset(root, images, pd.DataFrame(columns=list(BOX_COLUMNS))), config.split.licenses
        ).images
    except DataError as error:
        return [str(error).removeprefix(f"{root}: ")], []
    if len(kept) < len(SPLITS):
        return [_too_few_photos(len(kept))], []
    if len(kept) > MOST_HEADERS:
        return [], []
    known = _with_headers(kept, root / "images")
    ties = photo_ties(known, visit_seconds=config.split.visit_seconds)
    if not can_be_split(ties):
        return [too_few_words(known, ties)], []
    return [], _unknown_fraction(known)


def _too_few_photos(number: int) -> str:
    return (
        f"{number} photos: {', '.join(SPLITS)} need one each at least, of different authors or days"
    )


def _with_headers(images: pd.DataFrame, folder: Path) -> pd.DataFrame:
    exif = [read_exif(folder / str(name)) for name in images["image"]]
    return images.assign(
        camera=[camera_name(tags) for tags in exif], taken_at=[time_taken(tags) for tags in exif]
    )


def _unknown_fraction(images: pd.DataFrame) -> list[str]:
    """That of most photos nothing tells which belong together."""
    if known_authors(images) and not images["author"].isin([UNKNOWN, ""]).any():
        return []
    untold = images["author"].isin([UNKNOWN, ""]).to_numpy() & (cameras(images) == "")
    untold &= days(images) == ""
    if untold.mean() < MOST_UNKNOWN:
        return []
    return [
        f"warning: of {int(untold.sum()):,} of {len(images):,} photos neither author, camera nor "
        "day is known: photos of one place or day may be on both sides of the split, and the "
        "scores too good"
    ]
