"""Optuna on one shared, persisted study: what is tried, by whom, and what came out best.

Torch is not imported here: opening a study, reading its best trial and drawing its plots must not
cost fifteen seconds. What one trial does is in ``sparrow.model.trial``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import optuna
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import TPESampler
from optuna.storages import RDBStorage, RetryHeartbeatStaleTrialCallback
from optuna.trial import TrialState

from sparrow.config import Config, NumberRange, TuningConfig, get_key

optuna.logging.set_verbosity(optuna.logging.WARNING)

Values = dict[str, Any]
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
HEARTBEAT_S = 20
STALE_AFTER_S = 60


def open_study(config: Config, name: str) -> optuna.Study:
    """Create the study, or go on with it where it exists.

    The config's own values are its first trial, so that tuning can only be better or equal.
    """
    study = optuna.create_study(
        study_name=name,
        storage=_storage(config.stores.tuning),
        direction="maximize",
        pruner=_pruner(config.tuning),
        load_if_exists=True,
    )
    own = _own_values(config)
    if own and not study.get_trials(deepcopy=False):
        study.enqueue_trial(own, skip_if_exists=True)
    return study


def suggest(trial: optuna.Trial, tuning: TuningConfig) -> Values:
    """One value for every key of the space whose conditions hold."""
    values: Values = {}
    for key, choices in tuning.space.items():
        wanted = tuning.conditions.get(key, {})
        if any(values.get(other) != value for other, value in wanted.items()):
            continue
        if not isinstance(choices, NumberRange):
            values[key] = trial.suggest_categorical(key, choices)
        elif choices.integer:
            step = int(choices.step or 1)
            values[key] = trial.suggest_int(
                key, int(choices.low), int(choices.high), step=step, log=choices.log
            )
        else:
            values[key] = trial.suggest_float(
                key, choices.low, choices.high, step=choices.step, log=choices.log
            )
    return values


def run_trials(
    config: Config,
    name: str,
    objective: Callable[[optuna.Trial], float],
    on_trial: Callable[[optuna.Study, optuna.trial.FrozenTrial], None] | None = None,
) -> None:
    """Work on the study until it holds ``tuning.trials`` finished trials (all workers together).

    Raises:
        RuntimeError: more trials failed than finished; the last failure is its cause.
    """
    study = open_study(config, name)
    started = _now()
    while (number := len(study.get_trials(deepcopy=False, states=FINISHED))) < config.tuning.trials:
        limit = config.tuning.timeout_minutes
        if limit is not None and (_now() - started) > limit * 60:
            break
        # One seed for each trial, so that a study that was interrupted goes on as it would have.
        study.sampler = _sampler(config, len(study.get_trials(deepcopy=False)))
        study.optimize(objective, n_trials=1, callbacks=[on_trial] if on_trial else None)
        if len(study.get_trials(deepcopy=False, states=FINISHED)) == number and _mostly_failed(
            study
        ):
            raise RuntimeError(
                f"study {name}: most of its {len(study.trials)} trials failed; lower "
                "tuning.space's learning rates or look at the trial's error above"
            )


def best_values(config: Config, name: str) -> Values:
    """The best trial's values, keys as in the config.

    Raises:
        RuntimeError: no trial was completed.
    """
    study = open_study(config, name)
    if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        raise RuntimeError(
            f"study {name}: none of its {len(study.trials)} trials was completed; give it more "
            "tuning.trials or tuning.timeout_minutes"
        )
    return dict(study.best_trial.params)


def trial_table(config: Config, name: str) -> list[dict[str, Any]]:
    """One row per trial: number, state, score, epochs, seconds and values."""
    return [
        {
            "trial": trial.number,
            "state": trial.state.name.lower(),
            "score": trial.value if trial.value is not None else _last_value(trial),
            "epochs": len(trial.intermediate_values),
            "seconds": trial.duration.total_seconds() if trial.duration else None,
            **trial.params,
        }
        for trial in open_study(config, name).get_trials(deepcopy=False)
    ]


def study_figures(config: Config, name: str) -> dict[str, bytes]:
    """The study's plots as PNG, by title; those that its few trials cannot fill are left out."""
    import io

    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt
    from optuna.visualization import matplotlib as draw

    study = open_study(config, name)
    completed = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    varied = {key for trial in completed for key in trial.params}
    plots: dict[str, Callable[[optuna.Study], Any]] = {
        "Optimisation history": draw.plot_optimization_history,
        "Intermediate values": draw.plot_intermediate_values,
        "Empirical distribution": draw.plot_edf,
        "Slice": draw.plot_slice,
    }
    if len(varied) > 1 and len(completed) > 2:
        plots |= {
            "Parallel coordinates": draw.plot_parallel_coordinate,
            "Contour": draw.plot_contour,
            "Importances": draw.plot_param_importances,
        }
    figures = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna calls these plots experimental, one by one
        for title, plot in plots.items() if completed else ():
            plot(study)
            figure = plt.gcf()
            figure.set_size_inches(8, 5)
            buffer = io.BytesIO()
            figure.savefig(buffer, dpi=90, bbox_inches="tight")
            plt.close(figure)
            figures[title] = buffer.getvalue()
    return figures


def _storage(url: str) -> RDBStorage:
    if url.startswith("sqlite:///"):
        Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    sqlite = {"connect_args": {"timeout": 60}} if url.startswith("sqlite") else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return RDBStorage(
            url,
            engine_kwargs=sqlite,
            heartbeat_interval=HEARTBEAT_S,
            grace_period=STALE_AFTER_S,
            heartbeat_stale_trial_callback=RetryHeartbeatStaleTrialCallback(max_retry=2),
        )


def _pruner(tuning: TuningConfig) -> BasePruner:
    if tuning.pruner == "median":
        return MedianPruner(tuning.startup_trials, tuning.warmup_epochs)
    if tuning.pruner == "hyperband":
        return HyperbandPruner(1, tuning.epochs)
    return NopPruner()


def _sampler(config: Config, trial_number: int) -> TPESampler:
    seed = (config.seed * 1_000_003 + trial_number) % 2**32
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return TPESampler(
            n_startup_trials=config.tuning.startup_trials, constant_liar=True, seed=seed
        )


def _own_values(config: Config) -> Values:
    """The config's value of every key in the space, as far as the space holds it."""
    own: Values = {}
    for key, choices in config.tuning.space.items():
        value = get_key(config, key)
        wanted = config.tuning.conditions.get(key, {})
        if any(get_key(config, other) != required for other, required in wanted.items()):
            continue
        if isinstance(choices, NumberRange):  # a key that is null lies in no range
            inside = value is not None and choices.low <= value <= choices.high
        else:
            inside = value in choices
        if inside:
            own[key] = value
    return own


def _mostly_failed(study: optuna.Study) -> bool:
    failed = len(study.get_trials(deepcopy=False, states=(TrialState.FAIL,)))
    return failed > 3 + len(study.get_trials(deepcopy=False, states=FINISHED))


def _last_value(trial: optuna.trial.FrozenTrial) -> float | None:
    return trial.intermediate_values[max(trial.intermediate_values)] if trial.last_step else None


def _now() -> float:
    import time

    return time.monotonic()
