"""Take ``data/new`` into ``data/raw``: everything or nothing, and nothing twice.

The merged state is built beside the raw set and exchanged with it in one step (``atomic_dir``), so
a kill at any moment leaves the raw set as it was or as it should be; the next call completes it.
Without a raw set the new data becomes it. A photo that is a symbolic link is taken as a copy of
what it leads to.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from sparrow.config import DataConfig
from sparrow.data.checks.measure_cache import MeasureCache, measure_folder
from sparrow.data.checks.report import (
    CheckReport,
    ReportWriter,
    write_report_json,
)
from sparrow.data.checks.run import CheckedDataset, check_dataset
from sparrow.data.errors import DataError, as_data_errors
from sparrow.data.formats.csv import write_csv
from sparrow.data.ingest.atomic_dir import copy_file, file_lock, link_tree, replace_directory
from sparrow.data.ingest.batch import (
    NEW_PREFIX,
    batch_files,
    has_table,
    hash_tables,
    reject,
    remove_merged,
    resume_removal,
)
from sparrow.data.ingest.merge import Merge, merge_batch, name_clashes
from sparrow.data.ingest.result import IngestResult
from sparrow.data.ingest.same_content import disagreements
from sparrow.data.ingest.versions import FOUND_IN_PLACE, record_version
from sparrow.data.tables import Dataset
from sparrow.plain_text import one_line
from sparrow.progress import Progress

logger = logging.getLogger("sparrow.data")
# Is called with the raw set and the new data before they are merged; may raise a ``DataError``.
Compare = Callable[[Dataset, Dataset], None]


def ingest_new(
    config: DataConfig,
    progress: Progress | None = None,
    write_report: ReportWriter = write_report_json,
    compare: Compare | None = None,
) -> IngestResult:
    """Check the new data and merge it into the raw set in one step.

    A photo whose bytes the raw set holds is not taken twice, whatever its name; if its row or boxes
    differ, they are replaced; under another name only its boxes count. What is merged leaves
    ``config.new``; what fails goes to ``config.rejected`` with its report.

    Args:
        config: the data section.
        progress: called with (done, total) photos while they are measured.
        write_report: writes the report into a batch that is rejected.
        compare: of the raw set and new data that passed its checks; it may refuse to merge them.

    Raises:
        DataError: the new data fails its checks (file, row and rule are named) or ``compare``, a
            name is taken, two new photos are one file with different boxes, a photo changes
            meanwhile, the raw set itself is broken, or the disk is full. The raw set is as it was.
    """
    raw, new = Path(config.root), Path(config.new)
    with file_lock(raw), _batch_lock(new), as_data_errors("nothing is taken in", new):
        resume_removal(new)
        if not has_table(new):
            version = _record_found(raw, _current(raw, config, progress))
            return IngestResult(data_version=version, left=_say_left(new, batch_files(new)))
        return _ingest_batch(config, progress, write_report, compare)


def _ingest_batch(
    config: DataConfig,
    progress: Progress | None,
    write_report: ReportWriter,
    compare: Compare | None,
) -> IngestResult:
    raw, new = Path(config.root), Path(config.new)
    tables = hash_tables(new)
    checked = _check_new(new, config, progress, write_report)
    current, batch = _current(raw, config, progress), checked.dataset
    report = _check_against(checked.report, batch, current)
    _refuse_errors(report, config, write_report)
    if current is not None and compare is not None:
        compare(current, batch)
    merge = merge_batch(batch, current)
    if merge.changes or current is None:
        version: str | None = _write(merge, current, config)
    else:
        version = _record_found(raw, current)
    return IngestResult(
        tuple(merge.added),
        tuple(merge.corrected),
        len(merge.known),
        report,
        version,
        _clear(new, batch, tables),
        tuple(merge.renamed_words()),
    )


def _check_against(report: CheckReport, batch: Dataset, current: Dataset | None) -> CheckReport:
    """The report of the new data, with the rules that need the raw set."""
    seen = f"{len(batch.images):,} new photos"
    report = report.extended("photo-disagrees", seen, disagreements(batch, current))
    if current is None:
        return report
    seen = f"{len(batch.images):,} names against {len(current.images):,}"
    return report.extended("name-taken", seen, name_clashes(batch, current))


def _record_found(raw: Path, current: Dataset | None) -> str | None:
    """Record a state that is in nobody's log: generated, imported, changed by hand."""
    return None if current is None else record_version(raw, current, note=FOUND_IN_PLACE)


def _clear(new: Path, batch: Dataset, tables: dict[str, str]) -> tuple[str, ...]:
    """Remove a merged batch from ``new``; what stays there is returned, and said."""
    photos = zip(batch.images["image"], batch.images["sha256"], strict=True)
    merged = {f"images/{name}": sha256 for name, sha256 in photos} | tables
    return _say_left(new, remove_merged(new, merged))


def _say_left(new: Path, left: Sequence[str]) -> tuple[str, ...]:
    if left:
        logger.warning(
            "%s: %s files stay for the next ingest, for example %s: no table names them, they are "
            "new or changed meanwhile, or cannot be removed", new, len(left), one_line(left[0]),
        )  # fmt: skip
    return tuple(left)


def _batch_lock(new: Path) -> AbstractContextManager[None]:
    """The lock of an import into ``new``; none where nobody could exchange the folder anyway."""
    return file_lock(new) if os.access(new.resolve().parent, os.W_OK) else nullcontext()


def _current(raw: Path, config: DataConfig, progress: Progress | None) -> Dataset | None:
    if not raw.is_dir() or not any(raw.iterdir()):
        return None
    return check_dataset(raw, config, progress=progress).dataset


def _check_new(
    new: Path, config: DataConfig, progress: Progress | None, write_report: ReportWriter
) -> CheckedDataset:
    """The batch, checked; if it fails, it is moved to ``config.rejected`` and the error raised."""
    try:
        checked = check_dataset(new, config, NEW_PREFIX, progress)
    except DataError as error:
        place = reject(new, Path(config.rejected), None, write_report, str(error))
        raise DataError(f"{error}\n{place}") from error
    _refuse_errors(checked.report, config, write_report)
    return checked


def _refuse_errors(report: CheckReport, config: DataConfig, write_report: ReportWriter) -> None:
    try:
        report.raise_for_errors()
    except DataError as error:
        place = reject(Path(config.new), Path(config.rejected), report, write_report)
        raise DataError(f"{error}\n{place}") from None


def _write(merge: Merge, current: Dataset | None, config: DataConfig) -> str:
    """Build the merged state beside the raw set and put it in its place; its data version."""
    raw = Path(config.root)
    names: Iterable[str] = current.images["image"] if current is not None else []
    with MeasureCache(measure_folder(config)) as cache:
        known = cache.unchanged((raw / "images" / name).resolve() for name in names)
        with replace_directory(raw) as incoming:
            if current is not None:
                link_tree(raw.resolve(), incoming)
            (incoming / "images").mkdir(exist_ok=True)
            _copy_photos(merge, incoming / "images")
            # Tables are written to new files: the links of the current state keep their content.
            write_csv(merge.dataset, incoming)
            note = f"{len(merge.renamed)} came under another name" if merge.renamed else ""
            version = record_version(incoming, merge.dataset, current, note)
        cache.relinked(known)
        checked = merge.batch.images.set_index("image")["sha256"]
        cache.written({(raw / "images" / name).resolve(): checked[name] for name in merge.added})
    return version


def _copy_photos(merge: Merge, images: Path) -> None:
    """Copies, not links: who still has a new photo open cannot change the raw set's."""
    checked = merge.batch.images.set_index("image")["sha256"]
    for name in merge.added:
        source = merge.batch.image_path(name)
        try:
            content = copy_file(source, images / name)
        except OSError as error:
            if error.filename != str(source):
                raise  # the disk is full, say: ``replace_directory`` tells
            content = error.strerror or "gone"
        if content != checked[name]:
            raise DataError(
                f"{source}: changed after it had been checked, while it was taken in. Nothing was "
                "taken in; run again when no other program writes there"
            )
