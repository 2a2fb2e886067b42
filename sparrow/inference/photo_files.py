"""Which files of a folder are photos."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".mpo", ".bmp", ".tif", ".tiff", ".gif")


def find_photos(sources: Sequence[Path], *, recursive: bool) -> list[Path]:
    """Files as named; of folders those with a photo's suffix, sorted; each file once.

    A folder that cannot be looked into is in the list itself: counting it tells why.

    Raises:
        ValueError: no photo at all.
    """
    photos: dict[Path, None] = {}
    for source in sources:
        if source.is_dir():
            photos.update(dict.fromkeys(_photos_in(source, recursive=recursive)))
        else:
            photos[source] = None
    if not photos:
        raise ValueError(
            f"no photo in {', '.join(map(str, sources))} (looked for {', '.join(SUFFIXES)}); "
            "-r looks into folders within folders"
        )
    return list(photos)


def _photos_in(folder: Path, *, recursive: bool) -> list[Path]:
    closed: list[Path] = []
    photos: list[Path] = []
    for place, inner, names in os.walk(folder, onerror=lambda e: closed.append(Path(e.filename))):
        if not recursive:
            inner.clear()
        photos += [Path(place, name) for name in names if Path(name).suffix.lower() in SUFFIXES]
    return sorted(photos) + sorted(closed)
