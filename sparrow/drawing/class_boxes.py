"""Boxes of several classes on a photo: each in the colour of its class, with its name."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from PIL import Image

from sparrow.drawing.boxes import SOLID, BoxStyle, Corners, Pen, draw_boxes
from sparrow.images import RgbImage

# Told apart by people with any kind of colour vision (Okabe and Ito 2008), in their order without
# black. With more classes they begin again.
CLASS_COLORS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7")
LETTERS = 24  # lines of text on the photo's short side: a phone shows a photo small
OVER_A_NAME = 4.0  # how much worse it is to hide a pixel of a name than one of a box


class ClassBox(Protocol):
    """A box with its class (``sparrow.predictions.record.LoggedBox`` is one), in pixels."""

    @property
    def label(self) -> str: ...
    @property
    def score(self) -> float: ...
    @property
    def x_min_px(self) -> float: ...
    @property
    def y_min_px(self) -> float: ...
    @property
    def x_max_px(self) -> float: ...
    @property
    def y_max_px(self) -> float: ...


def class_color(place: int) -> str:
    """The CSS colour of the class at this place in the model, from 0."""
    return CLASS_COLORS[place % len(CLASS_COLORS)]


def draw_class_boxes(
    image_rgb: RgbImage,
    boxes: Sequence[ClassBox],
    class_names: Sequence[str],
    style: BoxStyle = SOLID,
) -> RgbImage:
    """A copy of the photo with its boxes; of several classes each has its colour and its name.

    The boxes of a model of one class are drawn by ``draw_boxes``, in the style's colour.

    Args:
        image_rgb: uint8 [height, width, 3].
        boxes: of these classes.
        class_names: of the model, in its order.
        style: whether scores are shown, and the colour of a single class.
    """
    by_score = sorted(boxes, key=lambda box: box.score)
    corners = [(box.x_min_px, box.y_min_px, box.x_max_px, box.y_max_px) for box in by_score]
    if len(class_names) == 1:
        return draw_boxes(image_rgb, corners, [box.score for box in by_score], style)
    photo = Image.fromarray(image_rgb.copy())
    pen, names = Pen(photo, style, LETTERS), _Names(photo, corners)
    colors = [class_color(class_names.index(box.label)) for box in by_score]
    for place, color in zip(corners, colors, strict=True):
        pen.box(place, color)
    for number in reversed(range(len(by_score))):  # the best have the first choice of a place
        score = f" {by_score[number].score:.0%}" if style.show_scores else ""
        text = f"{_name(pen, by_score[number].label, class_names)}{score}"
        pen.write(names.place(number, pen.label_size(text)), text, colors[number])
    return np.asarray(photo)


def _name(pen: Pen, label: str, class_names: Sequence[str]) -> str:
    """A class in letters that can be drawn: its name, that without accents, or its number."""
    name = label.replace("_", " ")
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss"))
    bare = "".join(letter for letter in plain if not unicodedata.combining(letter))
    number = f"class {class_names.index(label) + 1}"
    return next((text for text in (name, bare) if pen.can_write(text)), number)


class _Names:
    """Finds places where a name hides no other name and as little of the boxes as may be."""

    def __init__(self, photo: Image.Image, boxes: Sequence[Corners]) -> None:
        self._width, self._height = photo.size
        self._boxes, self._names = np.array(boxes).reshape(-1, 4), np.zeros((0, 4))

    def place(self, number: int, size: tuple[float, float]) -> Corners:
        """The place of the name of a box, which later names then avoid."""
        (left, top, right, bottom), (width, height) = self._boxes[number], size
        # Above, below, and further away: to the right, to the left, in second rows, inside.
        tried = [
            self._inside(x, y, size)
            for x, y in (
                (left, top - height),
                (left, bottom),
                (right - width, top - height),
                (right - width, bottom),
                (left, top - 2 * height),
                (left, bottom + height),
                (left, top),
            )
        ]
        cost = [
            OVER_A_NAME * _overlap(place, self._names) + _overlap(place, self._boxes)
            for place in tried
        ]
        best = tried[int(np.argmin(cost))]
        self._names = np.vstack([self._names, best])
        return best

    def _inside(self, x: float, y: float, size: tuple[float, float]) -> Corners:
        """The place nearest to this one within the photo."""
        width, height = size
        x = max(min(x, self._width - width), 0)
        y = max(min(y, self._height - height), 0)
        return x, y, x + width, y + height


def _overlap(place: Corners, others: np.ndarray) -> float:
    """Pixels that a place shares with others [N, 4], summed."""
    wide = np.minimum(place[2], others[:, 2]) - np.maximum(place[0], others[:, 0])
    high = np.minimum(place[3], others[:, 3]) - np.maximum(place[1], others[:, 1])
    return float((wide.clip(min=0) * high.clip(min=0)).sum())
