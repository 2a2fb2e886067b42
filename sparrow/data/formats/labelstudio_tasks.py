"""The tasks in Label Studio's JSON: of a full export, of JSON-MIN, of a storage's single files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from sparrow.data.errors import DataError
from sparrow.data.formats.json_values import Item, item_of, objects, shown

_LISTS = ("annotations", "completions")  # the latter until version 1
# What JSON-MIN adds to a task's own data.
_MIN_KEYS = (
    "id", "annotator", "annotation_id", "created_at", "updated_at", "lead_time", "agreement",
)  # fmt: skip


@dataclass(frozen=True)
class Annotation:
    """What one person said of a task.

    Attributes:
        who: for messages.
        items: of the result, each with its place.
        skipped: the person gave no answer.
        ground_truth: it was marked as the right one.
    """

    who: str
    items: list[tuple[str, Item]]
    skipped: bool = False
    ground_truth: bool = False


@dataclass
class Task:
    """A photo to label, and what was said of it.

    Attributes:
        where: file and task, for messages.
        data: what the task shows.
        upload: name of the file that was uploaded for it, "" for none.
        predictions: whether a model's are there.
        annotations: of people.
    """

    where: str
    data: Item
    upload: str = ""
    predictions: bool = False
    annotations: list[Annotation] = field(default_factory=list)


def is_tasks(tree: Any) -> bool:
    """Whether JSON has the form of Label Studio's tasks; of a list the first one decides."""
    first = tree[0] if isinstance(tree, list) and tree else tree
    return isinstance(first, dict) and (_is_full(first) or _is_of_storage(first) or _is_min(first))


def read_tasks(trees: Iterable[tuple[str, Any]]) -> list[Task]:
    """The tasks of all files, each once, with all of its annotations.

    Raises:
        DataError: an entry is no task.
    """
    tasks: dict[tuple[str, str], Task] = {}
    for name, tree in trees:
        for number, item in enumerate(objects(tree if isinstance(tree, list) else [tree], name), 1):
            _add(tasks, name, number, item)
    return list(tasks.values())


def _add(tasks: dict[tuple[str, str], Task], name: str, number: int, item: Item) -> None:
    """Add a task, or the annotation of one: JSON-MIN and storages have an entry for each."""
    if _is_of_storage(item):
        where = f"{name}, task {item['task'].get('id')}"
        task = _full(item["task"] | {"annotations": [item]}, where)
        key = ("storage", str(item["task"].get("id")))
    elif _is_full(item):
        where = f"{name}, task {item.get('id', number)}"
        tasks[name, f"entry {number}"] = _full(item, where)
        return
    elif _is_min(item):
        where = f"{name}, task {item.get('id', number)}"
        task = _min(item, where)
        key = (name, str(item.get("id", f"entry {number}")))
    else:
        raise DataError(f"{name}, entry {number}: expected a task with 'data', found {shown(item)}")
    tasks.setdefault(key, Task(where, task.data, task.upload)).annotations += task.annotations


def _is_full(item: Item) -> bool:
    return isinstance(item.get("data"), dict) and any(
        key in item for key in (*_LISTS, "predictions", "total_annotations")
    )


def _is_of_storage(item: Item) -> bool:
    task = item.get("task")
    return "result" in item and isinstance(task, dict) and isinstance(task.get("data"), dict)


def _is_min(item: Item) -> bool:
    return "annotation_id" in item and "annotator" in item


def _full(item: Item, where: str) -> Task:
    key = next((key for key in _LISTS if key in item), "annotations")
    entries = objects(item.get(key) or [], f"{where}, {key!r}")
    annotations = [_annotation(entry, where, index) for index, entry in enumerate(entries, start=1)]
    upload = item.get("file_upload")
    return Task(
        where,
        item_of(item.get("data"), f"{where}, 'data'"),
        upload if isinstance(upload, str) else "",
        bool(item.get("predictions")),
        annotations,
    )


def _annotation(entry: Item, where: str, index: int) -> Annotation:
    place = f"{where}, annotation {entry.get('id', index)}"
    result = objects(entry.get("result") or [], f"{place}, 'result'")
    by = entry.get("completed_by")
    person = by.get("email") or by.get("id") if isinstance(by, dict) else by
    who = f"annotation {entry.get('id', index)}" + (f" of {person}" if person else "")
    skipped = bool(entry.get("was_cancelled") or entry.get("skipped"))
    items = [(f"{place}, result {number}", item) for number, item in enumerate(result, start=1)]
    return Annotation(who, items, skipped, bool(entry.get("ground_truth")))


def _min(item: Item, where: str) -> Task:
    """A record of JSON-MIN: the task's data, and beside it the results by their tag's name."""
    if item["annotation_id"] is None:  # the task has no annotation
        return Task(where, {k: v for k, v in item.items() if k not in _MIN_KEYS})
    items = []
    data: Item = {}
    for key, value in item.items():
        if key in _MIN_KEYS:
            continue
        if not isinstance(value, list) or not all(isinstance(result, dict) for result in value):
            data[key] = value
            continue
        items += [
            (f"{where}, {key} {number}", {"value": result} | result)
            for number, result in enumerate(value, 1)
        ]
    who = f"annotation {item['annotation_id']} of {item['annotator']}"
    return Task(where, data, annotations=[Annotation(who, items)])
