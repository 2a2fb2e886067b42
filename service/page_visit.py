"""A visitor's session: the photos that are shown, and all that were counted, once each."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial

from service.inference_service import InferenceService
from service.page_photo import PagePhoto, ShownBox
from service.page_room import PageRoom
from service.page_source import PhotoFile
from service.page_views import write_views
from service.uploads import Upload
from service.worker_pool import Answer
from sparrow.false_alarms import FalseAlarms
from sparrow.inference.counter import DETECTOR_FAILED
from sparrow.inference.model_folder import ModelInfo
from sparrow.inference.tile_choice import NO_TILES, TileChoice
from sparrow.visits.capture import Shot, read_shot

MAX_SHOWN = 1000  # photos of one session; ``sparrow count`` has no limit
TOO_MANY = (
    f"The page shows {MAX_SHOWN} photos at most. Remove some, or count a whole folder with "
    "`sparrow count FOLDER -r`."
)
MAX_REMEMBERED = 2000  # of one session; beyond it only the shown ones are remembered


@dataclass(frozen=True)
class _NewPhoto:
    sha256: str
    file: PhotoFile
    shot: Shot
    room: PageRoom
    model: ModelInfo
    false_alarms: FalseAlarms | None


@dataclass
class Visit:
    """What the page keeps for one session.

    It is changed in place, so that counted photos are remembered when a later photo of the same
    event fails, or when two events are handled at once.

    Attributes:
        shown: the photos of the list by SHA-256, in the order in which they were added.
        counted: all photos of the session by SHA-256, including those removed from the list and
            those still being counted.
        tiles: how small objects were looked for in each of these.
    """

    shown: dict[str, PagePhoto] = field(default_factory=dict)
    counted: dict[str, Future[PagePhoto]] = field(default_factory=dict)
    tiles: dict[str, TileChoice] = field(default_factory=dict)

    def photo(self, key: str) -> PagePhoto:
        """The shown photo with this SHA-256.

        Raises:
            ValueError: there is none.
        """
        if key not in self.shown:
            raise ValueError("This photo is no longer here: please add it again.")
        return self.shown[key]

    def add(
        self,
        inference: InferenceService,
        files: Sequence[PhotoFile],
        room: PageRoom,
        tiles: TileChoice = NO_TILES,
    ) -> list[PagePhoto]:
        """Show these files too, counting those that this session has not counted yet.

        Files with the same bytes are one photo: counted, logged and shown once, under the first
        file's name. One on which the detector failed is counted again once it was removed from the
        list and added; so is one that is added with other tiles. Returns the photos as shown now.

        Raises:
            ValueError: too many photos or bytes at once, a missing file, no room, or no answer
                within ``service.timeout_s``.
            Exception: of counting or logging a photo. The other photos are shown; the failed ones
                are tried again the next time.
        """
        uploads = _read(inference, files)
        if len(self.shown.keys() | uploads.keys()) > MAX_SHOWN:
            raise ValueError(TOO_MANY)
        new = {key: named[0] for key, named in uploads.items() if not self._is_counted(key, tiles)}
        self._submit(inference, new, room, tiles)
        try:
            self._wait(inference, uploads)
        finally:  # those that were counted are shown, whatever became of the others
            added = [self._show(key, named) for key, named in uploads.items() if self._has(key)]
            self._forget_others(uploads)
        return added

    def _has(self, key: str) -> bool:
        photo = self.counted[key]
        return photo.done() and photo.exception() is None

    def remove(self, keys: Collection[str]) -> None:
        """Take photos off the list; their counts are remembered."""
        for key in keys:
            self.shown.pop(key, None)

    def correct(self, key: str, boxes: tuple[ShownBox, ...] | None) -> PagePhoto:
        """Show these boxes in place of the model's, or the model's again.

        Raises:
            ValueError: the photo is not shown, or could not be counted.
        """
        photo = self.photo(key)
        if photo.counted.record.count is None:
            raise ValueError("This photo could not be counted, so there is nothing to correct.")
        self.shown[key] = replace(photo, corrected=boxes)
        return self.shown[key]

    def _show(self, key: str, named: Sequence[tuple[PhotoFile, bytes]]) -> PagePhoto:
        photo, counted = self.shown.get(key), self.counted[key].result()
        if photo is None:
            photo = replace(counted, file=named[0][0], same=())
        elif photo.counted is not counted.counted:  # counted anew, and still as a person corrected
            self.shown[key] = replace(
                counted, file=photo.file, same=photo.same, corrected=photo.corrected
            )
            return self.shown[key]
        known = (photo.file, *photo.same)
        more = [file for file, _ in named if file not in known]
        self.shown[key] = replace(photo, same=(*photo.same, *more))
        return self.shown[key]

    def _forget_others(self, files: Collection[str]) -> None:
        """Keep only the results of what is shown, once there are too many."""
        if len(self.counted) > MAX_REMEMBERED:
            keep = {*files, *self.shown}
            self.counted = {key: photo for key, photo in self.counted.items() if key in keep}
            self.tiles = {key: tiles for key, tiles in self.tiles.items() if key in keep}

    def _is_counted(self, key: str, tiles: TileChoice) -> bool:
        """Whether a photo has a result of such tiles or gets it; a failure is forgotten."""
        photo = self.counted.get(key)
        if photo is not None and self.tiles[key] != tiles:
            return False
        if photo is None or not photo.done():
            return photo is not None
        if photo.exception() is None:
            failed = photo.result().counted.record.error == DETECTOR_FAILED
            if key in self.shown or not failed:
                return True
        del self.counted[key]
        return False

    def _submit(
        self,
        inference: InferenceService,
        new: dict[str, tuple[PhotoFile, bytes]],
        room: PageRoom,
        tiles: TileChoice,
    ) -> None:
        counter = inference.counter
        for key, (file, content) in new.items():
            photo: Future[PagePhoto] = Future()
            if self.tiles.get(key, tiles) != tiles:
                self.counted[key] = photo  # in the place of what was counted in another way
            elif self.counted.setdefault(key, photo) is not photo:
                continue  # another event of this session has submitted it
            self.tiles[key] = tiles
            shot, model = read_shot(content), counter.info
            new_photo = _NewPhoto(key, file, shot, room, model, counter.false_alarms)
            fill = partial(_fill, photo, new_photo)
            try:
                upload = Upload(file.name, content, tiles)
                inference.submit(upload, "page", counter, "view").add_done_callback(fill)
            except Exception as error:
                photo.set_exception(error)

    def _wait(self, inference: InferenceService, keys: Collection[str]) -> None:
        """Wait for these photos; a failure is raised after all of them are done."""
        limit_s = inference.settings.limits.timeout_s
        end = time.monotonic() + limit_s
        failure: Exception | None = None
        for key in keys:
            try:
                self.counted[key].result(max(0.0, end - time.monotonic()))
            except TimeoutError:
                raise ValueError(
                    f"Counting took longer than {limit_s:g} s; it goes on: try again in a while."
                ) from None
            except Exception as error:
                failure = error
        if failure is not None:
            raise failure


def _read(
    inference: InferenceService, files: Sequence[PhotoFile]
) -> dict[str, list[tuple[PhotoFile, bytes]]]:
    """The bytes of files, by SHA-256."""
    limits = inference.settings.limits
    if len(files) > limits.max_photos:
        raise ValueError(f"{len(files)} photos at once; at most {limits.max_photos} are accepted.")
    left = int(limits.max_request_mb * 1e6)
    read: dict[str, list[tuple[PhotoFile, bytes]]] = {}
    for file in files:
        try:
            content = file.read(left)
        except OSError as error:
            raise ValueError(f"{file.name} is no longer here; please add it again.") from error
        left -= len(content)
        read.setdefault(hashlib.sha256(content).hexdigest(), []).append((file, content))
    return read


def _fill(photo: Future[PagePhoto], new: _NewPhoto, answer: Future[Answer]) -> None:
    try:
        counted, picture = answer.result().counted, answer.result().picture
        views = None if picture is None else write_views(new.room, picture)
        model = new.model
        photo.set_result(
            PagePhoto(
                new.sha256,
                new.file,
                counted,
                class_names=model.class_names,
                threshold=model.threshold,
                max_objects=model.max_objects,
                plurals=model.plurals,
                false_alarms=new.false_alarms,
                shot=new.shot,
                views=views,
            )
        )
    except BaseException as error:  # the caller gets every error
        photo.set_exception(error)
