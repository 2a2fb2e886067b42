"""A study for people: its trials as a table, its plots, its best values as YAML."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import optuna
import yaml
from optuna.trial import TrialState

from sparrow.config import Config, translate_values
from sparrow.training.study_facts import TrialFacts
from sparrow.training.tuning import RUN, open_study


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """``{"training.momentum": 0.9}`` -> ``{"training": {"momentum": 0.9}}``, as in a config."""
    tree: dict[str, Any] = {}
    for key, value in values.items():
        *sections, last = key.split(".")
        level = tree
        for section in sections:
            level = level.setdefault(section, {})
        level[last] = value
    return tree


def best_yaml(values: Mapping[str, Any]) -> str:
    """Best values in the form of a config file, to be copied into one."""
    return yaml.safe_dump(nested(values), sort_keys=False)


def trial_table(config: Config, name: str) -> list[dict[str, Any]]:
    """One row per trial: number, state, score, epochs, seconds and values."""
    return [
        {
            "trial": trial.number,
            "state": trial.state.name.lower(),
            "score": trial.value if trial.value is not None else _last_value(trial),
            "epochs": len(trial.intermediate_values),
            "seconds": trial.duration.total_seconds() if trial.duration else None,
            **({"run": trial.user_attrs[RUN]} if RUN in trial.user_attrs else {}),
            **translate_values(trial.params),
        }
        for trial in open_study(config, name).get_trials(deepcopy=False)
    ]


def finished_trials(config: Config, name: str, run: str) -> list[TrialFacts]:
    """The trials of a study that have ended; with ``run``, only those that this run tried."""
    states = {
        TrialState.COMPLETE: "FINISHED", TrialState.PRUNED: "KILLED", TrialState.FAIL: "FAILED",
    }  # fmt: skip
    return [
        TrialFacts(
            trial.number,
            states[trial.state],
            translate_values(trial.params),
            {step: float(value) for step, value in trial.intermediate_values.items()},
            trial.value,
            (_milliseconds(trial.datetime_start), _milliseconds(trial.datetime_complete)),
        )
        for trial in open_study(config, name).get_trials(deepcopy=False)
        if trial.state in states and (not run or trial.user_attrs.get(RUN) == run)
    ]


def _milliseconds(moment: datetime | None) -> int:
    return round((moment or datetime.now()).timestamp() * 1000)


def study_figures(config: Config, name: str) -> dict[str, bytes]:
    """The study's plots as PNG, by title; those that its few trials cannot fill are left out."""
    import matplotlib as mpl

    mpl.use("Agg")
    study = open_study(config, name)
    completed = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    if not completed:
        return {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Optuna calls these plots experimental, one by one
        return {title: _png(plot, study) for title, plot in _plots(completed).items()}


Plot = Callable[[optuna.Study], Any]  # Optuna draws into the current figure and returns its axes


def _plots(completed: Sequence[optuna.trial.FrozenTrial]) -> dict[str, Plot]:
    """By title, those plots that so many trials over so many keys can fill."""
    from optuna.visualization import matplotlib as draw

    plots: dict[str, Plot] = {
        "Optimisation history": draw.plot_optimization_history,
        "Intermediate values": draw.plot_intermediate_values,
        "Empirical distribution": draw.plot_edf,
        "Slice": draw.plot_slice,
    }
    varied = {key for trial in completed for key in trial.params}
    if len(varied) > 1 and len(completed) > 2:
        plots |= {
            "Parallel coordinates": draw.plot_parallel_coordinate,
            "Contour": draw.plot_contour,
            "Importances": draw.plot_param_importances,
        }
    return plots


def _png(plot: Plot, study: optuna.Study) -> bytes:
    import matplotlib.pyplot as plt

    plot(study)
    figure = plt.gcf()
    figure.set_size_inches(8, 5)
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=90, bbox_inches="tight")
    plt.close(figure)
    return buffer.getvalue()


def _last_value(trial: optuna.trial.FrozenTrial) -> float | None:
    return trial.intermediate_values[max(trial.intermediate_values)] if trial.last_step else None
