"""Boxes from what a label file says to pixels of the upright photo."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sparrow.data.errors import DataError
from sparrow.data.formats.described import DescribedBox, DescribedPhoto, PhotoName
from sparrow.data.formats.frame import Frame, place_boxes, read_frame
from sparrow.data.formats.import_report import ImportOptions, ImportReport
from sparrow.images import read_image

UPRIGHT = Frame(200, 100)


def photo(*xyxy: tuple[float, float, float, float], **changed: object) -> DescribedPhoto:
    boxes = [DescribedBox("bird", box, f"a.txt, line {n}") for n, box in enumerate(xyxy, 1)]
    return DescribedPhoto(PhotoName("a.jpg"), "a.txt", boxes, **changed)  # type: ignore[arg-type]


def placed(
    described: DescribedPhoto, frame: Frame = UPRIGHT, **options: str
) -> tuple[list[tuple[float, ...]], str]:
    report = ImportReport("yolo")
    boxes = place_boxes(described, frame, ImportOptions(**options), report)  # type: ignore[arg-type]
    return [box[1:] for box in boxes], "\n".join(report.lines()[2:])


def test_a_photo_without_boxes() -> None:
    assert placed(photo()) == ([], "")


def test_boxes_inside_stay_as_they_are() -> None:
    assert placed(photo((0, 0, 200, 100), (1.25, 2, 3, 4))) == (
        [(0, 0, 200, 100), (1.25, 2, 3, 4)],
        "",
    )


def test_what_reaches_out_a_little_is_cut_and_counted() -> None:
    boxes, told = placed(photo((-0.5, 0, 10, 10), (190, 90, 201, 100.5), (5, 5, 6, 6)))
    assert boxes == [(0, 0, 10, 10), (190, 90, 200, 100), (5, 5, 6, 6)]
    assert told == (
        "2 boxes reached up to 1 px beyond their photo and were cut (a.txt, line 1, a.txt, line 2)"
    )


def test_half_a_percent_of_a_long_side_is_little() -> None:
    wide = Frame(4000, 100)
    assert placed(photo((3000, 0, 4020, 10)), wide)[0] == [(3000, 0, 4000, 10)]
    with pytest.raises(DataError, match=r"line 1: .* 20\.5 px beyond the photo 'a\.jpg' of 4000"):
        placed(photo((3000, 0, 4020.5, 10)), wide)
    with pytest.raises(DataError, match=r"1\.5 px beyond"):
        placed(photo((0, -1.5, 10, 10)), wide)


@pytest.mark.parametrize("box", [(5, 5, 5, 10), (10, 5, 4, 8), (199.5, -0.5, 200.5, 0.0)])
def test_a_box_without_area_is_refused(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(DataError, match="no area inside the photo"):
        placed(photo(box))


def test_fractions_become_pixels_to_four_digits() -> None:
    described = photo((0.1, 0.2, 1 / 3, 0.5), in_fractions=True)
    assert placed(described)[0] == [(20, 20, 66.6667, 50)]


def test_a_size_that_contradicts_is_refused_with_both() -> None:
    with pytest.raises(
        DataError, match=r"a\.txt: .* 100 × 100 pixels, but the photo has 200 × 100"
    ):
        placed(photo((0, 0, 5, 5), size=(100, 100)))
    # Without boxes nothing hangs on it.
    assert "another size than stated" in placed(photo(size=(100, 100)))[1]
    with pytest.raises(DataError, match="100 × 200"):  # not turned by EXIF: another photo
        placed(photo((0, 0, 5, 5), size=(100, 200)))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_stored_boxes_are_turned_as_the_photo_is(tmp_path: Path, orientation: int) -> None:
    pixels = np.zeros((40, 60, 3), dtype=np.uint8)
    pixels[5:15, 8:30] = 255  # stored: x 8 to 30, y 5 to 15
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    frame = read_frame(tmp_path / "a.png")
    assert (frame.orientation, frame.stored) == (orientation, (60, 40))
    shown = read_image(tmp_path / "a.png")
    assert shown.shape[:2] == frame.upright[::-1]
    x_min, y_min, x_max, y_max = (int(value) for value in frame.to_upright((8, 5, 30, 15)))
    assert (shown[y_min:y_max, x_min:x_max] == 255).all()
    assert (shown == 255).sum() == 3 * 22 * 10


TURNED = Frame(100, 200, orientation=6)  # stored 200 × 100


def test_the_stated_size_tells_which_pixels_boxes_are_on() -> None:
    boxes, told = placed(photo((10, 20, 70, 60), size=(200, 100)), TURNED)
    assert boxes == [(40, 10, 80, 70)]  # 100 - 60, 10, 100 - 20, 70
    assert "1 photos are turned by EXIF; boxes taken as of the stored pixels" in told
    boxes, told = placed(photo((10, 20, 70, 60), size=(100, 200)), TURNED)
    assert boxes == [(10, 20, 70, 60)]
    assert "boxes taken as of the upright pixels, as their stated size shows" in told
    with pytest.raises(DataError, match="--boxes-on says stored"):
        placed(photo((10, 20, 70, 60), size=(100, 200)), TURNED, boxes_on="stored")


@pytest.mark.parametrize(
    ("frame", "size"),
    [(TURNED, None), (Frame(200, 100, 3), (200, 100)), (Frame(90, 90, 6), (90, 90))],
)
def test_where_nothing_tells_a_person_does(frame: Frame, size: tuple[int, int] | None) -> None:
    described = photo((10, 20, 70, 60), size=size)
    boxes, told = placed(described, frame)
    assert boxes == [(10, 20, 70, 60)]
    assert "upright pixels, which nothing tells" in told
    assert "--boxes-on stored" in told
    boxes, told = placed(described, frame, boxes_on="stored")
    assert boxes == [frame.to_upright((10, 20, 70, 60))] != [(10, 20, 70, 60)]


def test_crowd_boxes_are_counted_either_way() -> None:
    crowd = DescribedPhoto(
        PhotoName("a.jpg"), "x", [DescribedBox("bird", (0, 0, 50, 50), "x, entry 1", crowd=True)]
    )
    boxes, told = placed(crowd)
    assert len(boxes) == 1
    assert told == "1 crowd boxes were used (--crowd) (x, entry 1)"
    boxes, told = placed(crowd, crowd="skip")
    assert boxes == []
    assert "1 crowd boxes were left out" in told


def test_a_photo_that_is_turned_by_xmp_has_the_frame_that_it_is_decoded_in(tmp_path: Path) -> None:
    said = '<x:xmpmeta xmlns:x="adobe:ns:meta/"><d tiff:Orientation="6"/></x:xmpmeta>'
    chunks = PngInfo()
    chunks.add_itxt("XML:com.adobe.xmp", said)
    Image.new("RGB", (60, 40)).save(tmp_path / "a.png", pnginfo=chunks)
    frame = read_frame(tmp_path / "a.png")
    assert (frame.orientation, frame.stored, frame.upright) == (6, (60, 40), (40, 60))
    assert read_image(tmp_path / "a.png").shape == (60, 40, 3)
