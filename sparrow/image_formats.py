"""Which file formats are read as photos, and the decoders that Pillow does not load by itself."""

from __future__ import annotations

from functools import cache
from typing import BinaryIO

from PIL import Image, TiffImagePlugin

# Formats that cameras, phones and editors write. SVG and HTML are not images here; other decoders
# stay unused. "JPEG" opens MPO, the several frames of a phone; Pillow knows no "MPO" to ask for.
FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF")
HEIF_FORMATS = ("AVIF", "HEIF")  # of one container
NAMES = "JPEG, HEIC, AVIF, PNG, WebP, TIFF, GIF, BMP"
SUFFIXES = {
    "JPEG": ".jpg", "MPO": ".jpg", "PNG": ".png", "WEBP": ".webp", "BMP": ".bmp", "TIFF": ".tif",
    "GIF": ".gif", "AVIF": ".avif", "HEIF": ".heic",
}  # fmt: skip

HEAD_BYTES = 32  # of a file, enough to tell its format
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_BEGINNINGS = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", *_TIFF)
_HEIF_BRANDS = {
    b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1",
    b"mif2", b"avif", b"avis",
}  # fmt: skip
_CANON_RAW = slice(8, 10)  # "CR" there tells a CR2 from a TIFF
_SUBFILE_TYPE, _DNG_VERSION = 254, 50706  # tags of TIFF
_REDUCED = 1  # in the first: this image is a small copy of another
RAW = "this is a RAW photo; export it as JPEG, HEIC, PNG or TIFF"


def is_heif(head: bytes) -> bool:
    """Whether a file begins as HEIC, HEIF or AVIF: their container is that of MP4, too."""
    return head[4:8] == b"ftyp" and head[8:12] in _HEIF_BRANDS


def is_canon_raw(head: bytes) -> bool:
    """Whether a file that begins as TIFF is a CR2, whose first image is a preview."""
    return head.startswith(_TIFF) and head[_CANON_RAW] == b"CR"


def begins_as_photo(head: bytes) -> bool:
    """Whether the first ``HEAD_BYTES`` bytes of a file are those of a photo that is read."""
    if is_canon_raw(head):
        return False
    webp = head.startswith(b"RIFF") and head[8:12] == b"WEBP"
    # Two letters alone could begin a text: the reserved zeros of a bitmap's header are asked, too.
    bitmap = head.startswith(b"BM") and head[6:10] == b"\0\0\0\0"
    return head.startswith(_BEGINNINGS) or is_heif(head) or webp or bitmap


class RawPhotoError(ValueError):
    """A RAW photo, of which only the preview could be read."""


def refuse_raw(photo: Image.Image) -> None:
    """Refuse a TIFF that is a camera's RAW: its first image is a preview, of any size.

    Raises:
        RawPhotoError: it is one.
    """
    if isinstance(photo, TiffImagePlugin.TiffImageFile):
        tags = photo.tag_v2
        reduced = tags.get(_SUBFILE_TYPE, 0)
        if _DNG_VERSION in tags or (isinstance(reduced, int) and reduced & _REDUCED):
            raise RawPhotoError(RAW)


def why_unidentified(head: bytes) -> str:
    """Why Pillow opens no photo that begins so, for the person who sent it."""
    if is_canon_raw(head) or head[4:11] == b"ftypcrx" or head.startswith((b"IIU\0", b"FUJIFILM")):
        return RAW
    if head.startswith(_TIFF):
        return (
            "this TIFF is damaged, a RAW photo, or of a kind that is not read (read are 1, 2, 4, "
            "8, 12 and 16 bits of grey, 8 or 16 of RGB and CMYK, 32-bit fractions of grey)"
        )
    if begins_as_photo(head):
        return "this photo is damaged or incomplete (its header cannot be read)"
    if head[4:8] == b"ftyp":
        return "this is a video, not a photo"
    return f"this is not a photo that can be read ({NAMES})"


def formats_of(stream: BinaryIO) -> tuple[str, ...]:
    """Pillow's names of the formats that a file may be of, the decoder of HEIC loaded if needed.

    Not at the import of a module: most programs never meet a HEIC. The stream stays at its first
    byte.
    """
    head = stream.read(HEAD_BYTES)
    stream.seek(0)
    if not is_heif(head):
        return FORMATS
    _register_heif()
    return HEIF_FORMATS


@cache
def _register_heif() -> None:
    import pillow_heif
    from PIL import AvifImagePlugin

    # One thread a photo, as everywhere; and nothing but the photo itself is decoded.
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    pillow_heif.register_heif_opener(
        decode_threads=1, thumbnails=False, depth_images=False, aux_images=False
    )
