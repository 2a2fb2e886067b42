"""A training that goes on from another's checkpoint: same bits as one that was longer."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file

from sparrow.config import AugmentationConfig
from sparrow.evaluation.validation import ThresholdScore
from sparrow.training.checkpoint import CHECKPOINT, CheckpointError
from sparrow.training.continuation import epochs_of, take_over
from sparrow.training.loop import TrainingHooks, train


class StopError(Exception):
    """Stands for the kill after an epoch."""


@pytest.mark.slow
def test_two_epochs_and_two_more_are_four(task, fresh, config, tmp_path):
    settings = config.training.model_copy(
        update={"optimizer": "RMSprop", "schedule": "StepLR", "batch_size": 1, "epochs": 1,
                "schedule_parameters": {"step_size": 1}, "ema_decay": 0.0}
    )  # fmt: skip
    few = replace(
        task, photos=task.photos.first(2), validation=task.validation.first(1),
        score=lambda _: ThresholdScore(0.0, 0.0, 0.0, 0.5), augmentation=AugmentationConfig(),
    )  # fmt: skip

    def lasting(epochs):
        return replace(few, training=settings.model_copy(update={"epochs": epochs}))

    before, after, whole = (tmp_path / name for name in ("before", "after", "whole"))
    for folder in (before, after, whole):
        folder.mkdir()
    train(fresh(), lasting(1), before)
    kept = {path.name: path.read_bytes() for path in before.iterdir()}
    more = replace(few, training=settings.model_copy(update={"epochs": 2, "continue_from": "1"}))
    take_over(before, after, more)
    assert epochs_of(after) == 1

    def stop(history):
        raise StopError

    with pytest.raises(StopError):
        train(fresh(), more, after, TrainingHooks(stop))
    take_over(before, after, more)  # resumed: its own checkpoint stays
    continued = train(fresh(), more, after)
    longer = train(fresh(), lasting(3), whole)
    assert [record.epoch for record in continued.history] == [1, 2, 3]
    rates = [[record.learning_rate for record in r.history] for r in (continued, longer)]
    assert rates[0] == rates[1] == pytest.approx([0.001, 0.0001, 0.00001])
    states = [torch.load(f / CHECKPOINT, weights_only=True)["model"] for f in (after, whole)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
    assert continued.best.epoch == 1  # of before: none since is better
    assert load_file(continued.weights_path)
    assert {path.name: path.read_bytes() for path in before.iterdir()} == kept


def test_a_damaged_checkpoint_is_not_taken_over(tmp_path, task):
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    after.mkdir()
    (before / CHECKPOINT).write_bytes(b"not a checkpoint")
    with pytest.raises(CheckpointError):
        take_over(before, after, task)
    assert list(after.iterdir()) == []
    shutil.rmtree(before)
    assert epochs_of(after) == 0
