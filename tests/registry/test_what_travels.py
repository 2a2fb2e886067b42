"""A Bento and a Space, each started as whoever got it would: key, version and log as at home."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import server_process
from server_process import OUTPUT, bentoml_serve, free_port

from sparrow.config import ServiceConfig
from sparrow.predictions.log import PredictionLog
from sparrow.served_settings import ServedSettings, write_served_settings

REPO = Path(__file__).parents[2]
KEY = {"x-api-key": "a-key"}
BUILD = """
import sys
from pathlib import Path
from sparrow.registry.bundle import build_bento
from sparrow.served_settings import read_served_settings

print(build_bento(Path(sys.argv[1]), read_served_settings(Path(sys.argv[1]))))
"""

pytestmark = pytest.mark.slow


@pytest.fixture
def model(folders: list[Path], tmp_path: Path) -> Path:
    """A model beside the settings of its seventh version, which ask for a key."""
    copy = tmp_path / "published" / "model"
    shutil.copytree(folders[0], copy)
    service = ServiceConfig(require_api_key=True)
    write_served_settings(copy, ServedSettings(name="test-detector", version="7", service=service))
    return copy


@contextmanager
def started(command: list[str], port: int, folder: Path, **more: str) -> Iterator[httpx.Client]:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("SPARROW_")
    }
    environment |= {"SPARROW_API_KEY": "a-key", "PWD": str(folder), **more}
    environment.pop("PYTHONPATH", None)  # its own code, not that of this clone
    address = f"http://127.0.0.1:{port}"
    with (
        server_process.started(command, f"{address}/login", folder, environment, cwd=folder),
        httpx.Client(base_url=address, timeout=60) as client,
    ):
        yield client


def test_a_bento_asks_for_the_key_and_logs_the_registered_version(
    model: Path, drawn_dataset: Path, tmp_path: Path
) -> None:
    home = {"BENTOML_HOME": str(tmp_path / "bentoml")}
    built = subprocess.run(
        [sys.executable, "-c", BUILD, str(model)],
        cwd=REPO, env={**os.environ, **home}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    tag = built.stdout.splitlines()[-1]
    where, port = tmp_path / "elsewhere", free_port()
    where.mkdir()
    command = bentoml_serve(port, tag)
    photo = next((drawn_dataset / "images").iterdir())
    with started(command, port, where, **home) as client:
        sent = {"photos": (photo.name, photo.read_bytes())}
        assert client.post("/detect", files=sent).status_code == 401
        answer = client.post("/detect", files=sent, headers=KEY).json()
        assert (answer["model_name"], answer["model_version"]) == ("test-detector", "7")
        assert client.get("/metrics").status_code == 401
    log = PredictionLog(f"sqlite:///{where}/.sparrow/predictions.db")
    assert [row["model_version"] for row in log.model_versions()] == ["7"]
    log.close()
    said = (where / OUTPUT).read_text()
    assert '"key": "required"' in said
    assert f'"listens": "127.0.0.1:{port}"' in said


def test_a_space_asks_for_the_key_too(model: Path, tmp_path: Path) -> None:
    from sparrow.cli.main import main

    space, port = tmp_path / "space", free_port()
    assert main(["export-space", str(space), "--model", str(model)]) == 0
    assert "version 7" in (space / "README.md").read_text()
    assert {"NOTICE", "LICENSE"} <= {path.name for path in space.iterdir()}
    where = {
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "GRADIO_SERVER_PORT": str(port),
        "SPACE_HOST": "birds.hf.space",
    }
    with started([sys.executable, "app.py"], port, space, **where) as client:
        visitor = {"accept": "text/html"}
        assert client.get("/", headers=visitor).headers["location"] == "login"
        assert client.get("/config").status_code == 401
        assert client.get("/model", headers=KEY).json()["version"] == "7"
        assert "Sparrow" in client.get("/", headers={**visitor, **KEY}).text
        for host, status in (("birds.hf.space", 200), ("evil.example", 421), ("a.hf.space", 421)):
            assert client.get("/login", headers={"host": host}).status_code == status, host
