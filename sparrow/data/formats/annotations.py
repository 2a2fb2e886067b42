"""What readers and writers of labels share: photo rows, texts, safe names, new folders."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from sparrow.data.errors import DataError
from sparrow.data.ingest.atomic_dir import file_lock, replace_directory
from sparrow.data.tables import BOX_COLUMNS, NAMED_CAMERA, UNKNOWN, XYXY, Dataset
from sparrow.images import ImageError, upright_size_px
from sparrow.regular_file import open_regular

MAX_TEXT_BYTES = 256 * 1024**2  # of an annotation file

LabelledBox = tuple[str, float, float, float, float]  # class name, then xyxy pixels


@dataclass(frozen=True)
class PhotoRow:
    """A photo as an annotation file describes it, with its boxes in ``xyxy`` pixels."""

    image: str
    width_px: int
    height_px: int
    boxes: Sequence[LabelledBox]
    author: str = UNKNOWN
    source: str = UNKNOWN
    license: str = UNKNOWN
    camera: str = ""  # that the set names; "" is unknown


def make_dataset(root: Path, photos: Iterable[PhotoRow]) -> Dataset:
    """Rows -> the two tables; photos without boxes are kept.

    Raises:
        DataError: two photos of one name, or no photo at all.
    """
    photos = list(photos)
    if not photos:
        raise DataError(f"{root}: no photos in this set")
    names = pd.Series([photo.image for photo in photos])
    if names.duplicated().any():
        raise DataError(f"{root}: photo {names[names.duplicated()].iloc[0]!r} is described twice")
    images = pd.DataFrame(
        {
            "image": names,
            "author": [photo.author for photo in photos],
            "n_boxes": np.array([len(photo.boxes) for photo in photos], dtype="int64"),
            "source": [photo.source for photo in photos],
            "license": [photo.license for photo in photos],
            "width_px": np.array([photo.width_px for photo in photos], dtype="int64"),
            "height_px": np.array([photo.height_px for photo in photos], dtype="int64"),
        }
    )
    if any(photo.camera for photo in photos):
        images[NAMED_CAMERA] = [photo.camera for photo in photos]
    rows = [(photo.image, *box) for photo in photos for box in photo.boxes]
    boxes = pd.DataFrame(rows, columns=list(BOX_COLUMNS))
    types = dict.fromkeys(XYXY, "float64") | dict.fromkeys(("image", "label"), "object")
    return Dataset(root, images, boxes.astype(types))


def safe_name(name: str, where: Path) -> str:
    """A file name from an annotation file, or a ``DataError`` if it leads out of its folder."""
    path = PurePosixPath(name.replace("\\", "/"))
    if not name.strip() or path.is_absolute() or ".." in path.parts or ":" in name or "\0" in name:
        raise DataError(
            f"{where}: the photo name {name!r} leads out of the data set; expected a file name"
        )
    return str(path)


def read_bytes(path: Path, most: int | None = None, *, whole: bool = True) -> bytes:
    """A file, or its first bytes.

    Args:
        path: of the file.
        most: bytes; None takes ``MAX_TEXT_BYTES``.
        whole: a larger file is an error; else its first bytes are taken.

    Raises:
        DataError: it cannot be read or is larger; it is named.
    """
    most = MAX_TEXT_BYTES if most is None else most
    try:
        with open_regular(path) as file:
            content = file.read(most + whole)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    if len(content) > most:
        raise DataError(f"{path}: larger than {most // 1024**2} MiB; split the set into several")
    return content


def read_text(path: Path) -> str:
    """A text file of at most ``MAX_TEXT_BYTES``, or a ``DataError`` that names it."""
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not UTF-8 text ({error})") from error


def as_written(number: float) -> int | float:
    """Whole numbers without a decimal point, others as they are."""
    return int(number) if float(number).is_integer() else float(number)


@contextmanager
def new_folder(folder: Path) -> Iterator[Path]:
    """A folder made all at once: what is written into the yielded one appears when the block ends.

    Raises:
        DataError: the folder already holds files.
    """
    with file_lock(folder):
        refuse_files(folder)
        with replace_directory(folder) as incoming:
            yield incoming


def refuse_files(folder: Path) -> None:
    """Nothing where a folder can be made anew.

    Raises:
        DataError: it holds files, or is one.
    """
    if folder.exists() and (not folder.is_dir() or any(p.is_file() for p in folder.rglob("*"))):
        raise DataError(f"{folder}: already holds files; remove them or choose another folder")


def finite(texts: Iterable[object], where: str) -> list[float]:
    """Numbers from an annotation file.

    Raises:
        DataError: one of them is no finite number.
    """
    numbers = []
    for text in texts:
        try:
            number = float(text)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number) or isinstance(text, bool):
            raise DataError(f"{where}: expected a number, found {text!r}")
        numbers.append(number)
    return numbers


def photo_size(path: Path) -> tuple[int, int]:
    """(width, height) of the upright photo.

    Raises:
        DataError: not a photo.
    """
    try:
        return upright_size_px(path)
    except ImageError as error:
        raise DataError(f"{path}: {error}") from error
