"""The learning rate, step by step: as Sparrow's schedules say, and as PyTorch's classes do."""

from __future__ import annotations

import math

import pytest
import torch
from torch.optim import lr_scheduler

from sparrow.config import ConfigError, TrainingConfig
from sparrow.training.optimizer import make_optimizer
from sparrow.training.schedule import FAMILY, lr_scale, make_schedule

STEPS, EPOCHS = 3, 4
RATE = 0.1


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


def started(name, **parameters):
    """A network of one weight with its optimizer and its schedule."""
    config = TrainingConfig(
        epochs=EPOCHS, optimizer="SGD", optimizer_parameters={"momentum": 0.9},
        learning_rate=RATE, schedule=name, schedule_parameters=parameters,
    )  # fmt: skip
    network = torch.nn.Linear(1, 1, bias=False)
    optimizer = make_optimizer(network, config)
    return network, optimizer, make_schedule(config, optimizer, STEPS * EPOCHS)


def rates(parts, scores, losses=(1.0,) * EPOCHS):
    """The rate of every step, while the network learns."""
    network, optimizer, schedule = parts
    used = []
    for score, loss in zip(scores, losses, strict=False):
        for _ in range(STEPS):
            optimizer.zero_grad()
            network(torch.ones(1, 1)).sum().backward()
            used.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.after_step()
        schedule.after_epoch(loss, score)
    return used


def by_hand(kind, per_step, **parameters):
    """The same with PyTorch's class alone."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], RATE, momentum=0.9)
    schedule, used = kind(optimizer, **parameters), []
    for _ in range(EPOCHS):
        for _ in range(STEPS):
            used.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            if per_step and len(used) < STEPS * EPOCHS:
                schedule.step()
        if not per_step:
            schedule.step()
    return used


@pytest.mark.parametrize(
    ("kind", "per_step", "given", "filled"),
    [
        (lr_scheduler.LinearLR, False, {}, {}),
        (lr_scheduler.StepLR, False, {"step_size": 2}, {}),
        (lr_scheduler.MultiStepLR, False, {"milestones": [1, 3]}, {}),
        (lr_scheduler.OneCycleLR, True, {}, {"max_lr": RATE, "total_steps": STEPS * EPOCHS}),
        (lr_scheduler.OneCycleLR, True, {"max_lr": 0.5, "total_steps": 99}, {}),
        (lr_scheduler.CyclicLR, True, {"base_lr": 0.1, "max_lr": 1.0, "step_size_up": 2}, {}),
    ],
)
def test_a_class_means_what_it_means_in_pytorch(kind, per_step, given, filled):
    used = rates(started(kind.__name__, **given), [0.5] * EPOCHS)
    assert used == by_hand(kind, per_step, **given, **filled)


def test_linear_lr_rises_where_linear_falls():
    # PyTorch's begins at a third and is at the full rate after five epochs.
    assert rates(started("LinearLR"), [0.5])[0] == pytest.approx(RATE / 3)
    assert lr_scale(0, STEPS, TrainingConfig(schedule="linear", warmup_fraction=0.0)) == 1


@pytest.mark.parametrize(
    ("mode", "scores", "losses", "expected"),
    [
        # Patience 0: a tenth of the rate after each epoch that is no better than the best before.
        ("max", [0.5, 0.4, 0.6, 0.6], [9.0] * 4, [1, 1, 0.1, 0.1]),
        ("min", [0.5] * 4, [3.0, 2.0, 2.5, 2.6], [1, 1, 1, 0.1]),
    ],
)
def test_a_plateau_is_of_the_loss_or_of_the_score(mode, scores, losses, expected):
    used = rates(started("ReduceLROnPlateau", mode=mode, patience=0), scores, losses)
    assert used[::STEPS] == pytest.approx([RATE * factor for factor in expected])


def test_a_cycle_that_ends_before_the_training_is_refused():
    with pytest.raises(ConfigError, match="ends after 5 steps and the training has 12"):
        started("OneCycleLR", total_steps=5)
    with pytest.raises(ConfigError, match="ends after 6 steps"):
        started("OneCycleLR", epochs=2, steps_per_epoch=3)


PARAMETERS = {
    "StepLR": {"step_size": 1}, "ConstantLR": {"total_iters": 2}, "CosineAnnealingLR": {"T_max": 3},
    "CosineAnnealingWarmRestarts": {"T_0": 2}, "ExponentialLR": {"gamma": 0.7},
    "MultiStepLR": {"milestones": [1, 3]}, "CyclicLR": {"base_lr": 0.1, "max_lr": 1.0},
    "SequentialLR": {"schedulers": ["LinearLR", {"StepLR": {"step_size": 1}}], "milestones": [2]},
    "ChainedScheduler": {"schedulers": ["LinearLR", {"ExponentialLR": {"gamma": 0.9}}]},
    "ReduceLROnPlateau": {"patience": 0},
}  # fmt: skip


@pytest.mark.parametrize("name", FAMILY.names())
def test_a_schedule_goes_on_from_its_state(name, tmp_path):
    losses = [1.0, 2.0, 0.5, 0.6]  # a plateau before the stop, and one after it
    whole = started(name, **PARAMETERS.get(name, {}))
    expected = rates(whole, [0.5] * EPOCHS, losses)
    half = started(name, **PARAMETERS.get(name, {}))
    before = rates(half, [0.5] * 2, losses[:2])
    torch.save([half[1].state_dict(), half[2].state_dict()], tmp_path / "state")
    again = started(name, **PARAMETERS.get(name, {}))
    optimizer, schedule = torch.load(tmp_path / "state", weights_only=True)  # as a checkpoint is
    again[1].load_state_dict(optimizer)
    again[2].load_state_dict(schedule)
    assert [*before, *rates(again, [0.5] * 2, losses[2:])] == expected
    assert len(set(expected)) > 1
