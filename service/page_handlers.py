"""What happens at each event of the page's tab Count.

A handler takes the visitor's ``Visit`` and a request of ``service.page_protocol``, and returns the
reply, which the page's script shows.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
from pydantic import ValidationError

from service import page_protocol as protocol
from service.inference_service import InferenceService
from service.page_downloads import write_download
from service.page_feedback import save_feedback
from service.page_photo import PagePhoto, ShownBox
from service.page_room import PageRoom
from service.page_screen import photo_json, photo_row, screen
from service.page_sightings import Json, sightings_json
from service.page_source import PhotoFile, list_folder, local_photo
from service.page_start import EXAMPLES, start
from service.page_visit import Visit
from sparrow.inference.tile_choice import NO_TILES

logger = logging.getLogger("sparrow.service")

NO_PHOTO = "There is no photo here: please add one. Photos are kept for an hour."


class PageHandlers:
    """Handlers of one page, by the names of its events."""

    def __init__(self, inference: Callable[[], InferenceService], room: PageRoom) -> None:
        """Make the handlers.

        Args:
            inference: returns the running service.
            room: files that are written there are served, and removed after an hour.
        """
        self._inference = inference
        self._room = room

    def handler(self, name: str) -> Callable[[Visit, Any], tuple[Visit, Json]]:
        """The handler of an event, for Gradio: of the session's visit and the request's JSON."""
        kind, handle = protocol.REQUESTS[name], getattr(self, f"_{name}")

        # Any: JSON, which is checked here.
        def answer(visit: Visit, request: Any) -> tuple[Visit, Json]:
            with _errors_in_words():
                return visit, handle(visit, kind.model_validate_json(json.dumps(request)))

        return answer

    def _start(self, visit: Visit, _request: protocol.Nothing) -> Json:
        shown = [photo_json(photo, None) for photo in visit.shown.values()]
        return {**start(self._inference()), "photos": shown, **_screen(visit, None)}

    def _count(self, visit: Visit, request: protocol.Count) -> Json:
        inference = self._inference()
        files = [PhotoFile(Path(photo.path), photo.name) for photo in request.photos]
        files += [_example(position) for position in request.examples]
        if request.local:
            root = local_root(inference)
            files += [local_photo(root, name) for name in request.local]
        tiles = inference.settings.offered_tiles if request.small else NO_TILES
        added = visit.add(inference, files, self._room, tiles)
        counted = [photo_json(photo, request.min_score) for photo in added]
        return {"photos": counted, **_screen(visit, request.min_score)}

    def _show(self, visit: Visit, request: protocol.Show) -> Json:
        rows = [photo_row(photo, request.min_score) for photo in visit.shown.values()]
        seen = sightings_json(visit.shown.values(), request.min_score)
        return {"rows": rows, "sightings": seen, **_screen(visit, request.min_score)}

    def _remove(self, visit: Visit, request: protocol.Remove) -> Json:
        visit.remove(list(visit.shown) if request.photos is None else request.photos)
        return _screen(visit, request.min_score)

    def _correct(self, visit: Visit, request: protocol.Correct) -> Json:
        photo = visit.photo(request.photo)
        size = (photo.counted.record.width_px, photo.counted.record.height_px)
        boxes = None
        if request.boxes is not None:
            boxes = tuple(_corrected(box, photo, size) for box in request.boxes)
        photo = visit.correct(request.photo, boxes)
        row = photo_row(photo, request.min_score)
        return {"rows": [row], **_screen(visit, request.min_score)}

    def _save(self, visit: Visit, request: protocol.Save) -> Json:
        return save_feedback(self._inference(), visit.photo(request.photo), request)

    def _download(self, visit: Visit, request: protocol.Download) -> Json:
        if not visit.shown:
            raise ValueError(NO_PHOTO)
        file = write_download(list(visit.shown.values()), request, self._room)
        return {"name": file.name, "path": str(file)}

    def _folder(self, _visit: Visit, request: protocol.Folder) -> Json:
        listing = list_folder(local_root(self._inference()), request.folder)
        return {"photos": listing.photos, "skipped": listing.skipped}


def local_root(inference: InferenceService) -> Path:
    """The local folder whose photos may be counted by their path.

    Raises:
        ValueError: this service has none, or it is gone.
    """
    named = inference.settings.limits.page_folder
    if named is None:
        raise ValueError("This service counts no local folder: service.page_folder names none.")
    try:
        return Path(named).resolve(strict=True)
    except OSError as error:
        raise ValueError(
            f"The folder of service.page_folder cannot be read: {error.strerror}."
        ) from error


def _example(position: int) -> PhotoFile:
    if position >= len(EXAMPLES):
        raise ValueError(f"There are {len(EXAMPLES)} examples.")
    return PhotoFile(EXAMPLES[position], EXAMPLES[position].name)


def _corrected(box: protocol.Box, photo: PagePhoto, size: tuple[int, int]) -> ShownBox:
    """A visitor's box, within the photo; one that the model found has its score.

    Raises:
        ValueError: its class is not one of the model's, or nothing of it is in the photo.
    """
    if box.label not in photo.class_names:
        names = ", ".join(photo.class_names)
        raise ValueError(f"Expected one of {names}, found {box.label[:40]!r}.")
    for known in photo.model_boxes:
        if (known.label, known.corners_px) == (box.label, box.corners):
            return known
    left, top, right, bottom = box.corners
    right, bottom = min(right, size[0]), min(bottom, size[1])
    if right - left < 1 or bottom - top < 1:
        raise ValueError("A box has to be at least one pixel wide and high, within the photo.")
    return ShownBox(box.label, (left, top, right, bottom), None)


def _screen(visit: Visit, min_score: float | None) -> Json:
    return {"screen": screen(visit.shown.values(), min_score)}


@contextmanager
def _errors_in_words() -> Iterator[None]:
    """Show a ValueError's message to the visitor; log any other error.

    Raises:
        gr.Error: in the place of whatever is raised inside.
    """
    try:
        yield
    except ValidationError:
        raise gr.Error("The page cannot ask this.", print_exception=False) from None
    except ValueError as error:
        raise gr.Error(str(error), print_exception=False) from error
    except Exception as error:
        logger.exception("an event of the page failed")
        raise gr.Error(
            "This did not work just now; the service's log says why. Please try again later.",
            print_exception=False,
        ) from error
