"""From drift to a retrained candidate, without going round in circles.

On drift, where ``monitoring.on_drift`` says so, the training flow is started as a process of its
own, once in ``monitoring.cooldown_hours`` and never twice at a time. It takes in what lies in
``data.new``, and its candidate has to pass the gate like any other. A start is written down before
it happens, so that one that fails counts, too.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import IO

from filelock import lock_descriptor

from monitoring.verdict import DriftVerdict, State
from sparrow.atomic_file import write_atomic
from sparrow.config import MonitoringConfig

STATE = "loop.json"
LOCK = "loop.lock"  # held by the training as long as it runs, whatever becomes of its parent
OUTPUT = "retraining.log"
# Metaflow tells the tasks of a flow its config by these; another flow must not take it for its own.
OF_THIS_FLOW = ("METAFLOW_FLOW_CONFIG", "METAFLOW_FLOW_CONFIG_VALUE")


class Action(StrEnum):
    """What is done about a verdict."""

    NOTHING = "nothing"
    REPORT = "report"
    WAIT = "wait"
    TRAIN = "train"


@dataclass(frozen=True)
class Response:
    """What is done, in words, and the training that was started, if one was."""

    action: Action
    words: str
    process: subprocess.Popen[bytes] | None = None


def respond(
    verdict: DriftVerdict,
    config: MonitoringConfig,
    home: Path,
    command: Sequence[str],
    now: datetime | None = None,
) -> Response:
    """Act on a verdict; returns at once, also when a training was started.

    Args:
        verdict: of this run of the monitor.
        config: ``on_drift`` and ``cooldown_hours``.
        home: folder of the loop's state and of the training's output.
        command: that trains.
        now: aware; None is the clock.
    """
    if verdict.state is not State.DRIFT:
        return Response(Action.NOTHING, "")
    if config.on_drift == "report":
        return Response(
            Action.REPORT,
            "Nothing was started (monitoring.on_drift is report); see sparrow review.",
        )
    now = now or datetime.now(UTC)
    home.mkdir(parents=True, exist_ok=True)
    with (home / LOCK).open("a") as lock:
        if not lock_descriptor(lock.fileno(), blocking=False):
            return Response(Action.WAIT, "A training that drift started is still running.")
        waiting = _cooling(home / STATE, now, timedelta(hours=config.cooldown_hours))
        if waiting:
            return Response(Action.WAIT, waiting)
        _note(home / STATE, now, verdict)
        process = _start(command, home / OUTPUT, lock)
    return Response(
        Action.TRAIN, f"Training was started (process {process.pid}, {home / OUTPUT}).", process
    )


def _cooling(state: Path, now: datetime, cooldown: timedelta) -> str:
    """Why to wait; "" when it is time."""
    if not state.exists():
        return ""
    try:
        last = datetime.fromisoformat(json.loads(state.read_text())["started_at"])
        again = last + cooldown
        waits = now < again
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{state} cannot be read ({error!r}); remove it to let drift start a training again."
    if not waits:
        return ""
    return (
        f"Drift started a training at {last:%Y-%m-%d %H:%M} UTC; the next one not before "
        f"{again:%Y-%m-%d %H:%M} UTC (monitoring.cooldown_hours)."
    )


def _note(state: Path, now: datetime, verdict: DriftVerdict) -> None:
    values = {
        "started_at": now.astimezone(UTC).isoformat(timespec="seconds"),
        "model_version": verdict.model_version,
        "reason": verdict.reason,
    }
    write_atomic(state, json.dumps(values, indent=1) + "\n")


def _start(command: Sequence[str], output: Path, lock: IO[str]) -> subprocess.Popen[bytes]:
    environment = {k: v for k, v in os.environ.items() if k not in OF_THIS_FLOW}
    with output.open("ab") as said:
        return subprocess.Popen(  # noqa: S603 the caller's own command
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            env=environment,
            start_new_session=True,  # the end of the monitor is not its end
            pass_fds=(lock.fileno(),),
        )
