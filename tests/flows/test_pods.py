"""Flows whose every step has a machine of its own: S3 and PostgreSQL are all that steps share.

A step is started in a sandbox by the tests' decorator ``@pod``, with the hooks that ``@kubernetes``
uses. No cluster takes part.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from flows.pod_stores import PODS, PodStores, pod_stores
from flows.test_train import TINY
from pandas.testing import assert_frame_equal
from pinned_sets import BUCKET

from sparrow.inference.model_folder import REFERENCE
from sparrow.predictions.window import read_reference
from sparrow.storage.object_store import open_store
from sparrow.storage.shared_folder import SharedFolder

ROOT = Path(__file__).resolve().parents[2]
STATE = f"s3://{BUCKET}/state"
ALONE = ["start", "check_data", "ingest", "split", "explore", "tune", "gather", "choose", "train",
         "evaluate", "promote", "bundle", "end"]  # fmt: skip
pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PodStores]:
    with pod_stores(tmp_path_factory.mktemp("stores")) as running:
        yield running


class Project:
    """A config whose stores are on servers, under names of its own, and flows that follow it."""

    def __init__(self, stores: PodStores, name: str, home: Path, **sections: Any) -> None:
        self.stores, self.state, self.home = stores, f"{STATE}-{name}", home
        self.reports = home / "pods.jsonl"
        stores.make_databases(*(f"{name}_{part}" for part in ("mlflow", "optuna", "sparrow")))
        urls = {part: stores.database(f"{name}_{part}") for part in ("mlflow", "optuna", "sparrow")}
        config = {**TINY, **sections, "stores": {
            "tracking": urls["mlflow"], "artifacts": f"s3://{BUCKET}/artifacts-{name}",
            "tuning": urls["optuna"], "promotion_log": urls["sparrow"],
            "prediction_log": urls["sparrow"], "state": self.state,
        }}  # fmt: skip
        (home / ".metaflow").mkdir(parents=True)
        (home / "tiny.yaml").write_text(yaml.safe_dump(config))

    def start(self, flow: str, *words: str) -> subprocess.Popen[bytes]:
        """The process that starts the pods, in a folder where nothing else is."""
        paths = os.pathsep.join([str(ROOT), str(PODS)])
        variables = {**os.environ, **self.stores.variables(), "PYTHONPATH": paths}
        variables["SPARROW_TEST_POD_REPORT"] = str(self.reports)
        command = [sys.executable, str(ROOT / "flows" / flow), "--config", "config", "tiny.yaml"]
        with (self.home / "out").open("ab") as out:
            return subprocess.Popen(
                [*command, *words, "--with", "pod"], cwd=self.home, env=variables, stdout=out,
                stderr=out, start_new_session=True,
            )  # fmt: skip

    def run(self, flow: str, *words: str) -> None:
        assert self.start(flow, *words).wait() == 0, self.said()[-4000:]

    def said(self) -> str:
        return (self.home / "out").read_text(errors="replace")

    def pods(self) -> list[dict[str, Any]]:
        """What each pod says of itself, in the order in which they ended."""
        return [json.loads(line) for line in self.reports.read_text().splitlines()]

    def fetched_run(self) -> Path:
        """The files of the only run, as another host would fetch them."""
        store = open_store(self.state)
        (key,) = {name.split("/")[1] for name in store.sizes("runs")}
        SharedFolder(store, f"runs/{key}", self.home / "fetched").fetch()
        return self.home / "fetched"

    def rows(self, database: str, query: str) -> list[tuple[Any, ...]]:
        address = next(u for u in self._urls() if u.endswith(f"_{database}"))
        with psycopg.connect(address) as connection:
            return connection.execute(query).fetchall()

    def _urls(self) -> list[str]:
        return list(yaml.safe_load((self.home / "tiny.yaml").read_text())["stores"].values())


def no_path_was_shared(pods: list[dict[str, Any]]) -> None:
    """Each pod marked every folder that it could write, at its beginning and at its end."""
    assert [pod["foreign"] for pod in pods] == [[]] * len(pods)
    assert {pod["pid"] for pod in pods} == {2}  # so a name by process id would be all of theirs
    for pod in pods:
        assert {"/", "/tmp", "/home/pod", "/pod", "/dev/shm", "/pod/.sparrow"} <= set(pod["marked"])


def environment(monkeypatch: pytest.MonkeyPatch, stores: PodStores) -> None:
    for name, value in stores.variables().items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)


def test_two_workers_and_two_processes_and_the_monitor_end_well(
    stores: PodStores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment(monkeypatch, stores)
    tuning = {**TINY["tuning"], "trials": 4, "workers": 2}
    training = {**TINY["training"], "world_size": 2, "gradient_accumulation_steps": 2}
    project = Project(stores, "together", tmp_path / "home", tuning=tuning, training=training)
    project.run("train.py", "run")
    pods = project.pods()
    steps = sorted(pod["name"].split("/")[0] for pod in pods)
    assert steps == sorted([*(s for s in ALONE if s != "train"), "tune", "gang", "gathered",
                            "train_together", "train_together"])  # fmt: skip
    assert project.rows("optuna", "SELECT state, count(*) FROM trials GROUP BY state") == [
        ("COMPLETE", 4)
    ]
    assert project.rows("sparrow", "SELECT from_version, to_version FROM promotions") == [(None, 1)]
    # What each of two tuning workers has written at the same time is there.
    log = (project.fetched_run() / "steps.jsonl").read_text().splitlines()
    assert sorted(json.loads(line)["step"] for line in log) == steps[:]

    project.run("monitor.py", "run")
    assert "too few photos" in project.said()
    no_path_was_shared(project.pods())
    store = open_store(project.state)
    SharedFolder(store, "monitoring", tmp_path / "monitoring").fetch()
    (page,) = (tmp_path / "monitoring").glob("*/index.html")
    assert (page.parent / "verdict.json").is_file()
    alerts = (tmp_path / "monitoring" / "alerts.jsonl").read_text().splitlines()
    assert [json.loads(line)["exit_status"] for line in alerts] == [4]


@pytest.fixture(scope="module")
def local_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run on one machine, with the defaults of ``stores``."""
    home = tmp_path_factory.mktemp("local")
    (home / ".metaflow").mkdir()
    config = {**TINY, "tuning": {**TINY["tuning"], "trials": 0}, "stores": {}}
    (home / "tiny.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, str(ROOT / "flows" / "train.py"), "--config", "config", "tiny.yaml"]
    variables = {"METAFLOW_USER": "test", "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(home),
                 "BENTOML_HOME": str(home / "bentoml")}  # fmt: skip
    run = subprocess.run(
        [*command, "run"], cwd=home, env=os.environ | variables, capture_output=True
    )
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-3000:]
    (folder,) = (home / ".sparrow" / "runs").iterdir()
    return folder


def test_with_each_store_killed_once_the_results_are_those_of_one_machine(
    stores: PodStores, local_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that a killed store has ended is resumed; nothing is lost or doubled."""
    environment(monkeypatch, stores)
    tuning = {**TINY["tuning"], "trials": 0}
    project = Project(stores, "killed", tmp_path / "home", tuning=tuning)
    kills = {
        "explore/": (stores.metadata.kill, stores.start_metadata),
        "train/": (stores.s3.kill, stores.s3.start),
        "promote/": (stores.postgres.kill, stores.start_postgres),
    }
    words = ["run"]
    for _ in range(1 + len(kills)):
        process = project.start("train.py", *words)
        kill_when_they_begin(process, project.said, kills)
        if process.wait() == 0:
            break
        words = ["resume"]
    else:
        pytest.fail(project.said()[-4000:])
    assert kills == {}
    made = project.fetched_run()
    results_are_equal(made, local_run)
    assert project.rows("sparrow", "SELECT from_version, to_version FROM promotions") == [(None, 1)]
    assert project.rows("mlflow", "SELECT count(*) FROM model_versions") == [(1,)]
    assert project.rows("mlflow", "SELECT count(*) FROM runs") == [(1,)]
    assert len(list(made.glob("*.bento"))) == 1
    no_path_was_shared([pod for pod in project.pods() if pod["status"] == 0])


def results_are_equal(made: Path, expected: Path) -> None:
    """To the last digit: all but ids, times of the day, and how long a photo took."""
    for name in ("weights.safetensors", "engine.onnx"):
        hashes = [sha256((run / "model" / name).read_bytes()) for run in (made, expected)]
        assert hashes[0].hexdigest() == hashes[1].hexdigest(), name
    reports = [json.loads((run / "report.json").read_text()) for run in (made, expected)]
    for report in reports:
        gates = report["decision"]["gates"]
        report["decision"]["gates"] = [gate for gate in gates if gate["name"] != "latency"]
    for key in ("metrics", "classes", "threshold", "data_version", "decision", "state", "tuned"):
        assert reports[0].get(key) == reports[1].get(key), key
    references = [read_reference(run / "model" / REFERENCE) for run in (made, expected)]
    for table in fields(references[0]):
        mine, known = (getattr(reference, table.name) for reference in references)
        own = [name for name in known if name in ("id", "prediction_id", "time")]
        assert_frame_equal(mine.drop(columns=own), known.drop(columns=own))


def kill_when_they_begin(
    process: subprocess.Popen[bytes],
    said: Callable[[], str],
    kills: dict[str, tuple[Callable[[], None], Callable[[], None]]],
) -> None:
    """Kill a store some seconds after a step has begun, and start it again 3 seconds later."""
    while process.poll() is None:
        begun = [line for line in said().splitlines() if line.endswith("Task is starting.")]
        for step in [step for step in kills if any(f"/{step}" in line for line in begun)]:
            kill, start = kills.pop(step)
            time.sleep(8)
            kill()
            time.sleep(3)
            start()
        time.sleep(0.5)
