"""Small line charts as SVG, to stand inside a page."""

from __future__ import annotations

import html
from collections.abc import Sequence

WIDTH, HEIGHT = 320, 120
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 10, 20


def line_chart(
    title: str,
    values: Sequence[float | None],
    begins: tuple[str, str],
    reference: float | None,
    *,
    alarming: bool = False,
) -> str:
    """One number over even steps of time; a step without one is a gap.

    Args:
        title: above the chart.
        values: one for each step, at least one of them a number.
        begins: labels of the first and the last step.
        reference: a dashed line, where there is one.
        alarming: the column drifted.
    """
    known = [value for value in (*values, reference) if value is not None]
    low, high = min(known), max(known)
    room = (high - low) * 0.1 or abs(high) * 0.1 or 0.1
    low, high = low - room, high + room

    def y(value: float) -> float:
        return TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM)

    step = (WIDTH - LEFT - RIGHT) / max(len(values) - 1, 1)
    points = [
        None if value is None else (LEFT + i * step, y(value)) for i, value in enumerate(values)
    ]
    dashed = (
        ""
        if reference is None
        else f'<line class="reference" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(reference):.1f}" '
        f'y2="{y(reference):.1f}"/>'
    )
    labels = "".join(
        f'<text x="{LEFT - 5}" y="{y(value) + 3:.1f}" text-anchor="end">{value:.3g}</text>'
        for value in (low + room, high - room)
    )
    labels += f'<text x="{LEFT}" y="{HEIGHT - 4}">{html.escape(begins[0])}</text>'
    labels += (
        f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 4}" text-anchor="end">{html.escape(begins[1])}'
        "</text>"
    )
    kind = "chart alarming" if alarming else "chart"
    return (
        f'<figure class="{kind}"><figcaption>{html.escape(title)}</figcaption>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{html.escape(title)}">'
        f"{dashed}{_lines(points)}{labels}</svg></figure>"
    )


def _lines(points: list[tuple[float, float] | None]) -> str:
    """Lines through neighbours, and a dot for each step: one alone would not be seen."""
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    lines = "".join(
        f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in run)}"/>'
        for run in runs
        if len(run) > 1
    )
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="1.6"/>' for x, y in (p for p in points if p)
    )
    return lines + dots
