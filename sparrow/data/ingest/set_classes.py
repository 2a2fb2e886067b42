"""The classes of a set in an order that lasts, for configs that name none.

The order gives each class its number in a model: a class keeps its place as the set grows, also
while no box is of it. The list lies in the set's history; it is read for a run, and kept by one.
"""

from __future__ import annotations

import json
import logging
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sparrow.atomic_file import write_atomic
from sparrow.config import ConfigError, DataConfig, make_config
from sparrow.data.errors import DataError, as_data_errors
from sparrow.data.formats.csv import read_csv_tables, table_paths
from sparrow.data.ingest.batch import NEW_PREFIX, has_table
from sparrow.data.ingest.versions import HISTORY
from sparrow.nearest_name import nearest_name

FILE = "classes.json"

logger = logging.getLogger("sparrow.data")


@dataclass(frozen=True)
class SetClasses:
    """The classes of a set and of the new data that waits for it.

    Attributes:
        names: those recorded in their order, then those of the set, then those of the new data;
            what is added in alphabetical order.
        of_set: ``names`` without those that only the new data has.
        lines: for people: where the list is from, what is new in it, what no box is of.
    """

    names: tuple[str, ...]
    of_set: tuple[str, ...]
    lines: tuple[str, ...]


def read_set_classes(config: DataConfig) -> SetClasses:
    """The classes of ``data.root`` and ``data.new``, from their tables alone; nothing is written.

    Without a box there is none.

    Raises:
        DataError: there are no tables, or two names are alike but for case and blanks.
    """
    root, new = Path(config.root), Path(config.new)
    recorded, here = load_classes(root), _labels(root, "")
    coming: dict[str, str] = {}
    if has_table(new):
        with suppress(DataError):  # the ingest says what is wrong, and where the batch is then
            coming = _labels(new, NEW_PREFIX)
    of_set = (*recorded, *sorted(here.keys() - set(recorded)))
    names = (*of_set, *sorted(coming.keys() - set(of_set)))
    if not names:
        return SetClasses((), (), ())
    places = {name: here.get(name) or coming.get(name) or _record(root) for name in names}
    _refuse_alike(places)
    _refuse_illegal(places)
    return SetClasses(names, of_set, _lines(root, recorded, names, {**coming, **here}))


def load_classes(root: Path) -> tuple[str, ...]:
    """The recorded list of a set; empty before its first run without named classes.

    Raises:
        DataError: the file is damaged.
    """
    path = _record(root)
    if not path.exists():
        return ()
    try:
        names = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError("found something else")
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path}: expected a JSON list of class names ({error}); write the list of the last "
            "run there, or delete the file: the classes are then numbered afresh"
        ) from error
    return tuple(names)


def save_classes(root: Path, names: tuple[str, ...]) -> None:
    """Record the list of a set; nothing where it is recorded already.

    Raises:
        DataError: it cannot be written.
    """
    if load_classes(root) == names:
        return
    path = _record(root)
    with as_data_errors("its classes cannot be recorded", root):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, json.dumps(names, ensure_ascii=False) + "\n")


def merge_classes(root: Path, pinned: tuple[str, ...]) -> None:
    """Take over the list that another copy of a set recorded; where the orders differ it is logged.

    The pinned one counts: what is recorded here alone follows it.

    Raises:
        DataError: the list here is damaged, or it cannot be written.
    """
    recorded = load_classes(root)
    merged = (*pinned, *(name for name in recorded if name not in pinned))
    if not pinned or recorded[: len(pinned)] == pinned:
        return
    save_classes(root, merged)
    if merged[: len(recorded)] != recorded:
        logger.warning(
            "the classes of the set were recorded as %s here and are %s now, as where the data is "
            "from; models keep the order that they were trained in",
            ", ".join(recorded), ", ".join(merged),
        )  # fmt: skip


def _record(root: Path) -> Path:
    return root / HISTORY / FILE


def _labels(folder: Path, prefix: str) -> dict[str, str]:
    """Each class of a folder's boxes, with where it is: file, first line, boxes."""
    table = read_csv_tables(folder, prefix)[1]
    path = table_paths(folder, prefix)[1]
    if "label_name" not in table:
        raise DataError(f"{path}: expected a column label_name, found {', '.join(table.columns)}")
    names = table["label_name"].dropna().astype(str)
    names = names[names.str.strip() != ""]  # the check of the tables says where one is missing
    first = names.drop_duplicates()
    counts = names.value_counts()
    return {
        name: f"{path}, line {line + 2}, {counts[name]:,} boxes"
        for line, name in zip(first.index, first, strict=True)
    }


def _refuse_alike(places: dict[str, str | Path]) -> None:
    seen: dict[str, str] = {}
    for name in places:
        other = seen.setdefault(" ".join(name.casefold().split()), name)
        if other != name:
            raise DataError(
                f"the classes {other!r} ({places[other]}) and {name!r} ({places[name]}) differ in "
                "case or blanks alone; write them alike"
            )


def _refuse_illegal(places: dict[str, str | Path]) -> None:
    for name, place in places.items():
        try:
            make_config({"data": {"classes": [name]}})
        except ConfigError as error:
            said = str(error).partition("classes: ")[2]
            raise DataError(f"{place}: a name that no class can have: {said}") from None


def _lines(
    root: Path, recorded: tuple[str, ...], names: tuple[str, ...], places: dict[str, str]
) -> tuple[str, ...]:
    lines = [f"data.classes names none: all {len(names)} of the set are counted: "
             f"{', '.join(names)}"]  # fmt: skip
    for name in names if recorded else ():
        if name in recorded:
            continue
        near = nearest_name(name, [other for other in names if other != name])
        hint = f"; is {near} meant?" if near else ""
        lines.append(f"warning: a class that the set did not have: {name} ({places[name]}){hint}")
    lines += [
        f"warning: no box is of the class {name} any more; it keeps its place. To drop it take it "
        f"out of {_record(root)}: the classes behind it are then numbered afresh"
        for name in recorded
        if name not in places
    ]
    return tuple(lines)
