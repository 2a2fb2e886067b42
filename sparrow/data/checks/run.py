"""Check a set of photos and tables: schema first, then whether everything agrees.

A broken set is never handed out: ``CheckedDataset.dataset`` raises for it, with file, row and rule.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sparrow.config import DataConfig
from sparrow.data import schemas
from sparrow.data.checks.compared_tables import Tables
from sparrow.data.checks.integrity import check_boxes, check_measured, check_names
from sparrow.data.checks.measure import measure_photos
from sparrow.data.checks.measure_cache import measure_folder
from sparrow.data.checks.observed import CheckedTables, observe
from sparrow.data.checks.report import (
    ELSEWHERE,
    CheckReport,
    Observation,
    RuleViolation,
    errors_first,
    rule_violation,
)
from sparrow.data.errors import DataError
from sparrow.data.formats.csv import BOXES_CSV, INFO_CSV, read_csv_tables, table_paths, to_dataset
from sparrow.data.ingest.atomic_dir import recover
from sparrow.data.tables import Dataset
from sparrow.photo_names import is_system_name
from sparrow.portable import usable_cores
from sparrow.progress import Progress


@dataclass(frozen=True, eq=False)
class CheckedDataset:
    """A report, and the data when it passed."""

    report: CheckReport
    passed: Dataset | None

    @property
    def dataset(self) -> Dataset:
        """The photos, with what was measured of each (``photo_record.PhotoRecord``), and the boxes.

        Raises:
            DataError: the data did not pass its checks.
        """
        if self.passed is None:
            self.report.raise_for_errors()
            raise DataError(f"{self.report.where}: there is no usable data")
        return self.passed


def check_dataset(
    root: Path, config: DataConfig, prefix: str = "", progress: Progress | None = None
) -> CheckedDataset:
    """Check the tables and photos under ``root``.

    Args:
        root: folder with ``images/``, ``{prefix}image_info.csv`` and
            ``bboxes/{prefix}bounding_boxes.csv``.
        config: what is legal; ``config.prepared`` holds the cache of measured photos.
        progress: called with (photos measured, photos in all).

    Raises:
        DataError: the folder or a table is not there or cannot be read at all. Everything else
            that is wrong is in the report.
    """
    recover(root)
    info_raw, boxes_raw = read_csv_tables(root, prefix)
    for path, raw in zip(table_paths(root, prefix), (info_raw, boxes_raw), strict=True):
        _refuse_wide_rows(path, raw)
    files, violations = photo_files(root), [*check_tables(info_raw, boxes_raw, config, prefix)]
    measured, tables = pd.DataFrame(), None
    if _comparable(info_raw, boxes_raw):
        tables = compare_tables(info_raw, boxes_raw, prefix)
        measured = _measure(root, sorted(set(files) & set(tables.names)), config, progress)
        more = [*check_names(tables, files), *check_measured(tables, measured, config)]
        violations += errors_first(more)
    seen = observe(CheckedTables(info_raw, boxes_raw, config, tables, len(files)))
    report = make_report(str(root), violations, info_raw, boxes_raw, seen)
    passed = _dataset(root, info_raw, boxes_raw, measured) if report.ok else None
    return CheckedDataset(report, passed)


def _measure(
    root: Path, names: list[str], config: DataConfig, progress: Progress | None
) -> pd.DataFrame:
    workers = usable_cores()
    return measure_photos(root / "images", names, measure_folder(config), workers, progress)


def check_tables(
    info_raw: pd.DataFrame, boxes_raw: pd.DataFrame, config: DataConfig, prefix: str = ""
) -> list[RuleViolation]:
    """Everything that can be said without opening a photo: schemas, then the two tables together.

    Args:
        info_raw, boxes_raw: as ``formats.read_csv_tables`` gives them.
    """
    info_file, boxes_file = table_names(prefix)
    violations = [
        *_check_cells(info_file, info_raw, "Name", schemas.info_schemas(config)),
        *_check_cells(boxes_file, boxes_raw, "image_name", schemas.box_schemas(config)),
    ]
    if info_raw.empty:
        violations.append(rule_violation("table-empty", info_file, [1], [""], [""]))
    if _comparable(info_raw, boxes_raw):
        tables = compare_tables(info_raw, boxes_raw, prefix)
        if boxes_raw.empty and (tables.counts > 0).any():
            violations.append(rule_violation("table-empty", boxes_file, [1], [""], [""]))
        violations += check_boxes(tables, config)
    return errors_first(violations)


def _check_cells(
    file: str, raw: pd.DataFrame, name_column: str, table_schemas: schemas.TableSchemas
) -> list[RuleViolation | None]:
    images = _texts(raw, name_column)
    numbers = schemas.as_numbers(raw, table_schemas.number_columns)
    return [
        *schemas.check_schema(table_schemas.cells, raw, file, images),
        *schemas.check_schema(table_schemas.numbers, numbers, file, images),
    ]


def _refuse_wide_rows(path: Path, raw: pd.DataFrame) -> None:
    # pandas takes the first cells for row labels where every row is longer than the header.
    if len(raw) and not pd.api.types.is_integer_dtype(raw.index):
        raise DataError(f"{path}: the rows have more cells than the header has columns")


def _comparable(info_raw: pd.DataFrame, boxes_raw: pd.DataFrame) -> bool:
    """Whether both tables have all their columns: otherwise everything would seem to disagree."""
    return set(INFO_CSV) <= set(info_raw.columns) and set(BOXES_CSV) <= set(boxes_raw.columns)


def compare_tables(info_raw: pd.DataFrame, boxes_raw: pd.DataFrame, prefix: str = "") -> Tables:
    """Both raw tables, columns complete, as arrays; what is missing or illegible is "" or NaN."""
    info_file, boxes_file = table_names(prefix)
    names, box_names = _texts(info_raw, "Name"), _texts(boxes_raw, "image_name")
    photos = pd.Index(names.drop_duplicates())
    position = np.flatnonzero(~names.duplicated().to_numpy())
    photo_of_box = photos.get_indexer(pd.Index(box_names))
    numbers = schemas.as_numbers(boxes_raw, schemas.BOX_NUMBERS).to_numpy(dtype="float64")
    return Tables(
        info_file=info_file,
        boxes_file=boxes_file,
        names=names.to_numpy(dtype=object),
        info_rows=schemas.line_numbers(info_raw).to_numpy(),
        counts=schemas.to_number(info_raw["Number_HSparrows"]).to_numpy(dtype="float64"),
        photo_of_box=np.where(photo_of_box < 0, -1, np.append(position, -1)[photo_of_box]),
        box_names=box_names.to_numpy(dtype=object),
        box_rows=schemas.line_numbers(boxes_raw).to_numpy(),
        labels=pd.factorize(_texts(boxes_raw, "label_name"))[0].astype(np.int64),
        xywh=numbers[:, :4],
        recorded=numbers[:, 4:],
    )


def photo_files(root: Path) -> list[str]:
    """Names of everything in ``images/`` that is not hidden, nor a system's own, sorted.

    Raises:
        DataError: there is no such folder.
    """
    folder = root / "images"
    try:
        names = (entry.name for entry in folder.iterdir())
        return sorted(n for n in names if not n.startswith(".") and not is_system_name(n))
    except OSError as error:
        reason = "there is no such folder" if not folder.exists() else str(error)
        raise DataError(f"{folder}: {reason}; expected the photos there") from error


def table_names(prefix: str = "") -> tuple[str, str]:
    """How the two tables are called in violations: their paths below the set's folder."""
    info, boxes = table_paths(Path(), prefix)
    return info.as_posix(), boxes.as_posix()


def make_report(
    where: str,
    violations: Sequence[RuleViolation],
    info_raw: pd.DataFrame,
    boxes_raw: pd.DataFrame,
    observations: Mapping[str, Observation],
) -> CheckReport:
    """All violations as one report, errors first."""
    return CheckReport(
        where,
        tuple(errors_first(violations)),
        len(info_raw),
        len(boxes_raw),
        {**ELSEWHERE, **observations},
    )


def _texts(raw: pd.DataFrame, column: str) -> pd.Series:
    if column not in raw:
        return pd.Series("", index=raw.index, dtype=object)
    return raw[column].astype(object).where(raw[column].notna(), "").astype(str)


def _dataset(
    root: Path, info_raw: pd.DataFrame, boxes_raw: pd.DataFrame, measured: pd.DataFrame
) -> Dataset:
    pairs = measured[["width_px", "height_px"]].to_numpy().tolist()
    sizes = {name: (w, h) for name, (w, h) in zip(measured["image"], pairs, strict=True)}
    info = info_raw[list(INFO_CSV)].assign(**schemas.as_numbers(info_raw, schemas.INFO_NUMBERS))
    boxes = boxes_raw[list(BOXES_CSV)].assign(**schemas.as_numbers(boxes_raw, schemas.BOX_NUMBERS))
    dataset = to_dataset(root, info, boxes, sizes)
    extra = measured.drop(columns=["width_px", "height_px", "error"])
    images = dataset.images.merge(extra, on="image", how="left", validate="one_to_one")
    return Dataset(root, images, dataset.boxes)
