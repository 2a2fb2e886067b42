"""The page's events: of each widget the kind of value that it can have, and nothing else.

Gradio takes a description of a file for the value of any widget, and reads that file. So an event
is made anew here from what its widgets may send: numbers, yes or no, a colour, and photos that lie
in the page's own folder.
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
SHA256 = re.compile(r"[0-9a-f]{64}")  # by which the page names a photo

Check = Callable[[Any], Any]


class NotThatKindError(ValueError):
    """A value that its widget cannot have."""


class PageEvents:
    """Reads events of one page."""

    def __init__(
        self, config: Mapping[str, Any], files: PageFiles, max_photos: int, max_bytes: int
    ) -> None:
        """Learn the page's events.

        Args:
            config: of the page, as Gradio describes it to the browser.
            files: where visitors' photos lie.
            max_photos: of one event.
            max_bytes: of all photos of one event together, each time that one is named.

        Raises:
            KeyError: the page has a widget whose values are not known here.
        """
        self._files = files
        self._max_photos = max_photos
        self._max_bytes = max_bytes
        kinds = {component["id"]: component["type"] for component in config["components"]}
        known: dict[str, Check] = {
            "state": _nothing,
            "slider": _number,
            "number": _number_or_nothing,
            "checkbox": _yes_or_no,
            "colorpicker": _color,
            "dropdown": _photo_or_nothing,
            "file": self._photos,
        }
        self._events: dict[int, list[Check]] = {
            dependency["id"]: [known[kinds[slot]] for slot in dependency["inputs"]]
            for dependency in config["dependencies"]
        }

    def read(self, body: bytes) -> bytes:
        """The event as Gradio gets it.

        Raises:
            RefusalError: 400, no event of this page; 413, more photos than one event may hold.
        """
        event = read_json_object(body)
        slots = self._events.get(_index(event.get("fn_index"), "fn_index"))
        data, session = event.get("data"), event.get("session_hash")
        if slots is None or not isinstance(data, list) or len(data) != len(slots):
            raise RefusalError(400, "the page has no such event")
        if not isinstance(session, str) or not SESSION.fullmatch(session):
            raise RefusalError(400, "expected the session_hash of a page")
        try:
            values = [check(value) for check, value in zip(slots, data, strict=True)]
        except NotThatKindError as error:
            raise RefusalError(
                400, f"a widget of the page cannot have this value: {error}"
            ) from None
        trigger = event.get("trigger_id")
        made = {
            "data": values,
            "event_data": _chosen(event.get("event_data")),
            "fn_index": event["fn_index"],
            "trigger_id": None if trigger is None else _index(trigger, "trigger_id"),
            "session_hash": session,
        }
        return json.dumps(made).encode()

    def _photos(self, value: Any) -> Any:
        if value is None or value == []:
            return None
        if not isinstance(value, list):
            raise NotThatKindError("expected a list of photos")
        found = [self._photo(one) for one in value]
        # Larger than one event may be is refused before Gradio makes a copy of each.
        if sum(Path(one["path"]).stat().st_size for one in found) > self._max_bytes:
            raise RefusalError(413, "these photos together are larger than one request may be")
        if len(found) > self._max_photos:
            raise RefusalError(
                413, f"{len(found)} photos at once; at most {self._max_photos} are accepted here"
            )
        return found

    def _photo(self, value: Any) -> dict[str, Any]:
        path = value.get("path") if isinstance(value, dict) else None
        found = self._files.find(path) if isinstance(path, str) else None
        if found is None:
            raise NotThatKindError("expected a photo that was uploaded here; upload it once more")
        name = value.get("orig_name")
        return {
            "path": str(found),
            "orig_name": clean_name(name)[:MAX_TEXT_LENGTH]
            if isinstance(name, str)
            else found.name,
            "meta": {"_type": "gradio.FileData"},
        }


def _nothing(value: Any) -> None:
    if value is not None:
        raise NotThatKindError("it is kept here, not sent")


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise NotThatKindError("expected a number")
    if not math.isfinite(value) or abs(value) > 1e9:
        raise NotThatKindError("expected a number between -1e9 and 1e9")
    return value


def _number_or_nothing(value: Any) -> float | None:
    return None if value is None else _number(value)


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise NotThatKindError("expected true or false")
    return value


def _color(value: Any) -> str:
    if not isinstance(value, str) or not COLOR.fullmatch(value):
        raise NotThatKindError("expected a colour such as #ffb000")
    return value


def _photo_or_nothing(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and SHA256.fullmatch(value)):
        return value
    raise NotThatKindError("expected one of the photos")


def _index(value: Any, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_INDEX:
        raise RefusalError(400, f"{name}: expected a whole number")
    return value


def _chosen(value: Any) -> dict[str, Any] | None:
    """Of what was clicked on, its position is all that the page asks for."""
    if not isinstance(value, dict) or not isinstance(value.get("index"), int):
        return None
    return {"index": _index(value["index"], "event_data.index"), "value": None}
