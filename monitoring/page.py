"""The page for people: what changed, since when, show me; then the trend and every column."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from monitoring.charts import line_chart
from monitoring.columns import column_named, photo_values
from monitoring.trend import TrendPoint
from monitoring.verdict import ColumnChange, DriftVerdict, State
from sparrow.class_nouns import noun
from sparrow.drawing.boxes import BoxStyle
from sparrow.drawing.class_boxes import draw_class_boxes
from sparrow.drawing.pictures import THUMBNAIL_PX, encode_jpeg, fit_within
from sparrow.images import ImageError, read_image
from sparrow.predictions.count_words import number_in_words
from sparrow.predictions.record import LoggedBox
from sparrow.predictions.window import Window, minimums
from sparrow.reports.templates import render

SHOWN = 12  # photos
CLASSES_PX = 300  # of a small photo on which names are to be read
CLASSES = {State.OK: "ok", State.DRIFT: "error", State.TOO_FEW: "warning"}
EXTRA = {
    "error_fraction": "fraction of photos that could not be counted",
    "latency_ms": "latency (ms)",
    "score_range": "fraction of scores outside 0 to 1",
    "known_class": "fraction of boxes of unknown classes",
}
BOX_PX = ["x_min_px", "y_min_px", "x_max_px", "y_max_px"]


@dataclass(frozen=True, eq=False)
class MonitoringReport:
    """What one run of the monitor says, for its page.

    Attributes:
        verdict: of the window.
        window: the photos that were compared.
        n_photos: how many there are, read or not.
        trend: over the whole log of this model version.
        past: verdicts of earlier runs (``DriftVerdict.to_dict`` with ``judged_at``), newest first.
        kept: folder of kept photos, ``<prediction id>.photo``.
        has_evidently_report: whether Evidently's report is in the page's folder.
        classes: of the model, in its order; without any, those that are in the window.
    """

    verdict: DriftVerdict
    window: Window
    n_photos: int
    trend: Sequence[TrendPoint]
    past: Sequence[Mapping[str, Any]]  # JSON of earlier releases, too
    kept: Path
    has_evidently_report: bool
    classes: tuple[str, ...] = ()

    def class_names(self) -> list[str]:
        """The model's, then others that its boxes have all the same."""
        return list(dict.fromkeys([*self.classes, *sorted(set(self.window.boxes["label"]))]))


@dataclass(frozen=True)
class _KeptPhotos:
    """JPEG and caption of kept photos, and what is extreme in them; none without pictures."""

    subject: str
    pictures: Sequence[tuple[bytes, str]]


def report_html(report: MonitoringReport) -> str:
    """One self-contained page."""
    verdict = report.verdict
    return render(
        "monitoring.html",
        title=f"{verdict.model_name} version {verdict.model_version}: {verdict.state.value}",
        state_class=CLASSES[verdict.state],
        reason=verdict.reason,
        period=_period(report),
        has_evidently_report=report.has_evidently_report,
        drifted=[(c.words, _minute(c.since), c.p_value) for c in verdict.drifted if c.since],
        kept=_kept_photos(report),
        keep_folder=report.kept,
        charts=_charts(report) if report.trend else [],
        columns=[_column_row(change) for change in verdict.changes],
        past=[_past_row(values) for values in report.past],
    )


def extreme_photos(window: Window, change: ColumnChange, n: int = SHOWN) -> list[str]:
    """Ids of the photos of a change's window that are farthest on its side, farthest first."""
    column = column_named(change.column)
    if column is None or change.reference is None or change.current is None:
        return []
    newest = slice(len(window.photos) - change.photos, None)
    values = photo_values(window, [column])[newest, 0]
    away = np.abs(values - change.reference)
    if change.column in ("count", "empty", "score"):  # only one side is of interest
        away = (values - change.reference) * np.sign(change.current - change.reference)
    order = np.argsort(-np.where(np.isnan(away), -np.inf, away), kind="stable")
    ids = window.photos["id"].iloc[newest].to_numpy()
    return [str(ids[i]) for i in order if not np.isnan(away[i])][:n]


def _column_words(name: str) -> str:
    column = column_named(name)
    return EXTRA[name] if column is None else column.words


def _period(report: MonitoringReport) -> str:
    verdict = report.verdict
    if verdict.since is None or verdict.until is None:
        return "No photos."
    read = len(report.window.photos)
    partly = f", {read:,} of them read" if read < report.n_photos else ""
    return (
        f"{report.n_photos:,} photos{partly}, from {_minute(verdict.since)} to "
        f"{_minute(verdict.until)}."
    )


def _kept_photos(report: MonitoringReport) -> _KeptPhotos:
    """Kept photos of the surest change that has any, with what was detected in them."""
    for change in report.verdict.drifted:
        ids = extreme_photos(report.window, change, n=len(report.window.photos))
        kept = [name for name in ids if _kept_file(report, name).is_file()][:SHOWN]
        pictures = [_picture(report, name) for name in kept]
        if kept:
            return _KeptPhotos(
                _column_words(change.column), [picture for picture in pictures if picture]
            )
    return _KeptPhotos("", [])


def _kept_file(report: MonitoringReport, prediction_id: str) -> Path:
    return report.kept / f"{prediction_id}.photo"


def _picture(report: MonitoringReport, prediction_id: str) -> tuple[bytes, str] | None:
    """JPEG and caption; None where the photo cannot be read."""
    boxes, names = report.window.boxes, report.class_names()
    own = boxes[boxes["prediction_id"] == prediction_id]
    try:
        photo = read_image(_kept_file(report, prediction_id))
    except ImageError:
        return None
    small, scale = fit_within(photo, THUMBNAIL_PX if len(names) < 2 else CLASSES_PX)
    shown = [
        LoggedBox(label, 1.0, *(side * scale for side in corners))
        for label, *corners in own[["label", *BOX_PX]].itertuples(index=False)
    ]
    small = draw_class_boxes(small, shown, names or ["object"], BoxStyle(show_scores=False))
    photos = report.window.photos[report.window.photos["id"] == prediction_id]
    row = photos.iloc[0]
    taken = pd.Timestamp(str(row["time"])).to_pydatetime()
    detected = number_in_words(row["n_detections"], minimum=bool(minimums(photos)[0]))
    classes = [(n, label) for label, n in Counter(box.label for box in shown).most_common()]
    each = ", ".join(f"{n} {noun(n, label)}" for n, label in classes)
    what = f"{detected} detected{f' ({each})' if len(names) > 1 and classes else ''}"
    return encode_jpeg(small), f"{row['file_name']}, {_minute(taken)}: {what}"


def _charts(report: MonitoringReport) -> list[Markup]:
    """One chart for each column that has numbers, drifted ones first; then the photos."""
    changes = {change.column: change for change in report.verdict.changes}
    first, last = report.trend[0], report.trend[-1]
    begins = (_minute(first.begin), _minute(last.begin))
    drifted = {change.column for change in report.verdict.drifted}
    charts = []
    for name in sorted(first.means, key=lambda column: column not in drifted):
        values = [point.means[name] for point in report.trend]
        reference = changes[name].reference if name in changes else None
        if any(value is not None for value in values):
            alarming = name in drifted
            charts.append(
                line_chart(_column_words(name), values, begins, reference, alarming=alarming)
            )
    photos = [float(point.photos) for point in report.trend]
    return [*charts, line_chart("photos", photos, begins, None)]


def _column_row(change: ColumnChange) -> tuple[object, ...]:
    return (
        _column_words(change.column),
        "drift" if change.drifted else "",
        # NaN, and not None, is a number: its dash is in line with the other rows' digits.
        *(math.nan if x is None else x for x in (change.reference, change.current, change.p_value)),
        change.kind,
    )


def _past_row(values: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        str(values["judged_at"])[:16].replace("T", " "),
        str(values["model_version"]),
        values["n_photos"],
        values["state"],
        values["reason"],
    )


def _minute(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M}"
