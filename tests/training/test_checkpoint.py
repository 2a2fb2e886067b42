"""A training goes on from what is whole and its own; everything else is set aside and said.

Most of it is shown with a network of a few numbers: what is written and read is the same.
"""

from __future__ import annotations

import math
import resource
import shutil
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from sparrow.config import TrainingConfig
from sparrow.regular_file import sha256_of
from sparrow.training.checkpoint import (
    BEST,
    CHECKPOINT,
    PREVIOUS_BEST,
    PREVIOUS_CHECKPOINT,
    CheckpointError,
    EpochRecord,
    TrainingState,
)
from sparrow.training.distributed import World
from sparrow.training.loop import TrainingHooks, train
from sparrow.training.optimizer import make_ema, make_optimizer
from sparrow.training.resume import resume, settings_hash
from sparrow.training.sealed_file import DamagedFileError, check_seal, seal, set_aside

SETTINGS = TrainingConfig(epochs=3, ema_decay=0.5, device="cpu")


def fresh_state(settings="as they are", config=SETTINGS, width=40):
    torch.manual_seed(1)
    network = nn.Sequential(nn.Linear(3, width), nn.Linear(width, 1))
    ema = make_ema(network, config)
    return TrainingState(network, ema, make_optimizer(network, config), [], settings)


def epoch(state, f_beta):
    """One step for every epoch, kept as the training loop keeps it."""
    number = len(state.history) + 1
    state.optimizer.zero_grad()
    state.model(torch.full((2, 3), float(number))).sum().backward()
    state.optimizer.step()
    if state.ema is not None:
        state.ema.update_parameters(state.model)
    record = EpochRecord(number, 0.1, {"loss": 1.0}, f_beta, 0.5, 0.5, 0.5, 1.0, 1.0, 1.0)
    state.history.append(record)


def keep(state, folder):
    if state.best() is state.history[-1]:
        state.save_best(folder)
    state.save(folder)


def after(folder, *scores):
    """The folder of a training whose epochs had these scores."""
    folder.mkdir()
    state = fresh_state()
    for score in scores:
        epoch(state, score)
        keep(state, folder)
    return folder


@pytest.fixture
def folder(tmp_path):
    """Of a training killed after its second epoch, the best so far."""
    return after(tmp_path / "checkpoints", 0.1, 0.2)


def start(folder, state=None):
    """The state that a training goes on from, and what is said."""
    state = state or fresh_state()
    return state, resume(state, folder, World())


def cut(path, share=0.5):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])


def flip(path, share=0.5, bit=1):
    whole = bytearray(path.read_bytes())
    whole[int(len(whole) * share)] ^= bit
    path.write_bytes(whole)


def same(ours, theirs):
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in ours)


DAMAGES = {
    "cut in the middle": cut,
    "cut near the end": lambda path: cut(path, 0.999),
    "cut near the start": lambda path: cut(path, 0.001),
    "one bit in the middle": flip,
    "one bit near the start": lambda path: flip(path, 0.01, 128),
    "one bit near the end": lambda path: flip(path, 0.97, 16),
    "empty": lambda path: path.write_bytes(b""),
    "zeros, as after a power cut": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "text": lambda path: path.write_text("not a checkpoint"),
    "a list, not a state": lambda path: torch.save([1, 2, 3], path),
    "a state without its optimizer": lambda path: torch.save({"model": {}, "history": []}, path),
    "no tensors": lambda path: torch.save(
        {"model": [], "ema": 3, "optimizer": None, "history": []}, path
    ),
    "foreign epochs": lambda path: torch.save(
        {"model": {}, "ema": None, "optimizer": {}, "history": [{"epoche": 1}]}, path
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_it_is_continued(damage, folder):
    DAMAGES[damage](folder / CHECKPOINT)
    spoiled = (folder / CHECKPOINT).read_bytes()
    state, notes = start(folder)
    assert len(state.history) == 1
    assert (folder / f"{CHECKPOINT}.damaged-1").read_bytes() == spoiled
    assert "set aside as checkpoint.pt.damaged-1" in notes[0]
    assert notes[1] == "Training goes on after epoch 1, from checkpoint.previous.pt."
    assert load_file(folder / BEST)  # of epoch 1 again
    assert sha256_of(folder / BEST) == state.best_sha256


def test_with_both_damaged_training_begins_anew(folder):
    cut(folder / CHECKPOINT)
    flip(folder / PREVIOUS_CHECKPOINT)
    state, notes = start(folder)
    assert state.history == []
    assert notes[-1] == "Training begins anew."
    assert same(state.model.state_dict(), fresh_state().model.state_dict())
    assert state.optimizer.state_dict()["state"] == {}
    names = {path.name for path in folder.glob("*.damaged-1")}
    assert names == {f"{CHECKPOINT}.damaged-1", f"{PREVIOUS_CHECKPOINT}.damaged-1"}


def test_what_goes_on_is_what_was_left(folder, tmp_path):
    whole = after(tmp_path / "whole", 0.1, 0.2, 0.3)
    state, notes = start(folder)
    assert notes == ()
    epoch(state, 0.3)
    keep(state, folder)
    states = [torch.load(place / CHECKPOINT, weights_only=True) for place in (folder, whole)]
    assert same(states[0]["model"], states[1]["model"])
    assert same(states[0]["ema"], states[1]["ema"])
    assert states[0]["best_sha256"] == states[1]["best_sha256"]


def test_nothing_is_there(tmp_path):
    state, notes = start(tmp_path)
    assert (state.history, notes) == ([], ())


def test_a_checkpoint_of_before_hashes_were_kept_still_loads(folder):
    state = torch.load(folder / CHECKPOINT, weights_only=True)
    old = {name: state[name] for name in ("model", "ema", "optimizer", "history")}
    torch.save(old, folder / CHECKPOINT)
    (folder / PREVIOUS_CHECKPOINT).unlink()
    (folder / PREVIOUS_BEST).unlink()
    state, notes = start(folder)
    assert len(state.history) == 2
    assert notes == ()
    assert state.best_sha256 == sha256_of(folder / BEST)  # from here on it is kept


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (lambda: fresh_state("others"), "other settings or other photos"),
        (lambda: fresh_state(width=41), "another network or optimizer"),
        (
            lambda: fresh_state(config=SETTINGS.model_copy(update={"optimizer": "sgd"})),
            "another network or optimizer",
        ),
        (
            lambda: fresh_state(config=SETTINGS.model_copy(update={"ema_decay": 0.0})),
            "another network or optimizer",
        ),
    ],
)
def test_another_trainings_checkpoint_is_not_continued(other, why, folder):
    state = other()
    before = {name: value.clone() for name, value in state.model.state_dict().items()}
    with pytest.raises(CheckpointError, match=why):
        state.restore(folder / CHECKPOINT)
    assert same(before, state.model.state_dict())  # nothing of it was taken over
    state, notes = start(folder, state)
    assert state.history == []
    assert why in notes[0]
    assert notes[-1] == "Training begins anew."


@pytest.mark.parametrize(
    "change",
    [
        {"learning_rate": 0.002},
        {"batch_size": 1},
        {"epochs": 4},
        {"schedule": "none"},
        {"clip_norm": 3.0},
        {"gradient_accumulation_steps": 2},
    ],
)
def test_every_setting_that_changes_the_result_changes_the_hash(change, task, config):
    def found(settings, **changes):
        return settings_hash(replace(task, training=settings, **changes))

    plain = found(SETTINGS)
    assert found(SETTINGS.model_copy(update=change)) != plain
    machine = {"threads": 7, "workers": 1, "world_size": 2, "device": "cuda"}
    assert found(SETTINGS.model_copy(update=machine)) == plain
    moved = replace(task.photos, boxes_xyxy=tuple(boxes + 1 for boxes in task.photos.boxes_xyxy))
    others = [
        found(SETTINGS, augmentation=config.augmentation.model_copy(update={"rain": 0.31})),
        found(SETTINGS, seed=2),
        found(SETTINGS, photos=task.photos.first(3)),
        found(SETTINGS, photos=moved),
        found(SETTINGS, model_settings="min_side_px: 128"),
    ]
    assert len({plain, *others}) == 6


@pytest.mark.parametrize("damage", [cut, flip, lambda path: path.unlink()])
def test_best_weights_that_are_damaged_are_written_anew(damage, folder):
    whole = (folder / BEST).read_bytes()
    damage(folder / BEST)
    (folder / PREVIOUS_BEST).unlink()
    there = (folder / BEST).exists()
    state, notes = start(folder)
    assert len(state.history) == 2
    assert bool(notes) == there == (folder / f"{BEST}.damaged-1").exists()
    assert (folder / BEST).read_bytes() == whole


def test_best_weights_of_an_earlier_epoch_that_are_lost_cost_the_epochs_since(tmp_path):
    folder = after(tmp_path / "c", 0.1, 0.2, 0.15)
    whole = (folder / BEST).read_bytes()
    flip(folder / BEST)
    state, notes = start(folder)
    # The checkpoint before it ends with the best epoch and so holds its weights.
    assert len(state.history) == 2
    assert "best epoch, 2, are missing or damaged" in notes[0]
    assert (folder / BEST).read_bytes() == whole


def test_killed_between_the_best_weights_and_their_checkpoint(folder):
    # The weights of epoch 2 are written, its checkpoint is not.
    first = (folder / PREVIOUS_BEST).read_bytes()
    (folder / PREVIOUS_CHECKPOINT).replace(folder / CHECKPOINT)
    state, notes = start(folder)
    assert len(state.history) == 1
    assert notes == ()
    assert (folder / BEST).read_bytes() == first


def test_killed_between_the_two_names_of_a_checkpoint(folder):
    (folder / CHECKPOINT).replace(folder / PREVIOUS_CHECKPOINT)
    state, notes = start(folder)
    assert len(state.history) == 2
    assert notes == ()
    assert (folder / CHECKPOINT).exists()


def test_killed_while_a_checkpoint_is_written(folder):
    whole = (folder / CHECKPOINT).read_bytes()
    (folder / "checkpoint.partial").write_bytes(whole[:1000])
    state, notes = start(folder)
    assert len(state.history) == 2
    assert notes == ()
    epoch(state, 0.3)
    keep(state, folder)
    assert len(start(folder)[0].history) == 3


@pytest.mark.parametrize("room", [0, 1_000, 2_500])
def test_a_full_disk_is_said_and_costs_nothing_that_was_kept(room, folder):
    state, _ = start(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    epoch(state, 0.3)
    whole = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, whole[1]))  # no file may be larger
    try:
        with pytest.raises(CheckpointError, match=r"cannot be kept .*sparrow clean"):
            state.save(folder)
        with pytest.raises(CheckpointError, match=r"cannot be kept .*sparrow clean"):
            state.save_best(folder) if room < 1_000 else state.save(folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, whole)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert len(start(folder)[0].history) == 2


def test_a_file_is_set_aside_under_a_name_of_its_own(tmp_path):
    for text in ("a", "b", "c"):
        (tmp_path / "x.pt").write_text(text)
        set_aside(tmp_path / "x.pt")
    assert [(tmp_path / f"x.pt.damaged-{n}").read_text() for n in (1, 2, 3)] == ["a", "b", "c"]


def test_a_seal_notices_every_bit_of_what_it_covers(tmp_path):
    path = tmp_path / "x.pt"
    torch.save({"a": torch.arange(3)}, path)
    seal(path)
    check_seal(path)
    assert torch.load(path, weights_only=True)["a"].tolist() == [0, 1, 2]
    whole = path.read_bytes()
    for place in range(0, len(whole) - 96, 17):
        flipped = bytearray(whole)
        flipped[place] ^= 4
        path.write_bytes(flipped)
        with pytest.raises(DamagedFileError):
            check_seal(path)
    with pytest.raises(ValueError, match="without a comment"):
        seal(path)


@pytest.mark.parametrize(
    ("chosen_by", "best"), [("f_beta", 1), ("precision", 2), ("recall", 3), ("ap", 2)]
)
def test_the_best_epoch_is_the_one_the_config_chooses_by(chosen_by, best, tmp_path):
    state = fresh_state()
    scores = [(0.9, 0.1, 0.1, 0.1), (0.8, 0.9, 0.2, 0.9), (0.7, 0.8, 0.9, 0.8)]
    for f_beta, precision, recall, ap in scores:
        epoch(state, f_beta)
        state.history[-1] = replace(
            state.history[-1], precision=precision, recall=recall, ap=ap, chosen_by=chosen_by
        )
        keep(state, tmp_path)
    assert state.best().epoch == best
    assert state.best().row()["score"] == 0.9
    again, notes = start(tmp_path)
    assert (again.best(), notes) == (state.best(), ())
    assert sha256_of(tmp_path / BEST) == again.best_sha256


@pytest.mark.slow
def test_a_real_training_with_a_damaged_checkpoint_ends_with_the_same_bits(
    trained, task, fresh, config, tmp_path, capsys
):
    folder = tmp_path / "checkpoints"
    shutil.copytree(trained.weights_path.parent, folder)
    flip(folder / CHECKPOINT)
    epochs = []
    note = TrainingHooks(lambda history: epochs.append(history[-1].epoch))
    again = train(fresh(), task, folder, note)
    assert epochs == [2]
    assert again.notes == tuple(capsys.readouterr().out.splitlines())
    assert "goes on after epoch 1" in again.notes[1]
    assert same(load_file(again.weights_path), load_file(trained.weights_path))
    assert math.isfinite(again.best.loss)
