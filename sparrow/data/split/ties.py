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

from sparrow.data.duplicates import near_duplicate_clusters
from sparrow.data.photo_origin import has_body
from sparrow.data.split.capture import Times, cameras, days, moments
from sparrow.data.split.tie_codes import Ints, Texts, codes_of, pair_codes, texts_of, tied
from sparrow.data.tables import UNKNOWN

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
        undated_author: of the others; each camera's apart.
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
        """The same, but an author's photos by one camera without a time as if of one day."""
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
            likeness is unknown, camera and time are what rows, names and folders tell.
        near_duplicate_bits: photos at most so far apart are one picture (0..64).
        visit_seconds: photos of one camera at most so far apart are of one visit.
    """
    author, camera, time = texts_of(images, "author"), cameras(images), moments(images)
    author[author == UNKNOWN] = ""
    owner, owned = codes_of(author), author != ""
    day, taken_by = codes_of(days(images)), codes_of(camera)
    nobodys = ~owned & (camera == "") & (day >= 0)
    body = np.where(nobodys, NOBODYS, _bodies(camera, owner))
    return PhotoTies(
        likeness=_likeness(images, near_duplicate_bits),
        visit=_visits(body, time, visit_seconds),
        author=owner,
        author_day=pair_codes(owner, day),
        undated_author=np.where(day >= 0, -1, pair_codes(owner, taken_by + 1)),
        camera=np.where(owned, -1, taken_by),
        camera_day=np.where(owned, -1, pair_codes(taken_by, day)),
        nobodys_day=np.where(nobodys, day, -1),
    )


def _likeness(images: pd.DataFrame, bits: int) -> Ints:
    if not {"sha256", "phash", "dhash"} <= set(images):
        return np.full(len(images), -1)
    return near_duplicate_clusters(images, bits).to_numpy()


def _bodies(camera: Texts, owner: Ints) -> Ints:
    """What counts as one camera within a visit: a model without a body is every author's own."""
    model_of = np.where([has_body(name) for name in camera], 0, owner + 1)  # 0: nobody known
    return pair_codes(codes_of(camera), model_of.astype(np.int64))


def _visits(body: Ints, time: Times, visit_seconds: float) -> Ints:
    """[photos] codes: runs of one camera's photos without a longer gap; -1 where unknown."""
    visits = np.full(len(body), -1)
    known = np.flatnonzero((body >= 0) & ~np.isnat(time))
    known = known[np.lexsort((time[known], body[known]))]
    gap = np.diff(time[known]) / np.timedelta64(1, "s")
    begins = (np.diff(body[known]) != 0) | (gap > visit_seconds)
    visits[known] = np.cumsum(np.append(0, begins)[: len(known)])
    return visits
