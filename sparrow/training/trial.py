"""What one Optuna trial does: a fresh detector from the same start, trained short, pruned early."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import optuna

from sparrow.config import Config, with_values
from sparrow.detectors.build import build_seeded_detector
from sparrow.training.checkpoint import EpochRecord
from sparrow.training.loop import TrainingError, train
from sparrow.training.task import TrainingTask
from sparrow.training.tuning import suggest


def make_objective(config: Config, task: TrainingTask) -> Callable[[optuna.Trial], float]:
    """The objective: values from the space -> best validation score of a short training.

    Every trial builds its own detector; one that went on training the last trial's weights would
    be compared on luck.
    """
    tuning = config.tuning
    few = replace(task, photos=task.photos.first(tuning.photos)) if tuning.photos else task

    def objective(trial: optuna.Trial) -> float:
        values = suggest(trial, config)
        short = {"training.epochs": tuning.epochs, "training.threads": tuning.threads}
        tried = with_values(config, {**values, **short})
        model = build_seeded_detector(tried.model, len(config.data.classes), config.seed)

        def report(history: tuple[EpochRecord, ...]) -> None:
            # What the trial will be scored by if it ends here: the best epoch, not the last.
            trial.report(max(one.f_beta for one in history), len(history))
            if trial.should_prune():
                raise optuna.TrialPruned

        try:
            result = train(model, few, tried.training, tried.augmentation, on_epoch=report)
        except TrainingError as error:  # values that blow up are bad ones, not the study's end
            trial.set_user_attr("stopped", str(error))
            raise optuna.TrialPruned from error
        return result.best.f_beta

    return objective
