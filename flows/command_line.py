"""The command line of ``train.py`` before Metaflow reads it: who, which run, and one at a time."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from artifacts import PARAMETERS, set_damaged_aside
from lineage import ORIGIN_TAG, check_origin, choose, read_attempts, was_chosen_before
from metaflow.exception import MetaflowException
from metaflow.plugins.datastores.local_storage import LocalStorage
from moved_runs import follow_moved_runs
from user_errors import refuse_secrets

from sparrow.storage.run_lock import (
    RunsUnderWayError,
    choosing,
    name_run,
    run_under_way,
    runs_under_way,
)

STARTS = ("run", "resume")
ORIGIN = "--origin-run-id"
CHOICE = "choose"


class CommandError(MetaflowException):
    """A command line that would do something else than it says."""

    headline = "Not started"


def main(flow: type) -> None:
    """Start a flow; ``run`` and ``resume`` under a lock, ``resume`` with the run it continues.

    Args:
        flow: made without arguments, it reads ``sys.argv``, does as it says and does not return.
    """
    at = next((i for i, word in enumerate(sys.argv[1:], 1) if word in STARTS), None)
    if at is None:
        flow()
        return
    try:
        refuse_secrets(sys.argv[1:])
        _check(sys.argv[1:at])
        _follow_moved(flow.__name__)
        with run_under_way(lock_folder(flow.__name__)) as lock:
            if sys.argv[at] == "run":
                # Imported here: each step and card is a process of its own, and needs none of it.
                from reuse import reuse_earlier_runs

                reuse_earlier_runs()
            elif "--help" not in sys.argv:
                sys.argv[1:] = _resumed(flow, sys.argv[1:at], sys.argv[at + 1 :], lock)
            flow()
    except MetaflowException as error:
        print(f"{error.headline}: {error.message}", file=sys.stderr)
        sys.exit(1)


def lock_folder(flow: str) -> Path:
    """Beside the runs as Metaflow keeps them: whoever sees the runs sees their locks."""
    root = LocalStorage.datastore_root or LocalStorage.get_datastore_root_from_config(_say)
    return Path(root) / flow / "locks"


def _follow_moved(flow: str) -> None:
    root = lock_folder(flow).parents[1]
    if followed := follow_moved_runs(root, flow):
        _say(f"The project was moved or copied: {followed} earlier runs are read in {root} now.")


def _say(text: str, **_style: object) -> None:
    print(text)


def _check(before: Sequence[str]) -> None:
    if "--production" in before:
        raise CommandError(
            "--production before the command is Metaflow's branch for deployments and promotes "
            "nothing. To promote even if a gate fails, put it behind: run --production"
        )


def _resumed(flow: type, before: list[str], after: list[str], lock: Path) -> list[str]:
    """The command line with the run to continue; the lock is marked with that run."""
    name, before = _config_name(before)
    steps = [step for step, value in vars(flow).items() if getattr(value, "is_step", False)]
    named = set(steps) & set(after)
    try:
        with choosing(lock.parent):
            busy, attempts = runs_under_way(lock.parent), read_attempts(flow.__name__)
            if ORIGIN in after[:-1]:
                run_id = after[after.index(ORIGIN) + 1]
                check_origin(attempts, busy, run_id)
                name_run(lock, run_id)
                after += _step_again(flow.__name__, run_id, steps, named)
                return [*before, "resume", *after, "--tag", ORIGIN_TAG + run_id]
            choice = choose(attempts, busy, name, finished_too=bool(named))
            name_run(lock, choice.run_id)
    except RunsUnderWayError as error:
        raise CommandError(str(error)) from None
    print(*choice.words, sep="\n", flush=True)
    after += _step_again(flow.__name__, choice.run_id, steps, named)
    origin = [ORIGIN, choice.run_id, "--tag", ORIGIN_TAG + choice.run_id]
    return [*before, "resume", *after, *origin]


def _step_again(flow: str, run_id: str, steps: Sequence[str], named: set[str]) -> list[str]:
    """The step that has to run again: what it left is damaged, or leads on to another flow's step.

    Args:
        steps: of the flow, in its order.
        named: those that are to run again anyway.
    """
    root = lock_folder(flow).parents[1]
    damaged = set_damaged_aside(root, flow, run_id)
    if PARAMETERS in damaged:
        raise CommandError(
            f"command line and config of run {run_id} are damaged in {root}; start another: run"
        )
    step = next((step for step in steps if step in damaged), None)
    if was_chosen_before(flow, run_id) and step not in steps[: steps.index(CHOICE)]:
        return _choice_again(run_id, steps, named)
    if step is None or named:
        return []
    print(f"What step {step} left is damaged, and was set aside: it runs again.", flush=True)
    return [step]


def _choice_again(run_id: str, steps: Sequence[str], named: set[str]) -> list[str]:
    """``choose``, unless a step was named; one after it is refused."""
    if late := named & set(steps[steps.index(CHOICE) + 1 :]):
        raise CommandError(
            f"run {run_id} was made by an earlier release, whose training was another step: "
            f"{min(late)} cannot be run again in it. Go on from: resume {CHOICE}"
        )
    if named:
        return []
    print(f"Run {run_id} is of an earlier release: it goes on from {CHOICE}, and from the "
          "epochs that it has trained.", flush=True)  # fmt: skip
    return [CHOICE]


def _config_name(before: list[str]) -> tuple[str | None, list[str]]:
    """The name in a config given with ``resume``, and the command line without it.

    A run continues with the config it was started with; the one given says which run is meant.
    """
    if "--config" not in before:
        return None, before
    at = before.index("--config")
    values = before[at + 1 : at + 3]
    if len(values) < 2:
        raise CommandError("expected --config config FILE")
    from sparrow.config import ConfigError, load_config

    try:
        name = load_config(values[1]).name
    except ConfigError as error:
        raise CommandError(str(error)) from None
    return name, [*before[:at], *before[at + 3 :]]
