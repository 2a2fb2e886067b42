"""Checks of the values that the page's widgets send; a client may send anything instead."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import ImageColor

from service.answers import MAX_COUNT
from sparrow.drawing.boxes import DETECTION_COLOR

MAX_COLOR_LENGTH = 40  # characters: "hsl(359.9, 100%, 100%)" and the like
KEEP_SECONDS = 3600  # how long a visitor's photos, and the files made of them, are kept


@dataclass(frozen=True)
class DisplayOptions:
    """How the boxes are shown.

    Attributes:
        min_score: 0..1; boxes below it are left out, and not counted.
        show_scores: whether the scores are written on the boxes.
        color: of the boxes, ``#rrggbb``.
    """

    min_score: float = 0.0
    show_scores: bool = True
    color: str = DETECTION_COLOR


def read_display_options(min_score: object, show_scores: object, color: object) -> DisplayOptions:
    """Check the values of the three widgets.

    Raises:
        ValueError: one of them is not what its widget sends; the message is for a person.
    """
    if not isinstance(show_scores, bool):
        raise ValueError(f"Expected true or false for the scores, found {_short(show_scores)}.")
    return DisplayOptions(read_score(min_score), show_scores, _read_color(color))


def read_score(value: object) -> float:
    """Check the slider's value, 0..1.

    Raises:
        ValueError: the value is something else.
    """
    number = _number(value)
    if number is None or not 0 <= number <= 1:
        raise ValueError(f"Expected a score from 0 to 1, found {_short(value)}.")
    return number


def read_true_count(value: object) -> int:
    """Check a visitor's count of the objects in a photo, 0 to ``MAX_COUNT``.

    Raises:
        ValueError: the value is something else; a fraction is refused, not rounded to a number that
            nobody entered.
    """
    number = _number(value)
    if number is None or number != int(number) or not 0 <= number <= MAX_COUNT:
        raise ValueError(
            f"Please enter how many there really are, a whole number from 0 to {MAX_COUNT:,}; "
            f"found {_short(value)}."
        )
    return int(number)


def _number(value: object) -> float | None:
    """A finite number; None for anything else, true and false included."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:  # a whole number of hundreds of digits
        return None
    return number if math.isfinite(number) else None


def _read_color(value: object) -> str:
    try:
        if not isinstance(value, str) or len(value) > MAX_COLOR_LENGTH:
            raise ValueError
        red, green, blue = ImageColor.getrgb(value)[:3]
    except ValueError:
        raise ValueError(f"Expected a colour such as #1fa187, found {_short(value)}.") from None
    return f"#{red:02x}{green:02x}{blue:02x}"


def _short(value: object) -> str:
    """A value for an error message; a long one is described, not repeated."""
    if isinstance(value, str):
        return repr(value) if len(value) <= 30 else f"a text of {len(value):,} characters"
    if isinstance(value, int) and abs(value) >= 10**15:
        return "a number of more than 15 digits"
    if value is None or isinstance(value, (int, float)):
        return "nothing" if value is None else str(value)
    return f"a {type(value).__name__}"
