"""Which steps a run takes over: 200 random pairs of changes against a table, and each reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparrow.config import Config, ConfigError, load_config, with_values
from sparrow.pipeline.data_state import ASSIGNMENTS, NEW, NOTHING, RAW
from sparrow.pipeline.stages import CHAMPION, STAGES
from sparrow.pipeline.step_record import (
    MISSING,
    Now,
    StepRecord,
    first_difference,
    installed_packages,
    values_of,
)

ROOT = Path(__file__).resolve().parents[2]
STEPS = [step for stage in STAGES for step in stage.steps]
DATA = {RAW: "1", NEW: NOTHING, ASSIGNMENTS: "2"}
DEMO = load_config(ROOT / "configs" / "demo.yaml")


@pytest.fixture(autouse=True)
def away_from_the_clone(tmp_path, monkeypatch):
    """A clone in which the demo was trained has a champion."""
    monkeypatch.chdir(tmp_path)


# The first step that must run where a key has changed, by its longest prefix; ``promote`` runs in
# any case. Written from what the steps do, not from ``STAGES``.
MUST_RUN = {
    "name": "split",  # whose the split's tables are
    "seed": "split",
    "data": "check_data",  # which photos and boxes are legal
    "data.new": "ingest",
    "data.label_error_score": "ingest",  # the page about new photos
    "data.rejected": "promote",
    "data.prepared": "promote",  # a cache
    "data.generate": "promote",  # the photos are there already
    "checks": "ingest",  # limits of new photos against the set, and of the split
    "split": "split",
    "model": "tune",
    "augmentation": "tune",
    "training": "tune",
    "tuning": "tune",
    "tuning.workers": "explore",  # it says how many workers tune
    "evaluation": "evaluate",
    "evaluation.beta": "tune",
    "evaluation.iou": "tune",
    "evaluation.min_score": "tune",
    "promotion": "promote",
    "monitoring": "promote",
    "storage": "promote",
    "service": "promote",
    "service.threads": "evaluate",  # how fast it counts is measured as it will be served
    "service.workers": "evaluate",
    "stores": "promote",
    "stores.tracking": "train",  # the training's MLflow run must be in the store
    "stores.tuning": "tune",  # and the study in its own
}


def must_run(key: str) -> str:
    parts = key.split(".")
    prefixes = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return next(MUST_RUN[prefix] for prefix in prefixes if prefix in MUST_RUN)


def leaves(tree: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in tree.items():
        key = f"{before}{name}"
        if isinstance(value, dict) and name not in ("space", "conditions", "generate"):
            found |= leaves(value, f"{key}.")
        else:
            found[key] = value
    return found


def other_values(value: Any) -> list[Any]:
    """Some that may be legal in the value's place."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1, value - 1, 2 * value]
    if isinstance(value, float):
        return [value * 0.9, value / 2 + 0.2, value + 1]
    if isinstance(value, list):
        more: list[Any] = [["sparrow", "wren"], ["size-ratio"], ["10.0.0.1"], [3, 11]]
        return [*more, value[:-1], [*value, value[-1]] if value else ["x"], [0.9, 1.1], [*value, 2]]
    names = ["x", "sgd", "adam", "constant", "step", "none", "cpu", "0.1", "median", "equal_recall"]
    names += ["ap", "random", "train", "/sparrow", "fasterrcnn_resnet50_fpn"]
    return [*names, ["CC0"], [3, 9], {"photos": 7}, {}, 1, 2, 0.5, 0.4, 0.3]


def changed(key: str, value: Any) -> Config | None:
    for other in other_values(value):
        try:
            config = with_values(DEMO, {key: other})
        except ConfigError:
            continue
        if not LEAVES.items() <= leaves(config.model_dump(mode="json")).items():
            return config
    return None


LEAVES = leaves(DEMO.model_dump(mode="json"))
LEAVES.pop("cluster")  # where steps run; none of them reads it, and --set is refused for it
CHANGES = {
    key: leaves(config.model_dump(mode="json"))[key]
    for key, value in LEAVES.items()
    if (config := changed(key, value)) is not None
}


def now(config: Config, **other: Any) -> Now:
    return replace(Now(config, {step: {"a.py": "1"} for step in STEPS}, "p", DATA), **other)


def records(config: Config, **other: Any) -> dict[str, StepRecord]:
    made = {}
    for stage in STAGES:
        for step in stage.steps:
            keys, data = values_of(config, stage.keys), DATA if stage.touches_data else {}
            made[step] = StepRecord(step, "7", "runs/7", keys, {"a.py": "1"}, "p", data, **other)
    return made


def runs_from(number: int) -> str:
    return STAGES[number].steps[0] if number < len(STAGES) else "promote"


def test_nothing_recorded_is_nothing_taken() -> None:
    difference = first_difference({}, now(DEMO))
    assert difference.stage == 0
    assert "no earlier run has finished start" in difference.reason


def test_the_same_again_takes_all() -> None:
    assert first_difference(records(DEMO), now(DEMO)).reason == "nothing changed"


def test_nearly_every_key_can_be_changed_here() -> None:
    """What follows speaks of these; keys whose only other values need files are left out."""
    assert len(CHANGES) >= 0.9 * len(LEAVES), sorted(set(LEAVES) - set(CHANGES))


tried: list[tuple[str, str]] = []


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(sorted(CHANGES)), min_size=1, max_size=3, unique=True))
def _a_pair(keys: list[str]) -> None:
    try:
        other = with_values(DEMO, {key: CHANGES[key] for key in keys})
    except ConfigError:  # two changes that exclude each other
        return
    order = [*STEPS, "promote"]
    expected = min((must_run(key) for key in keys), key=order.index)
    actual = runs_from(first_difference(records(DEMO), now(other)).stage)
    assert order.index(actual) <= order.index(expected), f"{keys}: too few steps run"
    tried.append((expected, actual))


def test_of_200_pairs_none_runs_too_few_steps_and_hardly_one_too_many() -> None:
    tried.clear()
    _a_pair()
    too_many = [pair for pair in tried if pair[0] != pair[1]]
    assert len(tried) >= 150
    assert len(too_many) <= 0.02 * len(tried), too_many


@pytest.mark.parametrize("key", sorted(CHANGES))
def test_each_key_by_itself(key: str) -> None:
    other = with_values(DEMO, {key: CHANGES[key]})
    difference = first_difference(records(DEMO), now(other))
    assert runs_from(difference.stage) == must_run(key)
    if must_run(key) != "promote":
        assert key in difference.reason


def test_a_changed_file_runs_the_first_step_that_calls_it() -> None:
    code = {step: {"a.py": "1"} for step in STEPS} | {"train": {"a.py": "2", "b.py": "1"}}
    difference = first_difference(records(DEMO), now(DEMO, code=code))
    assert difference.reason == "train runs again: a.py and 1 more files changed"


def test_other_packages_run_everything() -> None:
    difference = first_difference(records(DEMO), now(DEMO, packages="q"))
    assert difference.reason == "start runs again: other packages are installed"


def test_a_key_read_though_undeclared_counts() -> None:
    recorded = records(DEMO)
    train = recorded["train"]
    recorded["train"] = replace(train, keys={**train.keys, "monitoring.windows": 99})
    assert "train runs again: monitoring.windows" in first_difference(recorded, now(DEMO)).reason


def test_a_key_that_a_later_release_dropped_counts() -> None:
    recorded = records(DEMO)
    recorded["split"] = replace(recorded["split"], keys={"split.gone": 1})
    difference = first_difference(recorded, now(DEMO))
    assert difference.reason == f"split runs again: split.gone was 1, is {MISSING!r}"


@pytest.mark.parametrize(
    ("data", "step", "why"),
    [
        ({RAW: "9"}, "check_data", "data/demo/raw changed"),
        ({NEW: "9"}, "ingest", "data/demo/new holds new photos"),
        ({ASSIGNMENTS: "9"}, "split", "the split assignments changed"),
        ({RAW: "9", NEW: "9"}, "check_data", "data/demo/raw changed"),
    ],
)
def test_other_data_runs_what_touches_it(data: dict[str, str], step: str, why: str) -> None:
    difference = first_difference(records(DEMO), now(DEMO, data={**DATA, **data}))
    assert difference.reason == f"{step} runs again: {why}"


def test_data_that_an_ingest_merged_is_the_data_it_left() -> None:
    """The check saw the set before the merge; nothing has changed since the run all the same."""
    recorded = records(DEMO)
    recorded["check_data"] = replace(recorded["check_data"], data={**DATA, RAW: "0", NEW: "new"})
    assert first_difference(recorded, now(DEMO)).reason == "nothing changed"


def test_data_as_before_the_merge_is_checked_no_second_time_and_merged_again() -> None:
    recorded = records(DEMO)
    before = {RAW: "0", NEW: "new", ASSIGNMENTS: NOTHING}
    recorded["check_data"] = replace(recorded["check_data"], data=before)
    difference = first_difference(recorded, now(DEMO, data=before))
    assert runs_from(difference.stage) == "ingest"


def test_the_candidate_that_became_champion_changes_nothing_for_itself(tmp_path: Path) -> None:
    config = with_values(DEMO, {"stores.champion": str(tmp_path)})
    recorded = records(config)  # evaluated when there was none
    evaluate = recorded["evaluate"]
    (tmp_path / "model.json").write_text("{}")
    own = values_of(config, [CHAMPION])[CHAMPION]
    recorded["evaluate"] = replace(evaluate, files={"model/model.json": own})
    assert first_difference(recorded, now(config)).reason == "nothing changed"
    (tmp_path / "model.json").write_text("another")
    assert "evaluate runs again: the champion" in first_difference(recorded, now(config)).reason


def test_the_lock_and_the_python_make_the_packages(tmp_path: Path) -> None:
    lock = tmp_path / "requirements.lock"
    without = installed_packages(lock)
    (tmp_path / "other.lock").write_text("torch==1")
    assert without != installed_packages(tmp_path / "other.lock")
