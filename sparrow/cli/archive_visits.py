"""Visits of an archive's photos, camera by camera: memory holds the photos of one camera.

All others are in a file without a name. The numbers are those that ``find_sightings`` gives to all
photos together, since it takes one camera after the other as well.
"""

from __future__ import annotations

import json
import os
import sqlite3
from dataclasses import astuple
from datetime import datetime
from itertools import islice
from typing import Any

from sparrow.cli.count_report import camera_in_words, undated_in_words
from sparrow.cli.count_tally import Tally
from sparrow.plain_text import one_line
from sparrow.visits.capture import Capture, TimeFrom
from sparrow.visits.maximum import Number
from sparrow.visits.visits import SeenPhoto, find_sightings

_TABLES = """
CREATE TABLE photo (camera TEXT, content TEXT);
CREATE TABLE visit (name BLOB PRIMARY KEY, number INTEGER) WITHOUT ROWID;
"""
SHOWN = 5  # names of photos without a time


class ArchiveVisits:
    """Photos that were counted, and the visits that they make."""

    def __init__(self) -> None:
        """Begin without a photo."""
        self._rows = sqlite3.connect("", isolation_level=None)
        self._rows.executescript(f"PRAGMA journal_mode = OFF;{_TABLES}BEGIN")

    def add(self, photo: SeenPhoto) -> None:
        """Take up a photo that could be counted."""
        taken = photo.capture.taken and photo.capture.taken.isoformat()
        numbers = list(map(astuple, photo.numbers))
        content = [photo.name, taken, photo.capture.time_from, numbers, photo.out_of_distribution]
        row = (json.dumps(photo.capture.camera), json.dumps(content))
        self._rows.execute("INSERT INTO photo VALUES (?, ?)", row)

    def find(self, seconds: float, tally: Tally) -> list[str]:
        """Find the visits; what is to be said of them, as of a folder's photos.

        Args:
            seconds: the longest gap within a visit.
            tally: of all photos.
        """
        self._rows.execute("CREATE INDEX camera ON photo (camera)")
        cameras = self._rows.execute("SELECT DISTINCT camera FROM photo").fetchall()
        words, notes, undated, number, begun = list[str](), list[str](), list[str](), 0, 0
        for camera in sorted(json.loads(name) for (name,) in cameras):
            photos = self._photos(camera)
            sightings = find_sightings(photos, seconds, tally.confidence, tally.false_alarms)
            words += [camera_in_words(group, tally) for group in sightings.cameras]
            notes += map(one_line, sightings.notes)
            names = (one_line(photo.name) for photo in sightings.undated)
            undated += islice(names, SHOWN - len(undated))
            number += len(sightings.undated)
            for name, visit in sightings.visit_of.items():
                self._rows.execute(
                    "INSERT INTO visit VALUES (?, ?)", (os.fsencode(name), begun + visit)
                )
            begun += len(sightings.visits)
        if number:
            more = f" and {number - SHOWN:,} more" if number > SHOWN else ""
            words.append(undated_in_words(", ".join(undated) + more, number))
        return words + notes

    def visit_of(self, name: str) -> int | None:
        """The number of a photo's visit; None where it is of none."""
        question = "SELECT number FROM visit WHERE name = ?"
        row = self._rows.execute(question, (os.fsencode(name),)).fetchone()
        return None if row is None else row[0]

    def close(self) -> None:
        """Let the file go."""
        self._rows.close()

    def _photos(self, camera: str) -> list[SeenPhoto]:
        question = "SELECT content FROM photo WHERE camera = ? ORDER BY rowid"
        rows = self._rows.execute(question, (json.dumps(camera),))
        return [_photo(camera, *json.loads(content)) for (content,) in rows]


def _photo(camera: str, name: str, taken: str | None, time_from: TimeFrom, *rest: Any) -> SeenPhoto:
    numbers, strange = rest
    moment = None if taken is None else datetime.fromisoformat(taken)
    capture = Capture(moment, time_from, camera)
    return SeenPhoto(name, capture, tuple(Number(*number) for number in numbers), strange)
