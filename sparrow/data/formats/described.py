"""What label files say of photos: the plain values between the parsers and the one common stage.

A parser reads label files and nothing else. Which photo is meant, whether sizes agree and what is
cut is decided in ``assemble``, alike for all formats.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sparrow.data.tables import UNKNOWN


@dataclass(frozen=True, slots=True)
class PhotoName:
    """A photo's name as a tool wrote it.

    Attributes:
        text: a path, a file name, a URL or a stem, unchanged.
        folders: where such a photo is looked for first, relative to the set's folder ("" is that
            folder itself); they tell apart photos of one name.
        is_stem: the name has no suffix, as that of a label file per photo.
    """

    text: str
    folders: tuple[str, ...] = ()
    is_stem: bool = False


@dataclass(frozen=True, slots=True)
class DescribedBox:
    """A box as a label file says it.

    Attributes:
        label: its class; "" where the whole file tells none (``--class`` names it then).
        xyxy: corners in pixels counted from 0, or in fractions of the photo's sides.
        where: file and row, for messages: "labels/a.txt, line 3".
        crowd: it surrounds a group and not one object.
        encloses: it surrounds a circle, an ellipse or a turned shape; the photo's edge cuts it,
            however far it reaches beyond.
    """

    label: str
    xyxy: tuple[float, float, float, float]
    where: str
    crowd: bool = False
    encloses: bool = False


@dataclass(frozen=True, slots=True)
class DescribedPhoto:
    """A photo as label files say it.

    Attributes:
        name: what leads to its file.
        where: file and row that describe it, for messages.
        boxes: its boxes; none for a photo that is said to show nothing.
        size: (width, height) in pixels as said, None where nothing is said.
        in_fractions: the boxes are fractions of the photo's sides.
        second_name: another source of the name; the two must not lead to two photos.
        author, source, license: of the photo.
        camera: that took it, as the label files name it; "" is unknown.
        unboxed: it shows objects, but no box is told: it is no photo without objects.
    """

    name: PhotoName
    where: str
    boxes: Sequence[DescribedBox] = ()
    size: tuple[int, int] | None = None
    in_fractions: bool = False
    second_name: PhotoName | None = None
    author: str = UNKNOWN
    source: str = UNKNOWN
    license: str = UNKNOWN
    camera: str = ""
    unboxed: bool = False


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that the person who imports should know.

    Attributes:
        what: in words that follow a number: "boxes without an object's name were left out".
        where: file and row of one of them.
    """

    what: str
    where: str


@dataclass(frozen=True, slots=True)
class DescribedSet:
    """All that the label files of a set say.

    Attributes:
        label_files: that were read, relative to the set's folder.
        photos: one entry each; an entry twice is an error that ``assemble`` names.
        remarks: what the parser left out or took in a certain way.
        photos_below: folder (relative, "" for all) whose photos must all be described.
    """

    label_files: Sequence[str]
    photos: Sequence[DescribedPhoto]
    remarks: Sequence[Remark] = ()
    photos_below: str = ""
