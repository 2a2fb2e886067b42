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
_TAKEN_APART = set('"$`\\#!')  # by make, or by a shell within double quotes


def next_command(dataset: Dataset, *, new: bool) -> str:
    """A line for the shell: train on the set, or take it in.

    Args:
        dataset: as it was imported.
        new: it is new data, that joins a set which has its classes already.
    """
    config = CONFIG if Path(CONFIG).is_file() else str(shipped(CONFIG))
    keys = _keys(config)
    overrides = _places(dataset.root, keys, new=new)
    known = _known_classes(Path(keys.root)) if new else set()
    if classes := sorted(known | set(dataset.boxes["label"])):
        overrides.append(f"data.classes={_flow(classes)}")
    suffixes = {PurePath(name).suffix.lower() for name in dataset.images["image"]}
    if not suffixes <= set(keys.extensions):
        overrides.append(f"data.extensions={_flow(sorted(suffixes | set(keys.extensions)))}")
    words = shlex.join([word for override in overrides for word in ("--set", override)])
    if new:
        return f"sparrow data ingest --config {shlex.quote(config)} {words}".strip()
    if _is_clone() and not (_TAKEN_APART & set(words) or "'\"" in words):
        return f"make train CONFIG={CONFIG}" + (f' ARGS="{words}"' if words else "")
    return f"{flow_command('train')} --config config {shlex.quote(config)} run {words}".strip()


def _places(root: Path, keys: DataConfig, *, new: bool) -> list[str]:
    """The set's folder, where the config names another.

    A raw set elsewhere has its other folders beside it: no two sets share what is new, rejected or
    prepared.
    """
    if Path(keys.new if new else keys.root) == root:
        return []
    if new:
        return [f"data.new={root}"]
    beside = ("new", "rejected", "prepared")
    return [
        f"data.root={root}",
        *(f"data.{name}={root.with_name(f'{root.name}-{name}')}" for name in beside),
    ]


def _is_clone() -> bool:
    return Path("Makefile").is_file() and Path(CONFIG).is_file()


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
