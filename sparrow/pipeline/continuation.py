"""``training.continue_from``: the run, version or folder that a training goes on from.

With its checkpoint it goes on as if it had never ended: weights, optimizer, schedule, epoch and
best score. Where the checkpoint is gone, or scores cannot be compared, its weights are taken alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sparrow.config import Config, ConfigError, stored_config
from sparrow.data.tables import Dataset, data_version
from sparrow.inference.model_folder import INFO, WEIGHTS, ModelInfo, read_info

KEY = "training.continue_from"
MODEL, CHECKPOINTS, CHECKPOINT = "model", "checkpoints", "checkpoint.pt"
# What the new run says of itself, and how long and where it trains.
OWN_KEYS = {
    "epochs", "patience_epochs", "continue_from", "threads", "workers", "world_size", "device",
}  # fmt: skip
SCORING = ("beta", "iou", "min_score")


@dataclass(frozen=True)
class Origin:
    """What a training goes on from.

    Attributes:
        name: for people.
        model: its model folder.
        info: what is in it.
        checkpoints: folder of its checkpoint; None where that is gone.
    """

    name: str
    model: Path
    info: ModelInfo
    checkpoints: Path | None

    @property
    def weights(self) -> Path:
        """Of its best epoch."""
        return self.model / WEIGHTS

    def config(self) -> Config:
        """What it was trained with, tuned, under today's names."""
        return stored_config(self.info.config)


def find_origin(config: Config) -> Origin | None:
    """What the config's training goes on from; None where it begins anew.

    Raises:
        ConfigError: there is none of that name, it has other classes or is another detector, or
            the config would tune as well.
        ModelFolderError: its model folder is damaged.
    """
    wanted = config.training.continue_from
    if wanted is None:
        return None
    if config.tuning.trials:
        raise ConfigError(
            f"{KEY}: a training goes on with its own settings, and tuning looks for others; add "
            f"tuning.trials: 0 (found {config.tuning.trials})"
        )
    origin = _locate(config, str(wanted))
    if origin.info.starter is not None:
        raise ConfigError(
            f"{KEY}: {origin.name} is a starter, which no training here made; begin a new one, for "
            "example with model.weights: coco"
        )
    check_same_detector(config, origin)
    return origin


def why_weights_alone(origin: Origin, config: Config, dataset: Dataset) -> str:
    """Why only the weights of ``origin`` can be taken; empty where all of it can be."""
    before = origin.config()
    if origin.checkpoints is None:
        return "its checkpoint was removed (storage.runs_gb keeps that of the newest run)"
    now, then = data_version(dataset), origin.info.data_version
    if now != then:
        return f"its photos are others (data version {then}, now {now})"
    if (before.split, before.seed) != (config.split, config.seed):
        return "its photos were split in another way"
    for name in SCORING:
        old, new = getattr(before.evaluation, name), getattr(config.evaluation, name)
        if old != new:
            return f"its scores are of another measure (evaluation.{name} {old}, now {new})"
    return ""


def continued_config(config: Config, dataset: Dataset) -> tuple[Config, list[str]]:
    """The config that a continued training has, and what a person is to know.

    Its training section is that of what it goes on from, tuned, but for epochs (so many more),
    patience and the machine's keys.

    Raises:
        ConfigError: see ``find_origin``; or its schedule has come to its end.
    """
    origin = find_origin(config)
    if origin is None:
        return config, []
    if reason := why_weights_alone(origin, config, dataset):
        return config, [
            f"{origin.name}: {reason}. Training begins with the weights of its best epoch; "
            "optimizer, schedule, epochs and best score begin anew"
        ]
    before = origin.config().training
    if before.schedule == "OneCycleLR":
        raise ConfigError(
            f"{KEY}: {origin.name} was trained with OneCycleLR, whose cycle is over. Begin another "
            f"training with its weights: model.weights: {origin.weights}"
        )
    own = {name: getattr(config.training, name) for name in OWN_KEYS}
    training = before.model_copy(update=own)
    lines = [f"training goes on from {origin.name}, for {training.epochs} more epochs"]
    lines += [
        f"training.{name} is {getattr(training, name)}, as it was there, not {value}"
        for name, value in config.training
        if value != getattr(training, name)
    ]
    return config.model_copy(update={"training": training}), lines


def _locate(config: Config, wanted: str) -> Origin:
    folder, run = Path(wanted), Path(config.stores.runs) / wanted
    if folder.name == wanted and run.is_dir():  # a name, and no path
        return _of_run(config, run)
    if folder.is_dir():
        folder = folder.parent if folder.name in (CHECKPOINTS, MODEL) else folder
        if (folder / INFO).is_file():
            return Origin(f"the model in {folder}", folder, read_info(folder), None)
        return _of_run(config, folder)
    if wanted.isdigit():
        return _of_version(config, int(wanted))
    raise ConfigError(
        f"{KEY}: found {wanted!r}; expected a run (a folder of {config.stores.runs}), the number "
        f"of a version of {config.name}, or the path of a run's or a model's folder"
    )


def _of_run(config: Config, run: Path) -> Origin:
    from sparrow.storage.places import read_runs

    checkpoints = run / CHECKPOINTS if (run / CHECKPOINTS / CHECKPOINT).is_file() else None
    if (run / MODEL / INFO).is_file():
        model = run / MODEL
        return Origin(f"run {run.name}", model, read_info(model), checkpoints)
    reports = {each.folder.resolve(): each.report for each in read_runs(run.parent)}
    version = reports.get(run.resolve(), {}).get("candidate_version")
    if version is None:
        raise ConfigError(
            f"{KEY}: run {run.name} has no trained model. One that did not finish goes on with: "
            "python flows/train.py resume"
        )
    model = _fetch(config, int(version))
    return Origin(f"run {run.name}", model, read_info(model), checkpoints)


def _of_version(config: Config, number: int) -> Origin:
    from sparrow.storage.places import read_runs

    for run in read_runs(Path(config.stores.runs)):
        of_it = run.report.get("candidate_version"), run.report.get("name")
        if of_it == (number, config.name) and (run.folder / MODEL / INFO).is_file():
            return _of_run(config, run.folder)
    model = _fetch(config, number)
    return Origin(f"version {number} of {config.name}", model, read_info(model), None)


def _fetch(config: Config, number: int) -> Path:
    from sparrow.registry.registry import Registry
    from sparrow.registry.versions import RegistryError

    try:
        return Registry(config.stores, config.name).fetch(number)
    except RegistryError as error:
        raise ConfigError(f"{KEY}: {error}") from error


def check_same_detector(config: Config, origin: Origin) -> None:
    """Refuse what cannot go on from an origin: other classes, another network.

    Raises:
        ConfigError: the classes (where they are settled) or a key of ``model`` differ.
    """
    classes = origin.info.class_names
    if config.data.classes and classes != tuple(config.data.classes):  # none: not settled yet
        known, wanted = ", ".join(classes), ", ".join(config.data.classes)
        remedy = (
            f"Name them in its order: --set 'data.classes=[{known}]'"
            if set(classes) == set(config.data.classes)
            else "To train on with other classes begin with its weights: model.weights: "
            f"{origin.weights}"
        )
        raise ConfigError(
            f"{KEY}: {origin.name} knows the classes {known}; data.classes has {wanted}. {remedy}"
        )
    before: dict[str, Any] = dict(origin.config().model)
    other = [
        f"model.{name} {before[name]} (here {value})"
        for name, value in config.model
        if name != "weights" and before[name] != value
    ]
    if other:
        raise ConfigError(f"{KEY}: {origin.name} is another detector: {', '.join(other)}")
