"""What the tuning steps of ``train.py`` do: work on the study, then choose its best values.

Torch and Optuna are imported inside the functions that need them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparrow.config import Config, changed_values, with_trial_values
from sparrow.data.tables import Dataset, data_version
from sparrow.drawing.attempt import attempt_drawing
from sparrow.drawing.picture_files import write_pictures
from sparrow.pipeline.continuation import continued_config

if TYPE_CHECKING:
    import optuna

BEST_VALUES = "best_params.yaml"
PLOTS = "tuning"  # a folder of the run


@dataclass(frozen=True)
class TuningOutcome:
    """What the study led to.

    Attributes:
        best_values: the best trial's values by key; empty without tuning.
        changed_values: each key in which the config that is trained differs from the run's.
        trials: a row for each trial.
        pictures: the study's plots as PNG, by title.
    """

    best_values: dict[str, Any]  # keys of any type the config has
    changed_values: dict[str, Any]
    trials: list[dict[str, Any]]
    pictures: dict[str, bytes]


def tune(config: Config, study: str, dataset: Dataset, say: Callable[[str], None]) -> None:
    """One worker's share of the study; nothing of the test split is seen.

    Args:
        config: of the run.
        study: the run's own; ``tuning.study`` goes before it.
        dataset: split.
        say: called with a line about each trial.
    """
    if config.tuning.trials == 0:
        return
    from sparrow.training.study_facts import settle_study
    from sparrow.training.task import load_task
    from sparrow.training.trial import make_objective
    from sparrow.training.tuning import run_trials

    def on_trial(_study: optuna.Study, trial: optuna.trial.FrozenTrial) -> None:
        score = "-" if trial.value is None else f"{trial.value:.3f}"
        state = trial.state.name.lower()
        say(f"trial {trial.number}: {state}, score {score}, {trial.params}")

    name, note = settle_study(config, study, data_version(dataset))
    if note:
        say(note)
    objective = make_objective(config, load_task(config, dataset))
    run_trials(config, name, objective, on_trial, study if config.tuning.study else "")


def choose_best(config: Config, study: str, dataset: Dataset, work_dir: Path) -> TuningOutcome:
    """The best trial's values; they are also written to ``best_params.yaml``.

    The study's plots are written beside it, and into MLflow with a run for each of its trials.

    Args:
        config: of the run.
        study: see ``tune``.
        dataset: as ``tune`` had it.
        work_dir: of the run.

    Raises:
        RuntimeError: no trial was completed.
    """
    if config.tuning.trials == 0:
        continued, lines = continued_config(config, dataset)
        print(*lines, sep="\n", end="\n" if lines else "", flush=True)
        return TuningOutcome({}, changed_values(config, continued), [], {})
    from sparrow.registry.trial_runs import Tuning, log_tuning
    from sparrow.training import study_report
    from sparrow.training.study_facts import settle_study
    from sparrow.training.tuning import best_values

    name, _ = settle_study(config, study, data_version(dataset))
    values = best_values(config, name)
    trials = study_report.trial_table(config, name)
    pictures = (
        attempt_drawing("plots of the study", lambda: study_report.study_figures(config, name))
        or {}
    )
    (work_dir / BEST_VALUES).write_text(study_report.best_yaml(values))
    write_pictures(pictures, work_dir / PLOTS)
    own = study_report.finished_trials(config, name, study if config.tuning.study else "")
    log_tuning(config, work_dir, Tuning(name, own, pictures, [work_dir / BEST_VALUES]))
    tuned = with_trial_values(config, values)
    return TuningOutcome(values, changed_values(config, tuned), trials, pictures)
