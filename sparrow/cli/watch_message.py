"""What ``sparrow watch`` tells about a photo, and the most of a day."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sparrow.cli.counted_folder import VisitOptions, name_below, numbers_of
from sparrow.cli.journal_entry import Entry
from sparrow.plain_text import utf8
from sparrow.visits.capture import Capture, Shot, capture_of


class Messages:
    """Messages about photos, in the order in which they were counted."""

    def __init__(self, root: Path, class_names: Sequence[str], options: VisitOptions) -> None:
        """Begin with no photo; the arguments are those of ``CountedFolder``."""
        self._root, self.class_names, self._options = root, tuple(class_names), options
        self._day = date.min
        self._most: dict[str, int] = {}

    def photo(self, entry: Entry) -> dict[str, Any]:
        """A photo's message, as JSON values; ``id`` is the same each time that it is sent."""
        record, capture = entry["record"], self._capture(entry)
        total, *own = numbers_of(entry, self.class_names)
        return {
            "id": record["id"],
            "file": utf8(name_below(Path(record["file_name"]), self._root)),
            "sha256": record["sha256"],
            "count": total.count,
            "count_low": total.low,
            "count_high": total.high,
            "classes": {
                name: {"count": number.count, "low": number.low, "high": number.high}
                for name, number in zip(self.class_names, own, strict=True)
            },
            "taken_at": capture.taken.isoformat() if capture.taken else None,
            "camera": utf8(capture.camera),
            "counted_at": record["time"],
            "model_name": record["model_name"],
            "model_version": record["model_version"],
        }

    def note(self, entry: Entry, today: date) -> None:
        """Take up a photo into the most of its day, if that is today."""
        self._begin(today)
        taken = self._capture(entry).taken
        counted = datetime.fromisoformat(entry["record"]["time"]).astimezone()
        if (taken or counted).date() != today:
            return
        for name, count in self._counts(entry).items():
            self._most[name] = max(count, self._most.get(name, 0))

    def is_new_day(self, today: date) -> bool:
        """Whether the most of the day is that of another day."""
        return self._day != today

    def state(self, entry: Entry | None, today: date) -> dict[str, Any]:
        """Counts of the last photo and the most in one photo today, by class and of ``all``."""
        self._begin(today)
        names = ("all", *self.class_names)
        return {
            "last": None if entry is None else self._counts(entry),
            "most_today": {name: self._most.get(name, 0) for name in names},
            "day": today.isoformat(),
            "photo": None if entry is None else self.photo(entry),
        }

    def _begin(self, today: date) -> None:
        if self._day != today:
            self._day, self._most = today, {}

    def _counts(self, entry: Entry) -> dict[str, int]:
        total, *own = numbers_of(entry, self.class_names)
        counts = {name: number.count for name, number in zip(self.class_names, own, strict=True)}
        return {"all": total.count, **counts}

    def _capture(self, entry: Entry) -> Capture:
        key = entry["file"] if self._options.file_times else None
        return capture_of(
            Shot(**entry.get("shot", {"taken": "", "camera": ""})),
            name_below(Path(entry["record"]["file_name"]), self._root),
            self._options.camera_by,
            self._root.name or str(self._root),
            key[1] if key else None,
        )


def is_told(entry: Entry) -> bool:
    """Whether an entry is of a photo that was counted just then, and not renamed or failed."""
    return entry["record"]["error"] is None and not entry.get("renamed", False)
