"""Photos of two cameras and a model of two classes, for what is written for other programs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from small_model import write_small_model

CLASSES = ("house_sparrow", "blue tit")
# Labels, scores and corners for every photo, in pixels of 64: three are counted, one is faint.
FOUND = (
    (1, 0.9, 4, 4, 24, 24),
    (2, 0.8, 30, 30, 50, 50),
    (1, 0.6, 40, 4, 60, 24),
    (2, 0.3, 4, 40, 24, 60),
)
COUNTED = 3
BERLIN = (52.5, 13.0)


def write_model(folder: Path, found: Sequence[tuple[float, ...]] = FOUND) -> Path:
    """A model that finds the same in every photo."""
    return write_small_model(folder, found, CLASSES, threshold=0.5)


def write_photos(home: Path) -> Path:
    """Two folders of a camera each: visits of two photos and of one; and one without a time."""
    shots = {
        "garden/a.jpg": ("2026:05:01 12:00:00", "+02:00", "25"),
        "garden/b.jpg": ("2026:05:01 12:00:20", "+02:00", None),
        "pond & reed/a.jpg": ("2026:07:02 08:00:00", None, None),
        "pond & reed/undated.jpg": (None, None, None),
    }
    for number, (name, (taken, offset, fraction)) in enumerate(shots.items()):
        exif = Image.Exif()
        if taken is not None:
            times = exif.get_ifd(0x8769)
            times[0x9003] = taken
            times.update({} if offset is None else {0x9011: offset})
            times.update({} if fraction is None else {0x9291: fraction})
            exif.get_ifd(0x8825).update({1: "N", 2: (52.0, 30.0, 0.0), 3: "E", 4: (13.0, 0.0, 0.0)})
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (128, 128), (40 * number, 90, 120)).save(path, exif=exif)
    return home
