"""The service twice: in the tests' own process, with settings that are read once, when it is
imported, and as people start it, by ``bentoml serve`` in a process of its own.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient


@pytest.fixture(scope="session")
def log_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('log')}/predictions.db"


@pytest.fixture(scope="session")
def client(
    model_folder: Path, log_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    config = tmp_path_factory.mktemp("config") / "service.yaml"
    config.write_text(
        f"stores: {{prediction_log: '{log_url}'}}\n"
        "service: {max_photos: 4, max_request_mb: 2.0}\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARROW_MODEL", str(model_folder))
        patch.setenv("SPARROW_CONFIG", str(config))
        from service.app import Sparrow

        with TestClient(Sparrow.to_asgi(), base_url="http://127.0.0.1") as client:
            yield client


@pytest.fixture(scope="session")
def photos(drawn_dataset: Path) -> list[Path]:
    return sorted((drawn_dataset / "images").iterdir())[:3]


@dataclass(frozen=True)
class Served:
    client: httpx.Client
    published: Path  # the link that a promotion switches
    log_url: str
    process_id: int


@pytest.fixture(scope="session")
def served(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("served")
    for number in ("1", "2"):
        shutil.copytree(model_folder.resolve(), home / "champion.versions" / number)
    published = home / "champion"
    published.symlink_to("champion.versions/1", target_is_directory=True)
    log_url = f"sqlite:///{home}/log.db"
    (home / "service.yaml").write_text(
        f"stores: {{prediction_log: '{log_url}'}}\nservice: {{upload_timeout_s: 3.0}}\n"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "SPARROW_MODEL": str(published),
        "SPARROW_CONFIG": str(home / "service.yaml"),
    }
    command = [sys.executable, "-m", "bentoml", "serve", "service.app:Sparrow", "--port", str(port)]
    with (home / "out.txt").open("w") as output:
        server = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=120) as client:
                wait_until_ready(client, server)
                yield Served(client, published, log_url, server.pid)
        finally:
            server.terminate()
            server.wait(60)


def wait_until_ready(client: httpx.Client, server: subprocess.Popen[bytes]) -> None:
    for _ in range(360):
        assert server.poll() is None, "the server ended before it was ready"
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.5)
    raise AssertionError("the server was not ready in time")
