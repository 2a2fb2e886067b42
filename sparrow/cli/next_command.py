"""The command that goes on after an import, with what the set needs filled in."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import yaml

from sparrow.config import ConfigError, DataConfig, load_config
from sparrow.data.errors import DataError
from sparrow.shipped import flow_command, shipped

if TYPE_CHECKING:
    from sparrow.data.tables import Dataset

CONFIG = "configs/own.yaml"


def next_command(dataset: Dataset, *, new: bool) -> str:
    """A line for the shell: train on the set, or take it in.

    Args:
        dataset: as it was imported.
        new: it is new data, that joins a set which has its classes already.
    """
    config = CONFIG if Path(CONFIG).is_file() else str(shipped(CONFIG))
    keys = _keys(config)
    place = ("data.new", keys.new) if new else ("data.root", keys.root)
    overrides = []
    if Path(place[1]) != dataset.root:
        overrides.append(f"{place[0]}={dataset.root}")
    known = _known_classes(Path(keys.root)) if new else set()
    if classes := sorted(known | set(dataset.boxes["label"])):
        overrides.append(f"data.classes={_flow(classes)}")
    suffixes = {PurePath(name).suffix.lower() for name in dataset.images["image"]}
    if not suffixes <= set(keys.extensions):
        overrides.append(f"data.extensions={_flow(sorted(suffixes | set(keys.extensions)))}")
    words = [word for override in overrides for word in ("--set", override)]
    if new:
        return shlex.join(["sparrow", "data", "ingest", "--config", config, *words])
    return f"{flow_command('train')} " + shlex.join(["--config", "config", config, "run", *words])


def _known_classes(root: Path) -> set[str]:
    """The classes of the set that new data joins; none where there is no such set yet."""
    from sparrow.data.formats.csv import read_csv_tables

    try:
        return set(read_csv_tables(root)[1]["label_name"].dropna())
    except (DataError, KeyError):
        return set()


def _keys(config: str) -> DataConfig:
    try:
        return load_config(Path(config)).data
    except ConfigError:  # the set is imported; the run says what is wrong with the file
        return DataConfig()


def _flow(texts: Sequence[str]) -> str:
    """A list as YAML in one line."""
    text = yaml.safe_dump(list(texts), default_flow_style=True, allow_unicode=True, width=10**9)
    return text.strip()
