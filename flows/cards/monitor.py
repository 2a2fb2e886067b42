"""What the card of ``monitor.py`` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from metaflow import current
from metaflow.cards import Markdown, Table, VegaChart

from monitoring.verdict import DriftVerdict

if TYPE_CHECKING:
    from monitoring.trend import Step


def show_verdict(verdict: DriftVerdict, trend: list[Step], page: str) -> None:
    """The verdict, every column, and the trend of those that drifted (else of the count)."""
    name = f"{verdict.model_name} version {verdict.model_version}"
    current.card.append(Markdown(f"# {name}: {verdict.state.value}"))
    current.card.append(Markdown(f"{verdict.reason}\n\n{verdict.n_photos} photos · page: `{page}`"))
    rows = [
        [one.column, one.kind, "drift" if one.drifted else "", _short(one.p_value), one.words]
        for one in verdict.changes
    ]
    if rows:
        head = ["column", "kind", "", "p-value", "in words"]
        current.card.append(Table(rows, headers=head))
    drifted = [change.column for change in verdict.drifted]
    for column in [one for one in drifted if trend and one in trend[0].means] or ["count"]:
        if trend:
            current.card.append(Markdown(f"### {column}"))
            current.card.append(VegaChart(_trend_chart(trend, column)))


def _trend_chart(trend: list[Step], column: str) -> dict[str, Any]:
    rows = [{"time": step.begin.isoformat(), column: step.means[column]} for step in trend]
    return {
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


def _short(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
