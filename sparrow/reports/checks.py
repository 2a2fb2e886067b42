"""The report of the checks as one HTML page that needs nothing else: thumbnails of failing rows."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sparrow.boxes import Boxes, xywh_to_xyxy
from sparrow.data.checks.outcome import OUTCOME_COLUMNS
from sparrow.data.checks.report import CheckReport, RuleViolation, shorten, write_report_json
from sparrow.data.errors import DataError
from sparrow.data.formats.csv import XYWH_CSV, read_csv_tables
from sparrow.data.licences import other_licences_words
from sparrow.drawing.pictures import encode_jpeg, thumbnail
from sparrow.reports.templates import render

REPORT_HTML = "report.html"
ROWS_SHOWN = 100  # per rule
THUMBNAILS_SHOWN = 12  # per rule


@dataclass(frozen=True)
class _Section:
    """A broken rule as the page shows it: the first rows, how many more, and (JPEG, name)s."""

    severity: str
    rule: str
    sentence: str
    rows: list[list[str]]
    more: int
    photos: list[tuple[bytes, str]]


def write_report(
    report: CheckReport,
    root: Path,
    folder: Path,
    prefix: str = "",
    licences: Sequence[str] | None = None,
) -> Path:
    """Write ``report.html`` and ``report.json`` into a folder; the page's path.

    Args:
        root, prefix, licences: as for ``report_html``.
    """
    write_report_json(report, root, folder, prefix)
    page_path = folder / REPORT_HTML
    page_path.write_text(report_html(report, root, prefix, licences), encoding="utf-8")
    return page_path


def report_html(
    report: CheckReport, root: Path, prefix: str = "", licences: Sequence[str] | None = None
) -> str:
    """One self-contained page.

    Args:
        root: the folder that was checked; photos of failing rows are shown with their boxes.
        prefix: of its two tables.
        licences: ``data.show_licenses``; other photos, and those of which the table names none,
            are not shown.
    """
    boxes = _readable_boxes(root, prefix)
    shown = _may_be_shown(root, prefix, licences)
    sections = [_section(violation, root, boxes, shown) for violation in report.violations]
    title = f"Checks of {report.where}"
    return render(
        "checks.html",
        title=title,
        report=report,
        violations=sections,
        rule_columns=OUTCOME_COLUMNS,
        rules=[outcome.cells() for outcome in report.outcomes],
        note="" if licences is None else other_licences_words(licences),
    )


def _section(
    violation: RuleViolation, root: Path, boxes: pd.DataFrame, allowed: Collection[str] | None
) -> _Section:
    shown = violation.rows.head(ROWS_SHOWN).replace({"row": {0: ""}}).to_numpy()
    return _Section(
        violation.severity,
        violation.rule,
        violation.sentence,
        rows=[[shorten(str(cell)) for cell in row] for row in shown],
        more=max(0, len(violation.rows) - ROWS_SHOWN),
        photos=_thumbnails(violation, root, boxes, allowed),
    )


def _thumbnails(
    violation: RuleViolation, root: Path, boxes: pd.DataFrame, allowed: Collection[str] | None
) -> list[tuple[bytes, str]]:
    photos = []
    for name in violation.rows["image"].drop_duplicates().head(THUMBNAILS_SHOWN):
        if not name or Path(name).name != name or (allowed is not None and name not in allowed):
            continue
        small = thumbnail(root / "images" / name, _drawable(boxes[boxes["image_name"] == name]))
        if small is not None:
            photos.append((encode_jpeg(small), str(name)))
    return photos


def _drawable(boxes: pd.DataFrame) -> Boxes:
    """Boxes [N, 4] xyxy px of which each can be drawn, though it may be wrong."""
    xywh = boxes[XYWH_CSV].to_numpy(dtype=float)
    xywh = xywh[np.isfinite(xywh).all(axis=1)]
    xywh[:, 2:] = xywh[:, 2:].clip(min=0)
    return xywh_to_xyxy(xywh)


def _may_be_shown(
    root: Path, prefix: str, licences: Sequence[str] | None
) -> Collection[str] | None:
    """Names of the photos whose row has one of the licences and no other; None: all photos."""
    if licences is None:
        return None
    try:
        info = read_csv_tables(root, prefix)[0].reindex(columns=["Name", "License"])
    except DataError:
        return ()
    other = info["Name"][~info["License"].isin(licences)]
    return set(info["Name"].dropna().astype(str)) - set(other.dropna().astype(str))


def _readable_boxes(root: Path, prefix: str) -> pd.DataFrame:
    """The boxes as far as they can be read: the report is about data that is broken."""
    columns = ["image_name", *XYWH_CSV]
    try:
        raw = read_csv_tables(root, prefix)[1].reindex(columns=columns)
    except DataError:
        return pd.DataFrame(columns=columns)
    raw[XYWH_CSV] = raw[XYWH_CSV].apply(pd.to_numeric, errors="coerce")
    return raw
