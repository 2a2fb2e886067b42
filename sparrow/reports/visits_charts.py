"""Charts of the most at once, by day and by hour of the day, as shapes of an SVG."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from sparrow.reports.visit_words import most_with_interval
from sparrow.visits.maximum import Maximum
from sparrow.visits.visits import Group, Sightings

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _WIDEST = 430, 170, 30, 24, 8, 36
_LABELS = 5  # under a chart


def charts(sightings: Sightings, place: int, noun: str) -> list[dict[str, object]]:
    """The most at once by day and by hour of the day.

    Args:
        place: of a class, or of all together, among a group's maxima.
        noun: what that is called.
    """
    days = _largest(sightings.days, "%Y-%m-%d", place)
    hours = _largest(sightings.hours, "%H", place)
    by_hour = {f"{hour:02d}": hours.get(f"{hour:02d}") for hour in range(24)} if hours else {}
    titles = (f"Most {noun} at once by day", f"Most {noun} at once by hour of the day")
    values: tuple[Mapping[str, Maximum | None], ...] = (days, by_hour)
    return [_chart(title, shown) for title, shown in zip(titles, values, strict=True) if shown]


def _largest(groups: Sequence[Group], form: str, place: int) -> dict[str, Maximum]:
    """The largest maximum, over all cameras, by what a time's form says."""
    by_time: dict[str, list[Maximum]] = defaultdict(list)
    for group in groups:
        if group.begins is not None:
            by_time[group.begins.strftime(form)].append(group.maxima[place])
    return {key: max(by_time[key], key=lambda most: most.count) for key in sorted(by_time)}


def _chart(title: str, values: Mapping[str, Maximum | None]) -> dict[str, object]:
    """Bars with their intervals as lines, in units of the SVG."""
    known = [most for most in values.values() if most is not None]
    top = max(max(most.count, most.high or 0) for most in known) or 1
    step = (_WIDTH - _LEFT) / len(values)
    every = max(1, round(len(values) / _LABELS))
    bars = [
        {
            **_bar(most, _LEFT + step * number, step, top),
            "label": label if number % every == 0 else "",
            "words": f"{label}: {most_with_interval(most) if most else 'no photo'}",
        }
        for number, (label, most) in enumerate(values.items())
    ]
    ticks = [(tick, _y(tick, top)) for tick in sorted({0, round(top / 2), top})]
    return {
        "title": title,
        "bars": bars,
        "floor": _y(0, top),
        "ticks": ticks,
        "size": (_WIDTH, _HEIGHT, _LEFT),
        "intervals": any(most.low is not None and most.high is not None for most in known),
    }


def _bar(most: Maximum | None, x: float, step: float, top: int) -> dict[str, float | None]:
    wide = min(step * 0.7, _WIDEST)
    return {
        "x": round(x + (step - wide) / 2, 1),
        "middle": round(x + step / 2, 1),
        "width": round(wide, 1),
        "y": _y(most.count if most else 0, top),
        "low": _y(most.low, top) if most and most.low is not None else None,
        "high": _y(most.high, top) if most and most.high is not None else None,
    }


def _y(value: float, top: int) -> float:
    return round(_TOP + (_HEIGHT - _BOTTOM - _TOP) * (1 - value / top), 1)
