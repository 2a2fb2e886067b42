"""Optuna on one shared, persisted study: what is tried, by whom, and which values are best.

Torch is not imported here: opening a study and reading its best trial must not cost fifteen
seconds. What one trial does is in ``sparrow.training.trial``.
"""

from __future__ import annotations

import contextlib
import math
import time
import warnings
from collections.abc import Callable
from datetime import datetime
from typing import Any

import optuna
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from sparrow.config import Config, NumberRange, get_key, translate_values
from sparrow.config.trials import applies, holds, parents_first
from sparrow.training.sampler import make_pruner, make_sampler
from sparrow.training.study_facts import CONFIG_NAME
from sparrow.training.study_store import open_storage, study_lock

optuna.logging.set_verbosity(optuna.logging.WARNING)

Values = dict[str, Any]  # by key of the config, whose types differ
Objective = Callable[[optuna.Trial], float]
OnTrial = Callable[[optuna.Study, optuna.trial.FrozenTrial], None]
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
WAIT_S = 2
RUN = "run"  # a trial's attribute: which of the runs that share a study claimed it
EXHAUSTED = "exhausted"  # a study's attribute: its sampler has proposed every point of a grid


def open_study(config: Config, name: str) -> optuna.Study:
    """Create the study, or continue it where it exists.

    Its first trials are the config's own values, so that tuning can only be better or equal, and
    the best values of the last study of the same config's name over the same keys.
    """
    with study_lock(config.stores.tuning):
        storage = open_storage(config.stores.tuning)
        study = optuna.create_study(
            study_name=name,
            storage=storage,
            direction="maximize",
            pruner=make_pruner(config.tuning),
            load_if_exists=True,
        )
        if not study.get_trials(deepcopy=False):
            study.set_user_attr(CONFIG_NAME, config.name)
            # GridSampler comes to every point by itself, and takes none that is put in line.
            in_line = config.tuning.sampler != "GridSampler"
            for values in (_own_values(config), _last_best(config, name, storage)):
                if values and in_line:
                    study.enqueue_trial(values, skip_if_exists=True)
    return study


def suggest(trial: optuna.Trial, config: Config) -> Values:
    """One value for every key of the space whose conditions hold.

    A condition on a key that this trial does not choose is held against the config's own value,
    which is what the trial trains with.
    """
    values: Values = {}
    for key in parents_first(config):
        choices = config.tuning.space[key]
        if not applies(config, key, values):
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
    objective: Objective,
    on_trial: OnTrial | None = None,
    run: str = "",
) -> None:
    """Work on the study until it holds ``tuning.trials`` finished trials (all workers together).

    Workers claim trials one at a time, so that together they run no more than asked for. A trial
    whose worker died is tried again, by whichever worker is next. A sampler that goes through a
    grid ends the study with its last point.

    Args:
        config: says what is tried.
        name: of the study.
        objective: what a trial does.
        on_trial: called after each trial.
        run: of several that share the study: only its own trials are counted; empty: all are.

    Raises:
        RuntimeError: more trials failed than finished; the last failure is its cause.
    """
    study = open_study(config, name)
    started = time.monotonic()
    limit_s = (config.tuning.timeout_minutes or math.inf) * 60
    while time.monotonic() - started < limit_s:
        finished = _count(study, FINISHED, run)
        if finished >= config.tuning.trials or study.user_attrs.get(EXHAUSTED):
            break
        if not _run_claimed(study, config, (objective, on_trial), run):
            time.sleep(WAIT_S)
        elif _count(study, FINISHED, run) == finished and _mostly_failed(study, run):
            raise RuntimeError(
                f"study {name}: most of its {len(study.trials)} trials failed; lower "
                "tuning.space's learning rates or look at the trial's error above"
            )


def _run_claimed(
    study: optuna.Study, config: Config, work: tuple[Objective, OnTrial | None], run: str
) -> bool:
    """Claim and run one trial; False where other workers already run the last ones.

    By hand: Optuna's MaxTrialsCallback looks after a trial and not before, so that each worker
    would run one too many, and it knows no seed for each trial.
    """
    objective, on_trial = work
    with contextlib.ExitStack() as claim:
        claim.enter_context(study_lock(config.stores.tuning))
        _give_up_dead_trials(study)
        if _count(study, (*FINISHED, TrialState.RUNNING), run) >= config.tuning.trials:
            return False  # should a worker of those die, its trial is put in line again
        # One seed for each trial, so that a study continues as it would have without a break.
        study.sampler = make_sampler(config, len(study.get_trials(deepcopy=False)))

        def claimed(trial: optuna.Trial) -> float:
            if run:
                trial.set_user_attr(RUN, run)
            claim.close()  # the trial is in the store: the next worker may claim
            return objective(trial)

        study.optimize(claimed, n_trials=1, callbacks=[on_trial] if on_trial else None)
        if study._stop_flag:  # Optuna has no public name for what its samplers' stop() sets
            study.set_user_attr(EXHAUSTED, True)
    return True


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
    return translate_values(study.best_trial.params)


def _own_values(config: Config) -> Values:
    """The config's value of every key in the space, as far as the space holds it."""
    own: Values = {}
    for key, choices in config.tuning.space.items():
        value = get_key(config, key)
        if applies(config, key, {}) and holds(choices, value):
            own[key] = value
    return own


def _last_best(config: Config, name: str, storage: RDBStorage) -> Values:
    """The best values of the newest other study of this config's name, if this space has them."""
    summaries = optuna.get_all_study_summaries(storage)
    earlier = [
        study
        for study in summaries
        if study.study_name != name
        and study.user_attrs.get(CONFIG_NAME) == config.name
        and study.best_trial is not None
    ]
    if not earlier:
        return {}
    newest = max(earlier, key=lambda study: study.datetime_start or datetime.min)
    values = translate_values(newest.best_trial.params) if newest.best_trial else {}
    space = config.tuning.space
    known = all(key in space and holds(space[key], value) for key, value in values.items())
    return values if known else {}


def _give_up_dead_trials(study: optuna.Study) -> None:
    """Trials whose worker has not been heard of fail, and are put in line to be tried again."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        optuna.storages.fail_stale_trials(study)


def _count(study: optuna.Study, states: tuple[TrialState, ...], run: str) -> int:
    trials = study.get_trials(deepcopy=False, states=states)
    return sum(not run or trial.user_attrs.get(RUN) == run for trial in trials)


def _mostly_failed(study: optuna.Study, run: str) -> bool:
    return _count(study, (TrialState.FAIL,), run) > 3 + _count(study, FINISHED, run)
