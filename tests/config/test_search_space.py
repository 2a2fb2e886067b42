"""What a search space may say: whatever no trial could use is refused when the config is read."""

from __future__ import annotations

import pytest

from sparrow.config import (
    ConfigError,
    NumberRange,
    load_config,
    make_config,
    parse_config,
    with_overrides,
)
from sparrow.config.search_space import holds

RATE, MOMENTUM = "training.learning_rate", "training.momentum"


def refused(space: str, conditions: str = "{}", rest: str = "") -> str:
    with pytest.raises(ConfigError) as error:
        parse_config(f"{rest}\ntuning: {{space: {space}, conditions: {conditions}}}")
    return str(error.value)


def test_an_empty_space_and_those_that_come_along():
    assert parse_config("tuning: {space: {}, conditions: {}}").tuning.space == {}
    for name in ("demo", "own", "sparrow"):
        assert load_config(f"configs/{name}.yaml").tuning.space


@pytest.mark.parametrize(
    "key",
    [
        "seed", "name", "stores.runs", "stores.tracking", "data.root", "data.near_duplicate_bits",
        "service.threads", "tuning.trials", "evaluation.beta", "promotion.min_f_beta",
        "split.test_fraction", "monitoring.window_photos", "training.epochs", "training.device",
        "training.workers", "training.threads", "training.world_size", "model.min_side_px",
        "model.max_side_px", "training", "model",
    ],
)  # fmt: skip
def test_keys_that_change_no_trial(key):
    for values in ("[1, 2]", "{low: 1, high: 2, integer: true}"):
        assert f"tuning.space.{key}: cannot be tuned: " in refused(f"{{{key}: {values}}}")


@pytest.mark.parametrize("key", ["training.rate", "trainin.epochs", "x", "training.momentum.x"])
def test_keys_that_are_not_there(key):
    assert f"unknown key '{key}'" in refused(f"{{{key}: [1]}}")


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        ("{low: 0.1, high: 0.01}", ["found low 0.1 and high 0.01", "low below high"]),
        ("{low: 0.1, high: 0.1}", ["low below high"]),
        ("{low: 0.0, high: 0.1, log: true}", ["with log: true", "low above 0"]),
        ("{low: -1.0, high: 0.1, log: true}", ["low above 0"]),
        ("{low: 0.1, high: 0.5, step: 0.0}", ["found step 0", "at most high - low = 0.4"]),
        ("{low: 0.1, high: 0.5, step: -0.1}", ["found step -0.1"]),
        ("{low: 0.1, high: 0.5, step: 0.5}", ["found step 0.5"]),
        ("{low: 0.1, high: 0.5, step: 0.3}", ["misses high", "such as high 0.4"]),
        ("{low: 0.1, high: 0.5, step: 0.1, log: true}", ["step 0.1 with log: true"]),
        ("{low: 1.5, high: 3, integer: true}", ["integer: true", "whole numbers"]),
        ("{low: 1, high: 2.5, integer: true}", ["whole numbers"]),
        ("{low: 1, high: 4, step: 1.5, integer: true}", ["found step 1.5", "a whole number"]),
        ("[]", ["found an empty list"]),
        ("[0.1, 0.2, 0.1]", ["found 0.1 twice"]),
        ("[0.1, -0.2]", ["found -0.2", "greater than 0"]),
        ("[0.1, '0.2']", ['found "0.2"', "valid number"]),
        ("[0.1, true]", ["found true", "valid number"]),
        ("[0.1, null]", ["found null", "valid number"]),
        ("{low: -0.5, high: 0.5}", ["found -0.5", "greater than 0"]),
        ("{low: .nan, high: 0.5}", ["finite"]),
        ("{low: 0.1, high: .inf}", ["finite"]),
        ("0.1", ["training.learning_rate"]),
        ("{low: 0.1}", ["high", "required"]),
    ],
)
def test_ranges_and_choices_that_make_no_sense(values, parts):
    told = refused(f"{{{RATE}: {values}}}")
    for part in (f"tuning.space.{RATE}", *parts):
        assert part in told


@pytest.mark.parametrize(
    ("key", "values", "part"),
    [
        ("training.batch_size", "{low: 1, high: 8}", "says integer: true"),
        ("training.batch_size", "{low: 0, high: 8, integer: true}", "found 0"),
        ("training.batch_size", "[4, 8.5]", "found 8.5"),
        ("training.momentum", "{low: 0.5, high: 1.0}", "found 1.0"),
        ("training.optimizer", "[sgd, adamm]", 'found "adamm"'),
        ("training.optimizer", "{low: 0, high: 1}", "found 0.0"),
        ("training.schedule", "[step, null]", "found null"),
        ("model.freeze_batch_norm", "[true, 1]", "found 1"),
        ("model.freeze_batch_norm", "{low: 0, high: 1, integer: true}", "found 0"),
        ("model.anchor_sizes_px", "[32, 64]", "found 32"),
        ("model.box_nms_iou", "{low: 0.3, high: 1.3}", "found 1.3"),
        ("augmentation.blur", "[0.0, 2.0]", "found 2.0"),
        ("augmentation.scale_range", "[0.5]", "found 0.5"),
    ],
)
def test_values_that_the_key_does_not_take(key, values, part):
    told = refused(f"{{{key}: {values}}}")
    assert f"tuning.space.{key}: " in told
    assert part in told


def test_two_keys_that_no_detector_has_together():
    choices = "model.architecture: [fasterrcnn_mobilenet_v3_large_fpn, fcos_resnet50_fpn]"
    for key, low, high in (
        ("model.rpn_pre_nms_top_n", 100, 300),
        ("model.rpn_batch_size_per_image", 64, 256),
        ("model.box_batch_size_per_image", 16, 32),
    ):
        space = f"{{{choices}, {key}: {{low: {low}, high: {high}, integer: true}}}}"
        told = refused(space)
        assert f"{key} = {low}" in told
        assert "a condition can keep them apart" in told
        when = f"{{{key}: {{model.architecture: fasterrcnn_mobilenet_v3_large_fpn}}}}"
        assert parse_config(f"tuning: {{space: {space}, conditions: {when}}}").tuning.space


@pytest.mark.parametrize(
    ("conditions", "parts"),
    [
        ("{training.momentum: {training.optimiser: sgd}}", ["there is no key training.optimiser"]),
        ("{training.momentum: {training: sgd}}", ["there is no key training;"]),
        # A typo that no config could have, and a value that this space does not give.
        ("{training.momentum: {training.schedule: cosin}}", ['"cosin"', "'cosine'"]),
        ("{training.momentum: {training.optimizer: adamw}}", ['"adamw"', 'one of "sgd", "adam"']),
        ("{training.momentum: {training.batch_size: 5}}", ["found 5", "2 to 8 in steps of 2"]),
        ("{training.momentum: {training.batch_size: 10}}", ["found 10", "2 to 8"]),
        ("{training.momentum: {training.momentum: 0.5}}", ["in a circle"]),
        ("{training.momentum: {training.batch_size: 4}, training.batch_size: "
         "{training.momentum: 0.5}}", ["in a circle"]),
        ("{training.momentum: {training.optimizer: sgd}, training.optimizer: {training.batch_size: "
         "2}, training.batch_size: {training.momentum: 0.5}}", ["in a circle"]),
    ],
)  # fmt: skip
def test_conditions_that_make_no_sense(conditions, parts):
    told = refused(
        "{training.optimizer: [sgd, adam], training.momentum: {low: 0.0, high: 0.9}, "
        "training.batch_size: {low: 2, high: 8, step: 2, integer: true}}",
        conditions,
    )
    for part in ("tuning.conditions", *parts):
        assert part in told


def test_a_condition_for_a_key_that_is_not_there():
    told = refused("{}", "{training.momentun: {training.optimizer: sgd}}")
    assert "unknown key 'training.momentun'" in told


def test_conditions_on_keys_of_every_type():
    conditions = {
        "training.momentum": {"model.freeze_batch_norm": True},
        "training.gamma": {"training.batch_size": 4},
        "training.ema_decay": {"training.patience_epochs": None},
    }
    space = {key: {"low": 0.1, "high": 0.5} for key in conditions}
    config = make_config({"tuning": {"space": space, "conditions": conditions}})
    assert with_overrides(config, []).tuning.conditions == conditions


def test_every_fault_of_a_space_is_told_at_once():
    told = refused("{seed: [1], training.momentum: {low: 1, high: 0}, training.optimizer: []}")
    assert len(told.splitlines()) == 4


def test_an_override_is_held_to_the_same():
    config = parse_config("")
    with pytest.raises(ConfigError, match="low below high"):
        with_overrides(config, ["tuning.space={training.momentum: {low: 1, high: 0}}"])
    with pytest.raises(ConfigError, match=r"tuning\.space\.seed: cannot be tuned"):
        parse_config("", ["tuning.space={seed: [1]}"])


def test_what_a_model_was_made_with_still_opens():
    old = {"tuning": {"space": {"seed": [1, 2], RATE: {"low": 0.1, "high": 0.1}}}}
    assert make_config(old).tuning.space["seed"] == (1, 2)


@pytest.mark.parametrize(
    ("values", "inside", "outside"),
    [
        ({"low": 0.0, "high": 0.9, "step": 0.3}, (0, 0.3, 0.6, 0.9), (0.1, 0.31, 1.2, None, True)),
        ({"low": 1, "high": 7, "step": 2, "integer": True}, (1, 3, 7), (2, 8, 0, 2.5, "1")),
        ({"low": 1, "high": 3, "integer": True}, (1, 2, 3), (1.5, None)),
        ({"low": 0.1, "high": 1.0, "log": True}, (0.1, 0.55, 1), (0.0999, 1.01)),
    ],
)
def test_values_that_a_range_gives(values, inside, outside):
    numbers = NumberRange.model_validate(values)
    assert all(holds(numbers, value) for value in inside)
    assert not any(holds(numbers, value) for value in outside)


def test_true_is_no_number_one():
    assert holds((1, "a", None), 1.0)
    assert not holds((1, "a", None), True)
    assert not holds((True, False), 1)
