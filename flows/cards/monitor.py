"""What the card of ``monitor.py`` shows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from metaflow.cards import VegaChart

from cards.parts import Part, add, table, text
from monitoring.verdict import ColumnChange, DriftVerdict

if TYPE_CHECKING:
    from monitoring.trend import TrendPoint


def show_verdict(verdict: DriftVerdict, trend: Sequence[TrendPoint], page: str) -> None:
    """The verdict, every column, and the trend of those that drifted (else of the count)."""
    name = f"{verdict.model_name} version {verdict.model_version}"
    add(
        text(f"# {name}: {verdict.state.value}"),
        text(f"{verdict.reason}\n\n{verdict.n_photos} photos · page: `{page}`"),
    )
    if verdict.changes:
        header = ["column", "kind", "", "p-value", "in words"]
        add(table(header, [_row(change) for change in verdict.changes], digits=3))
    if trend:
        drifted = [change.column for change in verdict.drifted if change.column in trend[0].means]
        for column in drifted or ["count"]:
            add(text(f"### {column}"), _trend_chart(trend, column))


def _row(change: ColumnChange) -> tuple[object, ...]:
    drift = "drift" if change.drifted else ""
    return change.column, change.kind, drift, change.p_value, change.words


def _trend_chart(trend: Sequence[TrendPoint], column: str) -> Part:
    rows = [{"time": point.begin.isoformat(), column: point.means[column]} for point in trend]
    return VegaChart(
        {
            "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
            "data": {"values": rows},
            "mark": {"type": "line", "point": True},
            "encoding": {
                "x": {"field": "time", "type": "temporal"},
                "y": {"field": column, "type": "quantitative", "scale": {"zero": False}},
            },
            "width": 560,
            "height": 180,
        }
    )
