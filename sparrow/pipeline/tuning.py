"""What the tuning steps of ``train.py`` do: work on the study, then choose its best values.

Torch and Optuna are imported inside the functions that need them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparrow.config import Config, with_values
from sparrow.data.tables import Dataset

if TYPE_CHECKING:
    import optuna

BEST_VALUES = "best_params.yaml"


@dataclass(frozen=True)
class TuningOutcome:
    """What the study led to.

    Attributes:
        tuned: the config with the best trial's values in it; as it was without tuning.
        best_values: those values by key, for people.
        trials: a row for each trial.
        pictures: the study's plots as PNG, by title.
    """

    tuned: Config
    best_values: dict[str, Any]  # keys of any type the config has
    trials: list[dict[str, Any]]
    pictures: dict[str, bytes]


def tune(config: Config, study: str, dataset: Dataset, say: Callable[[str], None]) -> None:
    """One worker's share of the study; nothing of the test split is seen.

    Args:
        say: called with a line about each trial.
    """
    if config.tuning.trials == 0:
        return
    from sparrow.training.task import load_task
    from sparrow.training.trial import make_objective
    from sparrow.training.tuning import run_trials

    def on_trial(_study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        score = "-" if trial.value is None else f"{trial.value:.3f}"
        state = trial.state.name.lower()
        say(f"trial {trial.number}: {state}, score {score}, {trial.params}")

    objective = make_objective(config, load_task(config, dataset))
    run_trials(config, study, objective, on_trial)


def choose_best(config: Config, study: str, work_dir: Path) -> TuningOutcome:
    """The best trial's values in the config; they are also written to ``best_params.yaml``.

    Raises:
        RuntimeError: no trial was completed.
    """
    if config.tuning.trials == 0:
        return TuningOutcome(config, {}, [], {})
    from sparrow.training.study_report import best_yaml, study_figures, trial_table
    from sparrow.training.tuning import best_values

    values = best_values(config, study)
    trials, pictures = trial_table(config, study), study_figures(config, study)
    (work_dir / BEST_VALUES).write_text(best_yaml(values), encoding="utf-8")
    return TuningOutcome(with_values(config, values), values, trials, pictures)
