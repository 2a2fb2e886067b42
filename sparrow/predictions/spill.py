"""Records that the log cannot take now: JSON lines in files that outlive the process.

Each process appends to a file of its own and holds a lock on it. A file whose lock is free was left
by a process that has ended; the first process to open it reads it in. Records keep their ids, so
that one that is read in twice is stored once.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from filelock import lock_descriptor
from sqlalchemy import make_url

from sparrow.atomic_file import sync
from sparrow.database import sqlite_path
from sparrow.predictions.record import PredictionRecord
from sparrow.store_url import resolve

LINES_AT_ONCE = 500
SERVER_FOLDER = Path(".sparrow")  # beside a log that is no file

logger = logging.getLogger("sparrow.predictions.log")


class PredictionSpill:
    """The files of one log. Safe for several threads and processes."""

    def __init__(self, url: str, folder: Path | None = None) -> None:
        """Count what earlier processes left; no file is made before the first record.

        Args:
            url: of the log.
            folder: for the files; None is beside an SQLite log, else ``.sparrow`` in the working
                folder.
        """
        self._stem = _stem(url, folder)
        self._lock = threading.RLock()
        self._own: BinaryIO | None = None
        self._own_path: Path | None = None
        self._own_lines = 0
        self.waiting = self._count_left()

    @property
    def path(self) -> Path:
        """The file that is written now, or the pattern of their names."""
        return self._own_path or self._stem.with_name(f"{self._stem.name}.spill-*.jsonl")

    def write(self, records: Sequence[PredictionRecord]) -> None:
        """Append records; when this returns they are on the disk.

        Raises:
            OSError: they are not, and the file is as it was before.
        """
        lines = b"".join(_line(record) for record in records)
        with self._lock:
            file = self._open_own()
            begin = file.tell()
            try:
                file.write(lines)
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                os.ftruncate(file.fileno(), begin)
                self._release_own()  # its buffer may still hold a part
                raise
            self._own_lines += len(records)
            self.waiting += len(records)

    def replay(self, store: Callable[[list[PredictionRecord]], None]) -> int:
        """Hand over all that waits, oldest file first; a file is deleted when all of it is stored.

        Args:
            store: stores records that are not stored yet. What it raises ends the replay and is
                passed on; the file stays.

        Returns:
            How many records were handed over.
        """
        with self._lock:
            self._release_own()
        done = 0
        try:
            for path in self._files():
                with _taken(path) as file:
                    if file is not None:
                        done += self._replay_file(path, file, store)
        finally:
            with self._lock:
                self.waiting = self._count_left() + self._own_lines
        return done

    def keep_refused(self, record: PredictionRecord, why: str) -> Path:
        """Keep a record that the database refuses for its values; a person has to decide about it.

        Raises:
            OSError: it cannot be written.
        """
        path = self._stem.with_name(f"{self._stem.name}.refused.jsonl")
        _append(path, json.dumps({"why": why, **_values(record)}, default=str).encode() + b"\n")
        return path

    def close(self) -> None:
        """Close the file, for the next process to read in."""
        with self._lock:
            self._release_own()

    def _replay_file(
        self, path: Path, file: BinaryIO, store: Callable[[list[PredictionRecord]], None]
    ) -> int:
        done = 0
        damaged = path.with_suffix(".damaged")
        damaged.unlink(missing_ok=True)  # of an earlier attempt at the same file
        while lines := list(islice(file, LINES_AT_ONCE)):
            records = []
            for line in lines:
                try:
                    records.append(_record(line))
                except (ValueError, TypeError, KeyError, AttributeError):
                    _append(damaged, line)
                    logger.error("a line of %s cannot be read; it is in %s", path, damaged)
            store(records)
            done += len(lines)
        path.unlink()
        logger.warning("%d photos that waited in %s are in the prediction log now", done, path)
        return done

    def _count_left(self) -> int:
        """Records in files that no living process holds."""
        lines = 0
        for path in self._files():
            with _taken(path) as file:
                lines += sum(1 for _ in file) if file is not None else 0
        return lines

    def _files(self) -> list[Path]:
        files = self._stem.parent.glob(f"{_escaped(self._stem.name)}.spill-*.jsonl")
        return sorted(files, key=lambda path: (_modified(path), path.name))

    def _open_own(self) -> BinaryIO:
        if self._own is None or not Path(str(self._own_path)).exists():
            self._release_own()
            self._stem.parent.mkdir(parents=True, exist_ok=True)
            path = self._stem.with_name(f"{self._stem.name}.spill-{uuid.uuid4().hex}.jsonl")
            self._own, self._own_path = path.open("ab"), path
            lock_descriptor(self._own.fileno())
            sync(path.parent)  # a new file's name is on the disk only when its folder is
        return self._own

    def _release_own(self) -> None:
        if self._own is not None:
            own, self._own, self._own_path, self._own_lines = self._own, None, None, 0
            own.raw.close()  # type: ignore[attr-defined]  # every record has been flushed


def _stem(url: str, folder: Path | None) -> Path:
    path = sqlite_path(url)
    if folder is None and path is not None:
        return path
    named = make_url(resolve(url)).set(query={}).render_as_string(hide_password=True)
    name = path.name if path is not None else make_url(resolve(url)).database or "log"
    # Logs of the same name in different places may share a folder.
    place = hashlib.sha256(named.encode()).hexdigest()[:8]
    return (folder or SERVER_FOLDER) / f"{name}-{place}"


def _escaped(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


@contextmanager
def _taken(path: Path) -> Iterator[BinaryIO | None]:
    """The file, locked; None where a living process holds it, or another has read it in already."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        yield None
        return
    with file:
        if not lock_descriptor(file.fileno(), blocking=False):
            yield None
            return
        gone = not path.exists() or not os.path.samestat(path.stat(), os.fstat(file.fileno()))
        yield None if gone else file


def _append(path: Path, line: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(line)
        file.flush()
        os.fsync(file.fileno())


def _values(record: PredictionRecord) -> dict[str, Any]:
    return {**asdict(record), "time": record.time.isoformat()}


def _line(record: PredictionRecord) -> bytes:
    return json.dumps(_values(record), default=str).encode() + b"\n"


def _record(line: bytes) -> PredictionRecord:
    return PredictionRecord.from_json(json.loads(line))
