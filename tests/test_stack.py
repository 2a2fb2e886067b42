"""``make stack``: the servers start, a small training keeps its state in them, and all end.

Needs PostgreSQL, SeaweedFS and ``metaflow-local-service``: ``make test-cluster``.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import yaml
from flows.test_train import TINY

pytestmark = pytest.mark.cluster
ROOT = Path(__file__).resolve().parents[1]
STACK = ROOT / ".ci" / "stack.py"


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that PostgreSQL's user reaches, too; pytest's own are closed to others."""
    pytest.importorskip("metaflow_local_service")
    folder = Path(tempfile.mkdtemp(prefix="sparrow-stack-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def free_ports(number: int) -> int:
    """The first of so many ports in a row that are free."""
    for first in range(20_000, 30_000, number):
        sockets = [socket.socket() for _ in range(number)]
        try:
            for offset, each in enumerate(sockets):
                each.bind(("127.0.0.1", first + offset))
            return first
        except OSError:
            continue
        finally:
            for each in sockets:
                each.close()
    raise AssertionError("no ports are free")


def start(home: Path, first_port: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, STACK, "--home", home, "--port", str(first_port)], text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def ready(stack: subprocess.Popen[str]) -> dict[str, str]:
    """The environment that it prints."""
    assert stack.stdout is not None
    given: dict[str, str] = {}
    for line in stack.stdout:
        if not line.startswith("export "):
            return given
        name, _, value = line.removeprefix("export ").strip().partition("=")
        given[name] = value
    raise AssertionError(stack.communicate())


def tree(stack: subprocess.Popen[str]) -> list[psutil.Process]:
    return psutil.Process(stack.pid).children(recursive=True)


def listened_at(processes: list[psutil.Process]) -> set[str]:
    connections = [c for process in processes for c in process.net_connections("inet")]
    return {c.laddr.ip for c in connections if c.status == psutil.CONN_LISTEN}


def train(home: Path, given: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A training of one task whose config is that of ``configs/cluster.yaml``, but small."""
    whole = yaml.safe_load((ROOT / "configs" / "cluster.yaml").read_text())
    small = {**TINY, "stores": whole["stores"], "tuning": {**TINY["tuning"], "trials": 2}}
    (home / "small.yaml").write_text(yaml.safe_dump(small))
    (home / ".metaflow").mkdir()
    return subprocess.run(
        [sys.executable, ROOT / "flows" / "train.py", "--config", "config", "small.yaml", "run"],
        cwd=home, text=True, capture_output=True,
        env=os.environ | given | {"METAFLOW_USER": "test", "BENTOML_HOME": str(home / "bentoml")},
    )  # fmt: skip


def rows(given: dict[str, str], database: str, question: str) -> list[tuple[object, ...]]:
    where = {"host": given["PGHOST"], "port": given["PGPORT"], "user": given["PGUSER"]}
    where |= {"passfile": given["PGPASSFILE"], "dbname": database}
    with psycopg.connect(**where) as connection:
        return connection.execute(question.encode()).fetchall()


def test_a_training_keeps_its_state_in_the_stack_which_ends_without_a_process_left(
    home: Path, tmp_path: Path
) -> None:
    first_port = free_ports(16)
    stack = start(home, first_port)
    try:
        given = ready(stack)
        servers = tree(stack)
        assert listened_at(servers) == {"127.0.0.1"}
        second = start(home, first_port)
        assert "a stack runs in" in second.communicate()[1]
        trained = train(tmp_path, given)
        assert trained.returncode == 0, trained.stdout[-4000:] + trained.stderr[-4000:]
        assert rows(given, "optuna", "SELECT count(*) FROM trials WHERE state = 'COMPLETE'") == [
            (2,)
        ]
        assert rows(given, "sparrow", "SELECT count(*) FROM promotions") == [(1,)]
        assert rows(given, "mlflow", "SELECT version FROM model_versions") == [(1,)]
        assert list((home / "metadata" / ".metaflow" / "Train").iterdir())
        servers = tree(stack)
    finally:
        stack.send_signal(signal.SIGINT)
        said = stack.communicate(timeout=120)[1]
    assert "all ended" in said
    assert stack.returncode == 0
    assert not [process for process in servers if process.is_running()]
    assert not list(Path("/tmp").glob(f"seaweedfs-*-{first_port + 3}.sock"))


def test_what_it_holds_is_there_when_it_is_started_again(home: Path) -> None:
    kept: list[dict[str, str]] = []
    first_port = free_ports(16)
    for statement in ("CREATE TABLE kept AS SELECT 5", "SELECT * FROM kept"):
        stack = start(home, first_port)
        try:
            kept.append(ready(stack))
            where = {"host": "127.0.0.1", "port": kept[-1]["PGPORT"], "user": "sparrow"}
            passfile = kept[-1]["PGPASSFILE"]
            with psycopg.connect(**where, passfile=passfile, dbname="sparrow") as connection:
                answer = connection.execute(statement.encode())
                assert answer.description is None or answer.fetchall() == [(5,)]
        finally:
            stack.send_signal(signal.SIGTERM)
            stack.communicate(timeout=120)
    assert kept[0] == kept[1]
