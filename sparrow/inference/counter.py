"""Bytes in, a counted photo out: the one road that service, page and command line share."""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from sparrow.detections import Detections
from sparrow.evaluation.training_distribution import TrainingDistribution
from sparrow.false_alarms import FalseAlarms
from sparrow.image_statistics import MeasuredPhoto
from sparrow.images import MAX_PIXELS, DecodedPhoto, ImageError, RgbImage, at_full_size
from sparrow.inference.count_estimates import (
    CountEstimator,
    Counts,
    Expected,
    counts_in_tiles,
    whole_photos,
)
from sparrow.inference.engine import Engine
from sparrow.inference.model_folder import INFO, ModelFolderError, ModelInfo, read_info
from sparrow.inference.object_size import smallest_object_px
from sparrow.inference.tile_choice import NO_TILES, TileChoice
from sparrow.inference.tile_plan import TilePlan, plan_tiles
from sparrow.inference.tiled_detection import detect_in_tiles
from sparrow.inference.trial_photos import trial_photos
from sparrow.photo_texture import photo_texture
from sparrow.predictions.record import LoggedBox, PredictionRecord, logged_boxes, new_id
from sparrow.regular_file import sha256_of
from sparrow.served_settings import registered_version

UNREADABLE = "unreadable_photo"
DETECTOR_FAILED = "detector_failed"

logger = logging.getLogger("sparrow.inference.counter")


@dataclass(frozen=True)
class CountedPhoto:
    """What became of one photo.

    Attributes:
        record: the row of the prediction log, boxes at or above the operating threshold included.
        message: why the photo could not be counted, for the person who sent it; else None.
        smallest_px: objects of less may be missed (``object_size``); None where that is no matter.
        out_of_distribution: whether the photo is unlike those that the model learnt from
            (``sparrow.evaluation.training_distribution``), so that no interval holds for its count;
            None where the model cannot tell.
        expected: expected counts of all classes together, then of each class, with the half-widths
            of their intervals; None where none is calibrated. A photo whose interval is withheld
            has them all the same (``sparrow.visits.maximum``).
        faint: boxes below the operating threshold, best score first. They are not part of the
            count, and not logged.
    """

    record: PredictionRecord
    message: str | None = None
    smallest_px: int | None = None
    out_of_distribution: bool | None = None
    expected: tuple[Expected | None, ...] = ()
    faint: tuple[LoggedBox, ...] = ()


class CannotCountError(RuntimeError):
    """A model that can be loaded, but fails on photos."""


class PhotoCounter:
    """A loaded model that counts photos. May be used from several threads.

    Attributes:
        info: the folder's ``model.json``.
        folder: where it was loaded from, links followed.
        info_sha256: of that ``model.json``, which holds the hashes of the other files: it says
            which model this is, whatever lies in the folder later.
        version: number of the registered version, or ``unpublished``.
    """

    def __init__(self, folder: Path, *, verify: bool = True, load: bool = True) -> None:
        """Load a model folder (the published one may be a link to ``…/<version>``).

        One processor thread per photo: several photos at a time fill the cores, and sums are
        taken in the same order everywhere, so that answers agree to the last digit.

        Args:
            folder: of the model.
            verify: check the files' SHA-256 sums first.
            load: False where other processes count, and ``load`` is called if they do not.

        Raises:
            ModelFolderError: the folder is not a whole, untouched model, or it was replaced while
                it was being loaded.
            ValueError: one of its count models is not one, or its distribution.
        """
        target = folder.resolve()
        self.folder, self.info_sha256 = target, _info_sha256(target)
        self.info: ModelInfo = read_info(target, verify=verify)
        self._loaded: Engine | None = None
        if load:
            self.load()
        self.version = registered_version(target)
        self._counts = CountEstimator(self.info, whole_photos(self.info))
        self._training = TrainingDistribution.load(target)

    def load(self) -> None:
        """Load the network, unless that is done; counting needs it.

        Raises:
            ModelFolderError: the folder was replaced since this began.
        """
        if self._loaded is None:
            self._loaded = Engine(self.folder, threads=1, verify=False)
            if _info_sha256(self.folder) != self.info_sha256:
                raise ModelFolderError(f"{self.folder} was replaced while it was being loaded")

    @property
    def _engine(self) -> Engine:
        if self._loaded is None:
            raise RuntimeError("this model is described but not loaded: call load() first")
        return self._loaded

    @property
    def false_alarms(self) -> FalseAlarms | None:
        """How many photos of the kind are flagged all the same; None where none ever is."""
        return None if self._training is None else self._training.false_alarms

    def count(
        self,
        content: bytes,
        name: str,
        source: str,
        max_pixels: int = MAX_PIXELS,
        tiles: TileChoice = NO_TILES,
    ) -> tuple[CountedPhoto, DecodedPhoto | None]:
        """Count one photo; whatever is wrong with it is in the answer, never an exception.

        Args:
            content: the file's bytes.
            name, source: for the log; the file's name, and api, page or cli.
            max_pixels, tiles: the largest width × height; how small objects are looked for.

        Returns:
            The counted photo, and its pixels as the model saw them where it could be read.
        """
        start = time.perf_counter()
        record = self._record(content, name, source)
        photo: DecodedPhoto | None = None
        try:
            if not content:
                raise ImageError("this file is empty")
            photo = self._engine.read(content, max_pixels)
            if (plan := plan_tiles(self.info, *photo.size_px, tiles)) is None:
                counted = self._detected(record, photo)
            else:
                image = at_full_size(photo, content, max_pixels)
                counted = self._detected_in_tiles(record, image, plan, tiles)
            took_ms = (time.perf_counter() - start) * 1000
            return self._described(counted, photo, took_ms), photo
        except ImageError as error:
            return CountedPhoto(replace(record, error=UNREADABLE), str(error)), None
        except Exception:  # the boundary: one photo must not take its neighbours with it
            return self.failed(content, name, source), photo

    def try_out(self) -> None:
        """Count photos of several sizes as a request would; a model that cannot must not serve.

        Raises:
            CannotCountError: the first photo on which it fails, and how.
        """
        for photo in trial_photos():
            try:
                record = self._record(photo.content, photo.name, "trial")
                self._detected(record, self._engine.read(photo.content))
            except Exception as error:  # an engine raises types of its own
                raise CannotCountError(
                    f"the model {self.info.name} in {self.folder} was loaded, but cannot count: "
                    f"on the trial photo {photo.name} it fails with {type(error).__name__}: {error}"
                ) from error

    def _described(
        self, counted: CountedPhoto, photo: DecodedPhoto, took_ms: float
    ) -> CountedPhoto:
        """The counted photo with what is measured of it, and with its interval where one holds."""
        measured = MeasuredPhoto.of(photo.pixels)
        record = replace(counted.record, latency_ms=took_ms)
        strange = None
        if self._training is not None:
            strange = self._training.is_out_of_distribution(photo_texture(measured))
        whole_px = smallest_object_px(self.info, *photo.size_px)
        smallest_px = counted.smallest_px or whole_px  # the first of tiles
        unseen = smallest_px is not None and record.count_high == 0
        if strange or unseen:
            record = record.without_interval()
        return replace(
            counted,
            record=record.with_photo(measured, photo.size_px),
            smallest_px=smallest_px,
            out_of_distribution=strange,
        )

    def _detected(self, record: PredictionRecord, photo: DecodedPhoto) -> CountedPhoto:
        """What the engine finds, whatever it raises."""
        detections = self._engine.detect_photo(photo)
        counts = self._counts.all_counts(detections)
        counted = self._counted(record, detections, counts)
        return replace(counted, expected=self._counts.expected(detections))

    def _detected_in_tiles(
        self, record: PredictionRecord, image: RgbImage, plan: TilePlan, tiles: TileChoice
    ) -> CountedPhoto:
        """The same where the engine is shown the photo's tiles, too."""
        info, fitted_for = self.info, None if plan.limited else tiles.tiles
        seen = detect_in_tiles(image, self._engine.detect, plan, info.threshold, info.max_objects)
        counts, expected = counts_in_tiles(info, fitted_for, seen)
        counted = self._counted(replace(record, tiles=plan.tiles), seen.detections, counts)
        return replace(counted, expected=expected, smallest_px=plan.smallest_px)

    def _counted(
        self, record: PredictionRecord, detections: Detections, counts: Counts
    ) -> CountedPhoto:
        certain, names = detections.above(self.info.threshold), self.info.class_names
        faint = logged_boxes(detections.below(self.info.threshold), names)
        return CountedPhoto(record.with_detections(certain, names, *counts), faint=faint)

    def failed(self, content: bytes, name: str, source: str) -> CountedPhoto:
        """The answer for a photo on which the detector fails; the reason goes to the log."""
        record = replace(self._record(content, name, source), error=DETECTOR_FAILED)
        logger.exception("the detector failed on %s (sha256 %s)", name, record.sha256)
        message = "the detector failed on this photo; its details are in the service's log"
        return CountedPhoto(record, message)

    def _record(self, content: bytes, name: str, source: str) -> PredictionRecord:
        return PredictionRecord(
            id=new_id(),
            time=datetime.now(UTC),
            source=source,
            model_name=self.info.name,
            model_version=self.version,
            file_name=name,
            sha256=hashlib.sha256(content).hexdigest(),
        )


def _info_sha256(folder: Path) -> str | None:
    """None where there is no ``model.json``, which loading the folder finds out as well."""
    try:
        return sha256_of(folder / INFO)
    except OSError:
        return None
