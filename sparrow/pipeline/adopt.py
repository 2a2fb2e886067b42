"""A training of an earlier run as this run's own: an MLflow run for it, and this run's config."""

from __future__ import annotations

from dataclasses import fields, replace

from sparrow.atomic_file import write_atomic
from sparrow.config import Config
from sparrow.data.tables import Dataset
from sparrow.inference.model_folder import ModelInfo
from sparrow.pipeline.train import RunPlace, Trained, epoch_metrics, start_training_run
from sparrow.pipeline.trained_folder import TRAINED

TRAINED_IN = "trained_in"  # tag: the MLflow run whose training this run evaluates


def adopt_training(tuned: Config, dataset: Dataset, trained: Trained, place: RunPlace) -> Trained:
    """The same training in a run that did not train; unchanged in the run that did.

    What the earlier run logged and registered stays as it is: this run's scores go into an MLflow
    run of its own, with the curves of the training, and the model says this run's config.

    Args:
        tuned: this run's config, with the best values.
        trained: of this run or of an earlier one, whose model folder was copied into this run's.
    """
    if trained.run_key == place.key:
        return trained
    from sparrow.registry.tracking import end_run, log_epoch, log_numbers, make_client
    from sparrow.training.checkpoint import EpochRecord

    client = make_client(tuned.stores)
    tags = {TRAINED_IN: trained.mlflow_run_id}
    run_id = start_training_run(client, tuned, dataset, place, tags)
    names = {field.name for field in fields(EpochRecord)}  # a row also has what follows from them
    for row in trained.history:
        record = EpochRecord(**{name: value for name, value in row.items() if name in names})
        log_epoch(client, run_id, record.epoch, epoch_metrics(record))
    log_numbers(client, run_id, {"best_epoch": trained.best_epoch})
    end_run(client, run_id)
    made = place.folder / TRAINED
    info = ModelInfo.model_validate_json(made.read_text(encoding="utf-8"))
    info = info.model_copy(update={"config": tuned.of_the_training()})
    write_atomic(made, info.model_dump_json(indent=1))
    return replace(trained, run_key=place.key, mlflow_run_id=run_id)
