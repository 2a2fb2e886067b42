"""SIGKILL in every step of the flow, then ``resume``: the same champion, nothing twice.

One training is killed some thirty times: as each step begins, in the middle of training, and when
a step's work is done but Metaflow does not know it yet. It ends like one that was left alone.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import yaml

from sparrow.regular_file import sha256_of

SMALL = runpy.run_path(str(Path(__file__).with_name("test_train.py")))
FLOW, TINY, environment = SMALL["FLOW"], SMALL["TINY"], SMALL["environment"]
STEPS = (
    "start", "check_data", "ingest", "split", "explore", "tune", "gather", "choose", "train",
    "evaluate", "promote", "bundle", "end",
)  # fmt: skip
NAME = TINY["name"]


def prepare(home: Path, **changes: Any) -> Path:
    """A working directory for runs."""
    (home / ".metaflow").mkdir(parents=True)
    (home / "tiny.yaml").write_text(yaml.safe_dump({**TINY, **changes}))
    return home


class Training:
    """The process of a run, and what it says."""

    def __init__(self, home: Path, *arguments: str) -> None:
        self.home, self.log = home, home / f"log-{time.time_ns()}.txt"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(FLOW), *arguments],
                cwd=home, env=environment(home), stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def said(self) -> str:
        return self.log.read_text()

    def kill_when(self, reached: Callable[[], bool], after_s: float = 0.0) -> bool:
        """SIGKILL for all of its processes; False when it ended before."""
        while not reached():
            if self.process.poll() is not None:
                return False
            time.sleep(0.02)
        time.sleep(after_s)
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        return self.process.wait() == -signal.SIGKILL

    def begun(self, step: str) -> Callable[[], bool]:
        return lambda: (
            f"/{step}/"
            in "".join(line for line in self.said().splitlines() if "Task is starting" in line)
        )

    def going_on_with(self) -> str:
        found = re.search(r"Going on with run (\d+) of ", self.said())
        assert found, self.said()[-3000:]
        return found[1]


def work_done(home: Path, step: str) -> int:
    """How often a step came to its end, as far as its own work goes."""
    lines = [
        json.loads(line)["step"]
        for log in (home / ".sparrow" / "runs").glob("*/steps.jsonl")
        for line in log.read_text().splitlines()
    ]
    return lines.count(step)


def runs_of(home: Path) -> list[str]:
    return sorted(path.name for path in (home / ".metaflow" / "Train").glob("[0-9]*"))


def result_of(home: Path) -> dict[str, Any]:
    """What a training left in all of its stores."""
    champion = home / ".sparrow" / "champion"
    with closing(sqlite3.connect(home / ".sparrow" / "promotions.db")) as log:
        promotions = log.execute("SELECT from_version, to_version FROM promotions").fetchall()
    with closing(sqlite3.connect(home / ".sparrow" / "mlflow.db")) as store:
        versions = store.execute("SELECT name, version FROM model_versions").fetchall()
        runs = store.execute("SELECT count(*) FROM runs").fetchone()[0]
        aliases = store.execute("SELECT alias, version FROM registered_model_aliases").fetchall()
    bentos = [p for p in (home / "bentoml" / "bentos" / NAME).iterdir() if p.is_dir()]
    reports = list((home / ".sparrow" / "runs").glob("*/report.json"))
    model = json.loads((champion / "model.json").read_text())
    return {
        "weights": sha256_of(champion / "weights.safetensors"),
        "engine": sha256_of(champion / "engine.onnx"),
        "threshold": model["threshold"],
        "metrics": model["metrics"],
        "promotions": promotions,
        "versions": versions,
        "aliases": aliases,
        "trainings in MLflow": runs,
        "bentos": len(bentos),
        "reports": [json.loads(path.read_text())["state"] for path in reports],
        "study": [path.read_text() for path in (home / ".sparrow/runs").glob("*/best_params.yaml")],
    }


@pytest.mark.kills
def test_killed_in_every_step_it_ends_as_if_it_had_been_left_alone(tmp_path: Path) -> None:
    alone = prepare(tmp_path / "alone")
    left = Training(alone, "--config", "config", "tiny.yaml", "run", "--production")
    assert left.process.wait() == 0, left.said()[-4000:]

    home = prepare(tmp_path / "killed")
    training = Training(home, "--config", "config", "tiny.yaml", "run", "--production")
    kills = []
    for step in STEPS:
        middle = ("in the middle",) if step == "train" else ()
        for moment in ("as it begins", *middle, "when its work is done"):
            done = work_done(home, step)
            if moment == "as it begins":
                killed = training.kill_when(training.begun(step), 0.7)
            elif moment == "in the middle":
                found = home / ".sparrow" / "runs"
                killed = training.kill_when(
                    lambda found=found: any(found.glob("*/checkpoints/checkpoint.pt"))
                )
            else:
                killed = training.kill_when(
                    lambda step=step, done=done: work_done(home, step) > done
                )
            if not killed:
                assert training.process.returncode == 0, training.said()[-4000:]
                assert step == "end", (step, moment)
                break
            kills.append(f"{step} {moment}")
            print(f"killed in {kills[-1]}", flush=True)
            training = Training(home, "resume")
    assert training.process.wait() == 0, training.said()[-4000:]
    assert len(kills) >= 2 * len(STEPS) - 1
    assert result_of(home) == result_of(alone)
    assert result_of(home)["promotions"] == [(None, 1)]
    assert len(list((home / ".sparrow" / "runs").iterdir())) == 1  # one training, one folder

    again = Training(home, "resume")
    assert again.process.wait() == 1
    assert "Nothing to resume" in again.said()
    assert result_of(home) == result_of(alone)


@pytest.mark.slow
def test_each_resume_goes_on_from_the_newest_run(tmp_path: Path) -> None:
    home = prepare(tmp_path / "home", name="first")
    nothing = Training(home, "resume")
    assert nothing.process.wait() == 1
    assert "no run was started here yet" in nothing.said()
    assert "Traceback" not in nothing.said()

    training = Training(home, "--config", "config", "tiny.yaml", "run")
    assert training.kill_when(training.begun("start"), 0.3)
    second = Training(home, "resume")
    assert second.kill_when(lambda: work_done(home, "check_data") == 1)
    third = Training(home, "resume")
    assert third.kill_when(third.begun("ingest"))
    first_id, second_id, third_id = runs_of(home)
    assert second.going_on_with() == first_id
    assert third.going_on_with() == second_id
    assert work_done(home, "start") == 1
    # Whether the second had finished `check_data` when it was killed depends on the moment.
    furthest = third_id if third.begun("check_data")() else second_id
    folders = [path.name for path in (home / ".sparrow" / "runs").iterdir()]
    assert folders == [first_id]  # of one training, whatever it was resumed as

    # Another config's run in the same folder: each finds its own, and what runs is not taken.
    (home / "other.yaml").write_text(yaml.safe_dump({**TINY, "name": "other"}))
    # (It would take its check over from the first.)
    other = Training(home, "--config", "config", "other.yaml", "run", "--fresh")
    while not other.begun("check_data")():
        assert other.process.poll() is None, other.said()[-3000:]
        time.sleep(0.05)
    named = Training(home, "--config", "config", "other.yaml", "resume")
    assert named.process.wait() == 1
    assert "is still under way" in named.said()
    assert other.kill_when(lambda: True)
    for config, expected in (("tiny.yaml", furthest), ("other.yaml", runs_of(home)[-1])):
        one = Training(home, "--config", "config", config, "resume")
        assert one.kill_when(lambda one=one: "Going on with" in one.said())
        assert one.going_on_with() == expected
        assert "Not finished either" in one.said()

    # What a finished step left is damaged: it is made again, instead of a traceback each time.
    (listed,) = (home / ".metaflow" / "Train" / second_id / "start").glob("*/0.data.json")
    value = json.loads(listed.read_text())["objects"]["record"]
    (home / ".metaflow" / "Train" / "data" / value[:2] / value).write_bytes(b"damaged")
    again = Training(home, "--config", "config", "tiny.yaml", "resume")
    assert again.kill_when(again.begun("check_data"))
    assert "What step start left is damaged, and was set aside: it runs again." in again.said()
    assert again.begun("start")()


@pytest.mark.kills
def test_two_runs_at_once_in_one_folder_are_killed_and_each_finds_its_own(tmp_path: Path) -> None:
    home = prepare(tmp_path / "home")
    other = {**TINY, "name": "other", "seed": 5, "tuning": {"trials": 0}}
    other["data"] = {**TINY["data"], "root": "raw-of-other", "prepared": "prepared"}
    (home / "other.yaml").write_text(yaml.safe_dump(other))
    configs = {NAME: "tiny.yaml", "other": "other.yaml"}
    both = {
        name: Training(home, "--config", "config", config, "run")
        for name, config in configs.items()
    }
    for training in both.values():
        # Each in training, after its first epoch.
        assert training.kill_when(lambda training=training: "epoch  1 of 2" in training.said())
    folders = {path.name for path in (home / ".sparrow" / "runs").iterdir()}
    assert len(folders) == 2
    both = {
        name: Training(home, "--config", "config", config, "resume")
        for name, config in configs.items()
    }
    for name, training in both.items():
        assert training.process.wait() == 0, training.said()[-4000:]
        assert f"of {name}, started" in training.said()
        assert "epoch  1 of 2" not in training.said()
    assert {path.name for path in (home / ".sparrow" / "runs").iterdir()} == folders
    reports = [
        json.loads((home / ".sparrow" / "runs" / folder / "report.json").read_text())
        for folder in folders
    ]
    assert {(report["name"], report["state"]) for report in reports} == {
        (NAME, "finished"), ("other", "finished"),
    }  # fmt: skip
    with closing(sqlite3.connect(home / ".sparrow" / "mlflow.db")) as store:
        versions = store.execute("SELECT name, version FROM model_versions").fetchall()
    assert sorted(versions) == [("other", 1), (NAME, 1)]
    for name in configs:
        model = home / ".sparrow" / "champion.versions" / name / "1" / "model.json"
        assert json.loads(model.read_text())["name"] == name
