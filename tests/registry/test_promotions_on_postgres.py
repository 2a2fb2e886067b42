"""Two machines, whose stores are databases of one PostgreSQL, promote at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import psycopg
import pytest

from sparrow.config import StoresConfig
from sparrow.predictions.record import new_id
from sparrow.registry.promotion_log import PromotionLog
from sparrow.registry.registry import Registry
from sparrow.registry.tracking import make_client, start_run

NAME = "test-detector"
pytestmark = pytest.mark.stores


@pytest.fixture
def machines(postgres: str, folders: list[Path], tmp_path: Path) -> list[StoresConfig]:
    """Two, each with a published path of its own; three versions are registered."""
    names = [f"{kind}_{new_id()}" for kind in ("mlflow", "sparrow")]
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as connection:
        for name in names:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    machines = [
        StoresConfig(
            tracking=f"{postgres}/{names[0]}",
            promotion_log=f"{postgres}/{names[1]}",
            artifacts=str(tmp_path / "artifacts"),
            champion=str(tmp_path / machine / "champion"),
        )
        for machine in ("a", "b")
    ]
    # Both are the first to open MLflow's empty database.
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(touch_mlflow, machines))
    run = start_run(make_client(machines[0]), NAME, machines[0].artifacts, tmp_path / "note")
    with open_registry(machines[0]) as registry:
        for number, folder in enumerate(folders, 1):
            registry.register(folder, run, f"run/{number}", {"config": "abc"})
    return machines


@contextmanager
def open_registry(stores: StoresConfig) -> Iterator[Registry]:
    """Closed before the server stops."""
    registry = Registry(stores, NAME)
    yield registry
    registry._log.close()


def touch_mlflow(stores: StoresConfig) -> None:
    code = (
        "import sys; from sparrow.config import StoresConfig\n"
        "from sparrow.registry.tracking import make_client\n"
        "make_client(StoresConfig(tracking=sys.argv[1]))"
    )
    command = [sys.executable, "-c", code, stores.tracking]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_of_two_promotions_at_once_one_wins_and_the_other_is_told(
    machines: list[StoresConfig], tmp_path: Path
) -> None:
    script, pipe = str(Path(__file__).with_name("promote_once.py")), subprocess.PIPE
    rivals = []
    for number, stores in enumerate(machines, 1):
        path = tmp_path / f"{number}.json"
        path.write_text(stores.model_dump_json())
        command = [sys.executable, script, str(path), str(number)]
        rivals.append(subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True))
    for rival in rivals:
        assert rival.stdout is not None
        assert rival.stdout.readline() == "ready\n"
    for rival in rivals:
        assert rival.stdin is not None
        rival.stdin.write("go\n")
        rival.stdin.flush()
    said = [rival.communicate(timeout=300)[0].strip() for rival in rivals]
    assert [rival.returncode for rival in rivals] == [0, 0]
    winner = said.index("done")
    assert f"made version {winner + 1} champion" in said[1 - winner]
    assert f"version {2 - winner} was on its way" in said[1 - winner]
    with closing(PromotionLog(machines[0].promotion_log, NAME)) as log:
        assert [entry.to_version for entry in log.entries()] == [winner + 1]
    for stores in machines:  # whichever machine is asked, also the one that lost
        with open_registry(stores) as registry:
            champion = registry.reconcile().champion
        assert champion is not None
        assert champion.number == winner + 1
        assert Path(stores.champion).resolve().name == str(winner + 1)
