"""A visitor's session: the photos that are shown, and all that were counted in it, once each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path

from service.counting import Answer
from service.desk import Desk
from service.intake import Upload
from sparrow.counter import DETECTOR_FAILED, CountedPhoto
from sparrow.model.folder import file_sha256

MAX_REMEMBERED = 1000  # photos of one session; beyond it only those that are shown are


@dataclass(frozen=True)
class PagePhoto:
    """One photo of a visitor: where it is, and what was found in it. It holds no pixels.

    Attributes:
        sha256: of its bytes; names the photo in the session.
        path: the uploaded file.
        same: names of further files in the list with the same bytes.
        threshold: the operating threshold of the model that counted it.
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

    def interval(self, min_score: float) -> tuple[int | None, int | None]:
        """The count's interval; it holds at the model's own threshold only."""
        record = self.counted.record
        return (
            (record.count_low, record.count_high) if min_score <= self.threshold else (None, None)
        )


@dataclass
class Visit:
    """What the page keeps for one session; changed in place, so that nothing counted is forgotten
    when a later photo of the same event fails.

    Attributes:
        shown: the photos of the file list, each once.
        counted: all photos of the session by SHA-256, those taken off the list included.
        keys: uploaded file -> SHA-256.
    """

    shown: list[PagePhoto] = field(default_factory=list)
    counted: dict[str, PagePhoto] = field(default_factory=dict)
    keys: dict[Path, str] = field(default_factory=dict)

    def photo(self, chosen: object) -> PagePhoto | None:
        """The shown photo with this SHA-256; None where there is none."""
        return next((photo for photo in self.shown if photo.sha256 == chosen), None)

    def show_files(
        self, desk: Desk, paths: Sequence[Path], progress: Callable[[int, int], None]
    ) -> None:
        """Show these files, counting those that this session has not counted yet.

        The same bytes are one photo: counted, logged and shown once, under the first file's name;
        a sum that held them twice would be wrong. Another session counts and logs them again. A
        photo on which the detector failed is tried again when it was taken off the list and added.

        Raises:
            ValueError: too many photos or bytes at once, or a file that is gone.
            Exception: whatever kept a photo from being counted or logged; the photos counted
                before it are remembered.
        """
        limit = desk.settings.limits.max_photos
        if len(paths) > limit:
            raise ValueError(f"{len(paths)} photos at once; at most {limit} are accepted here")
        files: dict[str, list[Path]] = {}
        for path in paths:
            files.setdefault(self._key(path), []).append(path)
        listed = {photo.sha256 for photo in self.shown}
        new = {key: same[0] for key, same in files.items() if not self._knows(key, listed)}
        self._count(desk, new, progress)
        self.shown = [
            replace(self.counted[key], path=first, same=tuple(path.name for path in same))
            for key, (first, *same) in files.items()
        ]
        if len(self.counted) > MAX_REMEMBERED:
            self.counted = {photo.sha256: photo for photo in self.shown}
            self.keys = {path: key for path, key in self.keys.items() if key in files}

    def _key(self, path: Path) -> str:
        if path not in self.keys:
            try:
                self.keys[path] = file_sha256(path)
            except OSError as error:
                raise ValueError(f"{path.name} is no longer here; please add it again") from error
        return self.keys[path]

    def _knows(self, key: str, listed: set[str]) -> bool:
        photo = self.counted.get(key)
        return photo is not None and (
            key in listed or photo.counted.record.error != DETECTOR_FAILED
        )

    def _count(
        self, desk: Desk, new: dict[str, Path], progress: Callable[[int, int], None]
    ) -> None:
        limit_mb = desk.settings.limits.max_request_mb
        size_mb = sum(path.stat().st_size for path in new.values()) / 1e6
        if size_mb > limit_mb:
            raise ValueError(
                f"these photos are {size_mb:.1f} MB together; at most {limit_mb:g} MB are accepted "
                "at once: add a few at a time"
            )
        counter = desk.counter
        waiting: dict[str, Future[Answer]] = {}
        failure: Exception | None = None
        for key, path in new.items():
            try:
                upload = Upload(path.name, path.read_bytes())
                waiting[key] = desk.submit(upload, "page", counter)
            except Exception as error:
                failure = error
                break
        for done, (key, future) in enumerate(waiting.items(), 1):
            try:
                counted = future.result().counted
            except Exception as error:
                failure = error
                continue
            self.counted[key] = PagePhoto(
                key, new[key], counted, counter.info.class_names, counter.info.threshold
            )
            progress(done, len(new))
        if failure is not None:
            raise failure
