"""A training goes on from a run, a version or a folder; or says why only weights are taken."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest

from sparrow.config import ConfigError, DataConfig, StoresConfig, with_values
from sparrow.data.tables import data_version
from sparrow.inference.model_folder import read_info, write_info
from sparrow.pipeline.continuation import (
    check_same_detector,
    continued_config,
    find_origin,
    why_weights_alone,
)


@pytest.fixture
def run(model_folder, config, dataset, tmp_path):
    """A config, and the folder of a finished run ``7`` with its model and a checkpoint."""
    folder = tmp_path / "runs" / "7"
    shutil.copytree(model_folder.resolve(), folder / "model")
    info = read_info(folder / "model")
    stores = StoresConfig(runs=str(tmp_path / "runs"), champion=str(tmp_path / "champion"))
    mine = with_values(
        config.model_copy(update={"stores": stores, "data": DataConfig(classes=info.class_names)}),
        {"tuning.trials": 0, "training.continue_from": "7"},
    )
    before = with_values(mine, {"training.learning_rate": 0.02, "training.choose_by": "recall"})
    update = {"config": before.of_the_training(), "data_version": data_version(dataset)}
    write_info(folder / "model", info.model_copy(update=update))
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / "checkpoint.pt").write_bytes(b"of torch")
    return mine, folder


def test_without_the_key_a_training_begins_anew(config, dataset):
    assert find_origin(config) is None
    assert continued_config(config, dataset) == (config, [])


def test_a_run_is_gone_on_with_as_it_was(run, dataset):
    config, folder = run
    changed = with_values(config, {"training.epochs": 4, "training.patience_epochs": 3})
    continued, lines = continued_config(changed, dataset)
    training = continued.training
    assert (training.learning_rate, training.choose_by) == (0.02, "recall")  # of run 7
    assert (training.epochs, training.patience_epochs, training.continue_from) == (4, 3, "7")
    assert lines[0] == "training goes on from run 7, for 4 more epochs"
    assert "training.learning_rate is 0.02, as it was there, not 0.001" in lines
    for place in (folder, folder / "checkpoints", folder / "model"):
        named = with_values(config, {"training.continue_from": str(place)})
        assert find_origin(named).checkpoints == folder / "checkpoints"


def test_a_version_is_found_in_the_run_that_made_it(run):
    config, folder = run
    report = f'{{"name": "{config.name}", "candidate_version": 3, "state": "finished"}}'
    (folder / "report.json").write_text(report)
    origin = find_origin(with_values(config, {"training.continue_from": 3}))
    assert (origin.model, origin.checkpoints) == (folder / "model", folder / "checkpoints")


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({}, "its checkpoint was removed"),
        ({"evaluation.iou": 0.4}, "evaluation.iou 0.5, now 0.4"),
        ({"split.test_fraction": 0.4}, "split in another way"),
        ({"seed": 9}, "split in another way"),
    ],
)
def test_weights_alone_are_said(run, dataset, change, why):
    config, folder = run
    if not change:
        shutil.rmtree(folder / "checkpoints")
    changed = with_values(config, change)
    continued, (line,) = continued_config(changed, dataset)
    assert continued == changed  # its own settings hold
    assert why in line
    assert "weights of its best epoch" in line


def test_other_photos_are_said(run, dataset):
    config, _ = run
    fewer = replace(dataset, images=dataset.images.iloc[:-1])
    assert "its photos are others" in why_weights_alone(find_origin(config), config, fewer)


def test_classes_that_are_not_settled_yet_are_no_others(run):
    config, _ = run
    origin = find_origin(with_values(config, {"data.classes": "all"}))
    assert origin is not None


def test_the_same_classes_in_another_order_are_named_in_that_of_the_origin(run):
    config, _ = run
    origin = find_origin(config)
    info = origin.info.model_copy(update={"class_names": ("wren", "jay")})
    with pytest.raises(ConfigError, match=r"in its order: --set 'data.classes=\[wren, jay\]'"):
        check_same_detector(
            with_values(config, {"data.classes": ["jay", "wren"]}), replace(origin, info=info)
        )


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"tuning.trials": 2}, "add tuning.trials: 0"),
        ({"data.classes": ["cat"]}, "data.classes has cat"),
        ({"data.classes": ["house_sparrow", "cat"]}, "begin with its weights"),
        ({"model.min_side_px": 128}, "another detector: model.min_side_px 96 (here 128)"),
        (
            {"model.architecture": "fasterrcnn_mobilenet_v3_large_fpn"},
            "another detector: model.architecture",
        ),
        ({"training.continue_from": "8"}, "found '8'"),
        ({"training.continue_from": "nowhere"}, "expected a run (a folder of"),
    ],
)
def test_what_cannot_be_gone_on_with(run, change, part):
    config, _ = run
    if change.get("training.continue_from") == "8":
        part = "has no version 8"
        pytest.importorskip("mlflow")
        config = with_values(config, {"stores.tracking": f"sqlite:///{config.stores.runs}/m.db"})
    with pytest.raises(ConfigError) as refused:
        find_origin(with_values(config, change))
    assert part in str(refused.value)


def test_a_cycle_that_is_over_is_not_gone_on_with(run, dataset):
    config, folder = run
    info = read_info(folder / "model")
    cycled = with_values(config, {"training.schedule": "OneCycleLR"}).of_the_training()
    write_info(folder / "model", info.model_copy(update={"config": cycled}))
    with pytest.raises(ConfigError, match="whose cycle is over"):
        continued_config(config, dataset)


def test_a_run_without_a_model_is_to_be_resumed(run):
    config, folder = run
    shutil.rmtree(folder / "model")
    with pytest.raises(ConfigError, match=r"has no trained model.*resume"):
        find_origin(config)
