"""Measure many photos on all cores, once: results are cached by content.

A photo's path, size and times lead to its SHA-256, its SHA-256 leads to its record. So a second
run over unchanged photos opens none of them, and a photo only moved is hashed, not decoded.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import closing
from dataclasses import asdict, fields
from pathlib import Path

import pandas as pd

from sparrow.data.photo_record import (
    RECORD_VERSION,
    PhotoRecord,
    measure_photo,
    read_photo_bytes,
)
from sparrow.data.photo_worker import measure_by_worker, start_workers
from sparrow.images import ImageError

Progress = Callable[[int, int], None]  # (photos done, photos in all)
FileKey = tuple[int, int, int]  # bytes, mtime ns, ctime ns

MEASURED_COLUMNS = ("image", *(field.name for field in fields(PhotoRecord)))
FEW_PHOTOS = 24  # below this, starting workers costs more than they save
CHUNK = 8  # photos per task: progress moves, little is lost by a kill
SETTLED_NS = 2_000_000_000  # a file touched this recently may change again within one clock tick

_TABLES = """
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, sha256 TEXT);
CREATE TABLE IF NOT EXISTS records (
    sha256 TEXT, version INTEGER, record TEXT, PRIMARY KEY (sha256, version));
"""


def measure_photos(
    images_dir: Path,
    names: Sequence[str],
    cache_dir: Path,
    workers: int = 2,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """One row per name, in the order given: ``MEASURED_COLUMNS`` (see ``PhotoRecord``).

    Args:
        images_dir: folder of the photos.
        names: file names in it.
        cache_dir: where ``photos.sqlite`` is kept; made when absent. Safe to delete at any time
            and safe against a kill at any moment.
        workers: processes; 1 measures in this one.
        progress: called with (done, all) as photos come in.
    """
    cache_dir.mkdir(parents=True, exist_ok=True)
    started_ns = time.time_ns()
    paths = [(images_dir / name).resolve() for name in names]
    # Taken before any reading: a file that changes later no longer fits its key.
    keys = {path: _file_key(path) for path in paths}
    with closing(_connect(cache_dir / "photos.sqlite")) as cache:
        records = _cached(cache, keys, started_ns)
        missing = [path for path in keys if path not in records]
        done = len(keys) - len(missing)
        if progress and keys:
            progress(done, len(keys))
        for measured in _measure(missing, workers):
            _store(cache, measured, keys, started_ns)
            records.update(measured)
            done += len(measured)
            if progress:
                progress(done, len(keys))
    rows = [
        {"image": name, **asdict(records[path])} for name, path in zip(names, paths, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(MEASURED_COLUMNS))


def _measure(paths: Sequence[Path], workers: int) -> Iterator[dict[Path, PhotoRecord]]:
    chunks = [list(paths[i : i + CHUNK]) for i in range(0, len(paths), CHUNK)]
    if workers <= 1 or len(paths) < FEW_PHOTOS:
        for chunk in chunks:
            yield {path: measure_photo(path) for path in chunk}
        return
    number = min(workers, len(chunks))
    with start_workers(number) as idle, ThreadPoolExecutor(number) as threads:
        tasks = [threads.submit(measure_by_worker, idle, chunk) for chunk in chunks]
        try:
            for task in as_completed(tasks):
                yield task.result()
        finally:
            threads.shutdown(cancel_futures=True)


def _connect(path: Path) -> sqlite3.Connection:
    try:
        return _open_cache(path)
    except sqlite3.DatabaseError:
        # A cache holds nothing that cannot be measured again.
        path.unlink()
        return _open_cache(path)


def _open_cache(path: Path) -> sqlite3.Connection:
    cache = sqlite3.connect(path, timeout=60)
    try:
        cache.execute("PRAGMA journal_mode=WAL")
        cache.executescript(_TABLES)
    except BaseException:
        cache.close()
        raise
    return cache


def _cached(
    cache: sqlite3.Connection, keys: Mapping[Path, FileKey | None], started_ns: int
) -> dict[Path, PhotoRecord]:
    """Records known without decoding."""
    query = "SELECT sha256, record FROM records WHERE version = ?"
    by_content = dict(cache.execute(query, (RECORD_VERSION,)))
    if not by_content:
        return {}
    rows = cache.execute("SELECT path, size, mtime_ns, ctime_ns, sha256 FROM files")
    by_file = {(row[0], row[1:4]): row[4] for row in rows}
    found: dict[Path, PhotoRecord] = {}
    hashed: dict[Path, PhotoRecord] = {}
    for path, key in keys.items():
        sha256 = by_file.get((str(path), key))
        if sha256 in by_content:
            found[path] = PhotoRecord(**json.loads(by_content[sha256]))
        elif (sha256 := _hash(path)) in by_content:
            hashed[path] = PhotoRecord(**json.loads(by_content[sha256]))
    _store(cache, hashed, keys, started_ns)
    return found | hashed


def _file_key(path: Path) -> FileKey | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _hash(path: Path) -> str | None:
    try:
        return hashlib.sha256(read_photo_bytes(path)).hexdigest()
    except (OSError, ImageError):
        return None


def _store(
    cache: sqlite3.Connection,
    measured: Mapping[Path, PhotoRecord],
    keys: Mapping[Path, FileKey | None],
    started_ns: int,
) -> None:
    readable = {path: record for path, record in measured.items() if record.sha256}
    records = [(r.sha256, RECORD_VERSION, json.dumps(asdict(r))) for r in readable.values()]
    files = [
        (str(path), *key, record.sha256)
        for path, record in readable.items()
        if (key := keys[path]) and started_ns - max(key[1:]) > SETTLED_NS
    ]
    with cache:
        cache.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", records)
        cache.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?)", files)
