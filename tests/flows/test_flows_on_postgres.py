"""Whole flows whose every database is on a PostgreSQL that wants a password, or is not there."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psycopg
import pytest
import yaml
from flows.test_secrets_of_flows import content, start
from flows.test_train import TINY

from sparrow.predictions.record import new_id

pytestmark = pytest.mark.stores
STORES = ("tracking", "tuning", "promotion_log", "prediction_log")


@pytest.fixture
def addresses(locked_postgres: tuple[str, str], postgres: str) -> dict[str, str]:
    """Of empty databases; the password of one is named, that of the others PGPASSWORD."""
    server = locked_postgres[0]
    names = {store: f"{store}_{new_id()}" for store in STORES}
    with psycopg.connect(f"{postgres}/postgres", autocommit=True) as connection:
        for name in names.values():
            connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    addresses = {store: f"{server}/{name}" for store, name in names.items()}
    named = addresses["tracking"].replace("//locked@", "//locked:${DB_PASSWORD}@")
    return {**addresses, "tracking": named}


def write_config(home: Path, stores: dict[str, str]) -> list[str]:
    """Words of the command line after the flow's name."""
    (home / ".metaflow").mkdir()
    tiny = {**TINY, "stores": stores, "tuning": {**TINY["tuning"], "trials": 3, "workers": 2}}
    (home / "tiny.yaml").write_text(yaml.safe_dump(tiny))
    return ["--config", "config", "tiny.yaml", "run"]


def everything_in(postgres: str, address: str) -> bytes:
    """All rows of all tables of a database."""
    dump = next(Path("/usr/lib/postgresql").glob("*/bin/pg_dump"))
    url = f"{postgres}/{address.rpartition('/')[2]}"
    return subprocess.run([dump, "--inserts", url], check=True, capture_output=True).stdout


def test_a_training_and_the_monitor_write_the_password_nowhere(
    addresses: dict[str, str], locked_postgres: tuple[str, str], postgres: str, tmp_path: Path
) -> None:
    secret = locked_postgres[1]
    words = write_config(tmp_path, addresses)
    given = {"PGPASSWORD": secret, "DB_PASSWORD": secret, "BENTOML_HOME": f"{tmp_path}/bentoml"}
    run, lines = start("train.py", tmp_path, *words, **given)
    said = (tmp_path / "out").read_text()
    assert run.returncode == 0, said[-3000:]
    assert (tmp_path / ".sparrow" / "champion").is_dir()
    run, more = start("monitor.py", tmp_path, *words, **given)
    said += (tmp_path / "out").read_text()
    assert "TOO_FEW" in said or "too few" in said, said[-3000:]

    stem = secret.rstrip("/@")  # a URL quotes the rest
    assert len({*lines, *more}) > 10
    assert [line for line in (*lines, *more) if stem in line] == []
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) > 100
    assert [path for path in files if stem.encode() in content(path)] == []
    dumps = {store: everything_in(postgres, address) for store, address in addresses.items()}
    assert b"INSERT INTO public.trials" in dumps["tuning"]  # they were used
    assert b"INSERT INTO public.model_versions" in dumps["tracking"]
    assert b"INSERT INTO public.promotions" in dumps["promotion_log"]
    assert [store for store, dump in dumps.items() if stem.encode() in dump] == []


@pytest.mark.parametrize("store", STORES)
def test_a_server_that_is_away_ends_a_flow_with_one_sentence(store: str, tmp_path: Path) -> None:
    words = write_config(tmp_path, {store: "postgresql://birds@127.0.0.1:9/birds"})
    flow = "monitor.py" if store == "prediction_log" else "train.py"
    if flow == "monitor.py":
        published = tmp_path / ".sparrow" / "champion"
        published.mkdir(parents=True)
        (published / "model.json").write_text("{}")
    run, _ = start(flow, tmp_path, *words)
    said = (tmp_path / "out").read_text()
    assert run.returncode != 0
    assert "Traceback" not in said
    assert not (tmp_path / "raw").exists()  # it was asked before anything was done
    if flow == "train.py":
        assert "postgresql://birds@127.0.0.1:9/birds cannot be read or written" in said
        assert "Connection refused. Start the server" in said
