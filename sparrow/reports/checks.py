"""The report of the checks as one HTML page that needs nothing else: thumbnails of failing rows."""

from __future__ import annotations

import html
from pathlib import Path

import pandas as pd

from sparrow.data.checks.report import CheckReport, RuleViolation, shorten, write_report_json
from sparrow.data.errors import DataError
from sparrow.data.formats.csv import XYWH_CSV, read_csv_tables
from sparrow.reports.html import figure, page, thumbnail

REPORT_HTML = "report.html"
ROWS_SHOWN = 100  # per rule
THUMBNAILS_SHOWN = 12  # per rule


def write_report(report: CheckReport, root: Path, folder: Path, prefix: str = "") -> Path:
    """Write ``report.html`` and ``report.json`` into a folder; the page's path.

    Args:
        root, prefix: as for ``report_html``.
    """
    write_report_json(report, root, folder, prefix)
    page_path = folder / REPORT_HTML
    page_path.write_text(report_html(report, root, prefix), encoding="utf-8")
    return page_path


def report_html(report: CheckReport, root: Path, prefix: str = "") -> str:
    """One self-contained page.

    Args:
        root: the folder that was checked; photos of failing rows are shown with their boxes.
        prefix: of its two tables.
    """
    boxes = _readable_boxes(root, prefix)
    word = "passes" if report.ok else "does not pass"
    sections = [_section(found, root, boxes) for found in report.violations]
    verdict = (
        f'<p>{report.photos:,} photos, {report.boxes:,} boxes. The data <b class="'
        f'{"ok" if report.ok else "error"}">{word}</b> its checks: {len(report.errors)} error(s), '
        f"{len(report.warnings)} warning(s) by {len(report.checked_rules)} rules.</p>"
    )
    title = f"Checks of {report.where}"
    return page(title, [f"<h1>{html.escape(title)}</h1>", verdict, *sections])


def _section(found: RuleViolation, root: Path, boxes: pd.DataFrame) -> str:
    cells = "".join(
        "<tr>" + "".join(f"<td>{html.escape(shorten(str(cell)))}</td>" for cell in row) + "</tr>"
        for row in found.rows.head(ROWS_SHOWN).replace({"row": {0: ""}}).to_numpy()
    )
    more = len(found.rows) - ROWS_SHOWN
    rest = f"<p>… and {more:,} more rows.</p>" if more > 0 else ""
    return (
        f'<h2><span class="{found.severity}">{found.severity}</span> <code>{found.rule}</code> '
        f"{html.escape(found.sentence)}</h2>{_thumbnails(found, root, boxes)}"
        f"<table><tr><th>table<th>row<th>photo<th>found</tr>{cells}</table>{rest}"
    )


def _thumbnails(found: RuleViolation, root: Path, boxes: pd.DataFrame) -> str:
    figures = []
    for name in found.rows["image"].drop_duplicates().head(THUMBNAILS_SHOWN):
        if not name or Path(name).name != name:
            continue
        of_photo = boxes[boxes["image_name"] == name][XYWH_CSV].dropna()
        small = thumbnail(root / "images" / name, of_photo)
        if small is not None:
            figures.append(figure(small, name))
    return f'<div class="photos">{"".join(figures)}</div>' if figures else ""


def _readable_boxes(root: Path, prefix: str) -> pd.DataFrame:
    """The boxes as far as they can be read: the report is about data that is broken."""
    columns = ["image_name", *XYWH_CSV]
    try:
        raw = read_csv_tables(root, prefix)[1].reindex(columns=columns)
    except DataError:
        return pd.DataFrame(columns=columns)
    raw[XYWH_CSV] = raw[XYWH_CSV].apply(pd.to_numeric, errors="coerce")
    return raw
