"""Photos as cameras, phones and scanners write them: HEIC, AVIF, deep pixels, odd EXIF, RAW."""

from __future__ import annotations

import struct
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from PIL import Image
from written_photos import exif, packed_12, png16, saved, tiff

from sparrow.image_formats import begins_as_photo
from sparrow.images import ImageError, file_suffix, read_exif, read_image, upright_size_px
from tests.test_images import STORED

# A ramp from black to white, whose mean is a half of white.
GREY = np.linspace(0, 1, 64 * 48).reshape(48, 64)
RGB = np.stack([GREY, GREY[::-1], GREY[:, ::-1]], -1)
ALPHA = np.ones((48, 64, 1))


def of_bits(values: Any, bits: int) -> Any:
    return np.round(values * (2**bits - 1)).astype(np.uint16)


def assert_half(photo: bytes) -> None:
    """Every colour's mean is a half of white, and white is white."""
    pixels = read_image(photo)
    assert pixels.shape == (48, 64, 3)
    assert np.abs(pixels.mean((0, 1)) - 127.5).max() < 1.5
    assert pixels.max() >= 252  # HEIC and AVIF lose a little
    assert upright_size_px(photo) == (64, 48)


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
@pytest.mark.parametrize("values", [GREY, RGB], ids=["grey", "rgb"])
def test_values_in_cells_of_16_bits_come_out_as_bright_as_they_are(values: Any, bits: int) -> None:
    deep = of_bits(values, bits)
    for photo in (png16(deep), tiff(deep, 16), tiff(deep, 16, order=">")):
        assert_half(photo)
    if values is GREY:
        assert_half(saved(deep, "TIFF", compression="tiff_lzw"))


MAX, MAX_OF_FORMAT, MIN_OF_FORMAT, PHOTOMETRIC = 281, 341, 340, 262
FLOATS = GREY.astype(np.float32)
READ = {
    "12 bits packed": tiff(of_bits(GREY, 12), 12, packed=packed_12(of_bits(GREY, 12))),
    "12 bits stated": tiff(of_bits(GREY, 12), 16, (MAX, 3, [4095])),
    "12 bits of RGB stated": tiff(of_bits(RGB, 12), 16, (MAX, 3, [4095] * 3)),
    "white is zero": tiff(of_bits(GREY, 16), 16, (PHOTOMETRIC, 3, [0])),
    "white is zero, 12 bits": tiff(of_bits(GREY, 12), 16, (PHOTOMETRIC, 3, [0])),
    "32 bits": tiff((GREY * 65535).astype(np.int32), 32),
    "signed 16 bits": tiff((GREY * 4095).astype(np.int16), 16),
    "fractions to 1": tiff(FLOATS, 32),
    "fractions to 255": tiff(FLOATS * 255, 32, order=">"),
    "fractions, resized": tiff(FLOATS * np.float32(255.3), 32),
    "fractions to 65535": tiff(FLOATS * 65535, 32),
    "fractions to 100, stated": tiff(FLOATS * 100, 32, (MAX_OF_FORMAT, 11, [100.0])),
    "fractions from -1, stated": tiff(
        FLOATS * 2 - 1, 32, (MIN_OF_FORMAT, 11, [-1.0]), (MAX_OF_FORMAT, 11, [1.0])
    ),
    "RGBA": png16(of_bits(np.concatenate([RGB, ALPHA], -1), 16)),
    "grey and alpha": png16(of_bits(np.concatenate([GREY[..., None], ALPHA], -1), 16)),
}  # fmt: skip


@pytest.mark.parametrize("photo", READ.values(), ids=READ)
def test_the_range_is_what_the_file_states_or_the_least_that_holds_it(photo: bytes) -> None:
    assert_half(photo)


def test_a_dark_photo_whose_range_is_stated_stays_dark() -> None:
    dark = read_image(tiff(of_bits(GREY * 0.2, 12), 16, (MAX, 3, [4095])))
    assert dark.max() == 51  # a fifth of 255


REFUSED = {
    "reaches 2": (tiff(FLOATS * 2, 32), "values reach 2, and white is not stated"),
    "reaches 20": (tiff(FLOATS * 20, 32), "values reach 20, and white is not stated"),
    "not a number": (tiff(np.where(GREY > 0.5, np.nan, GREY).astype("f4"), 32), "NaN"),
    "negative": (tiff(FLOATS * 2 - 1, 32), r"below zero \(-1\)"),
    "negative whole": (tiff((GREY * 200 - 100).astype(np.int16), 16), r"below zero \(-100\)"),
    "beyond white": (tiff(of_bits(GREY, 16), 16, (MAX, 3, [4095])), "states 4095 .* has 65535"),
    "24 bits": (tiff((GREY * 2**24).astype(np.int32), 32), "16 bits, which is 65535"),
    "signed bytes": (tiff((GREY * 100).astype(np.int8), 8), "signed bytes"),
    "raw YCbCr": (tiff((RGB * 255).astype(np.uint8), 8, (PHOTOMETRIC, 3, [6])), "YCbCr"),
    "12 bits and alpha": (png16(of_bits(np.concatenate([RGB, ALPHA], -1), 12)), "14 bits at most"),
    "12-bit RGB packed": (tiff(of_bits(RGB, 12), 12), "of a kind that is not read"),
    "fractions of RGB": (tiff(RGB.astype(np.float32), 32), "of a kind that is not read"),
    "a preview": (tiff((RGB * 255).astype(np.uint8), 8, (254, 4, [1])), "RAW photo; export it"),
    "DNG": (tiff((RGB * 255).astype(np.uint8), 8, (50706, 1, [1, 4, 0, 0])), "RAW photo"),
    "CR2": (b"II*\0\x10\0\0\0CR\x02\0" + bytes(99), "RAW photo"),
    "CR3": (b"\0\0\0\x18ftypcrx " + bytes(99), "RAW photo"),
    "video": (b"\0\0\0\x18ftypqt  " + bytes(99), "this is a video"),
    "HEIC stub": (b"\0\0\0\x18ftypheic" + bytes(99), "its header cannot be read"),
}


@pytest.mark.parametrize(("photo", "message"), REFUSED.values(), ids=REFUSED)
def test_what_would_need_a_guess_is_refused_with_its_reason(photo: bytes, message: str) -> None:
    with pytest.raises(ImageError, match=message):
        read_image(photo)


QUARTERS = np.zeros((80, 120, 3), np.uint8)  # red at the top left
QUARTERS[:40, :60], QUARTERS[:40, 60:], QUARTERS[40:, :60] = (255, 0, 0), (0, 255, 0), (0, 0, 255)


@pytest.mark.parametrize("orientation", STORED)
@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_heic_and_avif_are_turned_once(kind: str, orientation: int) -> None:
    note = Image.Exif()
    note[0x0112] = orientation  # both writers make the container's own turn of it
    stored = np.ascontiguousarray(STORED[orientation](QUARTERS))
    photo = saved(stored, kind, exif=note.tobytes(), quality=95)
    assert (b"irot" in photo or b"imir" in photo) == (orientation > 1)
    assert upright_size_px(photo) == (120, 80)
    np.testing.assert_allclose(read_image(photo)[5, 5], (255, 0, 0), atol=12)
    assert file_suffix(photo) == {"HEIF": ".heic", "AVIF": ".avif"}[kind]
    assert begins_as_photo(photo[:32])


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_heic_and_avif_in_grey_and_with_alpha(kind: str) -> None:
    bytes_ = (GREY * 255).astype(np.uint8)
    assert_half(saved(bytes_, kind, quality=95))
    glass = np.dstack([bytes_, bytes_, bytes_, np.zeros_like(bytes_)])
    assert read_image(saved(glass, kind, quality=95)).min() >= 253  # it lies on white


@pytest.mark.parametrize("twelve", [False, True], ids=["10 bits", "12 bits"])
def test_deep_heic(twelve: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    import io

    import pillow_heif

    monkeypatch.setattr(pillow_heif.options, "SAVE_HDR_TO_12_BIT", twelve)
    stream = io.BytesIO()
    pillow_heif.from_bytes("RGB;16", (64, 48), of_bits(RGB, 16).tobytes()).save(stream, quality=95)
    assert_half(stream.getvalue())


def test_of_several_frames_the_first_or_the_primary_one_is_the_photo() -> None:
    import io

    import pillow_heif

    black, white = Image.new("RGB", (64, 64)), Image.new("RGB", (64, 64), "white")
    for kind in ("GIF", "TIFF", "WEBP", "AVIF"):
        frames = saved(white, kind, save_all=True, append_images=[black, black])
        assert read_image(frames).min() >= 250, kind
    file, stream = pillow_heif.from_pillow(black), io.BytesIO()
    file.add_from_pillow(white)
    file.save(stream, primary_index=1)
    assert read_image(stream.getvalue()).min() >= 250


@pytest.mark.parametrize("kind", ["HEIF", "AVIF"])
def test_pixels_of_heic_and_avif_are_limited_by_their_header(kind: str) -> None:
    photo = saved(Image.new("RGB", (200, 100)), kind)
    with pytest.raises(ImageError, match=r"200 × 100 pixels; at most 19,999 .*service.max_pixels"):
        read_image(photo, max_pixels=19_999)
    place = photo.index(b"ispe") + 8
    claims = photo[:place] + struct.pack(">II", 60_000, 60_000) + photo[place + 8 :]
    with pytest.raises(ImageError):
        read_image(claims)


ODD = {
    "zero": (exif((0x112, 3, 1, b"\0\0")), (64, 48)),
    "65535": (exif((0x112, 3, 1, b"\xff\xff")), (64, 48)),
    "a long 6": (exif((0x112, 4, 1, b"\6\0\0\0")), (48, 64)),
    "text": (exif((0x112, 2, 2, b"6\0")), (64, 48)),
    "a fraction that is nowhere": (exif((0x112, 5, 1, struct.pack("<I", 4000))), (64, 48)),
    "a type that is none": (exif((0x112, 99, 1, b"\6\0")), (64, 48)),
    "6, and a directory beyond the end": (
        exif((0x112, 3, 1, b"\6\0"), (0x8769, 4, 1, b"\xf0\xff\xff\xff")), (48, 64)
    ),
    "6, and a directory that is itself": (
        exif((0x112, 3, 1, b"\6\0"), (0x8769, 4, 1, b"\x08\0\0\0")), (48, 64)
    ),
    "6, and -1/0": (exif((0x112, 3, 1, b"\6\0"), (0x9204, 10, 1, b"\x08\0\0\0")), (48, 64)),
    "garbage": (b"Exif\0\0" + bytes(range(200)), (64, 48)),
    "cut": (b"Exif\0\0II", (64, 48)),
}  # fmt: skip


@pytest.mark.parametrize(("odd", "size_px"), ODD.values(), ids=ODD)
def test_odd_exif_turns_a_photo_or_leaves_it_as_it_is(odd: bytes, size_px: tuple[int, int]) -> None:
    for kind in ("JPEG", "PNG", "WEBP"):
        photo = saved((RGB * 255).astype(np.uint8), kind, exif=odd)
        assert upright_size_px(photo) == size_px
        assert read_image(photo).shape == (size_px[1], size_px[0], 3)
        read_exif(photo)
    photo = saved((RGB * 255).astype(np.uint8), "HEIF", exif=odd)
    assert upright_size_px(photo) == read_image(photo).shape[1::-1]


def test_the_decoder_of_heic_is_loaded_by_the_first_of_them_alone() -> None:
    code = (
        "import sys; from sparrow.images import read_image\n"
        "for content in map(bytes.fromhex, sys.argv[1:]):\n"
        "    read_image(content); print('pillow_heif' in sys.modules)"
    )
    photos = [saved(np.zeros((48, 64, 3), np.uint8), kind).hex() for kind in ("JPEG", "HEIF")]
    run = subprocess.run(
        [sys.executable, "-c", code, *photos], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["False", "True"]
