"""The page of ``sparrow count --report``: the most at once per visit, hour and day, in one file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sparrow.class_nouns import objects
from sparrow.inference.remarks import UNLIKE
from sparrow.reports.templates import render
from sparrow.reports.visit_words import headings, most_in_words, most_with_interval
from sparrow.reports.visits_charts import charts
from sparrow.visits.visits import Group, Sightings

VISITS_WITH_PHOTO = 24  # the largest; each photo takes some 30 KB of the page
MOST_ROWS = 200  # of visits, days and files each; the tables in CSV have all


@dataclass(frozen=True)
class CountedSet:
    """What was counted, beyond visits.

    Attributes:
        title: of the page.
        facts: sentences: the sum, and what became of every file.
        class_names, plurals: of the model.
        notes: what is to be known of the photos, in sentences.
        visit_seconds: the longest gap within a visit.
        failed: name and reason of each photo that could not be counted.
        skipped: name and reason of each file that is no photo.
    """

    title: str
    facts: Sequence[str]
    class_names: Sequence[str]
    plurals: Mapping[str, str]
    notes: Sequence[str]
    visit_seconds: float
    failed: Sequence[tuple[str, str]]
    skipped: Sequence[tuple[str, str]]


def visits_with_photo(sightings: Sightings) -> list[Group]:
    """The visits whose best photo the page shows: those with the largest maxima, in time's order.

    A visit in which nothing was seen is not shown. Of equal ones each day of each camera has one
    before any has a second.
    """
    seen = [group for group in sightings.visits if group.maxima[0].count]
    before: Counter[tuple[object, ...]] = Counter()
    ranks = {}
    for group in seen:
        of_day = (group.camera, group.begins and group.begins.date(), group.maxima[0].count)
        ranks[group.number] = (-group.maxima[0].count, before[of_day], group.number)
        before[of_day] += 1
    largest = sorted(seen, key=lambda group: ranks[group.number])
    return sorted(largest[:VISITS_WITH_PHOTO], key=lambda group: group.number)


def visits_html(counted: CountedSet, sightings: Sightings, pictures: Mapping[int, bytes]) -> str:
    """The page.

    Args:
        counted: what was counted.
        sightings: visits, hours, days and cameras.
        pictures: JPEG by the number of its visit (``visits_with_photo``).
    """
    shown = [group for group in sightings.visits if group.number in pictures]
    return render(
        "visits.html",
        title=counted.title,
        facts=counted.facts,
        seconds=f"{counted.visit_seconds:g}",
        notes=[*counted.notes, *sightings.notes],
        charts=charts(sightings, 0, objects(counted.class_names, counted.plurals)),
        seen=sum(group.maxima[0].count > 0 for group in sightings.visits),
        photos=[(pictures[group.number], _caption(group, counted)) for group in shown],
        tables=_tables(headings(counted.class_names, counted.plurals), sightings),
        undated=_some([[photo.name, photo.numbers[0].count] for photo in sightings.undated]),
        kinds=[list(kind) for kind in Counter(why for _, why in counted.skipped).most_common()],
        failed=_some([list(file) for file in counted.failed]),
        skipped=_some([list(file) for file in counted.skipped]),
    )


def _row(group: Group, classes: int) -> list[object]:
    maxima = group.maxima if classes > 1 else group.maxima[:1]
    photos = f"{len(group.photos)} ({group.unlike} unlike)" if group.unlike else len(group.photos)
    row = [_time(group), *map(most_with_interval, maxima), photos]
    return [*row, *([] if group.per == "visit" else [group.visits]), group.camera]


def _time(group: Group) -> str:
    if group.begins is None or group.ends is None:
        return "unknown"
    if group.per == "day":
        return f"{group.begins:%Y-%m-%d}"
    begins = f"{group.begins:%Y-%m-%d %H:%M:%S}"
    same = group.begins.date() == group.ends.date()
    if f"{group.ends:%Y-%m-%d %H:%M:%S}" == begins:
        return begins
    return f"{begins} to {group.ends:%H:%M:%S}" if same else f"{begins} to {group.ends:%m-%d %H:%M}"


def _caption(group: Group, counted: CountedSet) -> str:
    photo = group.photos[group.maxima[0].photo]
    boxes, most = photo.numbers[0].count, group.maxima[0].count
    remarks = [UNLIKE] if photo.out_of_distribution else []
    if most < boxes:
        remarks.append(f"{boxes} boxes, {boxes - most} of them too doubtful to count")
    words = [most_in_words(group, counted.class_names, counted.plurals), *remarks]
    return f"Visit {group.number}, {_time(group)}: {'; '.join(words)}. {photo.name}, {group.camera}"


def _tables(heads: Sequence[str], sightings: Sightings) -> dict[str, dict[str, object]]:
    """Cameras, days and visits."""
    columns = ["time", *heads, "photos", "visits", "camera"]
    of_visits = [name for name in columns if name != "visits"]
    return {
        "cameras": _table(columns, sightings.cameras, len(heads)),
        "days": _table(columns, sightings.days, len(heads)),
        "visits": _table(of_visits, sightings.visits, len(heads)),
    }


def _table(columns: Sequence[str], groups: Sequence[Group], classes: int) -> dict[str, object]:
    rows = [_row(group, classes) for group in groups[:MOST_ROWS]]
    return {"columns": columns, "rows": rows, "more": len(groups) - len(rows)}


def _some(rows: Sequence[Sequence[object]]) -> dict[str, object]:
    return {"rows": rows[:MOST_ROWS], "more": max(0, len(rows) - MOST_ROWS), "all": len(rows)}
