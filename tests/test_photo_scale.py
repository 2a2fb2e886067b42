"""A large JPEG is decoded as small as the network's input allows, and shows all of the photo."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from sparrow.image_statistics import image_statistics, reduced
from sparrow.images import ImageError, at_full_size, decode_photo, read_image
from sparrow.photo_scale import fit_scale, resize_to_fit, times_smaller

ORIENTATION = 0x0112
SIDES_PX = (256, 384)


def ramps(width_px: int, height_px: int) -> NDArray[np.uint8]:
    """Red grows from left to right, green from top to bottom: a colour tells the place."""
    x, y = np.meshgrid(np.linspace(0, 255, width_px), np.linspace(0, 255, height_px))
    return np.dstack([x, y, np.full_like(x, 128)]).round().astype(np.uint8)


def saved(image: NDArray[np.uint8], kind: str = "JPEG", **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, kind, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("size_px", "sides_px", "times"),
    [
        ((384, 256), SIDES_PX, 1),  # the input's own size
        ((440, 330), SIDES_PX, 1),  # the demo's photos
        ((767, 512), SIDES_PX, 1),  # below twice the input
        ((1023, 682), SIDES_PX, 1),  # half of it has no 512 px, at which photos are measured
        ((1024, 682), SIDES_PX, 2),
        ((1280, 720), SIDES_PX, 2),
        ((4000, 3000), SIDES_PX, 4),  # an eighth has 500 px
        ((3000, 4000), SIDES_PX, 4),
        ((8000, 6000), SIDES_PX, 8),
        ((30000, 2000), SIDES_PX, 8),  # no more than libjpeg can
        ((2600, 1998), (800, 1333), 1),  # half of it is short of 1.25 times 800 px
        ((2600, 2002), (800, 1333), 2),
    ],
)
def test_how_many_times_smaller(
    size_px: tuple[int, int], sides_px: tuple[int, int], times: int
) -> None:
    assert times_smaller(*size_px, sides_px) == times
    enough = max(size_px) / times >= fit_scale(*size_px, *sides_px) * max(size_px)
    assert enough or times == 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("size_px", [(1040, 800), (1041, 803), (1043, 797)])
def test_what_is_decoded_smaller_shows_all_of_the_photo(
    size_px: tuple[int, int], orientation: int
) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    content = saved(ramps(*size_px), quality=95, exif=exif)
    photo, whole = decode_photo(content, sides_px=SIDES_PX), read_image(content)
    assert photo.size_px == whole.shape[1::-1]
    assert max(photo.pixels.shape) == -(-max(size_px) // 2)
    small, full = (
        resize_to_fit(photo.pixels, *SIDES_PX, photo.area),
        resize_to_fit(whole, *SIDES_PX),
    )
    assert small.shape == full.shape
    # A pixel at the network's size is 0.75 of a grey level from the next: nothing has moved.
    np.testing.assert_allclose(small.astype(int), full.astype(int), atol=3)


def test_the_last_row_that_libjpeg_fills_up_moves_nothing() -> None:
    # 4003 × 1000: a quarter has 1001 × 250 pixels, the last column for 3 of 4.
    wide = decode_photo(saved(ramps(4003, 1000), quality=95), sides_px=SIDES_PX)
    assert wide.pixels.shape == (250, 1001, 3)
    red = wide.pixels[125, :, 0].astype(float)
    centres = (np.arange(1001) + 0.5) * 4 - 0.5
    np.testing.assert_allclose(red[:-1], centres[:-1] / 4002 * 255, atol=2)
    assert wide.area == (0, 0, 4003 / 4, 250)


def test_what_libjpeg_fills_up_costs_no_sharpness() -> None:
    # To resample the pixels onto the photo's own frame would take 6 to 10 % of a real photo's.
    noise = np.random.default_rng(3).integers(0, 256, (1203, 1602, 3), np.uint8)
    content = saved(np.asarray(Image.fromarray(noise).resize((4003, 3001))), quality=95)
    sharpness = [
        image_statistics(reduced(pixels))[2]
        for pixels in (decode_photo(content, sides_px=SIDES_PX).pixels, read_image(content))
    ]
    assert sharpness[0] == pytest.approx(sharpness[1], rel=0.04)


def test_small_photos_and_other_formats_keep_their_pixels() -> None:
    small, large = ramps(440, 330), ramps(1040, 780)
    for content in (saved(small, quality=90), saved(large, "PNG"), saved(large, "BMP")):
        photo = decode_photo(content, sides_px=SIDES_PX)
        assert photo.is_full
        assert np.array_equal(photo.pixels, read_image(content))
        assert at_full_size(photo, content) is photo.pixels


@pytest.mark.parametrize("options", [{"progressive": True}, {"subsampling": 2}, {"kind": "MPO"}])
def test_every_kind_of_jpeg(options: dict[str, object]) -> None:
    content = saved(ramps(1040, 780), **options)  # type: ignore[arg-type]  # kind is one of them
    photo = decode_photo(content, sides_px=SIDES_PX)
    assert (photo.pixels.shape, photo.size_px) == ((390, 520, 3), (1040, 780))
    assert np.array_equal(at_full_size(photo, content), read_image(content))


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_cmyk(mode: str) -> None:
    stream = io.BytesIO()
    Image.fromarray(ramps(1040, 780)).convert(mode).save(stream, "JPEG", quality=95)
    photo = decode_photo(stream.getvalue(), sides_px=SIDES_PX)
    whole = Image.fromarray(read_image(stream.getvalue())).resize((520, 390))
    np.testing.assert_allclose(photo.pixels.astype(int), np.asarray(whole, int), atol=6)


def test_limits_and_damage_are_told_as_of_a_whole_photo() -> None:
    content = saved(ramps(1040, 780))
    with pytest.raises(ImageError, match="1040 × 780 pixels; at most 100,000"):
        decode_photo(content, 100_000, SIDES_PX)
    with pytest.raises(ImageError, match="damaged or incomplete"):
        decode_photo(content[: len(content) // 2], sides_px=SIDES_PX)


def test_the_thinnest_photo() -> None:
    photo = decode_photo(saved(ramps(5000, 3)), sides_px=SIDES_PX)
    assert photo.size_px == (5000, 3)
    assert photo.area == (0, 0, 2500, 1.5)
    assert min(photo.pixels.shape) > 0


@pytest.mark.parametrize(
    ("size_px", "scale"),
    [
        ((400, 200), 0.5),  # the short side becomes 100
        ((200, 400), 0.5),
        ((1000, 100), 0.2),  # ... unless the long side would exceed 200
        ((50, 50), 2.0),  # small photos grow
    ],
)
def test_fit_scale(size_px: tuple[int, int], scale: float) -> None:
    assert fit_scale(*size_px, 100, 200) == scale


def test_resize() -> None:
    image = np.zeros((200, 400, 3), np.uint8)
    assert resize_to_fit(image, 100, 200).shape == (100, 200, 3)
    assert resize_to_fit(np.zeros((1, 3000, 3), np.uint8), 100, 200).shape == (1, 200, 3)
    assert resize_to_fit(image, 200, 400) is image  # fits already: not a pixel changes
