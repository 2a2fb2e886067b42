"""The optimizer a config names, and averaged weights."""

from __future__ import annotations

import pytest
import torch

from sparrow.config import TrainingConfig
from sparrow.training.optimizer import make_ema, make_optimizer


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


def test_the_short_names_are_what_they_were():
    layer = torch.nn.Linear(1, 1)
    config = TrainingConfig(learning_rate=0.5, weight_decay=0.25, momentum=0.125)
    expected = {
        "adamw": (torch.optim.AdamW, 0.25, None),
        "adam": (torch.optim.Adam, 0.25, None),
        "sgd": (torch.optim.SGD, 0.25, 0.125),
    }
    for name, (kind, decay, momentum) in expected.items():
        made = make_optimizer(layer, config.model_copy(update={"optimizer": name}))
        group = made.param_groups[0]
        assert type(made) is kind
        assert (group["lr"], group["weight_decay"]) == (0.5, decay)
        assert group.get("momentum") == momentum
        assert group["fused"]


def test_a_class_is_as_pytorch_has_it():
    layer = torch.nn.Linear(1, 1)
    config = TrainingConfig(
        optimizer="AdamW", learning_rate=0.5, optimizer_parameters={"betas": [0.5, 0.25]}
    )
    ours = make_optimizer(layer, config).param_groups[0]
    plain = torch.optim.AdamW(layer.parameters(), 0.5, betas=(0.5, 0.25)).param_groups[0]
    assert {**ours, "betas": tuple(ours["betas"])} == plain  # a weight decay of 0.01 with it


def test_what_does_not_learn_is_not_in_it():
    layer = torch.nn.Linear(1, 1)
    layer.bias.requires_grad_(False)
    made = make_optimizer(layer, TrainingConfig(optimizer="RMSprop"))
    assert [len(group["params"]) for group in made.param_groups] == [1]
