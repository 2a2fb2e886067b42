"""The service twice: in the tests' own process, with settings that are read once, when it is
imported, and as people start it, by ``bentoml serve`` in a process of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from server_process import bentoml_serve, free_port, started
from starlette.testclient import TestClient


@pytest.fixture(scope="session")
def small_model(
    write_small_model: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Loaded and tried out within milliseconds. Read only."""
    return write_small_model(tmp_path_factory.mktemp("model") / "1")


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
    with ExitStack() as running:
        # Read when the service starts; left set, other tests' commands would take this model.
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SPARROW_MODEL", str(model_folder))
            patch.setenv("SPARROW_CONFIG", str(config))
            from service.app import Sparrow

            app = TestClient(Sparrow.to_asgi(), base_url="http://127.0.0.1")
            client = running.enter_context(app)
        yield client


@pytest.fixture(scope="session")
def photos(drawn_dataset: Path) -> list[Path]:
    return sorted((drawn_dataset / "images").iterdir())[:3]


@pytest.fixture(scope="session")
def new_visitor() -> Callable[[TestClient], Visitor]:
    return Visitor


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
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environment = {
        **os.environ,
        "SPARROW_MODEL": str(published),
        "SPARROW_CONFIG": str(home / "service.yaml"),
    }
    with (
        started(bentoml_serve(port), f"{address}/readyz", home, environment) as server,
        httpx.Client(base_url=address, timeout=120) as client,
    ):
        yield Served(client, published, log_url, server.pid)


class EventError(Exception):
    """The page said this in the place of a reply."""


class Visitor:
    """A visitor of the page without a browser: the script's own events over HTTP, in one session.

    Attributes:
        photos: those that were counted, by SHA-256, as the script holds them.
        screen: what is said about all photos.
    """

    def __init__(self, client: TestClient) -> None:
        self._client, self._session = client, uuid.uuid4().hex
        events = client.get("/config").json()["dependencies"]
        self.numbers = {event["api_name"]: event["id"] for event in events}
        self.photos: dict[str, dict[str, Any]] = {}
        self.screen: dict[str, Any] = {}

    def ask(self, name: str, **request: Any) -> Any:
        """Send an event; its reply, which is JSON.

        Raises:
            EventError: the page's own sentence.
        """
        event = {"data": [None, request], "fn_index": self.numbers[name]}
        joined = self._client.post(
            "/gradio_api/queue/join", json={**event, "session_hash": self._session}
        )
        if joined.status_code != 200:
            raise EventError(joined.json()["error"])
        stream = self._client.get(f"/gradio_api/queue/data?session_hash={self._session}").text
        messages = [json.loads(line[6:]) for line in stream.splitlines() if line[:6] == "data: "]
        last = next(message for message in messages if message["msg"] == "process_completed")
        if not last["success"]:
            raise EventError(last["output"]["error"])
        reply = last["output"]["data"][1]
        self._take(reply)
        return reply

    def _take(self, reply: dict[str, Any]) -> None:
        self.screen = reply.get("screen", self.screen)
        if isinstance(next(iter(reply.get("photos", [])), None), dict):
            self.photos.update({photo["photo"]: photo for photo in reply["photos"]})
        for row in reply.get("rows", []):
            self.photos[row["photo"]]["row"] = row

    @property
    def words(self) -> str:
        """The answer in large type, and what is said with it."""
        return f"{self.screen['words']}. {self.screen['hint']}"

    def upload(self, path: Path) -> dict[str, str]:
        """Upload a photo by itself; how an event names it."""
        files = [("files", (path.name, path.read_bytes()))]
        stored = self._client.post("/gradio_api/upload", files=files)
        assert stored.status_code == 200, stored.text
        return {"path": stored.json()[0], "name": path.name}

    def add(self, *paths: Path, min_score: float | None = None) -> list[dict[str, Any]]:
        """Upload photos and have them counted by one event."""
        photos = [self.upload(path) for path in paths]
        counted: list[dict[str, Any]] = self.ask("count", photos=photos, min_score=min_score)[
            "photos"
        ]
        return counted
