"""Checks of the page's events: each value must be of the type that its widget has.

Gradio accepts a description of a file as the value of any widget, and reads that file. So an event
is rebuilt here from what its widgets may send: numbers, booleans, a colour, and photos in the
page's own folder.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from service.page_files import PageFiles
from service.refusal import RefusalError
from service.uploads import clean_name, read_json_object

SESSION = re.compile(r"[A-Za-z0-9_-]{1,64}")
COLOR = re.compile(r"#[0-9a-fA-F]{3,8}|(rgba?|hsla?)\([0-9.,% /]{1,40}\)")
MAX_TEXT_LENGTH = 200
MAX_INDEX = 1_000_000
SHA256 = re.compile(r"[0-9a-f]{64}")  # identifies a photo on the page

FileData = dict[str, Any]  # Any: of Gradio, whose values have several types
Check = Callable[[object], object]  # returns the value that Gradio gets


class WidgetValueError(ValueError):
    """A value that its widget cannot have."""


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
            KeyError: the page has a widget whose values are not known here.
        """
        self._files = files
        self._max_photos = max_photos
        self._max_bytes = max_bytes
        checks: dict[str, Check] = {**CHECKS, "file": self._photos}
        kinds = {component["id"]: component["type"] for component in config["components"]}
        self._events: dict[int, list[Check]] = {
            dependency["id"]: [checks[kinds[widget]] for widget in dependency["inputs"]]
            for dependency in config["dependencies"]
        }

    def read(self, body: bytes) -> bytes:
        """Rebuild an event for Gradio from its checked values.

        Raises:
            RefusalError: 400, no event of this page; 413, more photos than one event may have.
        """
        event = read_json_object(body)
        checks = self._events.get(_index(event.get("fn_index"), "fn_index"))
        data, session = event.get("data"), event.get("session_hash")
        if checks is None or not isinstance(data, list) or len(data) != len(checks):
            raise RefusalError(400, "the page has no such event")
        if not isinstance(session, str) or not SESSION.fullmatch(session):
            raise RefusalError(400, "expected the session_hash of a page")
        try:
            values = [check(value) for check, value in zip(checks, data, strict=True)]
        except WidgetValueError as error:
            raise RefusalError(
                400, f"a widget of the page cannot have this value: {error}"
            ) from None
        trigger = event.get("trigger_id")
        rebuilt = {
            "data": values,
            "event_data": _selected(event.get("event_data")),
            "fn_index": event["fn_index"],
            "trigger_id": None if trigger is None else _index(trigger, "trigger_id"),
            "session_hash": session,
        }
        return json.dumps(rebuilt).encode()

    def _photos(self, value: object) -> list[FileData] | None:
        if value is None or value == []:
            return None
        if not isinstance(value, list):
            raise WidgetValueError("expected a list of photos")
        photos = [self._photo(photo) for photo in value]
        # Checked here, since Gradio copies each photo.
        if sum(Path(photo["path"]).stat().st_size for photo in photos) > self._max_bytes:
            raise RefusalError(413, "these photos together are larger than one request may be")
        if len(photos) > self._max_photos:
            raise RefusalError(
                413, f"{len(photos)} photos at once; at most {self._max_photos} are accepted here"
            )
        return photos

    def _photo(self, value: object) -> FileData:
        sent = value if isinstance(value, dict) else {}
        path, name = sent.get("path"), sent.get("orig_name")
        file = self._files.find(path) if isinstance(path, str) else None
        if file is None:
            raise WidgetValueError("expected a photo that was uploaded here; upload it once more")
        return {
            "path": str(file),
            "orig_name": clean_name(name)[:MAX_TEXT_LENGTH] if isinstance(name, str) else file.name,
            "meta": {"_type": "gradio.FileData"},
        }


def _nothing(value: object) -> None:
    if value is not None:
        raise WidgetValueError("it is kept here, not sent")


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise WidgetValueError("expected a number")
    if not math.isfinite(value) or abs(value) > 1e9:
        raise WidgetValueError("expected a number between -1e9 and 1e9")
    return value


def _number_or_nothing(value: object) -> float | None:
    return None if value is None else _number(value)


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise WidgetValueError("expected true or false")
    return value


def _color(value: object) -> str:
    if not isinstance(value, str) or not COLOR.fullmatch(value):
        raise WidgetValueError("expected a colour such as #ffb000")
    return value


def _sha256_or_nothing(value: object) -> str | None:
    if value is None or (isinstance(value, str) and SHA256.fullmatch(value)):
        return value
    raise WidgetValueError("expected one of the photos")


def _index(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_INDEX:
        raise RefusalError(400, f"{name}: expected a whole number")
    return value


def _selected(value: object) -> dict[str, object] | None:
    """Of a selected example, only its position, which is all that the page reads."""
    if not isinstance(value, dict) or not isinstance(value.get("index"), int):
        return None
    return {"index": _index(value["index"], "event_data.index"), "value": None}


# Type of a widget, as in Gradio's config -> the check of its value; files: see ``PageEvents``.
CHECKS: Mapping[str, Check] = {
    "state": _nothing,
    "slider": _number,
    "number": _number_or_nothing,
    "checkbox": _boolean,
    "colorpicker": _color,
    "dropdown": _sha256_or_nothing,
}
