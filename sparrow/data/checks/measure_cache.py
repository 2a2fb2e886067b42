"""What was measured of photos, kept by content in one SQLite file that can always be done without.

A photo's path, size and times lead to its SHA-256, its SHA-256 leads to its record. A cache that is
locked, full or read-only slows the measuring down and says so; it never stops it.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

from sparrow.config import DataConfig
from sparrow.data.checks.photo_record import RECORD_VERSION, PhotoRecord

T = TypeVar("T")
FileKey = tuple[int, int, int]  # bytes, mtime ns, ctime ns

FILE = "photos.sqlite"
WAIT_S = 60.0  # for a program that holds the cache; then it is done without
SETTLED_NS = 2_000_000_000  # a file touched this recently may change again within one clock tick

_NOT_OURS = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR)
_TABLES = """
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, sha256 TEXT);
CREATE TABLE IF NOT EXISTS records (
    sha256 TEXT, version INTEGER, record TEXT, PRIMARY KEY (sha256, version));
SELECT path, size, mtime_ns, ctime_ns, sha256 FROM files LIMIT 1;
SELECT sha256, version, record FROM records LIMIT 1;
"""

logger = logging.getLogger("sparrow.data")


def measure_folder(config: DataConfig) -> Path:
    """Where the measurements of photos are cached."""
    return Path(config.prepared) / "measured"


class MeasureCache:
    """The cache of one folder; a context manager. Nothing it does raises for the cache's state."""

    def __init__(self, folder: Path) -> None:
        """Open it, make it where there is none, and make it anew where it is damaged.

        Args:
            folder: where ``photos.sqlite`` is kept; made when absent.
        """
        self.path = folder / FILE
        self._connection: sqlite3.Connection | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._give_up(error)
        else:
            self._attempt(self._open, None)

    def __enter__(self) -> MeasureCache:
        return self

    def __exit__(self, *_: object) -> None:
        if self._connection is not None:
            self._connection.close()

    def contents(self) -> dict[str, PhotoRecord]:
        """SHA-256 -> what was measured of the photo with this content."""
        query = "SELECT sha256, record FROM records WHERE version = ?"
        rows: list[Any] = self._attempt(lambda: self._rows(query, (RECORD_VERSION,)), [])
        return {sha256: record for sha256, text in rows if (record := _parse(text))}

    def files(self, paths: Iterable[Path]) -> dict[Path, tuple[FileKey, str]]:
        """Of those paths that are known: the key that the file had, and its SHA-256 then."""
        query = "SELECT path, size, mtime_ns, ctime_ns, sha256 FROM files"
        rows: list[Any] = self._attempt(lambda: self._rows(query), [])
        known = {row[0]: (row[1:4], row[4]) for row in rows}
        return {path: known[text] for path in paths if (text := _text(path)) in known}

    def store(
        self,
        measured: Mapping[Path, PhotoRecord],
        keys: Mapping[Path, FileKey | None],
        started_ns: int,
    ) -> None:
        """Keep records.

        Args:
            measured: by path; those of unreadable files are left out.
            keys: of the files before they were read.
            started_ns: when the keys were taken.
        """
        readable = {path: record for path, record in measured.items() if record.sha256}
        records = [(r.sha256, RECORD_VERSION, json.dumps(asdict(r))) for r in readable.values()]
        files = [
            (_text(path), *key, record.sha256)
            for path, record in readable.items()
            if (key := keys[path]) and started_ns - max(key[1:]) > SETTLED_NS
        ]
        self._insert("records", records)
        self._insert("files", files)

    def unchanged(self, paths: Iterable[Path]) -> dict[Path, tuple[FileKey, str]]:
        """Key and SHA-256 of those files that are as they were when they were measured."""
        known = self.files(paths)
        return {path: entry for path, entry in known.items() if file_key(path) == entry[0]}

    def relinked(self, known: Mapping[Path, tuple[FileKey, str]]) -> None:
        """Keep what is known of files that this program itself linked anew, by path.

        A hard link gives a file another ctime, as an edit does. Size and mtime must be as before.

        Args:
            known: of ``unchanged``, asked just before the linking.
        """
        now = {path: file_key(path) for path in known}
        same = {p: known[p][1] for p, key in now.items() if key and key[:2] == known[p][0][:2]}
        self.written(same)

    def written(self, contents: Mapping[Path, str]) -> None:
        """Keep the SHA-256 of files that this program itself just put in place, by path."""
        now_ns = time.time_ns()
        keys = ((path, sha256, file_key(path)) for path, sha256 in contents.items())
        # An edit changes the mtime: it must not be so young that an edit could leave it as it is.
        rows = [
            (_text(path), *key, sha256)
            for path, sha256, key in keys
            if key and now_ns - key[1] > SETTLED_NS
        ]
        self._insert("files", rows)

    def _rows(self, query: str, values: tuple[object, ...] = ()) -> list[Any]:
        return self._connection.execute(query, values).fetchall() if self._connection else []

    def _insert(self, table: str, rows: Sequence[tuple[object, ...]]) -> None:
        def write() -> None:
            if self._connection is not None and rows:
                marks = ", ".join("?" * len(rows[0]))
                with self._connection:
                    query = f"INSERT OR REPLACE INTO {table} VALUES ({marks})"  # noqa: S608
                    self._connection.executemany(query, rows)

        self._attempt(write, None)

    def _open(self) -> None:
        try:
            self._connection = _connect(self.path)
        except sqlite3.DatabaseError as error:
            if _code(error) not in _NOT_OURS:
                raise
            # A cache holds nothing that cannot be measured again.
            for ending in ("", "-wal", "-shm"):
                self.path.with_name(FILE + ending).unlink(missing_ok=True)
            self._connection = _connect(self.path)

    def _attempt(self, work: Callable[[], T], otherwise: T) -> T:
        try:
            return work()
        except (sqlite3.Error, OSError) as error:
            self._give_up(error)
            return otherwise

    def _give_up(self, error: Exception) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        logger.warning(
            "%s: this cache cannot be used (%s); going on without it, which takes longer",
            self.path,
            error,
        )


def file_key(path: Path) -> FileKey | None:
    """What of a file changes when it is written to; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _text(path: Path) -> str:
    """The path as SQLite can hold it, also where its bytes are no UTF-8."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=WAIT_S)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript(_TABLES)
    except BaseException:
        connection.close()
        raise
    return connection


def _code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; -1 where the error is Python's own."""
    code = getattr(error, "sqlite_errorcode", None)
    return code & 0xFF if code is not None else -1


def _parse(text: object) -> PhotoRecord | None:
    try:
        return PhotoRecord(**json.loads(str(text)))
    except (ValueError, TypeError):  # damaged: the photo is measured again
        return None
