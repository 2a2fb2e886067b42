"""A loaded model as a person uses it from Python: photos in, counts with boxes out."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sparrow.config import load_config
from sparrow.images import MAX_PIXELS, ImageError
from sparrow.inference.counter import CountedPhoto, PhotoCounter
from sparrow.inference.model_folder import ModelInfo
from sparrow.inference.photo_files import find_photos
from sparrow.inference.tile_choice import TileChoice, Tiles, parse_tiles
from sparrow.portable import usable_cores
from sparrow.predictions.count_words import is_minimum
from sparrow.predictions.record import ClassCount
from sparrow.regular_file import open_regular
from sparrow.served_settings import default_champion

CHAMPION = "champion"
AHEAD = 64  # photos that are counted before the first of them is asked for

logger = logging.getLogger("sparrow.inference.model")


class CountError(RuntimeError):
    """The detector failed on a photo that could be read; the log has its details."""


@dataclass(frozen=True, eq=False)
class PhotoCount:
    """One counted photo.

    Attributes:
        name: of the file, as it was given.
        count: objects at or above the model's threshold; None where ``error`` says why not.
        low, high: the count's interval at the model's nominal level; None where the model has no
            calibrated count. Where the count is a minimum, ``high`` alone is None.
        boxes_xyxy: float32 [N, 4], pixels of the upright photo, best score first.
        scores: float32 [N], 0..1.
        labels: class names, one a box.
        width_px, height_px: of the upright photo; 0 where it cannot be read.
        error: why the photo could not be counted, in a sentence; None where it could.
        class_counts: count and interval of every class of the model, in its order; empty where
            ``error`` says why not.
        tiles: that the model was shown beside the whole photo; 0: none.
    """

    name: str
    count: int | None
    low: int | None
    high: int | None
    boxes_xyxy: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: tuple[str, ...]
    width_px: int
    height_px: int
    error: str | None = None
    class_counts: tuple[ClassCount, ...] = ()
    tiles: int = 0

    @property
    def is_minimum(self) -> bool:
        """Whether the count reached the most that the model finds: there may be more."""
        return is_minimum(self.low, self.high)


class Model:
    """A loaded model. May be used from several threads.

    Attributes:
        folder: the model folder, links followed.
        info: its ``model.json``: classes, threshold, what it learned from.
        version: number of the registered version, or ``unpublished``.
    """

    def __init__(self, folder: Path | str) -> None:
        """Load a model folder; see ``load``."""
        self._counter = PhotoCounter(Path(folder))
        self.folder: Path = self._counter.folder
        self.info: ModelInfo = self._counter.info
        self.version: str = self._counter.version

    def count(
        self, photo: Path | str | bytes, *, max_pixels: int = MAX_PIXELS, tiles: Tiles = None
    ) -> PhotoCount:
        """Count the objects in one photo.

        Args:
            photo: path of a file, or a file's bytes.
            max_pixels: the largest width × height that is decoded.
            tiles: show the model overlapping tiles of the photo, too, so that it finds objects of
                so many pixels; ``auto``: of its own smallest box. Takes many times as long.

        Raises:
            OSError: there is no such file, or it is a folder, a pipe or a device.
            ImageError: the file is no photo, damaged, or larger than ``max_pixels``.
            CountError: the detector failed on it.
        """
        counted = self._count(photo, max_pixels, tiles)
        if counted.error is None:
            return counted
        raise CountError(counted.error) if counted.width_px else ImageError(counted.error)

    def count_folder(
        self,
        folder: Path | str,
        *,
        recursive: bool = False,
        workers: int | None = None,
        max_pixels: int = MAX_PIXELS,
        tiles: Tiles = None,
    ) -> Iterator[PhotoCount]:
        """Count the photos of a folder, one after the other in the order of their names.

        A photo that cannot be counted is one of the results, with its ``error``: nothing is left
        out. Results come while later photos are still being counted.

        Args:
            folder: whose photos, told by suffix or by content, are counted; other files, RAW
                and video among them, are named in the log.
            recursive: also those in folders within it.
            workers: photos counted at the same time, each on one processor thread; None takes as
                many as there are processors.
            max_pixels, tiles: as for ``count``.

        Raises:
            ValueError: there is no photo, or no such folder.
        """
        files = _photos_of(Path(folder), recursive=recursive)
        with ThreadPoolExecutor(workers or usable_cores()) as threads:
            yield from _in_order(
                threads.submit(self._count_file, file, max_pixels, tiles) for file in files
            )

    def _count_file(self, file: Path, max_pixels: int, tiles: Tiles) -> PhotoCount:
        try:
            return self._count(file, max_pixels, tiles)
        except OSError as error:
            return _uncounted(str(file), error.strerror or str(error))

    def _count(self, photo: Path | str | bytes, max_pixels: int, tiles: Tiles) -> PhotoCount:
        if isinstance(photo, bytes):
            name, content = "bytes", photo
        else:
            name = str(photo)
            with open_regular(photo) as file:
                content = file.read()
        choice = TileChoice(tiles if tiles is None else parse_tiles(tiles))
        counted, _ = self._counter.count(content, name, "python", max_pixels, choice)
        return _photo_count(counted)


def load(model: Path | str = CHAMPION, *, config: Path | str | None = None) -> Model:
    """Load a model.

    Args:
        model: ``champion``, the published one, or the path of a model folder.
        config: YAML of the project whose champion is meant; None takes the working folder's:
            ``.sparrow/champion``, or the only other one there.

    Raises:
        ModelFolderError: there is no model, or it is damaged.
        ConfigError: ``config`` cannot be used.
    """
    if model == CHAMPION:
        model = default_champion()
        if config is not None:
            model = load_config(config).stores.champion
    return Model(model)


def _photos_of(folder: Path, *, recursive: bool) -> list[Path]:
    listing = find_photos([folder], recursive=recursive)
    if listing.skipped:
        names = ", ".join(f"{file.path} ({file.reason})" for file in listing.skipped)
        logger.warning("%d files are skipped: %s", len(listing.skipped), names)
    return listing.photos


def _in_order(counts: Iterator[Future[PhotoCount]]) -> Iterator[PhotoCount]:
    """Few are begun ahead, so that memory stays flat whatever the folder holds."""
    waiting: deque[Future[PhotoCount]] = deque()
    for count in counts:
        waiting.append(count)
        if len(waiting) > AHEAD:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _photo_count(counted: CountedPhoto) -> PhotoCount:
    record = counted.record
    corners = [(box.x_min_px, box.y_min_px, box.x_max_px, box.y_max_px) for box in record.boxes]
    return PhotoCount(
        name=record.file_name,
        count=record.count,
        low=record.count_low,
        high=record.count_high,
        boxes_xyxy=np.array(corners, dtype=np.float32).reshape(-1, 4),
        scores=np.array([box.score for box in record.boxes], dtype=np.float32),
        labels=tuple(box.label for box in record.boxes),
        width_px=record.width_px,
        height_px=record.height_px,
        error=counted.message,
        class_counts=record.class_counts,
        tiles=record.tiles,
    )


def _uncounted(name: str, error: str) -> PhotoCount:
    nothing = np.zeros(0, dtype=np.float32)
    return PhotoCount(name, None, None, None, nothing.reshape(0, 4), nothing, (), 0, 0, error)
