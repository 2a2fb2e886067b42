"""Studies on a PostgreSQL: workers that begin at once on an empty database, connections."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import optuna
import psycopg
import pytest
import yaml
from sqlalchemy import NullPool

from sparrow.config import Config, StoresConfig, TuningConfig, with_values
from sparrow.predictions.record import new_id
from sparrow.training.study_store import open_storage, study_lock


@pytest.fixture
def config(postgres: str) -> Config:
    """Of an empty database."""
    name = f"study_{new_id()}"
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    space = {"training.learning_rate": {"low": 0.001, "high": 0.1, "log": True}}
    return Config(
        stores=StoresConfig(tuning=f"{postgres}/{name}"),
        tuning=TuningConfig.model_validate({"startup_trials": 2, "space": space}),
    )


def race(config: Config, workers: int, trials: int, tmp_path: Path) -> list[int]:
    """Numbers of the study's trials, all of which are complete."""
    path = tmp_path / "config.yaml"
    tuned = with_values(config, {"tuning.trials": trials})
    path.write_text(yaml.safe_dump(tuned.model_dump(mode="json")))
    script = str(Path(__file__).with_name("race_workers.py"))
    done = subprocess.run(
        [sys.executable, script, str(path), str(workers)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    with study_lock(config.stores.tuning):
        study = optuna.load_study(study_name="race", storage=open_storage(config.stores.tuning))
    ended = study.get_trials(deepcopy=False, states=[optuna.trial.TrialState.COMPLETE])
    assert len(ended) == len(study.trials)
    return [trial.number for trial in ended]


@pytest.mark.slow
def test_two_workers_begin_a_study_at_once(config: Config, tmp_path: Path) -> None:
    assert race(config, 2, 6, tmp_path) == list(range(6))


@pytest.mark.stores
@pytest.mark.parametrize(("workers", "trials"), [(2, 6), (8, 16), (16, 32)])
@pytest.mark.parametrize("round_", range(3))
def test_many_workers_begin_a_study_at_once(
    config: Config, tmp_path: Path, workers: int, trials: int, round_: int
) -> None:
    assert race(config, workers, trials, tmp_path) == list(range(trials))


def test_no_connection_is_kept_between_questions(config: Config) -> None:
    """A trial takes minutes, a server has a hundred connections, and a firewall cuts idle ones."""
    with study_lock(config.stores.tuning):
        storage = open_storage(config.stores.tuning)
    assert isinstance(storage.engine.pool, NullPool)
    optuna.create_study(storage=storage, study_name="s").optimize(lambda trial: 1.0, n_trials=1)
    database = config.stores.tuning.rpartition("/")[2]
    with psycopg.connect(config.stores.tuning.replace(database, "postgres")) as other:
        held = "SELECT count(*) FROM pg_stat_activity WHERE datname = %s"
        row = other.execute(held, [database]).fetchone()
    assert row == (0,)
