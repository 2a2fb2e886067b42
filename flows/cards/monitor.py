"""What the card of ``monitor.py`` shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

# Metaflow's stubs export none of its names.
from metaflow import current  # type: ignore[attr-defined]
from metaflow.cards import Markdown, Table, VegaChart  # type: ignore[attr-defined]

from monitoring.verdict import ColumnChange, DriftVerdict

if TYPE_CHECKING:
    from metaflow.plugins.cards.card_modules.card import MetaflowCardComponent

    from monitoring.trend import TrendPoint


def show_verdict(verdict: DriftVerdict, trend: list[TrendPoint], page: str) -> None:
    """The verdict, every column, and the trend of those that drifted (else of the count)."""
    name = f"{verdict.model_name} version {verdict.model_version}"
    parts: list[MetaflowCardComponent] = [
        Markdown(f"# {name}: {verdict.state.value}"),
        Markdown(f"{verdict.reason}\n\n{verdict.n_photos} photos · page: `{page}`"),
    ]
    if verdict.changes:
        header = ["column", "kind", "", "p-value", "in words"]
        parts.append(Table([_row(change) for change in verdict.changes], headers=header))
    if trend:
        drifted = [change.column for change in verdict.drifted if change.column in trend[0].means]
        for column in drifted or ["count"]:
            parts += [Markdown(f"### {column}"), VegaChart(_trend_chart(trend, column))]
    current.card.extend(parts)  # type: ignore[attr-defined]  # there in a step that has a card


def _row(change: ColumnChange) -> list[str | MetaflowCardComponent]:
    drift = "drift" if change.drifted else ""
    return [change.column, change.kind, drift, _short(change.p_value), change.words]


def _trend_chart(trend: list[TrendPoint], column: str) -> dict[str, Any]:  # JSON of Vega-Lite
    rows = [{"time": point.begin.isoformat(), column: point.means[column]} for point in trend]
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
