"""What the first step of ``train.py`` can say within seconds, from tables and the weights alone.

Without it a name mistyped in the config, or weights of another network, end a run after its tuning.
Of photos the headers are read; the full check of rows and pixels stays in its own step.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from pathlib import Path

import pandas as pd

from sparrow.config import Config
from sparrow.data.errors import DataError
from sparrow.data.formats.csv import read_csv_tables
from sparrow.data.ingest.batch import NEW_PREFIX, has_table
from sparrow.data.split.assignments import SPLITS
from sparrow.nearest_name import nearest_name
from sparrow.pipeline.start_split import check_split

SHOWN = 5


def check_start(config: Config, weights: bool = True) -> list[str]:
    """Check classes, file limits, the split and the weights; warnings as lines for a person.

    Args:
        weights: whether the network is built with its weights, which needs torch.

    Raises:
        DataError: what would end the run later; all of it in one message.
        WeightsError: the weights are not there, cannot be read or do not fit the network.
    """
    root = Path(config.data.root)
    photos, boxes = read_csv_tables(root)
    counts = {str(name): int(n) for name, n in _labels(boxes).items()}
    waits = has_table(Path(config.data.new))  # new photos may fill what the set lacks
    split_faults, split_warnings = ([], []) if waits else check_split(config, photos)
    faults = [
        *_unknown_classes(config, counts),
        *_limits(config, photos, boxes),
        *split_faults,
    ]
    if faults:
        raise DataError("\n".join([f"{root}:", *(f"  {fault}" for fault in faults)]))
    if weights:
        _check_weights(config)
    return [*_warnings(config, counts, boxes, _coming(config)), *split_warnings]


def _labels(boxes: pd.DataFrame) -> pd.Series:
    if "label_name" not in boxes:
        return pd.Series(dtype=int)  # the check of the tables names the column
    return boxes["label_name"].dropna().astype(str).value_counts()


def _coming(config: Config) -> set[str]:
    """Classes of the new data that waits; the ingest says where its tables are broken."""
    new = Path(config.data.new)
    with suppress(DataError):
        return set(_labels(read_csv_tables(new, NEW_PREFIX)[1]).index) if has_table(new) else set()
    return set()


def _unknown_classes(config: Config, counts: Mapping[str, int]) -> list[str]:
    """Labels of the tables that the config does not name, with the nearest that it does."""
    classes = config.data.classes
    unknown = {name: n for name, n in counts.items() if name not in classes}
    if not unknown:
        return []
    listed = ", ".join(f"{name} ({n:,} boxes)" for name, n in sorted(unknown.items()))
    near = {name: nearest_name(name, list(classes)) for name in unknown}
    hints = [f"{name} may mean {other}" for name, other in near.items() if other]
    lines = [f"boxes of classes that data.classes does not name: {listed}; it names "
             f"{', '.join(classes)}" + (f" ({'; '.join(hints)})" if hints else "")]  # fmt: skip
    if empty := [name for name in classes if not counts.get(name)]:
        lines.append(f"classes of the config that no box has: {', '.join(empty)}")
    every = ", ".join(sorted(counts))
    return [
        *lines,
        f"to count all that the set holds: --set 'data.classes=[{every}]', "
        "or --set data.classes=all",
    ]


def _limits(config: Config, photos: pd.DataFrame, boxes: pd.DataFrame) -> list[str]:
    """Photos that a limit of ``data`` refuses, as far as the tables tell."""
    data, lines = config.data, []
    if "Name" in photos:
        names = photos["Name"].dropna().astype(str)
        ends = tuple(suffix.lower() for suffix in data.extensions)
        other = names[~names.str.lower().str.endswith(ends)]
        lines += _over(other, f"data.extensions ({', '.join(data.extensions)})")
    if {"image_name", "image_width", "image_height"} <= set(boxes):
        sides = boxes[["image_width", "image_height"]].apply(pd.to_numeric, errors="coerce")
        large = boxes["image_name"][sides.max(axis=1) > data.max_side_px].drop_duplicates()
        lines += _over(large, f"data.max_side_px ({data.max_side_px})")
    if "image_name" in boxes:
        per_photo = boxes["image_name"].value_counts()
        crowded = per_photo.index[per_photo > data.max_boxes_per_photo].to_series()
        lines += _over(crowded, f"data.max_boxes_per_photo ({data.max_boxes_per_photo})")
    return lines


def _over(names: pd.Series, limit: str) -> list[str]:
    if names.empty:
        return []
    shown = ", ".join(names.astype(str).head(SHOWN)) + (" …" if len(names) > SHOWN else "")
    return [f"{len(names):,} photos are beyond {limit}: {shown}"]


def _warnings(
    config: Config, counts: Mapping[str, int], boxes: pd.DataFrame, coming: Collection[str]
) -> list[str]:
    lines = [
        f"warning: no box is of the class {name}, which data.classes names: it cannot be learned"
        for name in config.data.classes
        if not counts.get(name) and name not in coming
    ]
    if not counts or "image_name" not in boxes:
        return lines
    shown = boxes.groupby("label_name")["image_name"].nunique()
    lines += [
        f"warning: {name} is in {n} photos: not all of {', '.join(SPLITS)} can have one"
        for name, n in shown.items()
        if n < len(SPLITS)
    ]
    return lines


def _check_weights(config: Config) -> None:
    """Build the network with its weights, and drop it."""
    if config.model.weights == "none" or config.training.continue_from is not None:
        return
    from sparrow.detectors.build import build_seeded_detector

    build_seeded_detector(config.model, len(config.data.classes), config.seed)
