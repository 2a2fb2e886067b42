"""Which study a run works on, and whether a study that several runs continue is still the same.

Scores of trials can be compared where they were learned from the same photos, with the same
settings, and measured in the same way. A study notes all of it when it begins.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.storages import RDBStorage

from sparrow.config import Config
from sparrow.config.search_space import FIXED
from sparrow.training.sampler import make_pruner
from sparrow.training.study_store import open_storage, study_lock

FACTS = "facts"  # a study's attribute
CONFIG_NAME = "config_name"
SCORING = ("beta", "iou", "min_score")
MOST_SHOWN = 6  # differences, in one message


@dataclass(frozen=True)
class TrialFacts:
    """A trial that has ended.

    Attributes:
        number: within its study, from 0.
        state: as MLflow calls it: FINISHED, KILLED (pruned) or FAILED.
        values: what was tried, by key.
        scores: epoch -> the best score so far.
        score: its own; None where it was pruned or failed.
        times_ms: when it began and ended, since 1970.
    """

    number: int
    state: str
    values: dict[str, Any]  # of any type the config has
    scores: dict[int, float]
    score: float | None
    times_ms: tuple[int, int]


def settle_study(config: Config, own: str, data_version: str) -> tuple[str, str]:
    """The study that a run works on, made where it does not exist, and what a person is to know.

    With ``tuning.study`` it is that one, whichever run began it. Where what its trials depend on
    has changed since, their scores cannot be compared with new ones: the run works on a study
    beside it, named after the change, which begins with its best values.

    Args:
        config: of the run.
        own: the run's own study, for a config that names none.
        data_version: of the photos.
    """
    facts = study_facts(config, data_version)
    name, note = config.tuning.study or own, ""
    with study_lock(config.stores.tuning):
        storage = open_storage(config.stores.tuning)
        noted = _noted(storage, name)
        changed = describe_changes(noted or {}, facts)
        if config.tuning.study and changed:
            beside = f"{name}-{_digest(facts)}"
            note = (
                f"study {name} was begun with {changed}. Its scores cannot be compared with new "
                f"ones: this run works on the study {beside}"
            )
            name = beside
            noted = _noted(storage, name)
        if noted is None:
            _create(config, name, storage, facts)
        elif not noted:
            note = (
                f"study {name} was begun by a release that did not note its settings: whether the "
                "space, the metric or the photos have changed since is not known"
            )
    return name, note


def study_facts(config: Config, data_version: str) -> dict[str, str]:
    """What a trial's score depends on besides its values: dotted key -> value as JSON."""
    tree = config.of_the_training()
    kept: dict[str, Any] = {"data version": data_version, "seed": config.seed}
    for section in ("split", "model", "augmentation", "training"):
        kept |= {f"{section}.{name}": value for name, value in tree[section].items()}
    # Only how the photos are split depends on it, and that they look alike is of the data.
    kept["data.classes"] = list(config.data.classes)
    kept |= {f"evaluation.{name}": tree["evaluation"][name] for name in SCORING}
    kept |= {f"tuning.{name}": tree["tuning"][name] for name in ("epochs", "photos", "conditions")}
    kept |= {f"tuning.space.{key}": value for key, value in tree["tuning"]["space"].items()}
    ignored = {*config.tuning.space, *FIXED} - {
        "model.min_side_px", "model.max_side_px", "training.choose_by",
    }  # fmt: skip
    return {
        key: json.dumps(value, sort_keys=True) for key, value in kept.items() if key not in ignored
    }


def describe_changes(before: dict[str, str], now: dict[str, str]) -> str:
    """What differs between two ``study_facts``, for people; empty where nothing does.

    A key that one of them lacks is of another release, and no change, but for the space.
    """
    lines = [
        f"{key} {before.get(key, 'not in it')} (now {now.get(key, 'not in it')})"
        for key in {**before, **now}
        if before.get(key) != now.get(key)
        and ((key in before and key in now) or key.startswith("tuning.space."))
    ]
    more = [f"{len(lines) - MOST_SHOWN} more"] if len(lines) > MOST_SHOWN else []
    return ", ".join([*lines[:MOST_SHOWN], *more]) if before else ""


def _create(config: Config, name: str, storage: RDBStorage, facts: dict[str, str]) -> None:
    study = optuna.create_study(
        study_name=name, storage=storage, direction="maximize", pruner=make_pruner(config.tuning)
    )
    study.set_user_attr(CONFIG_NAME, config.name)
    study.set_user_attr(FACTS, facts)


def _noted(storage: RDBStorage, name: str) -> dict[str, str] | None:
    """The facts of a study; empty where none were noted, None where there is no such study."""
    try:
        study_id = storage.get_study_id_from_name(name)
    except KeyError:
        return None
    facts: dict[str, str] = storage.get_study_user_attrs(study_id).get(FACTS, {})
    return facts


def _digest(facts: dict[str, str]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:8]
