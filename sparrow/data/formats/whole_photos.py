"""Classes that are told of a whole photo, without a box: "empty", or that something is in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sparrow.data.errors import DataError

# What camera-trap sets call a photo without an animal.
_NOTHING = ("empty", "blank", "nothing", "none")


@dataclass(frozen=True, slots=True)
class WholePhoto:
    """A class of a photo, without a box.

    Attributes:
        photo: whatever tells the photo apart from others in its file.
        label: the class.
        where: file and entry.
    """

    photo: str
    label: str
    where: str


def unboxed_photos(told: Iterable[WholePhoto], boxed: dict[str, set[str]]) -> set[str]:
    """Photos that show an object of a class that other photos have boxes of, and have none.

    Of a class without any box ("empty", "deer" in a set of foxes) the photo is one without objects.

    Args:
        told: of whole photos.
        boxed: the classes of the boxes of each photo that has any.

    Raises:
        DataError: no photo has a box, and the classes do not say that there is nothing.
    """
    classes = {label for labels in boxed.values() for label in labels}
    unboxed = set()
    for entry in told:
        if not classes and entry.label.strip().lower() not in _NOTHING:
            raise DataError(
                f"{entry.where}: {entry.label!r} is told of a whole photo, and no entry has a box; "
                "expected boxes: which objects are where cannot be told from classes of photos"
            )
        if entry.label in classes and entry.photo not in boxed:
            unboxed.add(entry.photo)
    return unboxed
