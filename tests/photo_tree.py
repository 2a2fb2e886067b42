"""A folder as it comes from cameras, phones and NAS boxes: photos of many kinds, and the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from written_photos import exif, png16, saved, tiff

RGB = (np.linspace(0, 255, 48 * 64 * 3).reshape(48, 64, 3)).astype(np.uint8)
VIDEO = b"\0\0\0\x18ftypqt  " + bytes(40)
Content = Callable[[], Any]
# Suffix -> bytes of a file; 10 kinds that are counted, 8 that are skipped, one that is damaged and
# one that a system keeps.
COUNTED: dict[str, bytes] = {
    ".JPG": saved(RGB, "JPEG", exif=exif((0x112, 3, 1, b"\6\0"))),
    ".HEIC": saved(RGB, "HEIF"),
    ".avif": saved(RGB, "AVIF"),
    ".jfif": saved(RGB, "JPEG"),
    ".jpe": saved(Image.fromarray(RGB).convert("CMYK"), "JPEG"),
    "": saved(RGB, "JPEG", progressive=True),
    ".png": png16(RGB.astype(np.uint16) * 16),
    ".tif": tiff(RGB[..., 0].astype(np.float32), 32),
    ".webp": saved(RGB, "WEBP"),
    ".dat": saved(Image.fromarray(RGB).convert("P"), "GIF"),
}
SKIPPED: dict[str, bytes] = {
    ".CR2": b"II*\0\x10\0\0\0CR\x02\0" + bytes(40),
    ".dng": tiff(RGB, 8, (50706, 1, [1, 4, 0, 0])),
    ".MOV": VIDEO,
    ".mp4": VIDEO,
    ".pdf": b"%PDF-1.4",
    ".txt": b"notes",
    ".xmp": b"<x:xmpmeta/>",
    ".xyz": b"nobody knows",
}
DAMAGED = {".jpeg": saved(RGB, "JPEG")[:-200]}
SYSTEM = {".db": b"thumbs"}  # under the name Thumbs.db


def write_tree(home: Path, files: int) -> dict[str, int]:
    """Write ``files`` files of all kinds in folders of seven; how many there are of each sort."""
    kinds = {**COUNTED, **SKIPPED, **DAMAGED, **SYSTEM}
    sorts = {"counted": COUNTED, "skipped": SKIPPED, "damaged": DAMAGED, "system": SYSTEM}
    numbers = dict.fromkeys(sorts, 0)
    for number in range(files):
        suffix = list(kinds)[number % len(kinds)]
        folder = home / f"site {number % 7}" / f"card {number // 140}"
        folder.mkdir(parents=True, exist_ok=True)
        name = f"IMG_{number:04d}{suffix}"
        if suffix in SYSTEM:
            folder = folder / f"visit {number}"  # a folder has one of this name
            folder.mkdir()
            name = "Thumbs.db"
        (folder / name).write_bytes(kinds[suffix])
        numbers[next(sort for sort, of_sort in sorts.items() if suffix in of_sort)] += 1
    return numbers
