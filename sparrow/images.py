"""The only way bytes become pixels: one decoder for loader, service, page and command line.

EXIF orientation is applied, every colour mode becomes RGB, and size limits are checked on the
header before any pixel is decoded. Whatever is wrong with a photo is one ``ImageError``.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, TiffImagePlugin, UnidentifiedImageError

from sparrow.regular_file import open_regular

RgbImage = NDArray[np.uint8]  # [height, width, 3]

# Formats photographers use. SVG and HTML are not images here; other decoders stay unused.
# "JPEG" opens MPO, the several frames of a phone, as well; Pillow knows no "MPO" to ask for.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
SUFFIXES = {
    "JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp", "BMP": ".bmp", "TIFF": ".tif",
    "GIF": ".gif",
}  # fmt: skip
MAX_PIXELS = 100_000_000  # a 100-megapixel camera back; larger ones are decompression bombs
MAX_SIDE_PX = 30_000
MAX_FILE_BYTES = 256 * 1024**2  # above it a file is not a photo but a mistake
_ORIENTATION, _TIFF_WIDTH, _TIFF_HEIGHT = 0x0112, 256, 257  # tags of EXIF and TIFF
PNG_EXIF = {"exif", "Raw profile type exif"}
EXIF_DIRECTORY = 0x8769  # where EXIF keeps what is about the shot, such as its time


class ImageError(ValueError):
    """A photo that cannot be used; the message says why, in words for the person who sent it."""


def read_image(source: Path | str | bytes, max_pixels: int = MAX_PIXELS) -> RgbImage:
    """Decode a photo to upright RGB.

    Args:
        source: a file's path or its bytes.
        max_pixels: the largest width × height accepted, checked before decoding.

    Returns:
        uint8 [height, width, 3].

    Raises:
        ImageError: unreadable, truncated, too large, or not a photo.
    """
    with _opened(source, max_pixels) as photo:
        upright = ImageOps.exif_transpose(photo)
        return np.asarray(_to_rgb(upright))


def upright_size_px(source: Path | str | bytes) -> tuple[int, int]:
    """(width, height) of the upright photo, as ``read_image`` gives it, mostly by the header alone.

    Raises:
        ImageError: not a photo, or larger than ``read_image`` accepts.
    """
    with _opened(source, MAX_PIXELS) as photo:
        # Read first: to find it in a PNG can need the pixels.
        turned = photo.getexif().get(_ORIENTATION, 1) in (5, 6, 7, 8)
        width, height = _stored_size(photo)
        return (height, width) if turned else (width, height)


def file_suffix(source: Path | str | bytes) -> str:
    """The ending that a photo's name should have, by its content: ``.jpg``, ``.png`` …

    Raises:
        ImageError: not a photo, or larger than ``read_image`` accepts.
    """
    with _opened(source, MAX_PIXELS) as photo:
        return SUFFIXES[str(photo.format)]


def read_exif(source: Path | str | bytes) -> dict[int, object]:
    """EXIF tags by number, of the main and of the Exif directory, from the header alone.

    A photo is not refused for its EXIF: what is absent or damaged gives no tags.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with _opened(source, MAX_PIXELS) as photo:
                if photo.format == "PNG" and not PNG_EXIF & set(photo.info):
                    return {}  # Pillow would decode all pixels to look for it behind them
                exif = photo.getexif()
                return {**exif, **exif.get_ifd(EXIF_DIRECTORY)}
    except Exception:  # Pillow's parsers raise a dozen types, struct.error included
        return {}


def fit_scale(width_px: int, height_px: int, min_side_px: int, max_side_px: int) -> float:
    """Scale that brings the short side to ``min_side_px`` unless the long side would exceed
    ``max_side_px`` (torchvision's detection rule).
    """
    return min(min_side_px / min(width_px, height_px), max_side_px / max(width_px, height_px))


def resize_to_fit(image: RgbImage, min_side_px: int, max_side_px: int) -> RgbImage:
    """The photo at the detector's input size: uint8 [height, width, 3], antialiased.

    Training, evaluation and serving all call this, so all see the same pixels.
    """
    height, width = image.shape[:2]
    scale = fit_scale(width, height, min_side_px, max_side_px)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    if size == (width, height):
        return image
    # reducing_gap halves the photo cheaply first: 12 megapixels in a quarter of the time.
    resized = Image.fromarray(image).resize(size, Image.Resampling.BILINEAR, reducing_gap=3.0)
    return np.asarray(resized)


@contextmanager
def _opened(source: Path | str | bytes, max_pixels: int) -> Iterator[Image.Image]:
    """The photo with its header read and its size accepted; whatever fails is an ``ImageError``."""
    try:
        with _stream(source) as stream, warnings.catch_warnings():
            # Our own pixel limit applies; Pillow's warning would only repeat it.
            warnings.simplefilter("ignore")
            with Image.open(stream, formats=FORMATS) as photo:
                _check_size(photo, max_pixels)
                yield photo
    except ImageError:
        raise
    except Image.DecompressionBombError as error:  # Pillow's own limit, when the header is read
        raise ImageError(
            f"this photo has too many pixels; at most {max_pixels:,} are accepted"
        ) from error
    except UnidentifiedImageError as error:
        raise ImageError("this is not a photo that can be read (JPEG, PNG, WebP, TIFF)") from error
    except Exception as error:  # Pillow's decoders raise a dozen types, struct.error included
        raise ImageError(f"this photo is damaged or incomplete ({error})") from error


def _stream(source: Path | str | bytes) -> BinaryIO:
    if isinstance(source, bytes):
        return io.BytesIO(source)
    try:
        return open_regular(source)
    except FileNotFoundError as error:
        raise ImageError(f"there is no file {source}") from error
    except OSError as error:
        raise ImageError(f"this file cannot be read ({error.strerror or error})") from error


def _stored_size(photo: Image.Image) -> tuple[int, int]:
    """(width, height) as in the file. ``size`` is not: of a TIFF, Pillow gives the upright one."""
    if isinstance(photo, TiffImagePlugin.TiffImageFile) and _TIFF_WIDTH in photo.tag_v2:
        return int(photo.tag_v2[_TIFF_WIDTH]), int(photo.tag_v2[_TIFF_HEIGHT])
    return photo.size


def _check_size(photo: Image.Image, max_pixels: int) -> None:
    width, height = photo.size
    if width * height > max_pixels or max(width, height) > MAX_SIDE_PX:
        raise ImageError(
            f"this photo is {width} × {height} pixels; at most {max_pixels:,} pixels and "
            f"{MAX_SIDE_PX:,} on a side are accepted"
        )


def _to_rgb(photo: Image.Image) -> Image.Image:
    if photo.mode in ("I;16", "I;16B", "I;16L", "I"):
        # 16-bit grey: convert() would clip at 255 and leave a white photo.
        values = np.asarray(photo, dtype=np.float64)
        top = 65535.0 if values.max(initial=0) > 255 else 255.0
        photo = Image.fromarray((values / top * 255).clip(0, 255).astype(np.uint8))
    if photo.mode in ("RGBA", "LA", "PA") or "transparency" in photo.info:
        photo = photo.convert("RGBA")
        white = Image.new("RGBA", photo.size, "white")
        photo = Image.alpha_composite(white, photo)
    return photo.convert("RGB")
