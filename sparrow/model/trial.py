"""What one Optuna trial does: a fresh detector from the same start, trained short, pruned early."""

from __future__ import annotations

from collections.abc import Callable

import optuna
import torch

from sparrow.config import Config, with_values
from sparrow.model.checkpoint import EpochRecord
from sparrow.model.dataset import DetectionSet
from sparrow.model.detector import build_detector
from sparrow.model.training import Lesson, Score, TrainingError, train
from sparrow.model.tuning import suggest


def make_objective(
    config: Config, photos: DetectionSet, validation: DetectionSet, score: Score
) -> Callable[[optuna.Trial], float]:
    """The objective: values from the space -> best validation score of a short training.

    Every trial builds its own detector; one that went on training the last trial's weights would
    be compared on luck.
    """
    tuning = config.tuning
    few = photos.first(tuning.photos) if tuning.photos else photos

    def objective(trial: optuna.Trial) -> float:
        values = suggest(trial, config)
        short = {"training.epochs": tuning.epochs, "training.threads": tuning.threads}
        tried = with_values(config, {**values, **short})
        torch.manual_seed(config.seed)
        model = build_detector(tried.model, len(config.data.classes))
        lesson = Lesson(few, validation, score, config.evaluation.min_score, config.seed)

        def report(history: tuple[EpochRecord, ...]) -> None:
            # What the trial will be scored by if it ends here: the best epoch, not the last.
            trial.report(max(one.f_beta for one in history), len(history))
            if trial.should_prune():
                raise optuna.TrialPruned

        try:
            result = train(model, lesson, tried.training, tried.augmentation, on_epoch=report)
        except TrainingError as error:  # values that blow up are bad ones, not the study's end
            trial.set_user_attr("stopped", str(error))
            raise optuna.TrialPruned from error
        return result.best.f_beta

    return objective
