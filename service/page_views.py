"""Smaller copies of a visitor's photos, to be shown in any browser; EXIF and GPS are not in them.

A browser shows no HEIC and no 16-bit TIFF, and a page of 200 photos of 12 megapixels would be a
gigabyte. The copies are in the folder of the visitors' files, under paths that nobody can guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from service.page_room import PageRoom
from service.pictures import encoded
from sparrow.drawing.pictures import fit_within
from sparrow.images import read_image

THUMBNAIL_PX = 240


@dataclass(frozen=True)
class Views:
    """Two JPEG files of one photo.

    Attributes:
        large: for the screen.
        small: for the gallery.
    """

    large: Path
    small: Path


def write_views(room: PageRoom, picture: bytes) -> Views:
    """Write both files.

    Args:
        room: where there is place for them.
        picture: the large one, as ``service.pictures.view`` makes it.

    Raises:
        ValueError: there is no room.
        OSError: the disk is full.
    """
    small = encoded(fit_within(read_image(picture), THUMBNAIL_PX)[0])
    place = room.take(len(picture) + len(small))
    views = Views(place / "photo.jpg", place / "small.jpg")
    views.large.write_bytes(picture)
    views.small.write_bytes(small)
    return views
