"""The confusion matrix as PNG."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sparrow.reports.figures import FAINT, INK, new_figure, png_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from sparrow.evaluation.confusion import Confusion

CONFUSION = "Confusion"  # title of the picture, where pictures are kept by title
MAX_NAME_LENGTH = 22  # of a class at the axes
NUMBERED = 20  # classes whose cells have room for numbers
COLORS = "Blues"


def confusion_png(confusion: Confusion) -> bytes:
    """True classes in rows, found ones in columns; colour: the fraction of the class's objects.

    The last row, false detections, has no colour: there are no objects to take a fraction of.
    """
    classes = len(confusion.class_names)
    figure, axes = new_figure(height=min(1.6 + 0.42 * (classes + 1), 12))
    objects = confusion.counts.sum(axis=1, keepdims=True)
    fractions = confusion.counts / np.maximum(objects, 1)
    fractions[-1] = 0
    axes.imshow(fractions, cmap=COLORS, vmin=0, vmax=1, aspect="auto")
    names = [_drawable(name, place) for place, name in enumerate(confusion.names(), 1)]
    size = 9 if classes <= NUMBERED else max(3, 9 * NUMBERED / classes)
    places = np.arange(len(names))
    turned = 0 if max(map(len, names)) * len(names) <= 48 else 90
    axes.set_xticks(places, names, rotation=turned, fontsize=size, parse_math=False)
    axes.set_yticks(places, names, fontsize=size, parse_math=False)
    axes.set(xlabel="found as", ylabel="is")
    axes.grid(visible=False)
    axes.axhline(classes - 0.5, color=FAINT, lw=1)
    axes.axvline(classes - 0.5, color=FAINT, lw=1)
    if classes <= NUMBERED:
        _write_counts(axes, confusion, fractions)
    axes.set_title("Found as which class (colour: fraction of the row)")
    return png_of(figure)


def _write_counts(axes: Axes, confusion: Confusion, fractions: np.ndarray) -> None:
    last = len(confusion.class_names)
    for (row, column), count in np.ndenumerate(confusion.counts):
        if row == column == last:
            continue  # what is nothing and found as nothing is not counted
        color = "white" if fractions[row, column] > 0.6 else INK
        text = f"{count:,}"
        axes.text(column, row, text, ha="center", va="center", color=color, fontsize=9)


def _drawable(name: str, number: int) -> str:
    """A name that is not too long, or the class's number where the font lacks a letter of it."""
    from matplotlib.font_manager import FontProperties, findfont, get_font

    font = get_font(findfont(FontProperties()))
    if not all(font.get_char_index(ord(letter)) for letter in name):
        return f"class {number}"
    return name if len(name) <= MAX_NAME_LENGTH else f"{name[: MAX_NAME_LENGTH - 1]}…"
