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

import pandas as pd

from sparrow.config import DataConfig
from sparrow.data.check_report import report_html
from sparrow.data.checks import CheckedDataset, check_dataset
from sparrow.data.errors import DataError
from sparrow.data.findings import CheckReport
from sparrow.data.formats import table_paths, write_csv
from sparrow.data.measure import Progress
from sparrow.data.swap import link_file, link_tree, next_state, one_at_a_time
from sparrow.data.tables import Dataset, data_version
from sparrow.data.versions import record_version

NEW_PREFIX = "new_"


@dataclass(frozen=True)
class IngestResult:
    """What became of the new photos.

    Attributes:
        accepted: photos added to the raw set.
        corrected: photos the raw set had already, whose rows or boxes were replaced.
        skipped_known: photos that were there already, in every respect.
        report: of the checks of the new data; None when there was none.
        data_version: of the raw set now; None when there is none.
    """

    accepted: int = 0
    corrected: int = 0
    skipped_known: int = 0
    report: CheckReport | None = None
    data_version: str | None = None


def ingest_new(config: DataConfig, progress: Progress | None = None) -> IngestResult:
    """Check the new data and merge it into the raw set in one step.

    A photo whose bytes the raw set holds is not taken twice; if its row or boxes differ, they are
    replaced (that is how corrected boxes come back). Without a raw set the new data becomes it.
    What is merged leaves ``config.new``; what fails goes to ``config.rejected`` with its report.

    Raises:
        DataError: the new data fails its checks (file, row and rule are named), a name is taken by
            another photo, or the raw set itself is broken. The raw set is as it was.
    """
    raw, new = Path(config.root), Path(config.new)
    with one_at_a_time(raw):
        _remove_merged(new)
        if not _has_tables_or_photos(new):
            return IngestResult()
        checked = _check_new(new, config, progress)
        current = _current(raw, config, progress)
        batch = checked.dataset
        if current is not None:
            _refuse_name_clashes(batch, current, checked.report, config)
        merge = _merge(batch, current)
        version = _write(merge, current, raw) if merge.changes or current is None else None
        _set_aside(new)
        if version is None and current is not None:
            version = data_version(current)
        return IngestResult(
            len(merge.added), len(merge.corrected), merge.known, checked.report, version
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
    same_name = batch.images["image"].isin(current.images["image"])
    candidates = batch.images["image"][known & same_name].tolist()
    corrected = _differing(batch, current, candidates)
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


def _differing(batch: Dataset, current: Dataset, names: list[str]) -> list[str]:
    """Those of the photos whose own data version is not the same on both sides."""
    one, other = _versions(batch, names), _versions(current, names)
    return [name for name in names if one[name] != other[name]]


def _versions(dataset: Dataset, names: list[str]) -> dict[str, str]:
    images = dict(iter(dataset.images[dataset.images["image"].isin(names)].groupby("image")))
    boxes = dict(iter(dataset.boxes[dataset.boxes["image"].isin(names)].groupby("image")))
    none = dataset.boxes.iloc[:0]
    return {
        name: data_version(Dataset(dataset.root, images[name], boxes.get(name, none)))
        for name in names
    }


def _refuse_name_clashes(
    batch: Dataset, current: Dataset, report: CheckReport, config: DataConfig
) -> None:
    both = batch.images.merge(current.images, on="image", suffixes=("", "_raw"))
    clashes = both["image"][both["sha256"] != both["sha256_raw"]].tolist()
    if not clashes:
        return
    place = reject(Path(config.new), config, report)
    listed = ", ".join(clashes[:5]) + (f" and {len(clashes) - 5} more" if clashes[5:] else "")
    info = table_paths(Path(config.new), NEW_PREFIX)[0].name
    raise DataError(
        f"{info}: rule name-taken: the raw set holds another photo of the same name: {listed}; "
        f"rename the new photo in the folder and in both tables. The batch lies in {place}"
    )


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
    try:
        checked.report.raise_for_errors()
    except DataError as error:
        place = reject(new, config, checked.report)
        raise DataError(f"{error}\nThe batch and its report lie in {place}") from None
    return checked


def reject(new: Path, config: DataConfig, report: CheckReport | None, reason: str = "") -> Path:
    """Move a batch, with its report beside it, to a folder named after the time; returns it."""
    text = report.to_json() if report else {"where": str(new), "ok": False, "error": reason}
    (new / "report.json").write_text(json.dumps(text, indent=2), encoding="utf-8")
    if report:
        (new / "report.html").write_text(report_html(report, new, NEW_PREFIX), encoding="utf-8")
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
        return record_version(
            incoming, merge.dataset, current, added=merge.added, corrected=merge.corrected
        )


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
