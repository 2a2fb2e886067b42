"""The only way bytes become pixels: one decoder for loader, service, page and command line.

EXIF orientation is applied, every colour mode becomes RGB, and size limits are checked on the
header before any pixel is decoded. Whatever is wrong with a photo is one ``ImageError``.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, UnidentifiedImageError

from sparrow.avif_size import largest_frame_px
from sparrow.image_formats import (
    HEAD_BYTES,
    SUFFIXES,
    RawPhotoError,
    formats_of,
    refuse_raw,
    why_unidentified,
)
from sparrow.image_orientation import TURNS, orientation, stored_size
from sparrow.photo_scale import Area, load_smaller, upright_area
from sparrow.pixel_values import (
    DEEP_MODES,
    PixelsError,
    as_pixels,
    colours_8_bits,
    needs_low_bytes,
    raw_mode,
    refuse_unreadable,
    to_rgb,
    unpack_low_bytes,
)
from sparrow.regular_file import open_regular

RgbImage = NDArray[np.uint8]  # [height, width, 3]

MAX_PIXELS = 100_000_000  # a 100-megapixel camera back; larger ones are decompression bombs
MAX_SIDE_PX = 30_000
MAX_FILE_BYTES = 512 * 1024**2  # 48 megapixels of 16 bits a colour have 280 MiB
PNG_EXIF = {"exif", "Raw profile type exif"}
EXIF_DIRECTORY, GPS_DIRECTORY = 0x8769, 0x8825  # what is about the shot, and about its place


class ImageError(ValueError):
    """A photo that cannot be used; the message says why, in words for the person who sent it."""


@dataclass(frozen=True, eq=False)
class DecodedPhoto:
    """A decoded photo, which may have fewer pixels than its file.

    Attributes:
        pixels: uint8 [height, width, 3], upright.
        size_px: (width, height) of the upright photo in its file.
        area: where in ``pixels`` it is; None: everywhere.
    """

    pixels: RgbImage
    size_px: tuple[int, int]
    area: Area | None = None

    @property
    def is_full(self) -> bool:
        """Whether it has all pixels of its file."""
        return self.pixels.shape[1::-1] == self.size_px


def read_image(source: Path | str | bytes, max_pixels: int = MAX_PIXELS) -> RgbImage:
    """Decode a photo to upright RGB, all its pixels: uint8 [height, width, 3].

    Args:
        source: a file's path or its bytes.
        max_pixels: the largest width × height accepted, checked before decoding.

    Raises:
        ImageError: unreadable, truncated, too large, or not a photo.
    """
    return decode_photo(source, max_pixels).pixels


def decode_photo(
    source: Path | str | bytes,
    max_pixels: int = MAX_PIXELS,
    sides_px: tuple[int, int] | None = None,
) -> DecodedPhoto:
    """Decode a photo to upright RGB, a JPEG no larger than it has to be.

    Args:
        source: a file's path or its bytes.
        max_pixels: the largest width × height accepted, checked before decoding.
        sides_px: of the network that is to see it (``photo_scale.times_smaller``); None decodes
            all pixels.

    Raises:
        ImageError: unreadable, truncated, too large, or not a photo.
    """
    with _opened(source, max_pixels) as photo:
        raw, size_px = raw_mode(photo), photo.size  # loading the pixels forgets them
        times = load_smaller(photo, sides_px)
        _check_size(photo, max_pixels)  # a HEIC's pixels may be others than its header says
        stored_in = orientation(photo)
        if ";16" in raw and photo.mode not in DEEP_MODES and needs_low_bytes(photo, raw):
            with _opened(source, max_pixels) as again:
                unpack_low_bytes(again)
                again.load()
                rgb = colours_8_bits(photo, again)
        else:
            rgb = to_rgb(photo)
        pixels = as_pixels(rgb.transpose(TURNS[stored_in]) if stored_in in TURNS else rgb)
    if times == 1:  # the header of a HEIC may say another size
        return DecodedPhoto(pixels, pixels.shape[1::-1])
    return DecodedPhoto(pixels, *upright_area(pixels, size_px, times, stored_in))


def at_full_size(
    photo: DecodedPhoto, source: Path | str | bytes, max_pixels: int = MAX_PIXELS
) -> RgbImage:
    """All pixels of a photo; decoded again, with its errors, only where it was decoded smaller."""
    return photo.pixels if photo.is_full else read_image(source, max_pixels)


def upright_size_px(source: Path | str | bytes) -> tuple[int, int]:
    """(width, height) of the upright photo, as ``read_image`` gives it, mostly by the header alone.

    Raises:
        ImageError: not a photo, or larger than ``read_image`` accepts.
    """
    return upright_size_and_turn(source)[0]


def upright_size_and_turn(source: Path | str | bytes) -> tuple[tuple[int, int], int]:
    """(width, height) of the upright photo, and the orientation (1 to 8) that it is stored in.

    Raises:
        ImageError: not a photo, or larger than ``read_image`` accepts.
    """
    with _opened(source, MAX_PIXELS) as photo:
        # Read first: to find it in a PNG can need the pixels.
        stored_in = orientation(photo)
        width, height = stored_size(photo)
        return (height, width) if stored_in >= 5 else (width, height), stored_in


def file_suffix(source: Path | str | bytes) -> str:
    """The ending that a photo's name should have, by its content: ``.jpg``, ``.png`` …

    Raises:
        ImageError: not a photo, or larger than ``read_image`` accepts.
    """
    with _opened(source, MAX_PIXELS) as photo:
        return SUFFIXES[str(photo.format)]


def read_exif(source: Path | str | bytes, directory: int = EXIF_DIRECTORY) -> dict[int, object]:
    """EXIF tags by number, of the main directory and of one more, from the header alone.

    A photo is not refused for its EXIF: what is absent or damaged gives no tags.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with _opened(source, MAX_PIXELS) as photo:
                if photo.format == "PNG" and not PNG_EXIF & set(photo.info):
                    return {}  # Pillow would decode all pixels to look for it behind them
                exif = photo.getexif()
                return {**exif, **exif.get_ifd(directory)}
    except Exception:  # Pillow's parsers raise a dozen types, struct.error included
        return {}


@contextmanager
def _opened(source: Path | str | bytes, max_pixels: int) -> Iterator[ImageFile.ImageFile]:
    """The photo with its header read and its size accepted; whatever fails is an ``ImageError``."""
    try:
        with _stream(source) as stream, warnings.catch_warnings():
            # Our own pixel limit applies; Pillow's warning would only repeat it.
            warnings.simplefilter("ignore")
            with Image.open(stream, formats=formats_of(stream)) as photo:
                refuse_raw(photo)
                refuse_unreadable(photo)
                _check_size(photo, max_pixels)
                if photo.format == "AVIF":
                    _check_avif(stream, max_pixels)
                yield photo
    except ImageError:
        raise
    except RawPhotoError as error:
        raise ImageError(str(error)) from error
    except PixelsError as error:
        raise ImageError(f"this photo's pixels cannot be read: {error}") from error
    except Image.DecompressionBombError as error:  # Pillow's own limit, when the header is read
        raise ImageError(
            f"this photo has too many pixels; at most {max_pixels:,} are accepted{_key(max_pixels)}"
        ) from error
    except UnidentifiedImageError as error:
        raise ImageError(why_unidentified(_head(source))) from error
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


def _head(source: Path | str | bytes) -> bytes:
    with _stream(source) as stream:
        return stream.read(HEAD_BYTES)


def _check_avif(stream: BinaryIO, max_pixels: int) -> None:
    stream.seek(0)  # Pillow has read it whole
    pixels = largest_frame_px(stream.read())
    if pixels == 0:
        raise ImageError("this AVIF is damaged: it holds no picture that states its size")
    if pixels > max_pixels:
        raise ImageError(
            f"this photo's data are {pixels:,} pixels, whatever its header says; at most "
            f"{max_pixels:,}{_key(max_pixels)} are accepted"
        )


def _check_size(photo: Image.Image, max_pixels: int) -> None:
    width, height = photo.size
    if width * height > max_pixels or max(width, height) > MAX_SIDE_PX:
        raise ImageError(
            f"this photo is {width} × {height} pixels; at most {max_pixels:,} pixels"
            f"{_key(max_pixels)} and {MAX_SIDE_PX:,} on a side are accepted"
        )


def _key(max_pixels: int) -> str:
    """What a limit below the decoder's own is set by."""
    return "" if max_pixels == MAX_PIXELS else " (service.max_pixels; in Python, max_pixels)"
