"""Checks of the page's events: each may hold what its widgets can send, and nothing else.

Gradio accepts a description of a file as the value of any widget, and reads that file. So an event
is rebuilt here: from a request of ``service.page_protocol`` whose photos are in the page's own
folder, or from nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from service.page_files import PageFiles
from service.page_protocol import REQUESTS, Count, Request, UploadedPhoto
from service.refusal import RefusalError
from service.uploads import NAME_LENGTH, clean_name, read_json_object

SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")
MAX_INDEX = 1_000_000
STATE, REQUEST = "state", "json"  # types of widgets, as in Gradio's config


class PageEvents:
    """Checks the events of one page."""

    def __init__(
        self, config: Mapping[str, Any], files: PageFiles, max_photos: int, max_bytes: int
    ) -> None:
        """Learn which widgets each event of the page reads.

        Args:
            config: of the page, as Gradio sends it to the browser (Any: its JSON).
            files: visitors' photos.
            max_photos: of one event.
            max_bytes: of all photos of one event together, counting repeated ones each time.

        Raises:
            KeyError: the page has an event whose values are not known here.
        """
        self._files = files
        self._max_photos = max_photos
        self._max_bytes = max_bytes
        kinds = {component["id"]: component["type"] for component in config["components"]}
        self._events = {
            event["id"]: _request_of(event["api_name"], [kinds[slot] for slot in event["inputs"]])
            for event in config["dependencies"]
        }

    def read(self, body: bytes) -> bytes:
        """Rebuild an event for Gradio from its checked values.

        Raises:
            RefusalError: 400, no event of this page; 413, more photos than one event may have.
        """
        event = read_json_object(body)
        number = _index(event.get("fn_index"), "fn_index")
        data, session = event.get("data"), event.get("session_hash")
        if number not in self._events or not isinstance(data, list):
            raise RefusalError(400, "the page has no such event")
        if not isinstance(session, str) or not SESSION.fullmatch(session):
            raise RefusalError(400, "expected the session_hash of a page")
        trigger = event.get("trigger_id")
        rebuilt = {
            "data": self._checked(self._events[number], data),
            "event_data": None,
            "fn_index": number,
            "trigger_id": None if trigger is None else _index(trigger, "trigger_id"),
            "session_hash": session,
        }
        return json.dumps(rebuilt).encode()

    def _checked(self, kind: type[Request] | None, data: list[object]) -> list[object]:
        if kind is None:
            if data:
                raise RefusalError(400, "the page has no such event: it has no values")
            return []
        if len(data) != 2 or data[0] is not None:
            raise RefusalError(400, "the page has no such event: expected null and a request")
        try:
            # Of JSON's text: the model is strict, and only there a list may be a tuple.
            request = kind.model_validate_json(json.dumps(data[1]))
        except (ValidationError, ValueError, RecursionError) as error:
            raise RefusalError(400, f"the page cannot ask this: {_why(error)}") from None
        if isinstance(request, Count):
            request = self._with_photos(request)
        return [None, request.model_dump(mode="json")]

    def _with_photos(self, request: Count) -> Count:
        photos = [self._photo(photo) for photo in request.photos]
        if sum(Path(photo.path).stat().st_size for photo in photos) > self._max_bytes:
            raise RefusalError(413, "these photos together are larger than one request may be")
        number = len(photos) + len(request.examples) + len(request.local)
        if number > self._max_photos:
            raise RefusalError(
                413, f"{number} photos at once; at most {self._max_photos} are accepted here"
            )
        return request.model_copy(update={"photos": photos})

    def _photo(self, photo: UploadedPhoto) -> UploadedPhoto:
        file = self._files.find(photo.path)
        if file is None:
            raise RefusalError(
                400, "expected a photo that was uploaded here; please add it once more"
            )
        return UploadedPhoto(path=str(file), name=_clean_path(photo.name))


def _clean_path(name: str) -> str:
    """A name with the folders in which the visitor has the file, which tell cameras apart."""
    parts = [clean_name(part) for part in name.split("/") if part not in ("", ".", "..")]
    return "/".join(parts)[-NAME_LENGTH:].lstrip("/") or clean_name(name)


def _request_of(name: str, widgets: list[str]) -> type[Request] | None:
    """What an event's values must be; None where it has none.

    Raises:
        KeyError: its widgets or its name are not known here.
    """
    if not widgets:
        return None
    if widgets != [STATE, REQUEST]:
        raise KeyError(f"the event {name} reads {widgets}")
    return REQUESTS[name]


def _why(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return "it is no JSON"
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    where = ".".join(str(part)[:40] for part in first["loc"])
    return f"{where}: {first['msg']}" if where else first["msg"]


def _index(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_INDEX:
        raise RefusalError(400, f"{name}: expected a whole number")
    return value
