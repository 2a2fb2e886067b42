"""Take ``data/new`` into ``data/raw``: everything or nothing, and nothing twice.

The merged state is built beside the raw set and exchanged with it in one step (``swap``), so a
kill at any moment leaves the raw set as it was or as it should be; the next call completes it.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd

from sparrow.config import DataConfig
from sparrow.data.changes import changes
from sparrow.data.check_report import REPORT_JSON, write_report
from sparrow.data.checks import CheckedDataset, check_dataset
from sparrow.data.errors import DataError
from sparrow.data.findings import CheckReport, finding
from sparrow.data.formats import table_paths, write_csv
from sparrow.data.measure import Progress
from sparrow.data.swap import link_file, link_tree, next_state, one_at_a_time
from sparrow.data.tables import Dataset
from sparrow.data.versions import FOUND, record_version

NEW_PREFIX = "new_"


@dataclass(frozen=True)
class IngestResult:
    """What became of the new photos.

    Attributes:
        accepted: names of the photos added to the raw set.
        corrected: names of those it had already, whose rows or boxes were replaced.
        skipped_known: photos that were there already, in every respect.
        report: of the checks of the new data; None when there was none.
        data_version: of the raw set now; None when there is none.
    """

    accepted: tuple[str, ...] = ()
    corrected: tuple[str, ...] = ()
    skipped_known: int = 0
    report: CheckReport | None = None
    data_version: str | None = None


def ingest_new(config: DataConfig, progress: Progress | None = None) -> IngestResult:
    """Check the new data and merge it into the raw set in one step.

    A photo whose bytes the raw set holds is not taken twice; if its row or boxes differ, they are
    replaced (that is how corrected boxes come back). Without a raw set the new data becomes it.
    A state of the raw set that is in nobody's log (drawn, imported, changed by hand) is recorded.
    What is merged leaves ``config.new``; what fails goes to ``config.rejected`` with its report.

    Raises:
        DataError: the new data fails its checks (file, row and rule are named), a name is taken by
            another photo, or the raw set itself is broken. The raw set is as it was.
    """
    raw, new = Path(config.root), Path(config.new)
    with one_at_a_time(raw):
        _remove_merged(new)
        if not _has_tables_or_photos(new):
            current = _current(raw, config, progress)
            known = record_version(raw, current, note=FOUND) if current is not None else None
            return IngestResult(data_version=known)
        checked = _check_new(new, config, progress)
        current = _current(raw, config, progress)
        batch = checked.dataset
        if current is not None:
            _refuse_name_clashes(batch, current, checked.report, config)
        merge = _merge(batch, current)
        version = _write(merge, current, raw) if merge.changes or current is None else None
        _set_aside(new)
        if version is None and current is not None:
            version = record_version(raw, current, note=FOUND)
        return IngestResult(
            tuple(merge.added), tuple(merge.corrected), merge.known, checked.report, version
        )


@dataclass(frozen=True, eq=False)
class _Merge:
    """The merged tables, the batch they took from, and which of its photos changed what."""

    dataset: Dataset
    batch: Dataset
    added: list[str]
    corrected: list[str]
    known: int

    @property
    def changes(self) -> bool:
        return bool(self.added or self.corrected)


def _merge(batch: Dataset, current: Dataset | None) -> _Merge:
    if current is None:
        return _Merge(batch, batch, batch.images["image"].tolist(), [], 0)
    by_content = dict(zip(current.images["sha256"], current.images["image"], strict=True))
    known = batch.images["sha256"].isin(by_content)
    added = batch.images["image"][~known].tolist()
    # A photo is corrected under its own name only; a copy by another name brings nothing new.
    corrected = list(changes(current, batch).corrected)
    take = set(added) | set(corrected)
    images = pd.concat(
        [
            current.images[~current.images["image"].isin(corrected)],
            batch.images[batch.images["image"].isin(take)],
        ],
        ignore_index=True,
    )
    boxes = pd.concat(
        [
            current.boxes[~current.boxes["image"].isin(corrected)],
            batch.boxes[batch.boxes["image"].isin(take)],
        ],
        ignore_index=True,
    )
    merged = Dataset(current.root, images, boxes)
    return _Merge(merged, batch, added, corrected, len(batch.images) - len(take))


def _refuse_name_clashes(
    batch: Dataset, current: Dataset, report: CheckReport, config: DataConfig
) -> None:
    names, contents = batch.images["image"], batch.images["sha256"]
    known = current.images.set_index("image")["sha256"].reindex(names).to_numpy()
    taken = np.flatnonzero(names.isin(current.images["image"]) & (contents != known))
    file = table_paths(Path(), NEW_PREFIX)[0].name
    found = finding("name-taken", file, taken + 2, names.iloc[taken], [""] * len(taken))
    _refuse_errors(report.extended(found), config)


def _current(raw: Path, config: DataConfig, progress: Progress | None) -> Dataset | None:
    if not raw.is_dir() or not any(raw.iterdir()):
        return None
    return check_dataset(raw, config, progress=progress).dataset


def _check_new(new: Path, config: DataConfig, progress: Progress | None) -> CheckedDataset:
    """The batch, checked; if it fails, it is moved to ``config.rejected`` and the error raised."""
    try:
        checked = check_dataset(new, config, NEW_PREFIX, progress)
    except DataError as error:
        place = reject(new, config, None, str(error))
        raise DataError(f"{error}\nThe batch lies in {place}") from error
    _refuse_errors(checked.report, config)
    return checked


def _refuse_errors(report: CheckReport, config: DataConfig) -> None:
    try:
        report.raise_for_errors()
    except DataError as error:
        place = reject(Path(config.new), config, report)
        raise DataError(f"{error}\nThe batch and its report lie in {place}") from None


def reject(new: Path, config: DataConfig, report: CheckReport | None, reason: str = "") -> Path:
    """Move a batch, with its report beside it, to a folder named after the time; returns it."""
    if report:
        write_report(report, new, new, NEW_PREFIX)
    else:
        unreadable = {"where": str(new), "ok": False, "error": reason}
        (new / REPORT_JSON).write_text(json.dumps(unreadable, indent=2), encoding="utf-8")
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    place = Path(config.rejected) / now
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(new, place)
    return place


def _write(merge: _Merge, current: Dataset | None, raw: Path) -> str:
    """Build the merged state beside the raw set and put it in its place; its data version."""
    with next_state(raw) as incoming:
        if current is not None:
            link_tree(raw.resolve(), incoming)
        (incoming / "images").mkdir(exist_ok=True)
        for name in merge.added:
            link_file(merge.batch.image_path(name), incoming / "images" / name)
        # Tables are written to new files: the links of the current state keep their content.
        write_csv(merge.dataset, incoming)
        return record_version(incoming, merge.dataset, current)


def _set_aside(new: Path) -> None:
    """Take the merged batch out of the way in one step, then remove it."""
    new.rename(_merged_folder(new))
    _remove_merged(new)


def _remove_merged(new: Path) -> None:
    """Remove a batch that was merged, also one that a kill left behind.

    Whatever is not part of the contract (notes, say) goes back to where it was.
    """
    merged = _merged_folder(new)
    if not merged.exists():
        return
    tables = {path.relative_to(new) for path in table_paths(new, NEW_PREFIX)}
    for path in [p for p in merged.rglob("*") if p.is_file()]:
        place = path.relative_to(merged)
        back = new / place
        if place.parts[0] != "images" and place not in tables and not back.exists():
            back.parent.mkdir(parents=True, exist_ok=True)
            path.rename(back)
    shutil.rmtree(merged)


def _merged_folder(new: Path) -> Path:
    return new.with_name(new.name + ".merged")


def _has_tables_or_photos(new: Path) -> bool:
    """Whether there is a batch, complete or not: any file in the places of the contract."""
    places = [new / "images", new / "bboxes"]
    inside = [p for place in places if place.is_dir() for p in place.iterdir()]
    files = [*inside, *table_paths(new, NEW_PREFIX)]
    return any(p.exists() and not p.name.startswith(".") for p in files)
