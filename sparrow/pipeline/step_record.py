"""What a finished step was made from, and the first step that would be made from something else."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib import metadata
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

from sparrow.config import Config, ConfigError
from sparrow.inference.model_folder import INFO, ModelFolderError
from sparrow.pipeline.continuation import find_origin
from sparrow.pipeline.data_state import ASSIGNMENTS, NEW, NOTHING, RAW
from sparrow.pipeline.sources import changed_files
from sparrow.pipeline.stages import CHAMPION, ORIGIN, STAGES, TRACKING, WEIGHTS, Stage
from sparrow.pipeline.trained_folder import MODEL
from sparrow.regular_file import sha256_of
from sparrow.store_url import hide_secrets, tracking_url

MISSING = "not a key"


@dataclass(frozen=True)
class StepRecord:
    """What a step was made from.

    Attributes:
        step: its name.
        run: the Metaflow run that ran it.
        work_dir: the run's folder.
        keys: each key of the config that it read or may read, with its value as JSON has it.
        code: digests of its source files, by path.
        packages: digest of the installed packages.
        data: state of the data folders when the step had ended; empty where it does not touch them.
        files: SHA-256 of what it left in the run's folder, by relative path.
        undeclared: keys that it read though ``stages.py`` does not list them.
    """

    step: str
    run: str
    work_dir: str
    keys: Mapping[str, Any]
    code: Mapping[str, str]
    packages: str
    data: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    undeclared: tuple[str, ...] = ()


@dataclass(frozen=True)
class Now:
    """What a run that is about to start would be made from.

    Attributes:
        config: of the run.
        code: digests of the source files of each step, by step.
        packages: digest of the installed packages.
        data: state of the data folders.
    """

    config: Config
    code: Mapping[str, Mapping[str, str]]
    packages: str
    data: Mapping[str, str]


@dataclass(frozen=True)
class Difference:
    """The first stage that has to run, and why.

    Attributes:
        stage: number in ``STAGES``; their count where nothing differs.
        reason: in words, for the line that is printed.
    """

    stage: int
    reason: str


def first_difference(records: Mapping[str, StepRecord], now: Now) -> Difference:
    """The first stage whose result an earlier run does not hold.

    Args:
        records: of that run's finished steps, by step.
    """
    number, reason = len(STAGES), "nothing changed"
    for i, stage in enumerate(STAGES):
        if why := _why_again(stage, records, now):
            number, reason = i, f"{stage.steps[0]} runs again: {why}"
            break
    touching = [i for i, stage in enumerate(STAGES[:number]) if stage.touches_data]
    for i in reversed(touching):
        # What an ingest merged is in the raw set from then on: a run that finds the data as an
        # earlier run left it would check, merge and split nothing else than that run did.
        why = _other_data(STAGES[i], records[STAGES[i].steps[0]], now)
        if why is None:
            break
        number, reason = i, f"{STAGES[i].steps[0]} runs again: {why}"
    return Difference(number, reason)


def _why_again(stage: Stage, records: Mapping[str, StepRecord], now: Now) -> str | None:
    steps = stage.steps_of(records)
    if missing := [step for step in steps if step not in records]:
        return f"no earlier run has finished {missing[0]} as a step that can be taken over"
    if "tune" in stage.steps and now.config.tuning.study:
        return "tuning.study goes on with each run"
    for step in steps:
        record = records[step]
        if why := _other_keys(record, now.config):
            return why
        if files := changed_files(record.code, now.code[step]):
            more = f" and {len(files) - 1} more files" if files[1:] else ""
            return f"{files[0]}{more} changed"
        if record.packages != now.packages:
            return "other packages are installed"
    return None


def _other_keys(record: StepRecord, config: Config) -> str | None:
    now = values_of(config, record.keys)
    own = record.files.get(f"{MODEL}/{INFO}")  # promoted since, it changed nothing for itself
    other = [
        key
        for key, value in record.keys.items()
        if now[key] != value and not (key == CHAMPION and now[key] == own)
    ]
    if not other:
        return None
    shown = [f"{key} was {record.keys[key]!r}, is {now[key]!r}" for key in other[:3]]
    return "; ".join(shown) + (f"; and {len(other) - 3} more keys" if other[3:] else "")


def _other_data(stage: Stage, record: StepRecord, now: Now) -> str | None:
    for part in stage.touches_data:
        if record.data.get(part) != now.data[part]:
            if part == NEW and now.data[part] != NOTHING:
                return f"{now.config.data.new} holds new photos"
            where = {RAW: now.config.data.root, NEW: now.config.data.new}.get(part, part)
            return f"{where} changed" if part != ASSIGNMENTS else f"the {part} changed"
    return None


def values_of(config: Config, keys: Sequence[str] | Mapping[str, Any]) -> dict[str, Any]:
    """The value of each key as JSON has it; ``MISSING`` where the config has no such key."""
    tree = config.model_dump(mode="json")
    outside = {TRACKING: hide_secrets(tracking_url(config.stores.tracking))}
    for key, path in (
        (WEIGHTS, Path(config.model.weights)),
        (CHAMPION, Path(config.stores.champion, INFO)),
    ):
        outside[key] = sha256_of(path) if path.is_file() else NOTHING
    outside[ORIGIN] = _origin(config) if ORIGIN in keys else NOTHING
    return {key: outside[key] if key in outside else _value(tree, key) for key in keys}


def _origin(config: Config) -> str:
    """The content of what the training goes on from, by the hashes that its folder says."""
    try:
        origin = find_origin(config)
    except (ConfigError, ModelFolderError) as error:
        return f"none: {error}"  # the step ``start`` refuses it
    if origin is None:
        return NOTHING
    return sha256(origin.info.model_dump_json().encode()).hexdigest()


def _value(tree: Any, key: str) -> Any:
    for name in key.split("."):
        if not isinstance(tree, Mapping) or name not in tree:
            return MISSING
        tree = tree[name]
    return tree


@cache
def installed_packages(lock: Path) -> str:
    """Digest of the lock file, the Python version and the versions of what Sparrow requires.

    Args:
        lock: ``requirements.lock`` of a clone; need not exist.
    """
    lines = [sys.version, lock.read_text(encoding="utf-8") if lock.is_file() else ""]
    for requirement in metadata.requires("sparrow") or []:
        name = Requirement(requirement).name
        try:
            lines.append(f"{name}=={metadata.version(name)}")
        except metadata.PackageNotFoundError:
            continue  # of an extra that is not installed
    return sha256("\n".join(lines).encode()).hexdigest()[:16]
