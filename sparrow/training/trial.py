"""What one Optuna trial does: a fresh detector from the same start, trained short, pruned early."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import optuna

from sparrow.config import Config, with_trial_values
from sparrow.detectors.build import build_seeded_detector
from sparrow.training.checkpoint import EpochRecord
from sparrow.training.loop import TrainingHooks, train
from sparrow.training.task import TrainingError, TrainingTask
from sparrow.training.tuning import suggest


def make_objective(config: Config, task: TrainingTask) -> Callable[[optuna.Trial], float]:
    """The objective: values from the space -> best validation score of a short training.

    Every trial builds its own detector; one that continued from the last trial's weights would
    be compared on luck.
    """
    tuning = config.tuning
    photos = task.photos.first(tuning.photos) if tuning.photos else task.photos
    short = {"training.epochs": tuning.epochs, "training.threads": tuning.threads}

    def objective(trial: optuna.Trial) -> float:
        tried = with_trial_values(config, {**suggest(trial, config), **short})
        model = build_seeded_detector(tried.model, len(config.data.classes), config.seed)
        own_task = replace(
            task, photos=photos, training=tried.training, augmentation=tried.augmentation
        )

        def report(history: tuple[EpochRecord, ...]) -> None:
            # What the trial will be scored by if it ends here: the best epoch, not the last. But a
            # pruner that waits for scores to fall would wait for ever: it gets each epoch's own.
            patient = tuning.pruner == "PatientPruner"
            judged = history[-1:] if patient else history
            trial.report(max(record.score for record in judged), len(history))
            if trial.should_prune():
                raise optuna.TrialPruned

        try:
            return train(model, own_task, hooks=TrainingHooks(report)).best.score
        except TrainingError as error:  # values that blow up are bad ones, not the study's end
            trial.set_user_attr("stopped", str(error))
            raise optuna.TrialPruned from error

    return objective
