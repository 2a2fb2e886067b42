"""Every state the raw set was in: who added what and when, and the way back.

``history/`` is inside the set, so that a state and its record change in one step: ``log.jsonl``
has a line per version, oldest first, and two Parquet tables hold each version. A photo is stored
once: in ``images/`` while it is in use, in ``history/photos`` by its content when it is not.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd

from sparrow.atomic_file import write_atomic
from sparrow.config import DataConfig
from sparrow.data.checks.measure_cache import MeasureCache, measure_folder
from sparrow.data.errors import DataError, as_data_errors
from sparrow.data.formats.csv import write_csv
from sparrow.data.ingest.atomic_dir import (
    copy_file,
    file_lock,
    link_file,
    link_tree,
    replace_directory,
)
from sparrow.data.ingest.changes import Changes, changes
from sparrow.data.tables import BOX_COLUMNS, IMAGE_COLUMNS, Dataset, data_version
from sparrow.portable import user_name
from sparrow.regular_file import open_regular, sha256_of

HISTORY = "history"
FOUND_IN_PLACE = "found in place"


def read_log(root: Path) -> list[dict[str, Any]]:
    """Versions of a set, oldest first: version, time, user, photos, boxes, note, and the names of
    photos added, corrected and removed.

    Raises:
        DataError: a line of the log is damaged.
    """
    path = root / HISTORY / "log.jsonl"
    if not path.exists():
        return []
    try:
        with open_regular(path) as file:
            return [json.loads(line) for line in file.read().decode("utf-8").splitlines()]
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise DataError(f"{path}: not a log of versions ({error})") from error


def record_version(
    root: Path, dataset: Dataset, previous: Dataset | None = None, note: str = ""
) -> str:
    """Write a version and its line in the log below ``root``; nothing where it is the last one.

    Safe in a state being built and in place: every file is replaced in one move, the log last.

    Args:
        root: folder of the set.
        dataset: the state to record.
        previous: the state before it; if nobody recorded that one (photos put there by hand), it is
            recorded first.
        note: what was done, where photos were not just taken in.

    Returns:
        The data version.
    """
    log, last = read_log(root), None
    before = [] if previous is None else [(previous, FOUND_IN_PLACE)]
    for state, why in [*before, (dataset, note)]:
        version = data_version(state)
        if not log or log[-1]["version"] != version:
            if last is None and log:
                last = read_version(root, log[-1]["version"])
            log.append(_store(root, state, version, changes(last, state), why))
            last = state
    lines = "".join(json.dumps(line) + "\n" for line in log)
    write_atomic(root / HISTORY / "log.jsonl", lines)
    return version


def read_version(root: Path, version: str) -> Dataset:
    """The tables of an earlier version (its photos may be in ``history/photos``).

    Args:
        version: as in the log; a beginning of it that is unique is enough.

    Raises:
        DataError: no such version; the message lists those there are.
    """
    known = list(dict.fromkeys(line["version"] for line in read_log(root)))
    matches = [name for name in known if name.startswith(version)] if version else []
    if len(matches) != 1:
        said = "several versions begin" if matches else "no version begins"
        raise DataError(f"{root}: {said} with {version!r}; there are: {', '.join(known) or 'none'}")
    images, boxes = (
        _read_table(root / HISTORY / f"{matches[0]}.{table}.parquet")
        for table in ("images", "boxes")
    )
    return Dataset(root, images, boxes)


def _read_table(path: Path) -> pd.DataFrame:
    try:
        with open_regular(path) as file:
            return pd.read_parquet(file)
    except (OSError, ValueError) as error:  # pyarrow's errors are of these two kinds
        raise DataError(
            f"{path}: this table of an earlier version cannot be read ({error})"
        ) from error


def restore_version(config: DataConfig, version: str) -> str:
    """Make an earlier version the current one; the current one stays in the log.

    Returns:
        The version restored.

    Raises:
        DataError: no such version, a photo of it is lost, or the current set is broken.
    """
    # Every step of a flow imports this module, and few read a table: checks take long to import.
    from sparrow.data.checks.run import check_dataset

    root = Path(config.root)
    with file_lock(root), as_data_errors("nothing is restored", root):
        current = check_dataset(root, config).dataset
        wanted = read_version(root, version)
        both = current.images.merge(wanted.images, on=["image", "sha256"])["image"]
        with MeasureCache(measure_folder(config)) as cache:
            known = cache.unchanged((root / "images" / name).resolve() for name in both)
            with replace_directory(root) as incoming:
                link_tree(root.resolve(), incoming)
                _arrange_photos(incoming, current, wanted)
                write_csv(wanted, incoming)
                restored = record_version(incoming, wanted, current, note="restored")
            cache.relinked(known)
        return restored


def _arrange_photos(root: Path, current: Dataset, wanted: Dataset) -> None:
    """Put all photos into the store by content, then the wanted ones back in place."""
    store = root / HISTORY / "photos"
    store.mkdir(parents=True, exist_ok=True)
    for name, sha256 in zip(current.images["image"], current.images["sha256"], strict=True):
        photo = root / "images" / name
        photo.replace(store / sha256)
        # Where both were links to one file the system has left both.
        photo.unlink(missing_ok=True)
    in_place: set[str] = set()
    sound = set(current.images["sha256"])
    for name, sha256 in zip(wanted.images["image"], wanted.images["sha256"], strict=True):
        kept = store / sha256
        if sha256 not in sound:
            _check_kept(kept, sha256, name, wanted)
        if sha256 in in_place:
            copy_file(kept, root / "images" / name)  # two links to one file would change together
        else:
            link_file(kept, root / "images" / name)
        in_place.add(sha256)
    for sha256 in in_place:
        (store / sha256).unlink()


def _check_kept(kept: Path, sha256: str, name: str, wanted: Dataset) -> None:
    try:
        content = sha256_of(kept)
    except OSError as error:
        raise DataError(
            f"{wanted.root}: photo {name} of this version is lost ({sha256}: "
            f"{error.strerror or error}); put the file back as {HISTORY}/photos/{sha256}"
        ) from error
    if content != sha256:
        raise DataError(
            f"{wanted.root}: photo {name} of this version is damaged: {HISTORY}/photos/{sha256} "
            "does not hold what its name says; put the file back from a backup"
        )


def _store(
    root: Path, dataset: Dataset, version: str, changed: Changes, note: str
) -> dict[str, Any]:
    stem = root / HISTORY / version
    stem.parent.mkdir(parents=True, exist_ok=True)
    tables = {
        ".images.parquet": dataset.images[[*IMAGE_COLUMNS, "sha256"]],
        ".boxes.parquet": dataset.boxes[list(BOX_COLUMNS)],
    }
    for ending, table in tables.items():
        write_atomic(stem.with_suffix(ending), table.to_parquet(index=False))
    return {
        "version": version,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "user": user_name(),
        "photos": len(dataset.images),
        "boxes": len(dataset.boxes),
        **asdict(changed),
        "note": note,
    }
