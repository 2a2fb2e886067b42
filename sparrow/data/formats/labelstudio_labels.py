"""Label Studio's own JSON, full and "JSON-MIN": a list of tasks, shapes in percent of the sides."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sparrow.data.errors import DataError
from sparrow.data.formats.described import DescribedBox, DescribedPhoto, DescribedSet, Remark
from sparrow.data.formats.json_values import json_trees, unread
from sparrow.data.formats.labelstudio_photo import photo_name
from sparrow.data.formats.labelstudio_regions import Region, box_of, region_of, size_of_photo
from sparrow.data.formats.labelstudio_tasks import Annotation, Task, is_tasks, read_tasks
from sparrow.data.formats.source_files import SourceFiles

_DIGITS = 6  # of a side's fraction, in which two annotators' boxes are compared


def find_labels(files: SourceFiles) -> list[str]:
    """JSON files that hold Label Studio's tasks."""
    return [name for name, tree in json_trees(files) if is_tasks(tree)]


def parse_labels(files: SourceFiles) -> DescribedSet:
    """What all Label Studio files of a set say.

    A task that nobody annotated, or whose annotator skipped it, describes no photo; an annotation
    without regions is a photo without objects.

    Raises:
        DataError: there is none; one is damaged; annotators contradict each other; a region has
            no class or several, is a mask, or is on a photo that was turned in Label Studio.
    """
    names = find_labels(files)
    remarks = unread(files, names, "a JSON or JSON-MIN export of Label Studio")
    tasks = read_tasks([(name, files.json(name)) for name in names])
    _refuse_answers_alone(tasks)
    photos = [_describe(task, remarks) for task in tasks]
    return DescribedSet(names, [photo for photo in photos if photo], remarks)


def _describe(task: Task, remarks: list[Remark]) -> DescribedPhoto | None:
    if task.predictions:
        what = "tasks have predictions of a model, which are no labels and were left out"
        remarks.append(Remark(what, task.where))
    done = [entry for entry in task.annotations if not entry.skipped]
    if not done:
        how = "were skipped by their annotator" if task.annotations else "were not annotated"
        remarks.append(Remark(f"tasks {how} and count as in no label file", task.where))
        return None
    name = photo_name(task)
    readings = [_regions(entry) for entry in done]
    regions = _agreed(task, done, readings, remarks)
    boxes = _boxes(regions, remarks)
    return DescribedPhoto(
        name,
        task.where,
        boxes,
        size=size_of_photo(regions, task.where),
        in_fractions=True,
        unboxed=bool(regions) and not boxes,
    )


def _regions(entry: Annotation) -> list[Region]:
    """The shapes of an annotation, each once with all of its classes.

    A shape has several results where its class, or an answer about it, is a tag of its own.
    """
    regions = [r for where, item in entry.items if (r := region_of(item, where)) is not None]
    together: dict[tuple[Any, ...], list[Region]] = defaultdict(list)
    for region in regions:
        together[region.geometry].append(region)
    shapes: list[Region] = []
    for same in together.values():
        with_class = [region for region in same if region.labels] or same[:1]
        if not same[0].name and len({region.labels for region in with_class}) == 1:
            shapes += with_class  # JSON-MIN has no names: what is there twice was drawn twice
            continue
        labels = dict.fromkeys(label for region in with_class for label in region.labels)
        shapes.append(replace(with_class[0], labels=tuple(labels)))
    return shapes


def _agreed(
    task: Task,
    done: Sequence[Annotation],
    readings: Sequence[list[Region]],
    remarks: list[Remark],
) -> list[Region]:
    """The regions of a task's one annotation, or of the one that a person chose."""
    chosen = [index for index, entry in enumerate(done) if entry.ground_truth]
    if len(done) > 1 and len(chosen) == 1:
        what = "tasks have several annotations; the one marked as ground truth was taken"
        remarks.append(Remark(what, task.where))
        return readings[chosen[0]]
    if len({tuple(sorted(map(_compared, regions))) for regions in readings}) > 1:
        who = "; ".join(
            f"{entry.who}: {len(regions)} shapes"
            for entry, regions in zip(done, readings, strict=True)
        )
        raise DataError(
            f"{task.where}: {len(done)} annotations differ ({who}); mark the right one as ground "
            "truth in Label Studio (the star), or delete the others, and export again"
        )
    if len(done) > 1:
        remarks.append(Remark("tasks have several annotations, which are the same", task.where))
    return readings[0]


def _compared(region: Region) -> tuple[tuple[str, ...], str, tuple[str, ...]]:
    numbers = tuple(f"{number:.{_DIGITS}f}" for number in region.numbers)
    return region.labels, region.kind, numbers


def _boxes(regions: list[Region], remarks: list[Remark]) -> list[DescribedBox]:
    boxes = (box_of(region, remarks) for region in regions)
    return [box for box in boxes if box]


def _refuse_answers_alone(tasks: list[Task]) -> None:
    """Answers about whole photos are no boxes; without any shape they tell nothing of boxes."""
    items = [pair for task in tasks for entry in task.annotations for pair in entry.items]
    if items and all(region_of(item, where) is None for where, item in items):
        raise DataError(
            f"{items[0][0]}: all answers are about whole photos (choices, texts), none is a "
            "rectangle or another shape; expected boxes: label with RectangleLabels"
        )
