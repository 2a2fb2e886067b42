"""The page of ``sparrow count --report``: the most at once per visit, hour and day, in one file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sparrow.predictions.count_words import interval_in_words, is_minimum, number_in_words
from sparrow.reports.templates import render
from sparrow.visits.maximum import Maximum
from sparrow.visits.tables import class_rows
from sparrow.visits.visits import Group, Sightings

VISITS_WITH_PHOTO = 24  # the largest; each photo takes some 30 KB of the page
MOST_ROWS = 200  # of visits, days and files each; the tables in CSV have all
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _WIDEST = 430, 170, 30, 24, 8, 36


@dataclass(frozen=True)
class CountedSet:
    """What was counted, beyond visits.

    Attributes:
        title: of the page.
        facts: sentences: the sum, and what became of every file.
        class_names: of the model.
        visit_seconds: the longest gap within a visit.
        failed: name and reason of each photo that could not be counted.
        skipped: name and reason of each file that is no photo.
    """

    title: str
    facts: Sequence[str]
    class_names: Sequence[str]
    visit_seconds: float
    failed: Sequence[tuple[str, str]]
    skipped: Sequence[tuple[str, str]]


def visits_with_photo(sightings: Sightings) -> list[Group]:
    """The visits whose best photo the page shows: those with the largest maxima, in time's order.

    A visit in which nothing was seen is not shown.
    """
    seen = [group for group in sightings.visits if group.maxima[0].count]
    largest = sorted(seen, key=lambda group: (-group.maxima[0].count, group.number))
    return sorted(largest[:VISITS_WITH_PHOTO], key=lambda group: group.number)


def visits_html(counted: CountedSet, sightings: Sightings, pictures: Mapping[int, bytes]) -> str:
    """The page.

    Args:
        counted: what was counted.
        sightings: visits, hours, days and cameras.
        pictures: JPEG by the number of its visit (``visits_with_photo``).
    """
    names = class_rows(counted.class_names)
    columns = ["time", *(name.replace("_", " ") for _, name in names), "photos", "visits", "camera"]
    return render(
        "visits.html",
        title=counted.title,
        facts=counted.facts,
        seconds=f"{counted.visit_seconds:g}",
        notes=sightings.notes,
        columns=columns,
        cameras=[_row(group, names) for group in sightings.cameras],
        charts=_charts(sightings, names[0]),
        photos=[
            (pictures[group.number], _caption(group, names))
            for group in sightings.visits
            if group.number in pictures
        ],
        tables=[
            _table("Days", columns, sightings.days, names),
            _table("Visits", columns, sightings.visits, names),
        ],
        undated=_some([[photo.name, photo.numbers[0].count] for photo in sightings.undated]),
        kinds=Counter(reason for _, reason in counted.skipped).most_common(),
        failed=_some([list(file) for file in counted.failed]),
        skipped=_some([list(file) for file in counted.skipped]),
    )


def most_with_interval(most: Maximum) -> str:
    """``3 (likely 2 to 4)``."""
    number = number_in_words(most.count, minimum=is_minimum(most.low, most.high))
    likely = interval_in_words(most.low, most.high)
    return f"{number} (likely {likely})" if likely else number


def _row(group: Group, names: Sequence[tuple[int, str]]) -> list[object]:
    most = [most_with_interval(group.maxima[place]) for place, _ in names]
    return [_time(group), *most, len(group.photos), group.visits, group.camera]


def _time(group: Group) -> str:
    if group.begins is None or group.ends is None:
        return "unknown"
    if group.per == "day":
        return f"{group.begins:%Y-%m-%d}"
    begins = f"{group.begins:%Y-%m-%d %H:%M:%S}"
    same = group.begins.date() == group.ends.date()
    return f"{begins} to {group.ends:%H:%M:%S}" if same else f"{begins} to {group.ends:%m-%d %H:%M}"


def _caption(group: Group, names: Sequence[tuple[int, str]]) -> str:
    most = ", ".join(
        f"{name.replace('_', ' ')} {most_with_interval(group.maxima[p])}" for p, name in names
    )
    shown = group.photos[group.maxima[0].photo].name
    return f"Visit {group.number}, {_time(group)}: {most}. {shown}, {group.camera}"


def _table(
    title: str, columns: Sequence[str], groups: Sequence[Group], names: Sequence[tuple[int, str]]
) -> dict[str, object]:
    rows = [_row(group, names) for group in groups[:MOST_ROWS]]
    return {"title": title, "columns": columns, "rows": rows, "more": len(groups) - len(rows)}


def _some(rows: Sequence[Sequence[object]]) -> dict[str, object]:
    return {"rows": rows[:MOST_ROWS], "more": max(0, len(rows) - MOST_ROWS), "all": len(rows)}


def _charts(sightings: Sightings, shown: tuple[int, str]) -> list[dict[str, object]]:
    """The most at once over days and over the hours of the day: all classes, or the only one."""
    place, name = shown
    days: dict[str, Maximum] = {}
    hours: dict[str, Maximum] = {}
    for groups, form, chart in ((sightings.days, "%Y-%m-%d", days), (sightings.hours, "%H", hours)):
        largest: dict[str, list[Maximum]] = defaultdict(list)
        for group in groups:
            if group.begins is not None:
                largest[group.begins.strftime(form)].append(group.maxima[place])
        for key in sorted(largest):
            chart[key] = max(largest[key], key=lambda most: most.count)
    by_hour = {f"{hour:02d}": hours.get(f"{hour:02d}") for hour in range(24)} if hours else {}
    noun = name.replace("_", " ")
    charts = (
        (f"Most at once by day: {noun}", days),
        (f"Most at once by hour of the day: {noun}", by_hour),
    )
    return [_chart(title, values) for title, values in charts if values]


def _chart(title: str, values: Mapping[str, Maximum | None]) -> dict[str, object]:
    """Bars with their intervals as lines, in units of the SVG."""
    known = [most for most in values.values() if most is not None]
    top = max(max(most.count, most.high or 0) for most in known) or 1
    room, step = _HEIGHT - _BOTTOM - _TOP, (_WIDTH - _LEFT) / len(values)
    wide = min(step * 0.7, _WIDEST)

    def y(value: float) -> float:
        return round(_TOP + room * (1 - value / top), 1)

    bars = []
    for number, (label, most) in enumerate(values.items()):
        x = _LEFT + step * number
        bars.append(
            {
                "x": round(x + (step - wide) / 2, 1),
                "middle": round(x + step / 2, 1),
                "width": round(wide, 1),
                "y": y(most.count) if most else y(0),
                "low": y(most.low) if most and most.low is not None else None,
                "high": y(most.high) if most and most.high is not None else None,
                "label": label if number % max(1, round(len(values) / 5)) == 0 else "",
                "words": f"{label}: {most_with_interval(most) if most else 'no photo'}",
            }
        )
    ticks = sorted({0, round(top / 2), top})
    return {
        "title": title,
        "bars": bars,
        "floor": y(0),
        "ticks": [(tick, y(tick)) for tick in ticks],
        "size": (_WIDTH, _HEIGHT, _LEFT),
    }
