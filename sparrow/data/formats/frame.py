"""Boxes as a label file says them to pixels of the upright photo: sizes compared, edges cut."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sparrow.data.errors import DataError
from sparrow.data.formats.annotations import LabelledBox
from sparrow.data.formats.described import DescribedBox, DescribedPhoto
from sparrow.data.formats.import_report import ImportOptions, ImportReport
from sparrow.images import ImageError, upright_size_and_turn

MAX_OUTSIDE_PX, MAX_OUTSIDE_FRACTION = 1.0, 0.005  # of the side; the larger of both is tolerated
_PIXEL_DIGITS = 4  # of what is computed from fractions
_XYXY = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Frame:
    """The pixels of a photo: as they are shown and as they are stored.

    Attributes:
        width_px, height_px: of the upright photo.
        orientation: EXIF's, 1 to 8; 1 is a photo that is stored upright.
    """

    width_px: int
    height_px: int
    orientation: int = 1

    @property
    def upright(self) -> tuple[int, int]:
        """(width, height) as shown."""
        return self.width_px, self.height_px

    @property
    def stored(self) -> tuple[int, int]:
        """(width, height) as stored."""
        return self.upright[::-1] if self.orientation >= 5 else self.upright

    def to_upright(self, xyxy: _XYXY) -> _XYXY:
        """A box of the stored pixels in those of the upright photo."""
        x_min, y_min, x_max, y_max = xyxy
        if self.orientation >= 5:  # transposed first, then like 1 to 4
            x_min, y_min, x_max, y_max = y_min, x_min, y_max, x_max
        if self.orientation in (2, 3, 6, 7):
            x_min, x_max = self.width_px - x_max, self.width_px - x_min
        if self.orientation in (3, 4, 7, 8):
            y_min, y_max = self.height_px - y_max, self.height_px - y_min
        return x_min, y_min, x_max, y_max


def read_frame(path: Path) -> Frame:
    """The frame of a photo, by its header.

    Raises:
        DataError: not a photo.
    """
    try:
        (width, height), orientation = upright_size_and_turn(path)
    except ImageError as error:
        raise DataError(f"{path}: {error}") from error
    return Frame(width, height, orientation)


def boxes_are_stored(
    photo: DescribedPhoto, frame: Frame, options: ImportOptions, report: ImportReport
) -> bool:
    """Whether the boxes were drawn on the stored pixels; sizes that contradict are an error."""
    size = photo.size
    if size is not None and size not in (frame.upright, frame.stored):
        if photo.boxes:
            said, real = (f"{width} × {height}" for width, height in (size, frame.upright))
            raise DataError(
                f"{photo.where}: says that {photo.name.text!r} has {said} pixels, but the photo "
                f"has {real}; expected the size of the photo that the boxes were drawn on: restore "
                "that photo, or scale the boxes"
            )
        report.add("photos without boxes have another size than stated", photo.where)
        size = None
    if frame.orientation == 1 or not photo.boxes:
        return False
    if size is None or frame.upright == frame.stored:
        return _undecided(photo, options, report)
    shown = "upright" if size == frame.upright else "stored"
    if options.boxes_on not in (None, shown):
        raise DataError(
            f"{photo.where}: its size is that of the {shown} photo, but --boxes-on says "
            f"{options.boxes_on}; leave the option out, or import what differs by itself"
        )
    report.add(_turned(shown, "as their stated size shows"), photo.where)
    return shown == "stored"


def _undecided(photo: DescribedPhoto, options: ImportOptions, report: ImportReport) -> bool:
    if options.boxes_on is None:
        why = "which nothing tells; if they are not, import with --boxes-on stored"
    else:
        why = f"as --boxes-on {options.boxes_on} says"
    report.add(_turned(options.boxes_on or "upright", why), photo.where)
    return options.boxes_on == "stored"


def _turned(pixels: str, why: str) -> str:
    return f"photos are turned by EXIF; boxes taken as of the {pixels} pixels, {why}"


def place_boxes(
    photo: DescribedPhoto, frame: Frame, options: ImportOptions, report: ImportReport
) -> list[LabelledBox]:
    """The boxes of a photo in ``xyxy`` pixels of the upright photo, inside it.

    Raises:
        DataError: a size contradicts, a box is outside by more than the tolerance or has no area.
    """
    stored = boxes_are_stored(photo, frame, options, report)
    width, height = frame.stored if stored else frame.upright
    boxes: list[LabelledBox] = []
    for box in photo.boxes:
        xyxy = box.xyxy
        if box.crowd:
            report.add(f"crowd boxes were {_TAKEN[options.crowd]} (--crowd)", box.where)
            if options.crowd == "skip":
                continue
        if photo.in_fractions:
            xyxy = _in_pixels(xyxy, width, height)
        if stored:
            xyxy = frame.to_upright(xyxy)
        boxes.append((box.label, *_cut(xyxy, box, photo, frame, report)))
    return boxes


def _in_pixels(fractions: _XYXY, width: int, height: int) -> _XYXY:
    x_min, y_min, x_max, y_max = fractions
    corners = (x_min * width, y_min * height, x_max * width, y_max * height)
    # Without the zero that has a sign.
    x_min, y_min, x_max, y_max = (round(value, _PIXEL_DIGITS) + 0.0 for value in corners)
    return x_min, y_min, x_max, y_max


_TAKEN = {"use": "used", "skip": "left out"}


def _cut(
    xyxy: _XYXY, box: DescribedBox, photo: DescribedPhoto, frame: Frame, report: ImportReport
) -> _XYXY:
    sides = (*frame.upright, *frame.upright)
    inside = tuple(min(max(v, 0.0), float(side)) for v, side in zip(xyxy, sides, strict=True))
    outside = [abs(a - b) for a, b in zip(xyxy, inside, strict=True)]
    most = [max(MAX_OUTSIDE_PX, MAX_OUTSIDE_FRACTION * side) for side in sides]
    x_min, y_min, x_max, y_max = inside
    shown = ", ".join(f"{value:g}" for value in xyxy)
    if not box.encloses and any(a > b for a, b in zip(outside, most, strict=True)):
        raise DataError(
            f"{box.where}: the box {shown} (corners in pixels) reaches {max(outside):g} px beyond "
            f"the photo {photo.name.text!r} of {frame.width_px} × {frame.height_px}; up to "
            f"{MAX_OUTSIDE_PX:g} px or {MAX_OUTSIDE_FRACTION:.1%} of a side is cut; correct it"
        )
    if x_max <= x_min or y_max <= y_min:
        raise DataError(
            f"{box.where}: the box {shown} (corners in pixels) has no area inside the photo "
            f"{photo.name.text!r} of {frame.width_px} × {frame.height_px}; correct or remove it"
        )
    if any(outside):
        report.add_cut(max(outside), box.where)
    return x_min, y_min, x_max, y_max
