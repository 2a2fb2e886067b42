"""What every step of a flow gets: errors as messages, and a note of its own working time."""

from __future__ import annotations

import contextlib
import functools
import json
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypedDict, cast

from metaflow import current
from metaflow.exception import MetaflowException

from sparrow.storage.run_lock import join_run
from sparrow.store_url import hide_in_text

STEP_LOG = "steps.jsonl"


class StepTime(TypedDict):
    """A line of the step log: one attempt of a step, in seconds since 1970."""

    run: str
    step: str
    started: float
    finished: float


class UserError(MetaflowException):
    """Shown by Metaflow as its message alone."""

    headline = "Stopped"


def user_errors() -> tuple[type[Exception], ...]:
    """Faults of input: the message says all there is to know, and a traceback would only hide it.

    They are imported where there is an error: most processes of a flow never need them.
    """
    from sparrow.config import ConfigError
    from sparrow.data.errors import DataError
    from sparrow.images import ImageError
    from sparrow.inference.model_folder import ModelFolderError
    from sparrow.registry.moved_store import MovedStoreError
    from sparrow.store_url import StoreURLError

    return ConfigError, DataError, ImageError, ModelFolderError, MovedStoreError, StoreURLError


def user_facing_config(text: str) -> dict[str, object]:
    """Parser of Metaflow's ``Config``: YAML -> checked values, or a refusal without traceback."""
    from sparrow.config import ConfigError, parse_config

    try:
        return parse_config(text).model_dump(mode="json")
    except ConfigError as error:
        raise UserError(str(error)) from None


def refuse_secrets(words: Sequence[str]) -> None:
    """Refuse a password in ``--set stores.…=…`` or ``--config-value`` before a run keeps it.

    Metaflow writes its command line down before the first step could refuse it.

    Args:
        words: of the command line.

    Raises:
        UserError: there is one; the message does not hold it.
    """
    for word in words:
        shown = hide_in_text(word)
        if shown != word:
            raise UserError(
                f"a password stands in {shown}; every user of this machine can read a command "
                "line, and a run keeps it. Write ${NAME} in its place, in single quotes, and set "
                "that environment variable"
            )


def user_facing_step(function: Callable[..., None]) -> Callable[..., None]:
    """Wrap a step: faults of input become plain messages, its own seconds are written down."""

    @functools.wraps(function)
    def wrapped(flow: Any, *inputs: Any) -> None:  # Metaflow's: a flow; a join's inputs
        from step_state import state_of_step

        started = time.time()
        try:
            with state_of_step(flow):
                if hasattr(flow, "work_dir"):  # the first step of ``monitor.py`` makes it
                    join_run(str(current.run_id), Path(flow.work_dir))
                function(flow, *inputs)
                note_step(Path(flow.work_dir), started)
        except user_errors() as error:
            raise UserError(str(error)) from None
        except RuntimeError as error:
            # torch is not imported for its error types: a step without torch must stay without.
            if type(error).__module__.startswith(("sparrow.", "monitoring.")):
                raise UserError(str(error)) from None
            raise

    return wrapped


def note_step(work_dir: Path, started: float) -> None:
    """Append one line to the run's step log."""
    work_dir.mkdir(parents=True, exist_ok=True)
    line = {
        "run": current.run_id,
        "step": current.step_name,
        "started": started,
        "finished": time.time(),
    }
    with (work_dir / STEP_LOG).open("a") as log:
        log.write(json.dumps(line) + "\n")


def run_times(work_dir: Path, begun: datetime) -> str:
    """Seconds per step of the current run, as text (see ``time_table``)."""
    steps = read_steps(work_dir, str(current.run_id))
    return time_table(steps, begun.timestamp(), time.time())


def read_steps(work_dir: Path, run_id: str) -> list[StepTime]:
    """The lines of one run, in order of starting; those cut by a kill or a full disk left out."""
    lines: list[StepTime] = []
    for text in (work_dir / STEP_LOG).read_text(errors="replace").splitlines():
        with contextlib.suppress(ValueError):
            line = json.loads(text)
            if isinstance(line, dict) and line.get("run") == run_id:
                lines.append(cast(StepTime, line))
    return sorted(lines, key=lambda line: line["started"])


def time_table(steps: Sequence[StepTime], run_started: float, now: float) -> str:
    """Seconds per step, its own work apart from waiting and start-up before it, as text."""
    rows = [f"{'step':<14}{'own work':>10}{'before it':>11}"]
    outside, busy_until = 0.0, run_started
    for line in steps:
        before = max(0.0, line["started"] - busy_until)
        busy_until = max(busy_until, line["finished"])
        outside += before
        own = line["finished"] - line["started"]
        rows.append(f"{line['step']:<14}{own:>9.1f}s{before:>10.1f}s")
    outside += max(0.0, now - busy_until)
    rows.append(f"{'in all':<14}{now - run_started:>9.1f}s, of it {outside:.1f}s outside the steps")
    return "\n".join(rows)
