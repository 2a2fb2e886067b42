"""Where a journal has each photo's entry: in a file without a name, so that memory holds none."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from sparrow.cli.file_key import FileKey
from sparrow.cli.journal_entry import Entry
from sparrow.inference.tile_choice import Tiles

_TABLE = """
CREATE TABLE place (
  real BLOB PRIMARY KEY, start INTEGER, length INTEGER, failed INTEGER, made_with TEXT
) WITHOUT ROWID
"""


class Place(NamedTuple):
    """Where an entry is in the journal, and what decides whether its photo is counted again."""

    offset: int
    length: int
    failed: bool
    key: FileKey | None
    annotated: str | None
    boxes_from: float | None
    tiles: Tiles


class JournalIndex:
    """Places by the photo's real path; of two entries of one photo the later one."""

    def __init__(self) -> None:
        """Begin an empty one, which goes when it is closed or its process ends."""
        # A database without a name is SQLite's own temporary file. One transaction, never ended:
        # nobody else reads it. ``sparrow watch`` asks from several threads, one at a time.
        self._places = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for command in ("PRAGMA journal_mode = OFF", _TABLE, "BEGIN"):
            self._places.execute(command)

    def __len__(self) -> int:
        (number,) = self._places.execute("SELECT count(*) FROM place").fetchone()
        return int(number)

    def note(self, entry: Entry, offset: int, length: int) -> None:
        """Take up an entry that is so many bytes long and begins there."""
        made_with = (
            entry["file"], entry["annotated"], entry.get("boxes_from"), entry.get("tiles"),
        )  # fmt: skip
        failed = entry["record"]["error"] is not None
        row = (os.fsencode(entry["real"]), offset, length, failed, json.dumps(made_with))
        self._places.execute("INSERT OR REPLACE INTO place VALUES (?, ?, ?, ?, ?)", row)

    def get(self, real: str) -> Place | None:
        """The place of a photo's entry; None where it has none."""
        question = "SELECT start, length, failed, made_with FROM place WHERE real = ?"
        row = self._places.execute(question, (os.fsencode(real),)).fetchone()
        return None if row is None else Place(row[0], row[1], bool(row[2]), *json.loads(row[3]))

    def files(self) -> Iterator[str]:
        """Real paths, in the order in which their entries were written."""
        rows = self._places.execute("SELECT real FROM place ORDER BY start")
        return (os.fsdecode(real) for (real,) in rows)

    def close(self) -> None:
        """Let it go."""
        self._places.close()
