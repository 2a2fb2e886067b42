"""A run killed in training by two processes: resumed, it repeats nothing and loses nothing."""

from __future__ import annotations

import json
import os
import runpy
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

SMALL = runpy.run_path(str(Path(__file__).with_name("test_train.py")))
FLOW, environment, status = SMALL["FLOW"], SMALL["environment"], SMALL["status"]
registered_versions, read_lines = SMALL["registered_versions"], SMALL["read_lines"]
home, first_run = SMALL["home"], SMALL["first_run"]  # fixtures


@pytest.mark.kills
def test_killed_in_training_and_resumed_nothing_is_repeated_or_lost(
    home: Path, first_run: Any
) -> None:
    # By two processes: each is a task of the step, and both have to go on from the same epoch.
    values = (
        "tuning.trials=0",
        "tuning.workers=2",
        "training.world_size=2",
        "training.gradient_accumulation_steps=2",
    )
    settings = [part for value in values for part in ("--set", value)]
    command = [sys.executable, str(FLOW), "--config", "config", "tiny.yaml", "run", *settings]
    with (home / "killed.log").open("w") as log:
        running = subprocess.Popen(
            command, cwd=home, env=environment(home), stdout=log, stderr=log, start_new_session=True
        )
    before = set((home / ".sparrow" / "runs").glob("*/checkpoints/checkpoint.pt"))
    checkpoint = wait_for_checkpoint(home, before, running)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    run_dir = checkpoint.parents[1]
    steps_before = [json.loads(line)["step"] for line in read_lines(run_dir)]

    resumed = subprocess.run(
        [sys.executable, str(FLOW), "resume"],  # with the config of the run it goes on with
        cwd=home,
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
    )
    assert resumed.returncode == 0, resumed.stdout[-4000:] + resumed.stderr[-2000:]
    steps_after = [json.loads(line)["step"] for line in read_lines(run_dir)][len(steps_before) :]
    # What the first run had done of it was taken over.
    assert steps_before == ["explore", "tune", "tune", "gather", "choose"]
    together = ["gang", "train_together", "train_together", "gathered"]
    assert steps_after == [*together, "evaluate", "promote", "bundle", "end"]
    assert "epoch  1 of 2" not in resumed.stdout  # it was finished before the kill
    assert "epoch  2 of 2" in resumed.stdout
    assert registered_versions(home) == [1, 2]  # one version a run, none twice

    # The same data and seed without tuning is no better than the champion: it stays.
    found = status(home)
    assert found["run"]["candidate_version"] == 2
    assert found["champion"]["version"] == 1
    assert not found["run"]["decision"]["promote"]
    # Its card says at which threshold it would find what the champion finds.
    model = json.loads((run_dir / "model" / "model.json").read_text())
    assert model["equal_recall"]["champion_version"] == 1
    assert any(not gate["passed"] for gate in found["run"]["decision"]["gates"])


def wait_for_checkpoint(home: Path, before: set[Path], running: subprocess.Popen[bytes]) -> Path:
    """The checkpoint of a new run, once its first epoch is in it."""
    while running.poll() is None:
        new = set((home / ".sparrow" / "runs").glob("*/checkpoints/checkpoint.pt")) - before
        if new:
            return new.pop()
        time.sleep(0.05)
    raise AssertionError((home / "killed.log").read_text()[-4000:])
