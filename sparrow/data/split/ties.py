"""What ties photos together: likeness, a visit, an author or a camera, a day of theirs.

What is unknown (author, camera, time) is equal to nothing and ties nobody, with one exception:
dated photos of which neither author nor camera is known may all be of one camera, so their visits
and days count as those of one. Photos of one minute would be on both sides of a split otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sparrow.data.duplicates import connected, near_duplicate_clusters
from sparrow.data.photo_origin import has_body
from sparrow.data.tables import UNKNOWN

Ints = NDArray[np.int64]

NEAR_DUPLICATE_BITS, VISIT_SECONDS = 12, 60.0  # the config's defaults
NOBODYS = np.iinfo(np.int64).max  # the one body of dated photos of nobody known


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
        nobodys_day: of dated photos of which neither author nor camera is known.
    """

    likeness: Ints
    visit: Ints
    author: Ints
    author_day: Ints
    undated_author: Ints
    camera: Ints
    camera_day: Ints
    nobodys_day: Ints

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
        """[photos] numbers of the groups by author, else by camera, else by day."""
        return self._tied(self.author, self.camera, self.nobodys_day)

    @cached_property
    def by_camera_day(self) -> Ints:
        """[photos] numbers of the groups by author, else by camera and day."""
        return self._tied(self.author, self.camera_day, self.nobodys_day)

    @cached_property
    def by_day(self) -> Ints:
        """[photos] numbers of the groups by day of an author, else of a camera."""
        return self._tied(self.author_day, self.camera_day, self.nobodys_day)

    @cached_property
    def by_day_at_most(self) -> Ints:
        """The same, but all of an author's photos without a time as if they were of one day."""
        return self._tied(self.author_day, self.undated_author, self.camera_day, self.nobodys_day)

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
    nobodys = ~owned & (camera == "") & dated
    body = np.where(nobodys, NOBODYS, _bodies(camera, owner))
    return PhotoTies(
        likeness=_likeness(images, near_duplicate_bits),
        visit=_visits(body, time, visit_seconds),
        author=owner,
        author_day=_both(owner, day),
        undated_author=np.where(dated, -1, owner),
        camera=taken_by,
        camera_day=_both(taken_by, day),
        nobodys_day=np.where(nobodys, day, -1),
    )


def cameras(images: pd.DataFrame) -> NDArray[np.object_]:
    """[photos] which camera took each, "" where unknown.

    Its EXIF name; with it, where the body's number is not known, the folder that the photo's name
    carries, if it carries one: people keep a folder a camera.
    """
    camera = _texts(images, "camera")
    folders = [name.rpartition("/")[0] for name in _texts(images, "image")]
    names = [
        name if has_body(name) or not folder else f"{name} in {folder}".strip()
        for name, folder in zip(camera, folders, strict=True)
    ]
    return np.array(names, dtype=object)


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


def _both(a: Ints, b: Ints) -> Ints:
    """[N] code of each pair of codes, -1 where either is."""
    pairs = a * (int(b.max(initial=-1)) + 1) + b
    return np.where((a < 0) | (b < 0), -1, pairs)


def _codes(texts: NDArray[np.object_]) -> Ints:
    """[N] number of each text, -1 for an empty one."""
    codes, known = np.full(len(texts), -1), texts != ""
    codes[known] = pd.factorize(texts[known])[0]
    return codes
