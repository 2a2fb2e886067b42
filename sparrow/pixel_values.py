"""Photos of more than 8 bits a value, brought to 8 at their true range.

White is what the file states. Where it states nothing but the size of its cells, white is the
smallest range in use (8, 10, 12, 14 or 16 bits; for fractions 1) that holds the brightest value:
12 bits kept in cells of 16 come out as bright as they are, and never nearly black. What fits none
is refused.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile, TiffImagePlugin

# Tags of TIFF.
BITS, COMPRESSION, PHOTOMETRIC, SAMPLE_FORMAT = 258, 259, 262, 339
_MAX_VALUE, _MIN_OF_FORMAT, _MAX_OF_FORMAT = 281, 340, 341
_WHITE_IS_ZERO, _YCBCR, _UNCOMPRESSED, _SIGNED = 0, 6, 1, 2

DEEP_MODES = ("I;16", "I;16B", "I;16L", "I", "F")
_RANGES = (255, 1023, 4095, 16383, 65535)
_DIM = 64  # a fourth of 255: fractions of 0 to 255 that end below it may as well overshoot 1
_STRIP_PX = 512
_DIM_HIGH_BYTE = 64  # below it a value of 16 bits fits 14
_SWAPPED = {
    ";16B": ";16L", ";16L": ";16B", ";16N": ";16B" if sys.byteorder == "little" else ";16L",
}  # fmt: skip


class PixelsError(ValueError):
    """Pixels whose meaning the file does not tell; the message says what is missing."""


def refuse_unreadable(photo: Image.Image) -> None:
    """Refuse an opened photo whose pixels Pillow would take for something else.

    Raises:
        PixelsError: YCbCr that is not compressed, or signed bytes.
    """
    tags = _tags(photo)
    if tags.get(PHOTOMETRIC) == _YCBCR and tags.get(COMPRESSION, 1) == _UNCOMPRESSED:
        raise PixelsError("a TIFF of YCbCr values without compression is not read; save it as RGB")
    if photo.mode == "L" and tags.get(SAMPLE_FORMAT) in (_SIGNED, (_SIGNED,)):
        raise PixelsError("a TIFF of signed bytes is not read; save it with values from 0 to 255")


def to_rgb(photo: Image.Image) -> Image.Image:
    """A loaded photo of any mode as RGB of 8 bits, on white where it lets light through.

    Raises:
        PixelsError: see ``grey_8_bits``.
    """
    if photo.mode in DEEP_MODES:  # convert() would clip at 255 and leave a white photo
        photo = grey_8_bits(photo)
    if photo.mode == "La":
        photo = photo.convert("LA")
    if photo.mode in ("RGBA", "LA", "PA", "RGBa") or "transparency" in photo.info:
        photo = photo.convert("RGBA")
        white = Image.new("RGBA", photo.size, "white")
        photo = Image.alpha_composite(white, photo)
    return photo if photo.mode == "RGB" else photo.convert("RGB")


def as_pixels(photo: Image.Image) -> NDArray[np.uint8]:
    """The pixels of an RGB photo, uint8 [height, width, 3]."""
    # In strips: Pillow hands over a whole photo as pieces and then as their sum.
    pixels = np.empty((photo.height, photo.width, 3), np.uint8)
    for top in range(0, photo.height, _STRIP_PX):
        strip = (0, top, photo.width, min(top + _STRIP_PX, photo.height))
        pixels[top : strip[3]] = np.asarray(photo.crop(strip))
    return pixels


def grey_8_bits(photo: Image.Image) -> Image.Image:
    """A loaded photo of one deep channel (``DEEP_MODES``) as 8-bit grey.

    Raises:
        PixelsError: negative values, values that are no numbers, or of no known range.
    """
    values = np.asarray(photo)
    if photo.mode == "F" and not np.isfinite(values).all():
        raise PixelsError("some of its values are no numbers (NaN or infinite)")
    tags = _tags(photo)
    black = min(0.0, _number(tags.get(_MIN_OF_FORMAT)) or 0.0)
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    if low < black:
        raise PixelsError(f"it has values below zero ({low:g}), and black is not stated")
    white = _white(tags, high, fractions=photo.mode == "F")
    grey = np.empty(values.shape, np.uint8)
    for top in range(0, len(grey), _STRIP_PX):  # as float64 a whole photo takes 400 MB
        grey[top : top + _STRIP_PX] = _scaled(values[top : top + _STRIP_PX], black, white)
    return Image.fromarray(255 - grey if tags.get(PHOTOMETRIC) == _WHITE_IS_ZERO else grey)


def raw_mode(photo: Image.Image) -> str:
    """How Pillow unpacks the pixels of an opened photo, such as ``RGB;16B``; else empty."""
    for tile in getattr(photo, "tile", ()):
        args = (tile.args,) if isinstance(tile.args, str) else tile.args or ()
        return next((value for value in args if isinstance(value, str)), "")
    return ""


def unpack_low_bytes(photo: ImageFile.ImageFile) -> None:
    """Let an opened ``RGB;16…`` photo load the lower byte of each value in place of the higher.

    Pillow has no mode for colours of 16 bits and keeps the higher byte alone.
    """
    raw = raw_mode(photo)
    swapped = raw[:-4] + _SWAPPED[raw[-4:]]

    def args_of(args: Any) -> Any:  # Pillow's own: a raw mode, or a tuple that holds one
        if isinstance(args, str):
            return swapped
        return tuple(swapped if value == raw else value for value in args)

    photo.tile = [tile._replace(args=args_of(tile.args)) for tile in photo.tile]


def needs_low_bytes(photo: Image.Image, raw: str) -> bool:
    """Whether the higher bytes of a loaded photo of 16 bits a colour do not tell its pixels.

    Raises:
        PixelsError: they do not, and its lower bytes cannot be had.
    """
    colours = photo.getbands()[:3] if photo.mode in ("RGB", "RGBA", "RGBa") else photo.getbands()
    dim = all(not any(photo.getchannel(band).histogram()[_DIM_HIGH_BYTE:]) for band in colours)
    stated = _stated(_tags(photo)) is not None
    if (dim or stated) and not raw.startswith("RGB;16"):
        raise PixelsError(
            "it has 16 bits a value and an alpha channel or inks, but uses 14 bits at most; save "
            "it with 8 bits a value"
        )
    return dim or stated


def colours_8_bits(high: Image.Image, low: Image.Image) -> Image.Image:
    """RGB of 8 bits from the two bytes of each value; ``high`` is overwritten.

    Raises:
        PixelsError: the values exceed what the file states as white.
    """
    strips = [
        (0, top, high.width, min(top + _STRIP_PX, high.height))
        for top in range(0, high.height, _STRIP_PX)
    ]

    def values_in(strip: tuple[int, int, int, int]) -> NDArray[np.uint16]:
        higher = np.asarray(high.crop(strip)).astype(np.uint16)
        return higher << 8 | np.asarray(low.crop(strip))

    brightest = max(float(values_in(strip).max()) for strip in strips)
    white = _white(_tags(high), brightest, fractions=False)
    for strip in strips:  # a whole photo's values take as much again as both photos
        high.paste(Image.fromarray(_scaled(values_in(strip), 0.0, white)), strip)
    return high


def _white(tags: dict[int, Any], brightest: float, *, fractions: bool) -> float:
    stated = _stated(tags)
    if stated is not None:
        if brightest > stated:
            raise PixelsError(
                f"the file states {stated:g} as its largest value, but has {brightest:g}"
            )
        return stated
    if fractions and brightest <= 1:
        return 1.0
    if fractions and brightest < _DIM:
        raise PixelsError(
            f"its values reach {brightest:g}, and white is not stated: neither 1 nor 255 fits; "
            "save it with values from 0 to 1"
        )
    for white in _RANGES:
        if brightest < white + 0.5:  # a resized photo's fractions overshoot a little
            return float(white)
    raise PixelsError(f"its values reach {brightest:g}; 16 bits, which is 65535, are read")


def _stated(tags: dict[int, Any]) -> float | None:
    """White as a TIFF states it; None where it states only what its cells could hold."""
    bits = int(_number(tags.get(BITS)) or 8)
    white = _number(tags.get(_MAX_OF_FORMAT)) or _number(tags.get(_MAX_VALUE))
    if white is not None and white > 0 and (bits == 32 or white < 2**bits - 1):
        return white
    return 2.0**bits - 1 if bits not in (8, 16, 32) else None


def _number(value: Any) -> float | None:
    """Of a tag's value, which may be one number or one for each channel; None where it is none."""
    first = value[0] if isinstance(value, tuple) and value else value
    try:
        return float(first)
    except (TypeError, ValueError, ZeroDivisionError):
        return None


def _scaled(values: NDArray[Any], black: float, white: float) -> NDArray[np.uint8]:
    if values.dtype == np.uint16 and black == 0:  # a table is many times as fast
        steps = np.arange(65536, dtype=np.float64)
        return (steps / white * 255).clip(0, 255).astype(np.uint8)[values]
    fractions = (values - np.float64(black)) / (white - black)
    return (fractions * 255).clip(0, 255).astype(np.uint8)


def _tags(photo: Image.Image) -> dict[int, Any]:
    return dict(getattr(photo, "tag_v2", {})) if _is_tiff(photo) else {}


def _is_tiff(photo: Image.Image) -> bool:
    return isinstance(photo, TiffImagePlugin.TiffImageFile)
