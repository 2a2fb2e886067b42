"""How a photo is turned to be upright, by its EXIF or XMP; of a HEIC its decoder has done it."""

from __future__ import annotations

from PIL import Image

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


def orientation(photo: Image.Image) -> int:
    """1 to 8; what says nothing usable is 1, and never keeps a photo from being read."""
    try:
        value = photo.getexif().get(_ORIENTATION, 1)
        return int(value) if value in TURNS else 1
    except Exception:  # Pillow's parsers raise a dozen types, struct.error included
        return 1
