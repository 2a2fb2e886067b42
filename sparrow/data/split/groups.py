"""Which photos belong together: found once, at the split, and read by all that counts evidence.

Photos of one author err together; so do near-duplicates, photos of one visit (one camera, within
seconds) and, where the author is not known, photos of one camera. Each such group counts once,
however many photos it has: the split moves whole groups, the bootstrap draws them, the gate counts
them. What is unknown (author, camera, time) is equal to nothing and ties nobody.

Where authors and cameras would leave a test side of fewer than ``MIN_GROUPS`` groups, their days
are the groups. Then the numbers speak for these authors and cameras only, and say so
(``sparrow.data.split.evidence``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sparrow.data.duplicates import connected, near_duplicate_clusters
from sparrow.data.photo_origin import has_body
from sparrow.data.tables import UNKNOWN, Dataset

Ints = NDArray[np.int64]

MIN_GROUPS = 10  # with fewer, resampling says little, and the promotion gate nothing
NEAR_DUPLICATE_BITS, VISIT_SECONDS = 12, 60.0  # the config's defaults

GROUP, GROUPED_BY = "group", "grouped_by"  # columns of the photo table
# Values of ``grouped_by``, one for a whole set: authors and cameras as wholes; authors as wholes,
# cameras by the day; both by the day.
WHOLES, CAMERA_DAYS, DAYS = "author or camera", "author or camera-day", "day"


@dataclass(frozen=True, eq=False)
class PhotoTies:
    """What ties photos together. Each array is [photos] of codes; -1 ties nobody.

    Attributes:
        likeness: near-duplicates.
        visit: one camera, each photo at most so many seconds after the one before.
        author: the known ones.
        author_day: of those whose time is known.
        undated_author: of the others.
        camera, camera_day: of photos whose author is not known.
    """

    likeness: Ints
    visit: Ints
    author: Ints
    author_day: Ints
    undated_author: Ints
    camera: Ints
    camera_day: Ints

    @cached_property
    def visits(self) -> Ints:
        """[photos] numbers of the smallest groups: likeness and visit alone."""
        return self._tied()

    @cached_property
    def by_author(self) -> Ints:
        """[photos] numbers of the groups that no split may part."""
        return self._tied(self.author)

    @cached_property
    def by_whole(self) -> Ints:
        """[photos] numbers of the groups by author, else by camera."""
        return self._tied(self.author, self.camera)

    @cached_property
    def by_camera_day(self) -> Ints:
        """[photos] numbers of the groups by author, else by camera and day."""
        return self._tied(self.author, self.camera_day)

    @cached_property
    def by_day(self) -> Ints:
        """[photos] numbers of the groups by day of an author, else of a camera."""
        return self._tied(self.author_day, self.camera_day)

    @cached_property
    def by_day_at_most(self) -> Ints:
        """The same, but all of an author's photos without a time as if they were of one day."""
        return self._tied(self.author_day, self.undated_author, self.camera_day)

    def _tied(self, *codes: Ints) -> Ints:
        return tied(len(self.visit), self.likeness, self.visit, *codes)


def photo_ties(
    images: pd.DataFrame,
    near_duplicate_bits: int = NEAR_DUPLICATE_BITS,
    visit_seconds: float = VISIT_SECONDS,
) -> PhotoTies:
    """Find what ties photos together; takes n log n beside the near-duplicates.

    Args:
        images: photo table. Without ``phash``, ``camera`` or ``taken_at`` (it was not measured)
            likeness, camera and time are unknown.
        near_duplicate_bits: photos at most so far apart are one picture (0..64).
        visit_seconds: photos of one camera at most so far apart are of one visit.
    """
    author, camera, time = _texts(images, "author"), cameras(images), _times(images)
    author[author == UNKNOWN] = ""
    owner, owned, dated = _codes(author), author != "", ~np.isnat(time)
    day = _codes(np.where(dated, np.datetime_as_string(time, unit="D"), "").astype(object))
    taken_by = np.where(owned, -1, _codes(camera))
    return PhotoTies(
        likeness=_likeness(images, near_duplicate_bits),
        visit=_visits(_bodies(camera, owner), time, visit_seconds),
        author=owner,
        author_day=_both(owner, day),
        undated_author=np.where(dated, -1, owner),
        camera=taken_by,
        camera_day=_both(taken_by, day),
    )


def cameras(images: pd.DataFrame) -> NDArray[np.object_]:
    """[photos] which camera took each, "" where unknown.

    Its EXIF name; with it, where the body's number is not known, the folder that the photo's name
    carries, if it carries one: people keep a folder a camera.
    """
    names, camera = _texts(images, "image"), _texts(images, "camera")
    folders = np.array([name.rpartition("/")[0] for name in names], dtype=object)
    found = [
        one if has_body(one) or not folder else f"{one} in {folder}".strip()
        for one, folder in zip(camera, folders, strict=True)
    ]
    return np.array(found, dtype=object)


def tied(count: int, *codes: Ints) -> Ints:
    """Group number [count] of each photo, in order of first appearance.

    Args:
        codes: [count] each; photos of one code are tied, -1 ties nobody.
    """
    edges, nodes = [np.zeros((2, 0), dtype=np.int64)], count
    for code in codes:
        photos = np.flatnonzero(code >= 0)
        dense, values = pd.factorize(code[photos])
        edges.append(np.stack([photos, nodes + dense]))
        nodes += len(values)
    return connected(nodes, np.concatenate(edges, axis=1))[:count]


def count_groups(groups: NDArray[np.generic] | pd.Series) -> int:
    """How many different groups."""
    return int(pd.Series(groups).nunique())


def group_names(images: pd.DataFrame, groups: Ints) -> pd.Series:
    """Each photo's group as the first name in it: the same whatever the order of rows."""
    return images["image"].astype(str).groupby(groups).transform("min").rename(GROUP)


def choose_groups(wholes: Ints, grouped_by: str, days: Ints, judged: NDArray[np.bool_]) -> Grouping:
    """The groups that count as evidence.

    Args:
        wholes: [photos] the groups that the split moved, and what they are (``WHOLES`` …).
        days: [photos] the finer ones.
        judged: [photos] the photos that a model is judged by.
    """
    if count_groups(wholes[judged]) >= MIN_GROUPS:
        return Grouping(wholes, grouped_by)
    return Grouping(days, DAYS)


@dataclass(frozen=True, eq=False)
class Grouping:
    """Group number of each photo, and what the groups are (``WHOLES`` …)."""

    groups: Ints
    grouped_by: str

    def into(self, images: pd.DataFrame) -> pd.DataFrame:
        """The photo table, in the same order, with both columns."""
        names = group_names(images, self.groups)
        return images.assign(group=names, grouped_by=self.grouped_by)


def with_groups(
    dataset: Dataset,
    near_duplicate_bits: int = NEAR_DUPLICATE_BITS,
    visit_seconds: float = VISIT_SECONDS,
) -> Dataset:
    """A set that has no groups yet (not split here, or by an older version) with them.

    They count for the test side where there is a ``split``, else for all photos.
    """
    images = dataset.images
    if GROUP in images:
        return dataset
    ties = photo_ties(images, near_duplicate_bits, visit_seconds)
    judged = np.ones(len(images), dtype=bool)
    if "split" in images:
        judged = (images["split"] == "test").to_numpy()
    found = choose_groups(ties.by_whole, WHOLES, ties.by_day, judged)
    return replace(dataset, images=found.into(images))


def group_numbers(table: pd.DataFrame) -> Ints:
    """[rows] number of each row's group, 0, 1, 2 … in order of first appearance.

    Args:
        table: of photos, with the column ``group``: names, or numbers in what older versions wrote.

    Raises:
        ValueError: the column is missing or empty somewhere; no other grouping is made up.
    """
    if GROUP not in table or table[GROUP].isna().any():
        raise ValueError(
            "expected the column 'group' of the photo table, which the split fills in "
            "(sparrow.data.split.groups.with_groups for a set without a split); "
            f"found {list(table)}"
        )
    return np.asarray(pd.factorize(table[GROUP])[0], dtype=np.int64)


def _likeness(images: pd.DataFrame, bits: int) -> Ints:
    if not {"sha256", "phash", "dhash"} <= set(images):
        return np.full(len(images), -1)
    return near_duplicate_clusters(images, bits).to_numpy()


def _bodies(camera: NDArray[np.object_], owner: Ints) -> Ints:
    """What counts as one camera within a visit: a model without a body is every author's own."""
    model_of = np.where([has_body(name) for name in camera], 0, owner + 1)  # 0: nobody known
    return _both(_codes(camera), model_of.astype(np.int64))


def _visits(body: Ints, time: NDArray[np.datetime64], visit_seconds: float) -> Ints:
    """[photos] codes: runs of one camera's photos without a longer gap; -1 where unknown."""
    visits = np.full(len(body), -1)
    known = np.flatnonzero((body >= 0) & ~np.isnat(time))
    known = known[np.lexsort((time[known], body[known]))]
    gap = np.diff(time[known]) / np.timedelta64(1, "s")
    begins = (np.diff(body[known]) != 0) | (gap > visit_seconds)
    visits[known] = np.cumsum(np.append(0, begins)[: len(known)])
    return visits


def _times(images: pd.DataFrame) -> NDArray[np.datetime64]:
    texts = _texts(images, "taken_at")
    return np.where(texts == "", "NaT", texts).astype("datetime64[us]")


def _texts(images: pd.DataFrame, column: str) -> NDArray[np.object_]:
    """A column as texts; "" where it or a cell is missing."""
    if column not in images:
        return np.full(len(images), "", dtype=object)
    cells = images[column]
    return cells.where(cells.notna(), "").astype(str).to_numpy(dtype=object).copy()


def _both(one: Ints, other: Ints) -> Ints:
    """[N] code of each pair of codes, -1 where either is."""
    pairs = one * (int(other.max(initial=-1)) + 1) + other
    return np.where((one < 0) | (other < 0), -1, pairs)


def _codes(texts: NDArray[np.object_]) -> Ints:
    """[N] number of each text, -1 for an empty one."""
    codes, told = np.full(len(texts), -1), texts != ""
    codes[told] = pd.factorize(texts[told])[0]
    return codes
