"""What is measured of one photo: size, hashes, image statistics. No pandas: workers start fast."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import imagehash
from PIL import Image

from sparrow.data.photo_origin import camera_name, time_taken
from sparrow.image_statistics import image_statistics
from sparrow.images import MAX_FILE_BYTES, ImageError, read_exif, read_image
from sparrow.regular_file import open_regular

RECORD_VERSION = 2  # raise when a measurement is new or changes its meaning: voids cached records


@dataclass(frozen=True)
class PhotoRecord:
    """Measurements of one photo; a photo that cannot be used has ``error`` and zeros.

    Attributes:
        width_px, height_px: of the upright photo.
        sha256: hex, of the file's bytes; empty when the file cannot be read at all.
        phash, dhash: 16 hex digits each; perceptual hash (DCT) and difference hash (gradients).
        brightness: mean luma, 0..1.
        contrast: standard deviation of luma, 0..0.5.
        sharpness: standard deviation of luma's Laplacian, 0 and up (about 0.02 blurred, 0.1 crisp).
        saturation: mean of (max - min) / max over the colour channels, 0..1.
        taken_at: when the shutter opened, by the camera's own clock; ISO 8601 without a zone, with
            fractions of a second where the camera gives them; empty where unknown.
        camera: make, model and body (``photo_origin.camera_name``); empty where unknown.
        error: empty, or why the photo cannot be used.
    """

    width_px: int = 0
    height_px: int = 0
    sha256: str = ""
    phash: str = ""
    dhash: str = ""
    brightness: float = 0.0
    contrast: float = 0.0
    sharpness: float = 0.0
    saturation: float = 0.0
    taken_at: str = ""
    camera: str = ""
    error: str = ""


def measure_photo(path: Path) -> PhotoRecord:
    """Everything about one photo file; never raises for what may be wrong with the file."""
    try:
        content = read_photo_bytes(path)
    except (OSError, ImageError) as error:
        return PhotoRecord(error=_reason(error))
    sha256 = hashlib.sha256(content).hexdigest()
    try:
        rgb = read_image(content)
    except ImageError as error:
        return PhotoRecord(sha256=sha256, error=str(error))
    photo, exif = Image.fromarray(rgb), read_exif(content)
    brightness, contrast, sharpness, saturation = image_statistics(rgb)
    return PhotoRecord(
        width_px=photo.width,
        height_px=photo.height,
        sha256=sha256,
        phash=str(imagehash.phash(photo)),
        dhash=str(imagehash.dhash(photo)),
        brightness=brightness,
        contrast=contrast,
        sharpness=sharpness,
        saturation=saturation,
        taken_at=time_taken(exif),
        camera=camera_name(exif),
    )


def read_photo_bytes(path: Path) -> bytes:
    """The file's bytes.

    Raises:
        OSError: no such file, no right to read it, or no regular file: a pipe, a device.
        ImageError: empty, or absurdly large.
    """
    with open_regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        if size <= MAX_FILE_BYTES:
            content = file.read(MAX_FILE_BYTES + 1)  # it may grow meanwhile
            size = len(content)
    if size > MAX_FILE_BYTES:
        raise ImageError(
            f"this file has {size / 1024**2:,.0f} MiB; a photo has at most "
            f"{MAX_FILE_BYTES // 1024**2}"
        )
    if not content:
        raise ImageError("this file is empty")
    return content


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    return str(getattr(error, "strerror", None) or error)
