"""Small line charts as SVG, for a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from sparrow.reports.templates import render

WIDTH, HEIGHT = 320, 120
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 10, 20
FRAME = {"width": WIDTH, "height": HEIGHT, "left": LEFT, "right": WIDTH - RIGHT}

Point = tuple[float, float]  # x, y in units of the view box


def line_chart(
    title: str,
    values: Sequence[float | None],
    begins: tuple[str, str],
    reference: float | None,
    *,
    alarming: bool = False,
) -> Markup:
    """One number over even intervals of time.

    Args:
        title: above it.
        values: one for each interval; None is a gap. At least one is a number.
        begins: labels of the first and the last interval.
        reference: where a dashed line is.
        alarming: the column drifted.
    """
    axis = _Axis.of(values, reference)
    points = _points(values, axis)
    svg = render(
        "line_chart.html",
        title=title,
        alarming=alarming,
        begins=begins,
        axis=axis,
        runs=_runs(points),
        dots=[point for point in points if point],
        frame=FRAME,
    )
    return Markup(svg)  # noqa: S704 the template escapes its values


@dataclass(frozen=True)
class _Axis:
    """The vertical axis: its lowest and highest value, a margin beyond them, and the reference."""

    low: float
    high: float
    margin: float
    reference: float | None

    @classmethod
    def of(cls, values: Sequence[float | None], reference: float | None) -> _Axis:
        known = [value for value in (*values, reference) if value is not None]
        low, high = min(known), max(known)
        return cls(low, high, (high - low) * 0.1 or abs(high) * 0.1 or 0.1, reference)

    def ticks(self) -> list[tuple[float, float]]:
        """Places (y) and values of the labels."""
        return [(self.y(value), value) for value in (self.low, self.high)]

    def y(self, value: float) -> float:
        """In units of the view box, downwards."""
        span = self.high - self.low + 2 * self.margin
        return TOP + (self.high + self.margin - value) / span * (HEIGHT - TOP - BOTTOM)


def _points(values: Sequence[float | None], axis: _Axis) -> list[Point | None]:
    interval = (WIDTH - LEFT - RIGHT) / max(len(values) - 1, 1)
    return [
        None if value is None else (LEFT + i * interval, axis.y(value))
        for i, value in enumerate(values)
    ]


def _runs(points: Sequence[Point | None]) -> list[list[Point]]:
    """Points without a gap between them, run by run; a run has two points or more."""
    runs: list[list[Point]] = [[]]
    for point in points:
        if point is None:
            runs.append([])
        else:
            runs[-1].append(point)
    return [run for run in runs if len(run) > 1]
