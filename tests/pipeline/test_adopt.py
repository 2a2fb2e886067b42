"""A training that a later run takes over: its numbers there, in an MLflow run of that run's own."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from sparrow.config import Config, StoresConfig, with_values
from sparrow.data.tables import BOX_COLUMNS, IMAGE_COLUMNS, Dataset
from sparrow.inference.model_folder import read_info
from sparrow.pipeline.adopt import TRAINED_IN, adopt_training
from sparrow.pipeline.train import Trained
from sparrow.pipeline.trained_folder import TRAINED
from sparrow.pipeline.training_run import RunPlace
from sparrow.registry.tracking import make_client
from sparrow.training.epoch_record import EpochRecord


def test_the_run_that_trained_keeps_what_it_has(tmp_path: Path) -> None:
    trained = Trained("7", "mlflow-1", (), 1, {}, None)
    place = RunPlace(tmp_path, "7", {})
    empty: Any = None  # neither is looked at
    assert adopt_training(empty, empty, trained, place) is trained


def test_a_later_run_has_its_own_config_and_mlflow_run(
    tmp_path: Path, model_folder: Path, empty_mlflow: Path
) -> None:
    shutil.copy(empty_mlflow, tmp_path)
    stores = StoresConfig(
        tracking=f"sqlite:///{tmp_path}/mlflow.db", artifacts=str(tmp_path / "artifacts")
    )
    config = with_values(Config(name="birds"), {"evaluation.confidence": 0.8})
    config = config.model_copy(update={"stores": stores})
    images = pd.DataFrame(columns=[*IMAGE_COLUMNS, "sha256", "split"])
    dataset = Dataset(tmp_path, images, pd.DataFrame(columns=list(BOX_COLUMNS)))
    (tmp_path / TRAINED).write_text((model_folder / "model.json").read_text())
    numbers = dict.fromkeys(EpochRecord.__dataclass_fields__, 0.5)
    own = {"epoch": 1, "losses": {"loss_classifier": 2.0}, "chosen_by": "f_beta"}
    epoch = EpochRecord(**{**numbers, **own})
    trained = Trained("7", "mlflow-1", (epoch.row(),), 1, {}, None)
    adopted = adopt_training(config, dataset, trained, RunPlace(tmp_path, "8", {}))
    assert adopted == replace(trained, run_key="8", mlflow_run_id=adopted.mlflow_run_id)
    made = make_client(stores).get_run(adopted.mlflow_run_id)
    assert made.data.tags[TRAINED_IN] == "mlflow-1"
    assert made.data.tags["metaflow_run"] == "8"
    assert made.data.metrics["validation_f_beta"] == 0.5
    assert made.data.metrics["loss"] == 2.0
    assert made.data.params["evaluation.confidence"] == "0.8"
    text = (tmp_path / TRAINED).read_text()
    (tmp_path / "model").mkdir()
    for path in model_folder.iterdir():
        (tmp_path / "model" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "model" / "model.json").write_text(text)
    assert read_info(tmp_path / "model").config["evaluation"]["confidence"] == 0.8
    again = adopt_training(config, dataset, trained, RunPlace(tmp_path, "8", {}))
    assert again == adopted  # a step that was killed finds the MLflow run it had begun
