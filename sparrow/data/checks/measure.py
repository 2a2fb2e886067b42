"""Measure many photos on all cores, once: results are cached by content.

A second run over unchanged photos opens none of them; a photo only moved is hashed, not decoded.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, fields
from pathlib import Path

import pandas as pd

from sparrow.data.checks.measure_cache import FileKey, MeasureCache, file_key
from sparrow.data.checks.photo_record import PhotoRecord, measure_photo, read_photo_bytes
from sparrow.data.checks.photo_worker import measure_by_worker, start_workers
from sparrow.images import ImageError
from sparrow.progress import Progress

MEASURED_COLUMNS = ("image", *(field.name for field in fields(PhotoRecord)))
FEW_BYTES = 2_500_000  # of files, half a second's work: with less, workers cost more than they save
CHUNK = 8  # photos per task: progress moves, little is lost by a kill


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
        cache_dir: of the cache (``measure_cache``). Safe to delete at any time and safe against a
            kill at any moment; one that cannot be used is done without.
        workers: processes; 1 measures in this one.
        progress: called with (done, all) as photos are measured.
    """
    paths = [(images_dir / name).resolve() for name in names]
    records = _records(paths, cache_dir, workers, progress)
    rows = [
        {"image": name, **asdict(records[path])} for name, path in zip(names, paths, strict=True)
    ]
    return pd.DataFrame(rows, columns=list(MEASURED_COLUMNS))


def _records(
    paths: Sequence[Path], cache_dir: Path, workers: int, progress: Progress | None
) -> dict[Path, PhotoRecord]:
    started_ns = time.time_ns()
    # Taken before any reading: a file that changes later no longer fits its key.
    keys = {path: file_key(path) for path in paths}
    with MeasureCache(cache_dir) as cache:
        records = _known(cache, keys, started_ns)
        missing = [path for path in keys if path not in records]
        done = len(keys) - len(missing)
        if progress and keys:
            progress(done, len(keys))
        size = sum(key[0] for path in missing if (key := keys[path]))
        for measured in _measure(missing, workers if size >= FEW_BYTES else 1):
            cache.store(measured, keys, started_ns)
            records.update(measured)
            done += len(measured)
            if progress:
                progress(done, len(keys))
    return records


def _measure(paths: Sequence[Path], workers: int) -> Iterator[dict[Path, PhotoRecord]]:
    chunks = [list(paths[i : i + CHUNK]) for i in range(0, len(paths), CHUNK)]
    if workers <= 1 or len(chunks) <= 1:
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


def _known(
    cache: MeasureCache, keys: Mapping[Path, FileKey | None], started_ns: int
) -> dict[Path, PhotoRecord]:
    """Records known without decoding."""
    by_content = cache.contents()
    if not by_content:
        return {}
    by_file = cache.files(keys)
    unchanged: dict[Path, PhotoRecord] = {}
    hashed: dict[Path, PhotoRecord] = {}
    for path, key in keys.items():
        old_key, sha256 = by_file.get(path, (None, ""))
        if key is not None and key == old_key and sha256 in by_content:
            unchanged[path] = by_content[sha256]
        elif (content := _hash(path)) in by_content:
            hashed[path] = by_content[content]
    cache.store(hashed, keys, started_ns)
    return unchanged | hashed


def _hash(path: Path) -> str:
    """SHA-256 of a photo file; empty where it cannot be read."""
    try:
        return hashlib.sha256(read_photo_bytes(path)).hexdigest()
    except (OSError, ImageError):
        return ""
