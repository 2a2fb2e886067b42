"""The loop learns, repeats itself to the bit, survives being stopped, and says what broke it."""

from __future__ import annotations

import math
from dataclasses import asdict, replace

import pytest
import torch
from safetensors.torch import load_file

from sparrow.config import AugmentationConfig
from sparrow.evaluation.validation import ThresholdScore
from sparrow.training.loop import TrainingHooks, train
from sparrow.training.task import TrainingError

pytestmark = pytest.mark.slow  # all of the file together

NO_CHANGES = AugmentationConfig(probability=0.0)


NOTHING = ThresholdScore(0.0, 0.0, 0.0, 0.5)  # the score of a detector that finds nothing


def _unscored(task):
    """The task without random changes and without the time its validation takes."""
    return replace(
        task,
        validation=task.validation.first(1),
        score=lambda found: NOTHING,
        augmentation=NO_CHANGES,
    )


def numbers(result):
    """The history without what a clock says."""
    clocks = ("train_seconds", "validation_seconds", "photos_per_second")
    return [{k: v for k, v in asdict(r).items() if k not in clocks} for r in result.history]


class StopError(Exception):
    """Stands for the kill in the middle of a training."""


def test_no_photos(task, fresh, config):
    empty = replace(task, photos=task.photos.first(0))
    with pytest.raises(TrainingError, match="no training photo"):
        train(fresh(), empty)


def test_the_loss_falls(task, fresh, config):
    longer = config.training.model_copy(update={"epochs": 6, "ema_decay": 0.0})
    seen = []
    hooks = TrainingHooks(on_batch=lambda *at: seen.append(at))
    result = train(fresh(), replace(_unscored(task), training=longer), hooks=hooks)
    assert all(math.isfinite(record.loss) for record in result.history)
    # Bird or not, anchor or not: two questions with two answers, so each loss starts near ln 2.
    # (The losses of the boxes rise first, while more and more of them are looked at.)
    sure = [r.losses["loss_classifier"] + r.losses["loss_objectness"] for r in result.history]
    assert sure[0] == pytest.approx(2 * math.log(2), abs=0.2)
    assert sure[-1] < 0.75 * sure[0]
    batches = seen[-1][2]
    assert seen == [(e, b, batches) for e in range(1, 7) for b in range(1, batches + 1)]
    assert result.weights_path is None  # no folder, nothing kept


def test_a_stopped_training_goes_on_to_the_same_bits(trained, task, fresh, config, tmp_path):
    def stop(history):
        raise StopError

    with pytest.raises(StopError):
        train(fresh(), task, tmp_path, TrainingHooks(stop))
    assert (tmp_path / "checkpoint.pt").exists()
    torch.rand(7)  # another process would have another generator
    epochs = []
    note = TrainingHooks(lambda history: epochs.append(history[-1].epoch))
    resumed = train(fresh(), task, tmp_path, note)
    assert epochs == [2]  # the first is not repeated
    assert numbers(resumed) == numbers(trained)
    assert resumed.best.epoch == trained.best.epoch
    ours, theirs = load_file(resumed.weights_path), load_file(trained.weights_path)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    # The network that trains on (the average is what is scored) and the optimizer agree as well.
    states = [
        torch.load(path / "checkpoint.pt", weights_only=True)
        for path in (tmp_path, trained.weights_path.parent)
    ]
    for key in ("model", "ema"):
        assert all(torch.equal(states[0][key][n], states[1][key][n]) for n in states[0][key])
    moments = [state["optimizer"]["state"] for state in states]
    assert all(
        torch.equal(moments[0][i][name], moments[1][i][name])
        for i in moments[0]
        for name in moments[0][i]
    )


def test_a_finished_training_is_not_repeated(trained, task, fresh, config):
    again = train(fresh(), task, trained.weights_path.parent, TrainingHooks(pytest.fail))
    assert again.history == trained.history


def test_the_kept_weights_are_the_best_epochs_average(trained):
    state = torch.load(trained.weights_path.parent / "checkpoint.pt", weights_only=True)
    kept = load_file(trained.weights_path)
    average = {
        name.removeprefix("module."): value
        for name, value in state["ema"].items()
        if name != "n_averaged"
    }
    assert kept.keys() == average.keys()
    last_is_best = trained.best.epoch == len(trained.history)
    assert last_is_best == all(torch.equal(kept[name], average[name]) for name in kept)


def test_a_loss_that_is_not_finite_names_its_photos(task, fresh, config):
    model = fresh()
    with torch.no_grad():
        next(model.roi_heads.box_predictor.parameters()).fill_(math.nan)
    with pytest.raises(TrainingError, match="loss is not finite") as broken:
        train(model, replace(task, augmentation=NO_CHANGES))
    message = str(broken.value)
    assert sum(name in message for name in task.photos.images) in range(1, 5)  # one batch
    assert "loss_classifier nan" in message
    assert "training.learning_rate" in message


def test_a_loss_that_breaks_later_ends_training_with_what_it_had(task, fresh, config, tmp_path):
    few = replace(_unscored(task), photos=task.photos.first(2))
    model = fresh()

    def spoil(history):
        with torch.no_grad():
            next(model.roi_heads.box_predictor.parameters()).fill_(math.nan)

    training = config.training.model_copy(update={"epochs": 3, "ema_decay": 0.0})
    few = replace(few, training=training)
    result = train(model, few, tmp_path, TrainingHooks(spoil))
    assert len(result.history) == 1
    assert "not finite" in result.stopped
    assert any(f"{name} with boxes [[" in result.stopped for name in few.photos.images)
    assert "Epoch 1 is the best" in result.stopped
    assert all(value.isfinite().all() for value in load_file(result.weights_path).values())
    # What was kept can be gone on from, once what broke it is gone.
    again = train(fresh(), few, tmp_path)
    assert [len(again.history), again.stopped] == [3, None]


def test_photos_prepared_by_another_process_are_the_same(task, fresh, config):
    few = replace(_unscored(task), photos=task.photos.first(3), augmentation=config.augmentation)
    training = config.training.model_copy(update={"epochs": 1, "batch_size": 2})
    ahead = training.model_copy(update={"workers": 1})
    results = [train(fresh(), replace(few, training=each)) for each in (training, ahead)]
    assert numbers(results[0]) == numbers(results[1])


@pytest.mark.parametrize(  # AdamW goes first, above
    ("optimizer", "schedule"), [("sgd", "cosine"), ("RMSprop", "OneCycleLR")]
)
def test_every_optimizer_goes_on_from_its_state(optimizer, schedule, task, fresh, config, tmp_path):
    few = replace(_unscored(task), photos=task.photos.first(2))
    training = config.training.model_copy(
        update={"epochs": 2, "optimizer": optimizer, "schedule": schedule, "ema_decay": 0.0,
                "batch_size": 1}
    )  # fmt: skip
    few = replace(few, training=training)
    whole = train(fresh(), few, _folder(tmp_path / "whole"))
    half = _folder(tmp_path / "half")

    def stop(history):
        raise StopError

    with pytest.raises(StopError):
        train(fresh(), few, half, TrainingHooks(stop))
    resumed = train(fresh(), few, half)
    assert numbers(resumed) == numbers(whole)
    states = [
        torch.load(place / "checkpoint.pt", weights_only=True)["model"]
        for place in (tmp_path / "whole", half)
    ]
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def _folder(path):
    path.mkdir()
    return path


def test_patience(task, fresh, config):
    # Nothing is ever found better than the first epoch, so one epoch of patience ends it at two.
    few = replace(_unscored(task), photos=task.photos.first(2))
    training = config.training.model_copy(update={"epochs": 9, "patience_epochs": 1})
    result = train(fresh(), replace(few, training=training))
    assert len(result.history) == 2
    assert result.best.epoch == 1  # of equals, the first
