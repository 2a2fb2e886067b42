"""What the model card says of how a version was trained, and of what goes into it and comes out.

All of it is from ``model.json`` and from the run; what a model of an earlier release did not record
is "not recorded".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sparrow.data.licence_ledger import is_address
from sparrow.data.tables import Dataset
from sparrow.inference.model_folder import ModelInfo
from sparrow.inference.pretrained_licence import starting_licence
from sparrow.predictions.count_words import number_in_words
from sparrow.reports.credits import link
from sparrow.reports.markdown import Markup, markdown_table
from sparrow.reports.templates import cell

NOT_RECORDED = "not recorded"
# Keys of ``training`` that say where and how fast it ran, not what was learnt.
ELSEWHERE = {"threads", "workers", "device", "world_size"}
_OPTIMIZER = ("learning_rate", "weight_decay", "momentum", "optimizer_parameters")
_ONLY = {  # apply to these; others have parameters of their own
    "weight_decay": ("adamw", "adam", "sgd"),
    "momentum": ("sgd",),
    "step_epochs": ("step",),
    "gamma": ("step",),
}
_SCHEDULE = ("step_epochs", "gamma", "warmup_fraction", "schedule_parameters")


@dataclass(frozen=True)
class TrainingFacts:
    """How a training went.

    Attributes:
        history: a row an epoch (``EpochRecord.row()``).
        best_epoch: the one whose weights were kept, from 1.
        tuned: the keys that tuning changed, with their values.
        stopped: why it ended before its time; None where it did not.
    """

    history: Sequence[Mapping[str, Any]]
    best_epoch: int
    tuned: Mapping[str, Any]
    stopped: str | None


def training_section(
    info: ModelInfo, trained: TrainingFacts | None, train: Dataset | None
) -> list[str]:
    """Photos, starting weights with their licence, layers, optimiser, schedule, epochs, changes.

    Args:
        trained: None where only the model folder is at hand.
        train: the training photos; None likewise.
    """
    model, training = _section(info, "model"), _section(info, "training")
    photos = NOT_RECORDED
    if train is not None:
        photos = f"{len(train.images):,} with {len(train.boxes):,} boxes"
    weights = model.get("weights")
    rows = [
        ("training photos", photos),
        ("starting weights", NOT_RECORDED if weights is None else weights),
        ("their licence", _licence(weights, model.get("architecture"))),
        ("layers trained", _layers(model)),
        ("optimiser", _named(training, "optimizer", _OPTIMIZER)),
        ("schedule", _named(training, "schedule", _SCHEDULE)),
        ("epochs", _epochs(training, trained)),
        ("photos a batch", _batch(training)),
        ("changes of the photos", _augmentation(_section(info, "augmentation"))),
        ("other keys", _others(training)),
    ]
    if trained is not None:
        rows.append(("chosen by tuning", _settings(trained.tuned) or "nothing"))
    return ["## How it was trained", markdown_table(["", ""], rows)]


def in_and_out_section(info: ModelInfo) -> list[str]:
    """What a photo has to be, and what comes of it."""
    most = info.max_objects
    limit = f"how many at most is {NOT_RECORDED}"
    if most is not None:
        reached = number_in_words(most, minimum=True)
        limit = f"at most {most}; a count that reaches {most} is “{reached}”, open above"
    interval = "no interval: it has no calibrated count"
    if info.count_model is not None:
        interval = f"an interval at the level {info.count_model.get('confidence', 0):.0%}"
    rows = [
        ("in", "one photo, as a file (JPEG, HEIC, PNG and others) or uint8 RGB pixels [H, W, 3]"),
        (
            "before the network",
            f"turned upright by its EXIF, scaled to a short side of {info.min_side_px} px, its "
            f"long side at most {info.max_side_px} px",
        ),
        ("out: boxes", "x_min, y_min, x_max, y_max in pixels of the upright photo"),
        ("out: scores", f"0 to 1, one a box; reported from {info.min_score:g} up"),
        ("out: labels", f"one of: {', '.join(info.class_names)}"),
        ("out: count", f"boxes with a score from {info.threshold:.3f} up; {interval}"),
        ("objects in a photo", limit),
    ]
    return ["## What goes in and what comes out", markdown_table(["", ""], rows)]


def _licence(weights: object, architecture: object) -> str:
    """The starting weights' licence, each address in it a link."""
    if not isinstance(weights, str):
        return NOT_RECORDED
    words = re.split(r"(https?://[^\s()]+)", starting_licence(weights, str(architecture)))
    return Markup("".join(link(word, word if is_address(word) else None) for word in words))


def _section(info: ModelInfo, name: str) -> Mapping[str, Any]:
    section = info.config.get(name)
    return section if isinstance(section, dict) else {}


def _layers(model: Mapping[str, Any]) -> str:
    layers = model.get("trainable_backbone_layers")
    if layers is None:
        return NOT_RECORDED
    norm = "frozen" if model.get("freeze_batch_norm") else "learnt"
    return (
        f"the last {layers} stages of the backbone (trainable_backbone_layers) and all that "
        f"follows; batch normalisation {norm}"
    )


def _named(section: Mapping[str, Any], name: str, keys: Sequence[str]) -> str:
    if name not in section:
        return NOT_RECORDED
    chosen = str(section[name])
    applying = [key for key in keys if key in section and chosen in _ONLY.get(key, (chosen,))]
    settings = _settings({key: section[key] for key in applying if section[key] != {}})
    return f"{_text(section[name])}{f' ({settings})' if settings else ''}"


def _epochs(training: Mapping[str, Any], trained: TrainingFacts | None) -> str:
    epochs = training.get("epochs")
    wanted = NOT_RECORDED if epochs is None else f"{epochs} wanted"
    if trained is None:
        return wanted
    ended = f"; ended early: {trained.stopped}" if trained.stopped else ""
    return f"{wanted}, {len(trained.history)} run, the best is {trained.best_epoch}{ended}"


def _batch(training: Mapping[str, Any]) -> str:
    size, steps = training.get("batch_size"), training.get("gradient_accumulation_steps", 1)
    if size is None:
        return NOT_RECORDED
    return f"{size}" if steps == 1 else f"{size}, {steps} batches to one step of the optimiser"


def _augmentation(section: Mapping[str, Any]) -> str:
    if not section:
        return NOT_RECORDED
    on = {key: value for key, value in section.items() if value not in (0, 0.0, None)}
    if not on.pop("probability", 0):
        return "none"
    # A range without its probability changes nothing.
    probable = {key: value for key, value in on.items() if isinstance(value, int | float)}
    ranges = {k: v for k, v in on.items() if k not in probable and _is_on(k, probable)}
    changes = _settings(probable | ranges)
    return f"with probability {section['probability']:g}: {changes or 'none'}"


def _is_on(name: str, probable: Mapping[str, Any]) -> bool:
    """Whether a range, such as ``scale_range``, belongs to a change that is switched on."""
    return any(key.split("_")[0] == name.split("_")[0] for key in probable)


def _others(training: Mapping[str, Any]) -> str:
    shown = {
        "optimizer", "schedule", "epochs", "batch_size", "gradient_accumulation_steps",
        *_OPTIMIZER, *_SCHEDULE, *ELSEWHERE,
    }  # fmt: skip
    others = {k: v for k, v in training.items() if k not in shown and v is not None}
    return _settings(others) or "none"


def _settings(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{key.replace('_', ' ')} {_text(value)}" for key, value in values.items())


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return _settings({str(key): inner for key, inner in value.items()})
    if isinstance(value, list | tuple):
        return " to ".join(map(_text, value))
    return str(cell(value, 4))
