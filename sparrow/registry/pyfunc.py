"""How ``mlflow.pyfunc.load_model`` loads a version: named as loader in its ``MLmodel``.

It runs where nothing but the version's ``requirements.txt`` is installed; its own code is beside
the model (``sparrow.registry.pyfunc_files``). Versions of earlier releases have neither, and are
loaded by the installed package.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sparrow.detections import Detections
from sparrow.images import DecodedPhoto, ImageError, RgbImage
from sparrow.inference.count_estimates import CountEstimator, whole_photos
from sparrow.inference.engine import Engine

BOX_COLUMNS = ("photo", "label", "score", "x_min_px", "y_min_px", "x_max_px", "y_max_px")
COUNT_COLUMNS = ("photo", "count", "low", "high")
CLASS_COLUMNS = ("photo", "label", "count", "low", "high")
BOXES, PHOTOS, CLASSES = "boxes", "photos", "classes"  # what a row is
_Counted = tuple[int, int | None, int | None]
EXPECTED = (
    "expected the path of a photo, its bytes, its base64 text, or pixels as uint8 [height, width, "
    "3], RGB"
)


class DetectorModel:
    """Photos in; one row a detection out, one a photo with its count, or one a photo and class."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._estimator = CountEstimator(engine.info, whole_photos(engine.info))

    def predict(
        self,
        # What MLflow passes on: a table, or for versions without a signature whatever it was given.
        model_input: Any,
        params: Mapping[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Detect in photos.

        Args:
            model_input: photos: the first column of a table, a list, or one alone. Each is the path
                of a file, its bytes, these as base64 text (``data:…;base64,`` before it or not), or
                pixels, uint8 [height, width, 3], RGB (MLflow wants these in a table or a dict).
            params: ``min_score`` (0 to 1) in place of the operating threshold; ``rows``: ``boxes``,
                ``photos`` for one row a photo, or ``classes`` for one a photo and class.

        Returns:
            ``BOX_COLUMNS``, ``COUNT_COLUMNS`` or ``CLASS_COLUMNS`` (zero included): low and high,
            the likely range, are missing where the model has none or ``min_score`` is given; high
            alone, where the count is a minimum. A photo is called by its path, or ``photo 1``,
            ``photo 2`` … by its place.

        Raises:
            ValueError: a parameter or input of another kind, or (``ImageError``) no readable photo.
        """
        min_score, rows = _parameters(params or {})
        photos = _photos(model_input)
        read = (self._read(photo, place) for place, photo in enumerate(photos, 1))
        detected = [(name, self._engine.detect_photo(decoded)) for name, decoded in read]
        make = {BOXES: self._boxes, PHOTOS: self._counts, CLASSES: self._class_counts}[rows]
        return make(detected, min_score)

    def _read(self, photo: Any, place: int) -> tuple[str, DecodedPhoto]:
        """What a photo is called, and the photo as the model sees it.

        Args:
            photo: of any kind.
            place: among the photos, from 1.
        """
        name, read = f"photo {place}", self._engine.read
        try:
            if isinstance(photo, str):
                path = _as_file(photo)
                return (photo, read(path)) if path else (name, _from_base64(photo, read))
            if isinstance(photo, Path):
                return str(photo), read(photo)
            if isinstance(photo, bytes | bytearray):
                return name, read(bytes(photo))
            if isinstance(photo, np.ndarray):
                pixels = _as_pixels(photo)
                return name, DecodedPhoto(pixels, pixels.shape[1::-1])
        except ImageError as error:
            raise ImageError(f"photo {place}: {error}") from error
        raise ValueError(f"photo {place}: {EXPECTED}; found {_kind(photo)}")

    def _boxes(
        self, detected: list[tuple[str, Detections]], min_score: float | None
    ) -> pd.DataFrame:
        names, rows = self._engine.info.class_names, []
        for photo, everything in detected:
            kept = everything.above(self._threshold(min_score))
            for box, score, label in zip(kept.boxes_xyxy, kept.scores, kept.labels, strict=True):
                rows.append((photo, names[label - 1], float(score), *map(float, box)))
        return pd.DataFrame(rows, columns=list(BOX_COLUMNS))

    def _counts(
        self, detected: list[tuple[str, Detections]], min_score: float | None
    ) -> pd.DataFrame:
        rows = [(photo, *self._counted(everything, min_score)[0]) for photo, everything in detected]
        return _with_whole_counts(pd.DataFrame(rows, columns=list(COUNT_COLUMNS)))

    def _class_counts(
        self, detected: list[tuple[str, Detections]], min_score: float | None
    ) -> pd.DataFrame:
        names = self._engine.info.class_names
        rows = [
            (photo, name, *counted)
            for photo, everything in detected
            for name, counted in zip(names, self._counted(everything, min_score)[1], strict=True)
        ]
        return _with_whole_counts(pd.DataFrame(rows, columns=list(CLASS_COLUMNS)))

    def _counted(
        self, detections: Detections, min_score: float | None
    ) -> tuple[_Counted, list[_Counted]]:
        """Of all classes together, and of each: count, low, high."""
        if min_score is None:
            whole, own = self._estimator.all_counts(detections)
            each = [(counted.count, counted.low, counted.high) for counted in own]
            return (whole.count, whole.low, whole.high), each
        kept = detections.above(min_score)
        labels = range(1, len(self._engine.info.class_names) + 1)
        each = [(len(kept.of_class(label)), None, None) for label in labels]
        return (len(kept), None, None), each

    def _threshold(self, min_score: float | None) -> float:
        return self._engine.info.threshold if min_score is None else min_score


def _with_whole_counts(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype({"count": "int64", "low": "Int64", "high": "Int64"})


def _parameters(params: Mapping[str, Any]) -> tuple[float | None, str]:
    """``min_score`` and ``rows``, checked."""
    min_score, rows = params.get("min_score"), params.get("rows") or BOXES
    if min_score is not None and not 0 <= min_score <= 1:
        raise ValueError(f"min_score: expected a number from 0 to 1, found {min_score!r}")
    if rows not in (BOXES, PHOTOS, CLASSES):
        raise ValueError(f"rows: expected {BOXES}, {PHOTOS} or {CLASSES}, found {rows!r}")
    return min_score, rows


def _photos(model_input: Any) -> list[Any]:
    """The single photos of whatever was passed, not yet looked at."""
    if isinstance(model_input, pd.DataFrame):
        model_input = model_input.iloc[:, 0] if len(model_input.columns) else []
    elif isinstance(model_input, Mapping):
        model_input = next(iter(model_input.values()), [])
    if isinstance(model_input, str | bytes | bytearray | Path | np.ndarray):
        return [model_input]
    if not isinstance(model_input, Iterable):
        raise ValueError(f"{EXPECTED}, or a list or table of them; found {_kind(model_input)}")
    photos: list[Any] = []
    for cell in model_input:
        # MLflow makes of {"photo": ["a.jpg", "b.jpg"]} one cell with both.
        several = isinstance(cell, list) and all(isinstance(item, str) for item in cell)
        photos += cell if several else [cell]
    return photos


def _as_file(text: str) -> Path | None:
    """The path that a text is, if there is something at it."""
    path = Path(text)
    try:
        return path if text and path.exists() else None
    except (OSError, ValueError):  # too long for a name, or with a NUL: base64
        return None


def _from_base64(text: str, read: Callable[[bytes], DecodedPhoto]) -> DecodedPhoto:
    _, comma, after = text.partition(";base64,")
    coded = after if comma and text.startswith("data:") else text
    try:
        content = base64.b64decode("".join(coded.split()), validate=True)
    except (binascii.Error, ValueError):
        content = b""
    if not content:
        raise ImageError(f"there is no such file, and it is no base64 text: {text[:60]!r}")
    try:
        return read(content)
    except ImageError as error:
        said = f"{text[:60]!r} is no file, and as base64 text it is no photo"
        raise ImageError(f"{said}: {error}") from error


def _as_pixels(array: np.ndarray[Any, Any]) -> RgbImage:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or not array.size:
        raise ImageError(f"{EXPECTED}; found {_kind(array)}")
    return array


def _kind(value: object) -> str:
    """What something is, for a message."""
    if isinstance(value, np.ndarray):
        return f"an array {value.dtype} {list(value.shape)}"
    return f"{type(value).__name__} {repr(value)[:60]}"


def _load_pyfunc(path: str) -> DetectorModel:
    """MLflow's entry point; ``path`` is the model folder."""
    return DetectorModel(Engine(Path(path)))
