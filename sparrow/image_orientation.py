"""How a photo is stored: its size, and its turn by EXIF or XMP (none in a decoded HEIC)."""

from __future__ import annotations

from PIL import Image, TiffImagePlugin

TURNS = {  # what EXIF's orientation asks for
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_ORIENTATION = 0x0112  # a tag of EXIF
_WIDTH, _HEIGHT = 256, 257  # tags of TIFF


def orientation(photo: Image.Image) -> int:
    """1 to 8; what says nothing usable is 1, and never keeps a photo from being read."""
    try:
        value = photo.getexif().get(_ORIENTATION, 1)
        return int(value) if value in TURNS else 1
    except Exception:  # Pillow's parsers raise a dozen types, struct.error included
        return 1


def stored_size(photo: Image.Image) -> tuple[int, int]:
    """(width, height) as in the file. ``size`` is not: of a TIFF, Pillow gives the upright one."""
    if isinstance(photo, TiffImagePlugin.TiffImageFile) and _WIDTH in photo.tag_v2:
        return int(photo.tag_v2[_WIDTH]), int(photo.tag_v2[_HEIGHT])
    return photo.size
