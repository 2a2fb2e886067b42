"""From drift to a retrained candidate, at most one at a time and one in a cooldown.

On drift, where ``monitoring.on_drift`` says so, the training flow is started as a process of its
own, once in ``monitoring.cooldown_hours`` and never twice at a time. It ingests what is in
``data.new``, and its candidate has to pass the promotion gate like any other. A start is written
down before it happens, so that one that fails counts, too.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import IO

from filelock import lock_descriptor

from monitoring.verdict import DriftVerdict, State
from sparrow.atomic_file import write_atomic
from sparrow.config import MonitoringConfig
from sparrow.portable import start_apart

STATE = "loop.json"
LOCK = "loop.lock"  # held by the training as long as it runs, even if its parent ends
OUTPUT = "retraining.log"
# Metaflow hands a flow's config to its tasks in these; another flow must not take it for its own.
OF_THIS_FLOW = ("METAFLOW_FLOW_CONFIG", "METAFLOW_FLOW_CONFIG_VALUE")


class Action(StrEnum):
    """What is done about a verdict."""

    NOTHING = "nothing"
    REPORT = "report"
    WAIT = "wait"
    TRAIN = "train"
    PUBLISH = "publish"


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
        home: folder of the state between runs and of the training's output.
        command: starts a training.
        now: aware; None is the clock.
    """
    if verdict.state is not State.DRIFT:
        return Response(Action.NOTHING, "")
    if config.on_drift == "report":
        words = "Nothing was started (monitoring.on_drift is report); see sparrow review."
        return Response(Action.REPORT, words)
    home.mkdir(parents=True, exist_ok=True)
    now = now or datetime.now(UTC)
    with (home / LOCK).open("ab") as lock:
        if waiting := _waiting(lock, home / STATE, now, config.cooldown_hours):
            return Response(Action.WAIT, waiting)
        _write_state(home / STATE, now, verdict)
        process = _start(command, home / OUTPUT, lock)
    words = f"Training was started (process {process.pid}, {home / OUTPUT})."
    return Response(Action.TRAIN, words, process)


def announce(
    verdict: DriftVerdict,
    config: MonitoringConfig,
    home: Path,
    publish: Callable[[], str],
    now: datetime | None = None,
) -> Response:
    """As ``respond`` on a cluster: drift is published, and whoever waits for it starts a training.

    One that could not be published does not count, and the next run publishes again.

    Args:
        config: ``cooldown_hours``; an event goes before ``on_drift``.
        publish: returns what went wrong, in words.
    """
    if verdict.state is not State.DRIFT:
        return Response(Action.NOTHING, "")
    home.mkdir(parents=True, exist_ok=True)
    now = now or datetime.now(UTC)
    with (home / LOCK).open("ab") as lock:
        if waiting := _waiting(lock, home / STATE, now, config.cooldown_hours):
            return Response(Action.WAIT, waiting)
        if fault := publish():
            return Response(Action.REPORT, f"The event of drift could not be published: {fault}.")
        _write_state(home / STATE, now, verdict)
    return Response(Action.PUBLISH, "The event of drift was published; a training starts on it.")


def _waiting(lock: IO[bytes], state: Path, now: datetime, cooldown_hours: float) -> str:
    """Why no training can start now; "" where one can, and then the lock is held."""
    if not lock_descriptor(lock.fileno(), blocking=False):
        return "A training that drift started is still running."
    if not state.exists():
        return ""
    try:
        last = datetime.fromisoformat(json.loads(state.read_text(encoding="utf-8"))["started_at"])
        again = last + timedelta(hours=cooldown_hours)
        waits = now < again
    except (OSError, ValueError, KeyError, TypeError) as error:
        return f"{state} cannot be read ({error!r}); remove it to let drift start a training again."
    if not waits:
        return ""
    return (
        f"Drift started a training at {last:%Y-%m-%d %H:%M} UTC; the next one not before "
        f"{again:%Y-%m-%d %H:%M} UTC (monitoring.cooldown_hours)."
    )


def _write_state(state: Path, now: datetime, verdict: DriftVerdict) -> None:
    values = {
        "started_at": now.astimezone(UTC).isoformat(timespec="seconds"),
        "model_version": verdict.model_version,
        "reason": verdict.reason,
    }
    write_atomic(state, json.dumps(values, indent=1) + "\n")


def _start(command: Sequence[str], output: Path, lock: IO[bytes]) -> subprocess.Popen[bytes]:
    environment = {k: v for k, v in os.environ.items() if k not in OF_THIS_FLOW}
    with output.open("ab") as file:
        return start_apart(command, file, environment, held=lock)
