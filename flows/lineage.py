"""Runs of the flow and their origins: which one ``resume`` continues.

A run that was killed and resumed is several runs of Metaflow's, each with its origin. They are one
training: the first of them gives it its key, its folder and its one registered version.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Any

from metaflow import Flow, Run, namespace
from metaflow.exception import MetaflowException, MetaflowNotFound

ORIGIN_TAG = "resumes:"
PROCESSES = "processes"  # by which ``choose`` leads on to one step or another
TAKEN_TAG = "takes-over:"  # another training's finished steps, and not its identity


class NothingToResumeError(MetaflowException):
    """No run can be resumed; the message says why."""

    headline = "Nothing to resume"


@dataclass(frozen=True)
class Attempt:
    """One run of Metaflow's."""

    run_id: str
    origin: str | None  # the run it resumes
    started: datetime
    finished: bool  # to the end
    own_steps: Callable[[], int]  # it finished itself, beside those it took from its origin
    name: str  # of its config


Trainings = Sequence[Sequence[Attempt]]  # each: runs that continue one another, oldest first


@dataclass(frozen=True)
class Choice:
    """What to resume, and what to say about it."""

    run_id: str
    words: tuple[str, ...]


def choose(
    attempts: Sequence[Attempt],
    under_way: Collection[str],
    name: str | None = None,
    *,
    finished_too: bool = False,
) -> Choice:
    """The newest training that did not finish, at its furthest run.

    Args:
        attempts: all runs of the flow.
        under_way: ids of runs that a process still works on.
        name: take only trainings of this config's name; None takes any.
        finished_too: also one that has finished, of which a step is to be run again.

    Raises:
        NothingToResumeError: there is none.
    """
    trainings = _trainings(attempts)
    candidates = [training for training in trainings if name is None or training[0].name == name]
    resumable = _resumable(candidates, under_way, finished_too)
    if not resumable:
        raise NothingToResumeError(_why_none(candidates, finished_too, name))
    chosen = resumable[-1]
    others = [training for training in trainings if training is not chosen]
    words = [*_about(chosen, candidates), *map(_also_open, _resumable(others, under_way))]
    return Choice(_furthest(chosen), tuple(words))


def _resumable(
    trainings: Trainings, under_way: Collection[str], finished_too: bool = False
) -> list[Sequence[Attempt]]:
    """Those that did not finish (or did, where that is asked for) and on which no process works."""
    return [
        training
        for training in trainings
        if (finished_too or not _finished(training))
        and not any(run.run_id in under_way for run in training)
    ]


def _about(chosen: Sequence[Attempt], candidates: Trainings) -> list[str]:
    """Which run is continued, and which training that was asked for finished after it began."""
    first = chosen[0]
    words = [f"Going on with run {_furthest(chosen)} of {first.name}, started {_time(first)}."]
    later = [training for training in candidates if training[0].started > first.started]
    if later and _finished(later[-1]):
        last = later[-1]
        words.append(f"Run {last[-1].run_id} of {last[0].name}, started later, has finished.")
    return words


def _why_none(candidates: Trainings, finished_too: bool, name: str | None) -> str:
    """Why none of the trainings that were asked for can be resumed."""
    unfinished = [training for training in candidates if finished_too or not _finished(training)]
    of_name = f" of {name}" if name else ""
    if not candidates:
        return f"no run{of_name} was started here yet; start one: run"
    if unfinished:
        return (
            f"run {unfinished[-1][-1].run_id} is still under way; one process at a time may work "
            "on a run. If it hangs, end its processes and resume again"
        )
    last = candidates[-1][-1]
    return (
        f"the last run{of_name}, {last.run_id} (started {_time(last)}), has finished; start "
        "another: run"
    )


def _finished(training: Sequence[Attempt]) -> bool:
    return any(run.finished for run in training)


def _also_open(training: Sequence[Attempt]) -> str:
    run_id, first = _furthest(training), training[0]
    return (
        f"Not finished either: run {run_id} of {first.name}, started {_time(first)}; "
        f"go on with it: resume --origin-run-id {run_id}"
    )


def check_origin(attempts: Sequence[Attempt], under_way: Collection[str], run_id: str) -> None:
    """Refuse a run that was named by hand while a process still works on its training.

    Raises:
        NothingToResumeError: one does.
    """
    for training in _trainings(attempts):
        ids = {run.run_id for run in training}
        if run_id in ids and (busy := ids & set(under_way)):
            raise NothingToResumeError(f"run {max(busy)} is still under way, from {run_id}")


def read_attempts(flow: str) -> list[Attempt]:
    """All runs of a flow that got as far as to have parameters, oldest first."""
    namespace(None)
    try:
        attempts = [_read(run) for run in Flow(flow).runs()]
    except MetaflowNotFound:
        return []
    return sorted((run for run in attempts if run), key=lambda run: run.started)


@cache
def own_parameters(flow: str, run_id: str) -> dict[str, Any]:
    """The parameters a run was started with, by name: ``config``, ``overrides``, ``production`` ...

    A step's own attributes of these names are those of the step before it, which may have been
    taken over from a run with another config.
    """
    task = Run(f"{flow}/{run_id}", _namespace_check=False)["_parameters"].task
    assert task is not None  # noqa: S101 no step runs without it
    return {artifact.id: artifact.data for artifact in task}


@cache
def first_run(flow: str, run_id: str) -> str:
    """The run with which a training began, of which ``run_id`` is a resumption."""
    while origin := _origin(Run(f"{flow}/{run_id}", _namespace_check=False)):
        run_id = origin
    return run_id


def was_chosen_before(flow: str, run_id: str) -> bool:
    """Whether a run's step ``choose`` is of a release in which ``train`` was a parallel step.

    Metaflow would run the steps after it twice: once as they were, once as they are now.
    """
    try:
        task = Run(f"{flow}/{run_id}", _namespace_check=False)["choose"].task
    except (KeyError, MetaflowNotFound):
        return False
    if task is None or not task.finished:
        return False
    return PROCESSES not in {value.id for value in task}


def _read(run: Run) -> Attempt | None:
    try:
        parameters = run["_parameters"].task
        if parameters is None:
            return None
        # Listed, not asked for by name: not every metadata service answers that.
        config = next(value for value in parameters if value.id == "config")
        name = config.data["name"]
        finished = bool(run.finished)
    except Exception:
        return None  # killed before it knew what it was to do, or damaged: others are still found
    return Attempt(run.id, _origin(run), begun_at(run), finished, partial(_own_steps, run), name)


def begun_at(run: Run) -> datetime:
    """When a run began.

    ``created_at`` of a run is not that: Metaflow's local store sets it anew with each tag that is
    given to the run, such as that of the champion.
    """
    return run["_parameters"].created_at


def _own_steps(run: Run) -> int:
    # Reads many small files: asked only of the runs between which to choose.
    return sum(
        task.finished and "origin-task-id" not in task.metadata_dict
        for step in run
        for task in step
    )


def _origin(run: Run) -> str | None:
    """The run that this one resumes.

    Metaflow writes it down with the first step, which a run that was killed early lacks: ``resume``
    gives it as a tag of the run itself.
    """
    for tag in run.tags:
        if tag.startswith(ORIGIN_TAG):
            return str(tag.removeprefix(ORIGIN_TAG))
    if any(tag.startswith(TAKEN_TAG) for tag in run.tags):
        return None
    for step in run:
        for task in step:
            origin = task.metadata_dict.get("origin-run-id")
            return None if origin in (None, "None") else str(origin)
    return None


def _trainings(attempts: Sequence[Attempt]) -> list[list[Attempt]]:
    """Runs that continue one another, oldest first; the trainings by their first run."""
    known = {run.run_id: run for run in attempts}
    groups: dict[str, list[Attempt]] = {}
    for run in attempts:
        first = run
        while first.origin in known:
            first = known[first.origin]
        groups.setdefault(first.run_id, []).append(run)
    ordered = [sorted(group, key=lambda run: run.started) for group in groups.values()]
    return sorted(ordered, key=lambda group: group[0].started)


def _furthest(training: Sequence[Attempt]) -> str:
    """The newest run that finished a step of its own: a run that was killed while it still took
    over its origin's steps may lack some of them.
    """
    known = {run.run_id: run for run in training}
    run = training[-1]
    while run.own_steps() == 0 and run.origin in known:
        run = known[run.origin]
    return run.run_id


def _time(run: Attempt) -> str:
    return f"{run.started:%Y-%m-%d %H:%M}"
