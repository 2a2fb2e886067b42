"""A visitor's session: the photos that are shown, and all that were counted, once each."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from service.inference_service import InferenceService
from service.uploads import Upload
from service.worker_pool import Answer
from sparrow.inference.counter import DETECTOR_FAILED, CountedPhoto
from sparrow.inference.model_folder import ModelInfo
from sparrow.inference.remarks import remarks
from sparrow.progress import Progress
from sparrow.regular_file import sha256_of

MAX_REMEMBERED = 1000  # photos of one session; beyond it only the shown ones are remembered


@dataclass(frozen=True)
class PagePhoto:
    """One photo of a visitor and its detections, without pixels.

    Attributes:
        sha256: of its bytes; identifies the photo in the session.
        path: the uploaded file.
        counted: the model's answer.
        class_names: of the model that counted it.
        threshold: the operating threshold of that model.
        same: names of further files in the list with the same bytes.
    """

    sha256: str
    path: Path
    counted: CountedPhoto
    class_names: tuple[str, ...]
    threshold: float
    same: tuple[str, ...] = ()

    def count_above(self, min_score: float) -> int | None:
        """Boxes with at least this score; None where the photo could not be counted."""
        if self.counted.record.count is None:
            return None
        if min_score <= self.threshold:
            return self.counted.record.count
        return sum(box.score >= min_score for box in self.counted.record.boxes)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What to know of the count besides its number."""
        return remarks(self.counted.smallest_px, self.counted.out_of_distribution)

    def is_minimum(self, min_score: float) -> bool:
        """Whether as many boxes have this score as the model can find: there may be more."""
        record = self.counted.record
        return record.count_is_minimum and self.count_above(min_score) == record.count

    def interval(self, min_score: float) -> tuple[int | None, int | None]:
        """The count's interval, which is valid at the model's own threshold only.

        Above it a count that is still a minimum has one that begins with the count.
        """
        record = self.counted.record
        if min_score <= self.threshold:
            return record.count_low, record.count_high
        return (record.count if self.is_minimum(min_score) else None), None


@dataclass
class Visit:
    """What the page keeps for one session.

    It is changed in place, so that counted photos are remembered when a later photo of the same
    event fails, or when two events are handled at once.

    Attributes:
        shown: the photos of the file list, each once.
        counted: all photos of the session by SHA-256, including those removed from the list and
            those still being counted.
        keys: uploaded file -> SHA-256.
    """

    shown: list[PagePhoto] = field(default_factory=list)
    counted: dict[str, Future[PagePhoto]] = field(default_factory=dict)
    keys: dict[Path, str] = field(default_factory=dict)

    def photo(self, chosen: object) -> PagePhoto | None:
        """The shown photo with this SHA-256, or None."""
        return next((photo for photo in self.shown if photo.sha256 == chosen), None)

    def show_files(
        self,
        inference: InferenceService,
        paths: Sequence[Path],
        progress: Progress,
    ) -> None:
        """Show these files, counting those that this session has not counted yet.

        Files with the same bytes are one photo: counted, logged and shown once, under the first
        file's name. Another session counts and logs them again. A photo on which the detector
        failed is counted again once it was removed from the list and added.

        Raises:
            ValueError: too many photos or bytes at once, a missing file, or no answer within
                ``service.timeout_s``.
            Exception: of counting or logging a photo. The other photos are remembered; the failed
                ones are tried again the next time.
        """
        files = self._files_by_key(inference, paths)
        listed = {photo.sha256 for photo in self.shown}
        new = {key: same[0] for key, same in files.items() if not self._is_counted(key, listed)}
        self._submit(inference, new)
        photos = self._results(inference, list(files), len(new), progress)
        self.shown = [
            replace(photos[key], path=first, same=tuple(path.name for path in same))
            for key, (first, *same) in files.items()
        ]
        self._forget_all_but(files)

    def _files_by_key(
        self, inference: InferenceService, paths: Sequence[Path]
    ) -> dict[str, list[Path]]:
        limit = inference.settings.limits.max_photos
        if len(paths) > limit:
            raise ValueError(f"{len(paths)} photos at once; at most {limit} are accepted here")
        files: dict[str, list[Path]] = {}
        for path in paths:
            files.setdefault(self._key(path), []).append(path)
        return files

    def _forget_all_but(self, files: Collection[str]) -> None:
        """Keep only the results of these files, once there are too many."""
        if len(self.counted) > MAX_REMEMBERED:
            self.counted = {key: self.counted[key] for key in files}
            self.keys = {path: key for path, key in self.keys.items() if key in files}

    def _key(self, path: Path) -> str:
        if path not in self.keys:
            try:
                self.keys[path] = sha256_of(path)
            except OSError as error:
                raise ValueError(f"{path.name} is no longer here; please add it again") from error
        return self.keys[path]

    def _is_counted(self, key: str, listed: set[str]) -> bool:
        """Whether a photo has a result or is being counted; a failure is forgotten."""
        photo = self.counted.get(key)
        if photo is None or not photo.done():
            return photo is not None
        if photo.exception() is None:
            failed = photo.result().counted.record.error == DETECTOR_FAILED
            if key in listed or not failed:
                return True
        del self.counted[key]
        return False

    def _submit(self, inference: InferenceService, new: dict[str, Path]) -> None:
        limit_mb = inference.settings.limits.max_request_mb
        size_mb = sum(path.stat().st_size for path in new.values()) / 1e6
        if size_mb > limit_mb:
            raise ValueError(
                f"these photos are {size_mb:.1f} MB together; at most {limit_mb:g} MB are accepted "
                "at once: add a few at a time"
            )
        counter = inference.counter
        for key, path in new.items():
            photo: Future[PagePhoto] = Future()
            if self.counted.setdefault(key, photo) is not photo:
                continue  # another event of this session has submitted it
            fill = partial(_fill, photo, key, path, counter.info)
            try:
                upload = Upload(path.name, path.read_bytes())
                inference.submit(upload, "page", counter).add_done_callback(fill)
            except Exception as error:
                photo.set_exception(error)

    def _results(
        self,
        inference: InferenceService,
        keys: list[str],
        new: int,
        progress: Progress,
    ) -> dict[str, PagePhoto]:
        limit_s = inference.settings.limits.timeout_s
        end = time.monotonic() + limit_s
        photos: dict[str, PagePhoto] = {}
        failure: Exception | None = None
        for key in keys:
            try:
                photos[key] = self.counted[key].result(max(0.0, end - time.monotonic()))
            except TimeoutError:
                raise ValueError(
                    f"counting took longer than {limit_s:g} s; it goes on: add a photo in a while, "
                    "and all are shown"
                ) from None
            except Exception as error:
                failure = error
            if new:
                progress(max(0, new - len(keys) + len(photos)), new)
        if failure is not None:
            raise failure
        return photos


def _fill(
    photo: Future[PagePhoto], key: str, path: Path, info: ModelInfo, answer: Future[Answer]
) -> None:
    try:
        counted = answer.result().counted
        photo.set_result(PagePhoto(key, path, counted, info.class_names, info.threshold))
    except BaseException as error:  # the caller gets every error
        photo.set_exception(error)
