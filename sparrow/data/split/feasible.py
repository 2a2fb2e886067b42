"""Whether photos can fill three splits, and what to do where they cannot."""

from __future__ import annotations

import pandas as pd

from sparrow.data.split.assignments import SPLITS
from sparrow.data.split.capture import days
from sparrow.data.split.evidence import known_authors, known_cameras
from sparrow.data.split.groups import count_groups
from sparrow.data.split.ties import PhotoTies


def can_be_split(ties: PhotoTies) -> bool:
    """Whether there is a group for each split: by author, else by days of theirs."""
    fewest = max(count_groups(ties.by_author), count_groups(ties.by_day_at_most))
    return fewest >= len(SPLITS)


def too_few_words(images: pd.DataFrame, ties: PhotoTies) -> str:
    """Why some photos cannot be split, and what would help.

    Args:
        images: photo table, without likeness or with it.
        ties: what ties these photos.
    """
    authors, taken_by = len(known_authors(images)), len(known_cameras(images))
    dated = int((days(images) != "").sum())
    groups = max(count_groups(ties.by_author), count_groups(ties.by_day_at_most))
    return (
        f"cannot split {len(images):,} photos into {', '.join(SPLITS)}: they are {groups} "
        f"independent group(s) of the {len(SPLITS)} needed (photos that share an author or a "
        f"visit, or look alike, belong together; known are {authors} author(s), {taken_by} other "
        f"camera(s), the day of {dated:,} photos). Add photos by other authors, "
        "of other days (told by EXIF or by names such as IMG_20240512_081502.jpg) or of other "
        "cameras (a folder for each when they are imported, or the column Camera)"
    )
