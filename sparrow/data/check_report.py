"""The report of the checks as one HTML page that needs nothing else: thumbnails of failing rows."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path

import pandas as pd
from PIL import Image, ImageDraw

from sparrow.data.errors import DataError
from sparrow.data.findings import CheckReport, Finding, shorten
from sparrow.data.formats import XYWH_CSV, read_csv_tables
from sparrow.data.photo_record import read_photo_bytes
from sparrow.images import ImageError, read_image

ROWS_SHOWN = 100  # per rule
THUMBNAILS_SHOWN = 12  # per rule
THUMBNAIL_PX = 220

STYLE = """
:root { color-scheme: light dark; --line: #8884; --error: #c0392b; --warning: #b9770e; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 68rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .3rem; }
.error { color: var(--error); } .warning { color: var(--warning); } .ok { color: #1e8449; }
table { border-collapse: collapse; font-size: .85rem; margin-top: .6rem; }
td, th { border-bottom: 1px solid var(--line); padding: .25rem .8rem .25rem 0; text-align: left; }
.photos { display: flex; flex-wrap: wrap; gap: .8rem; margin-top: .6rem; }
figure { margin: 0; width: 220px; } figure img { width: 100%; border-radius: 4px; }
figcaption { font-size: .75rem; overflow-wrap: anywhere; }
code { font-size: .9em; }
"""


def report_html(report: CheckReport, root: Path, prefix: str = "") -> str:
    """One self-contained page.

    Args:
        root: the folder that was checked; photos of failing rows are shown with their boxes.
        prefix: of its two tables.
    """
    boxes = _readable_boxes(root, prefix)
    word = "passes" if report.ok else "does not pass"
    sections = [_section(found, root, boxes) for found in report.findings]
    verdict = (
        f'<p>{report.photos:,} photos, {report.boxes:,} boxes. The data <b class="'
        f'{"ok" if report.ok else "error"}">{word}</b> its checks: {len(report.errors)} error(s), '
        f"{len(report.warnings)} warning(s) by {len(report.checked_rules)} rules.</p>"
    )
    title = f"Checks of {report.where}"
    return page(title, [f"<h1>{html.escape(title)}</h1>", verdict, *sections])


def page(title: str, parts: list[str]) -> str:
    """A page in the project's plain style."""
    head = f"<title>{html.escape(title)}</title><style>{STYLE}</style>"
    meta = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    return f'<!doctype html><html lang="en">{meta}{head}<body>{"".join(parts)}</body></html>'


def figure(photo: Image.Image, caption: str) -> str:
    """A photo with its caption, the pixels inside the page."""
    stream = io.BytesIO()
    photo.save(stream, "JPEG", quality=80)
    data = base64.b64encode(stream.getvalue()).decode()
    text = html.escape(caption)
    return (
        f'<figure><img alt="{text}" src="data:image/jpeg;base64,{data}">'
        f"<figcaption>{text}</figcaption></figure>"
    )


def thumbnail(path: Path, boxes_xywh: pd.DataFrame | None = None) -> Image.Image | None:
    """The upright photo, small, with boxes; None for a photo that cannot be read."""
    try:
        photo = Image.fromarray(read_image(read_photo_bytes(path)))
    except (OSError, ImageError):
        return None
    scale = THUMBNAIL_PX / max(photo.size)
    small = photo.resize([max(1, round(side * scale)) for side in photo.size])
    draw = ImageDraw.Draw(small)
    for x, y, width, height in [] if boxes_xywh is None else boxes_xywh.to_numpy() * scale:
        corners = (x, y, x + max(width, 0), y + max(height, 0))
        draw.rectangle(corners, outline=(255, 196, 0), width=2)
    return small


def _section(found: Finding, root: Path, boxes: pd.DataFrame) -> str:
    cells = "".join(
        "<tr>" + "".join(f"<td>{html.escape(shorten(str(cell)))}</td>" for cell in row) + "</tr>"
        for row in found.rows.head(ROWS_SHOWN).to_numpy()
    )
    more = len(found.rows) - ROWS_SHOWN
    rest = f"<p>… and {more:,} more rows.</p>" if more > 0 else ""
    return (
        f'<h2><span class="{found.severity}">{found.severity}</span> <code>{found.rule}</code> '
        f"{html.escape(found.sentence)}</h2>{_thumbnails(found, root, boxes)}"
        f"<table><tr><th>table<th>row<th>photo<th>found</tr>{cells}</table>{rest}"
    )


def _thumbnails(found: Finding, root: Path, boxes: pd.DataFrame) -> str:
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
