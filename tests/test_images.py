"""One decoder: every orientation and colour mode comes out upright RGB, everything else is told."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from sparrow.images import ImageError, read_image, upright_size_px

ORIENTATION = 0x0112
# How a camera stores an upright photo for each EXIF orientation: the inverse of its meaning.
STORED = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: upright[::-1, ::-1].transpose(1, 0, 2),
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.fixture
def upright():
    """uint8 [20, 30, 3]: every quarter has another colour, red at the top left."""
    pixels = np.zeros((20, 30, 3), np.uint8)
    pixels[:10, :15] = (255, 0, 0)
    pixels[:10, 15:] = (0, 255, 0)
    pixels[10:, :15] = (0, 0, 255)
    pixels[10:, 15:] = (255, 255, 255)
    return pixels


def encoded(image, kind="PNG", **options):
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def bomb_png(side_px):
    """A PNG whose header promises side × side pixels and that holds none."""
    header = struct.pack(">IIBBBBB", side_px, side_px, 8, 2, 0, 0, 0)

    def chunk(kind, body):
        checksum = zlib.crc32(kind + body)
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)

    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 9))


@pytest.mark.parametrize("orientation", STORED)
def test_every_exif_orientation_comes_out_upright(upright, orientation):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    photo = encoded(np.ascontiguousarray(STORED[orientation](upright)), exif=exif)
    assert np.array_equal(read_image(photo), upright)
    assert upright_size_px(photo) == (30, 20)


XMP = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><tiff:Orientation>{}</tiff:Orientation></x:xmpmeta>'


def told(kind, orientation, how):
    """Options with which Pillow writes the orientation, in EXIF or in XMP."""
    if how == "exif":
        exif = Image.Exif()
        exif[ORIENTATION] = orientation
        return {"exif": exif}
    text = XMP.format(orientation)
    if kind == "PNG":
        info = PngImagePlugin.PngInfo()
        info.add_itxt("XML:com.adobe.xmp", text)
        return {"pnginfo": info}
    return {"tiffinfo": {700: text.encode()}} if kind == "TIFF" else {"xmp": text.encode()}


@pytest.mark.parametrize("orientation", [*STORED, 0, 9])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP", "MPO"])
@pytest.mark.parametrize("how", ["exif", "xmp"])
def test_the_size_is_that_of_the_upright_photo(upright, orientation, kind, how):
    stored = STORED.get(orientation, STORED[1])(upright)  # what has no meaning turns nothing
    quality = {"lossless": True} if kind == "WEBP" else {}
    photo = encoded(np.ascontiguousarray(stored), kind, **told(kind, orientation, how), **quality)
    seen = read_image(photo)
    assert seen.shape == (20, 30, 3)
    assert upright_size_px(photo) == (30, 20)
    np.testing.assert_allclose(seen[2, 2], (255, 0, 0), atol=40)  # JPEG's loss


def test_path_text_and_bytes_are_one(upright, tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(encoded(upright))
    for source in (path, str(path), path.read_bytes()):
        assert np.array_equal(read_image(source), upright)
        assert upright_size_px(source) == (30, 20)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("GIF", {}),
        ("WEBP", {"lossless": True}),
        ("JPEG", {"quality": 95, "subsampling": 0}),
        ("JPEG", {"quality": 95, "subsampling": 0, "progressive": True}),
        ("MPO", {"quality": 95, "subsampling": 0}),
    ],
)
def test_formats(upright, kind, options):
    image = Image.fromarray(upright)
    if kind == "MPO":  # two frames in one file, as stereo cameras and some phones write
        options = {**options, "save_all": True, "append_images": [image.rotate(180)]}
    found = read_image(encoded(image, kind, **options))
    assert found.shape == (20, 30, 3)
    assert found.dtype == np.uint8
    # JPEG blocks of 8 px spread an edge over its neighbours; the middle of a quarter is clean.
    for row, column in ((3, 3), (3, 27), (19, 3), (19, 27)):
        assert np.abs(found[row, column].astype(int) - upright[row, column]).max() <= 4


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (Image.new("L", (3, 2), 100), (100, 100, 100)),
        (Image.new("1", (3, 2), 1), (255, 255, 255)),
        (Image.new("LA", (3, 2), (100, 255)), (100, 100, 100)),
        (Image.new("RGBA", (3, 2), (10, 20, 30, 255)), (10, 20, 30)),
        (Image.new("RGBA", (3, 2), (10, 20, 30, 0)), (255, 255, 255)),  # glass lies on white
        (Image.new("P", (3, 2), 0), (0, 0, 0)),
        (Image.new("I;16", (3, 2), 25700), (100, 100, 100)),  # 25700 of 65535 is 100 of 255
    ],
    ids=["grey", "two colours", "grey alpha", "opaque", "transparent", "palette", "16 bit"],
)
def test_colour_modes(image, expected):
    found = read_image(encoded(image))
    assert found.shape == (2, 3, 3)
    assert tuple(found[0, 0]) == expected


def test_a_transparent_palette_lies_on_white():
    image = Image.new("P", (3, 2), 0)
    assert tuple(read_image(encoded(image, transparency=0))[0, 0]) == (255, 255, 255)


def test_cmyk():
    # No ink is white; the full three inks are black.
    white = read_image(encoded(Image.new("CMYK", (16, 16), (0, 0, 0, 0)), "JPEG"))
    black = read_image(encoded(Image.new("CMYK", (16, 16), (255, 255, 255, 0)), "JPEG"))
    assert white.min() >= 253
    assert black.max() <= 2


@pytest.mark.parametrize(
    ("photo", "message"),
    [
        (b"", "not a photo"),
        (b"hello, I am text", "not a photo"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a photo"),
        (bomb_png(12_000), "12000 × 12000 pixels; at most"),
        (bomb_png(20_000), "too many pixels"),  # Pillow itself refuses to open this one
    ],
)
def test_what_is_no_photo(photo, message):
    with pytest.raises(ImageError, match=message):
        read_image(photo)


def test_text_renamed_to_jpg(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_text("not a photo at all")
    with pytest.raises(ImageError, match="not a photo"):
        read_image(path)
    with pytest.raises(ImageError, match="not a photo"):
        upright_size_px(path)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ImageError, match=r"there is no file .*none\.jpg"):
        read_image(tmp_path / "none.jpg")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_truncated(kind):
    noise = np.random.default_rng(0).integers(0, 256, (80, 80, 3), dtype=np.uint8)
    photo = encoded(noise, kind)
    with pytest.raises(ImageError, match=r"damaged or incomplete|not a photo"):
        read_image(photo[: len(photo) // 2])


def test_pixels_are_limited_before_decoding(upright):
    photo = encoded(upright)
    assert read_image(photo, max_pixels=600).shape == (20, 30, 3)
    with pytest.raises(ImageError, match="30 × 20 pixels; at most 599 pixels"):
        read_image(photo, max_pixels=599)
    with pytest.raises(ImageError, match="30,000 on a side"):
        read_image(encoded(Image.new("L", (30_001, 1))))
