"""Learning rates step by step."""

from __future__ import annotations

import math

import pytest
import torch

from sparrow.config import TrainingConfig
from sparrow.training.optimizer import lr_scale, make_ema


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        # Ten steps an epoch, four epochs, no warm-up; at steps 0, 10, 20, 30.
        ("none", [1, 1, 1, 1]),
        ("linear", [1, 0.75, 0.5, 0.25]),
        ("cosine", [1, 0.5 + math.sqrt(0.125), 0.5, 0.5 - math.sqrt(0.125)]),  # cos 45° = √½
        ("step", [1, 1, 0.1, 0.1]),  # a tenth after every two epochs
    ],
)
def test_schedules(schedule, expected):
    config = TrainingConfig(
        epochs=4, schedule=schedule, warmup_fraction=0.0, step_epochs=2, gamma=0.1
    )
    assert [lr_scale(step, 10, config) for step in (0, 10, 20, 30)] == pytest.approx(expected)


def test_warm_up_rises_to_the_full_rate():
    config = TrainingConfig(epochs=4, schedule="cosine", warmup_fraction=0.1)  # 4 of 40 steps
    factors = [lr_scale(step, 10, config) for step in range(40)]
    assert factors[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert factors[4:] == sorted(factors[4:], reverse=True)
    assert 0 < factors[-1] < 0.01


def test_one_step_has_a_rate():
    for schedule in ("none", "linear", "cosine", "step"):
        config = TrainingConfig(epochs=1, schedule=schedule, warmup_fraction=0.9)
        assert 0 < lr_scale(0, 1, config) <= 1


def test_the_average_starts_short_and_grows_to_its_decay():
    layer = torch.nn.Linear(1, 1, bias=False)
    ema = make_ema(layer, TrainingConfig(ema_decay=0.2))
    assert ema is not None
    found = []
    for value in (0.0, 1.0, 1.0):
        torch.nn.init.constant_(layer.weight, value)
        ema.update_parameters(layer)
        found.append(ema.module.weight.item())
    # The first value is taken as it is; then a decay of 2/11; then 3/12, of which 0.2 is allowed.
    assert found == pytest.approx([0.0, 9 / 11, 0.2 * 9 / 11 + 0.8])


def test_no_decay_no_average():
    assert make_ema(torch.nn.Linear(1, 1), TrainingConfig(ema_decay=0.0)) is None
