"""The service twice: in the tests' own process, with settings that are read once, when it is
imported, and as people start it, by ``bentoml serve`` in a process of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator
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
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARROW_MODEL", str(model_folder))
        patch.setenv("SPARROW_CONFIG", str(config))
        from service.app import Sparrow

        with TestClient(Sparrow.to_asgi(), base_url="http://127.0.0.1") as client:
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


class Visitor:
    """A visitor of the page without a browser: its own events over HTTP, in one session.

    Widgets keep their values from event to event, as in a browser.
    """

    def __init__(self, client: TestClient) -> None:
        self._client, self._session = client, uuid.uuid4().hex
        config = client.get("/config").json()
        self._events = config["dependencies"]
        self._widgets = {widget["id"]: widget for widget in config["components"]}
        self._values = {i: widget["props"].get("value") for i, widget in self._widgets.items()}

    def widget(self, name: str) -> int:
        """A widget's number, by its label or the text it starts with."""
        for number, widget in self._widgets.items():
            if name in (widget["props"].get("label"), widget["props"].get("value")):
                return number
        raise LookupError(name)

    def __getitem__(self, name: str) -> Any:
        return self._values[self.widget(name)]

    def __setitem__(self, name: str, value: Any) -> None:
        self._values[self.widget(name)] = value

    @property
    def answer(self) -> str:
        """The answer in large type, as HTML."""
        return self._outputs(self._event("Photos", "change"))[1]

    @property
    def thanks(self) -> str:
        return self._outputs(self._event("Save the true count", "click"))[0]

    @property
    def table(self) -> str:
        return self._outputs(self._event("Photos", "change"))[4]

    def upload(self, path: Path) -> dict[str, Any]:
        """An uploaded file, as the list's value."""
        files = [("files", (path.name, path.read_bytes()))]
        stored = self._client.post("/gradio_api/upload", files=files).json()[0]
        return {"path": stored, "orig_name": path.name, "meta": {"_type": "gradio.FileData"}}

    def add(self, *paths: Path) -> dict[str, Any]:
        """Upload files and put them on the list."""
        return self.list_files([*(self["Photos"] or []), *map(self.upload, paths)])

    def list_files(self, files: list[dict[str, Any]]) -> dict[str, Any]:
        self["Photos"] = files
        return self.fire("Photos", "change")

    def fire(self, name: str, event: str) -> dict[str, Any]:
        """Send an event; its last message. What it returns is put into the widgets."""
        dependency = self._event(name, event)
        body = {
            "data": [self._values[number] for number in dependency["inputs"]],
            "fn_index": dependency["id"],
            "session_hash": self._session,
        }
        # As Python writes it: with NaN and Infinity, which its reader takes too.
        joined = self._client.post(
            "/gradio_api/queue/join",
            content=json.dumps(body),
            headers={"content-type": "application/json"},
        )
        assert joined.status_code == 200, joined.text
        stream = self._client.get(f"/gradio_api/queue/data?session_hash={self._session}").text
        messages = [json.loads(line[6:]) for line in stream.splitlines() if line[:6] == "data: "]
        last = next(message for message in messages if message["msg"] == "process_completed")
        if last["success"]:
            for number, value in zip(dependency["outputs"], last["output"]["data"], strict=True):
                self._put(number, value)
        return last

    def _event(self, name: str, event: str) -> dict[str, Any]:
        wanted = [self.widget(name), event]
        return next(event for event in self._events if wanted in event["targets"])

    def _outputs(self, dependency: dict[str, Any]) -> list[Any]:
        return [self._values[number] for number in dependency["outputs"]]

    def _put(self, number: int, value: Any) -> None:
        if not isinstance(value, dict) or value.get("__type__") != "update":
            self._values[number] = value
        elif "value" in value:
            self._values[number] = value["value"]
