"""The page for people: what changed, since when, show me; then the trend and every column."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from monitoring.charts import line_chart
from monitoring.columns import COLUMNS, NAMES, photo_values
from monitoring.trend import Step
from monitoring.verdict import ColumnChange, DriftVerdict, State
from sparrow.predictions.window import Window
from sparrow.reports.html import figure, page, thumbnail

SHOWN = 12  # photos
STYLE = """<style>
.charts { display: flex; flex-wrap: wrap; gap: 1rem; }
figure.chart { width: 320px; } .chart svg { width: 100%; }
.chart polyline { fill: none; stroke: #2471a3; stroke-width: 1.6; } .chart circle { fill: #2471a3; }
.alarming polyline { stroke: var(--error); } .alarming circle { fill: var(--error); }
.alarming figcaption { color: var(--error); font-weight: 600; }
.chart text { font: 9px system-ui, sans-serif; fill: currentColor; opacity: .7; }
.reference { stroke: currentColor; stroke-dasharray: 4 3; opacity: .6; }
td.number, th.number { text-align: right; } li { margin: .4rem 0; }
</style>"""
CLASSES = {State.OK: "ok", State.DRIFT: "error", State.TOO_FEW: "warning"}
EXTRA = {
    "error_fraction": "share of photos that could not be counted",
    "latency_ms": "latency (ms)",
}
WORDS = {column.name: column.words for column in COLUMNS} | EXTRA


@dataclass(frozen=True, eq=False)
class Findings:
    """What one run found, for its page.

    Attributes:
        verdict: of the window.
        window: the photos that were judged.
        n_photos: how many there are, read or not.
        trend: over the whole log of this model version.
        past: verdicts of earlier runs (``DriftVerdict.to_dict`` with ``judged_at``), newest first.
        kept: folder of kept photos, ``<prediction id>.photo``.
        report: whether Evidently's report lies beside the page.
    """

    verdict: DriftVerdict
    window: Window
    n_photos: int
    trend: Sequence[Step]
    past: Sequence[Mapping[str, Any]]
    kept: Path
    report: bool


def findings_html(found: Findings) -> str:
    """One self-contained page."""
    verdict = found.verdict
    title = f"{verdict.model_name} version {verdict.model_version}: {verdict.state.value}"
    parts = [
        STYLE,
        f'<h1 class="{CLASSES[verdict.state]}">{html.escape(title)}</h1>',
        f"<p><b>{html.escape(verdict.reason)}</b></p>",
        f"<p>{html.escape(_period(found))}{_link(found.report)}</p>",
    ]
    if verdict.drifted:
        parts += ["<h2>What changed, since when</h2>", _what_changed(verdict.drifted)]
        parts += ["<h2>Show me</h2>", _show_me(found)]
    if found.trend:
        parts += ["<h2>Trend</h2>", _trend(found)]
    if verdict.changes:
        parts += ["<h2>All that was looked at</h2>", _all_columns(verdict.changes)]
    if found.past:
        parts += ["<h2>Runs before</h2>", _past(found.past)]
    return page(title, parts)


def extreme_photos(window: Window, change: ColumnChange, n: int = SHOWN) -> list[str]:
    """Ids of the photos of a change's look that lie farthest on its side, farthest first."""
    if change.column not in NAMES or change.reference is None or change.current is None:
        return []
    newest = slice(len(window.photos) - change.photos, None)
    values = photo_values(window)[newest, NAMES.index(change.column)]
    away = np.abs(values - change.reference)
    if change.column in ("count", "empty", "score"):  # one side is the news: fewer, or more
        away = (values - change.reference) * np.sign(change.current - change.reference)
    order = np.argsort(-np.where(np.isnan(away), -np.inf, away), kind="stable")
    ids = window.photos["id"].iloc[newest].to_numpy()
    return [str(ids[i]) for i in order if not np.isnan(away[i])][:n]


def _period(found: Findings) -> str:
    verdict = found.verdict
    if verdict.since is None or verdict.until is None:
        return "No photos."
    read = len(found.window.photos)
    partly = f", {read:,} of them read" if read < found.n_photos else ""
    return (
        f"{found.n_photos:,} photos{partly}, from {_minute(verdict.since)} to "
        f"{_minute(verdict.until)}."
    )


def _link(report: bool) -> str:
    if not report:
        return " There is no report by Evidently: the run's output says why, if there are photos."
    return ' Distributions of every column: <a href="report.html">report</a>.'


def _what_changed(drifted: Sequence[ColumnChange]) -> str:
    items = [
        f"<li>{html.escape(one.words)} <b>Since about {_minute(one.since)}</b>{_chance(one)}.</li>"
        for one in drifted
        if one.since
    ]
    return f"<ul>{''.join(items)}</ul>"


def _chance(change: ColumnChange) -> str:
    if change.p_value is None:
        return ""
    return f" (by chance in {change.p_value:.2%} of runs at most)"


def _show_me(found: Findings) -> str:
    """Kept photos of the surest change, with what was found in them."""
    for change in found.verdict.drifted:
        ids = extreme_photos(found.window, change, n=len(found.window.photos))
        kept = [one for one in ids if (found.kept / f"{one}.photo").is_file()][:SHOWN]
        if kept:
            figures = "".join(_photo(found, one) for one in kept)
            return (
                f"<p>Where {html.escape(WORDS[change.column])} is farthest from the reference, "
                f'of the photos that were kept:</p><div class="photos">{figures}</div>'
            )
    return (
        f"<p>None of these photos was kept in {html.escape(str(found.kept))}. The service keeps a "
        "share of them if service.keep_fraction says so.</p>"
    )


def _photo(found: Findings, prediction_id: str) -> str:
    boxes = found.window.boxes
    boxes = boxes[boxes["prediction_id"] == prediction_id]
    xywh = pd.DataFrame(
        {
            "x": boxes["x_min_px"],
            "y": boxes["y_min_px"],
            "width": boxes["x_max_px"] - boxes["x_min_px"],
            "height": boxes["y_max_px"] - boxes["y_min_px"],
        }
    )
    small = thumbnail(found.kept / f"{prediction_id}.photo", xywh)
    row = found.window.photos.set_index("id").loc[prediction_id]
    taken = pd.Timestamp(str(row["time"])).to_pydatetime()
    caption = f"{row['file_name']}, {_minute(taken)}: {row['n_detections']} found"
    return figure(small, caption) if small else ""


def _trend(found: Findings) -> str:
    changes = {change.column: change for change in found.verdict.changes}
    first, last = found.trend[0], found.trend[-1]
    labels = (_minute(first.begin), _minute(last.begin))
    charts = []
    drifted = {change.column for change in found.verdict.drifted}
    for name in sorted(first.means, key=lambda one: one not in drifted):
        values = [step.means[name] for step in found.trend]
        change = changes.get(name)
        if any(value is not None for value in values):
            charts.append(
                line_chart(
                    WORDS[name],
                    values,
                    labels,
                    change.reference if change else None,
                    alarming=change.drifted if change else False,
                )
            )
    photos = [float(step.photos) for step in found.trend]
    charts.append(line_chart("photos", photos, labels, None))
    return (
        "<p>Means of all photos of this version; dashed: the reference.</p>"
        f'<div class="charts">{"".join(charts)}</div>'
    )


def _all_columns(changes: Sequence[ColumnChange]) -> str:
    rows = [
        (
            WORDS[one.column],
            one.kind,
            *(_number(x) for x in (one.reference, one.current, one.p_value)),
            "drift" if one.drifted else "",
        )
        for one in changes
    ]
    head = ("", "kind", "reference", "now", "p-value", "")
    return _table(head, rows) + (
        "<p>P-values are adjusted for all columns and looks of the run. “Now” is the mean of the "
        "look in which a column differs most.</p>"
    )


def _past(past: Sequence[Mapping[str, Any]]) -> str:
    rows = [
        (
            str(one["judged_at"])[:16].replace("T", " "),
            f"{one['model_version']}",
            one["n_photos"],
            one["state"],
            one["reason"],
        )
        for one in past
    ]
    return _table(("judged", "version", "photos", "verdict", "why"), rows)


def _table(head: Sequence[Any], rows: Sequence[Sequence[Any]]) -> str:
    def line(cells: Sequence[Any], tag: str) -> str:
        return "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>" for cell in cells)

    body = "".join(f"<tr>{line(row, 'td')}</tr>" for row in rows)
    return f"<table><tr>{line(head, 'th')}</tr>{body}</table>"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def _minute(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"
