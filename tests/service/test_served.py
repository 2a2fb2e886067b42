"""The service as people start it: `bentoml serve` in a process of its own, over HTTP."""

from __future__ import annotations

import io
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from PIL import Image

from sparrow.model.folder import read_info, write_info
from sparrow.prediction_log import PredictionLog

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Served:
    client: httpx.Client
    published: Path  # the link that a promotion switches
    log_url: str


@pytest.fixture(scope="module")
def served(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("served")
    for number in ("1", "2"):
        shutil.copytree(model_folder.resolve(), home / "champion.versions" / number)
    published = home / "champion"
    published.symlink_to("champion.versions/1", target_is_directory=True)
    log_url = f"sqlite:///{home}/log.db"
    (home / "service.yaml").write_text(f"stores: {{prediction_log: '{log_url}'}}\n")
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
                yield Served(client, published, log_url)
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


def detect(served: Served, *contents: bytes) -> httpx.Response:
    files = [("photos", (f"{i}.jpg", content, "image/jpg")) for i, content in enumerate(contents)]
    return served.client.post("/detect", files=files)


def test_metrics_count_what_happened(served: Served, drawn_dataset: Path) -> None:
    photo = next((drawn_dataset / "images").iterdir()).read_bytes()
    assert detect(served, photo, b"text").json()["photos"][1]["error"] is not None
    text = served.client.get("/metrics").text
    assert 'sparrow_photos_total{model_version="1",outcome="counted",source="api"} 1.0' in text
    assert 'sparrow_photos_total{model_version="1",outcome="unreadable_photo"' in text
    assert 'sparrow_requests_total{path="/detect",status="200"} 1.0' in text


def test_page_and_api_description_come_from_here_alone(served: Served) -> None:
    assert "Sparrow" in served.client.get("/").text
    docs = served.client.get("/docs").text
    assert "http://" not in docs
    assert "https://" not in docs
    assert set(served.client.get("/docs.json").json()["paths"]) == {
        "/detect", "/render", "/feedback", "/model",
    }  # fmt: skip


def picture(width: int, height: int, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (width, height), "green").save(stream, kind)
    return stream.getvalue()


def test_odd_photos_are_answered_each_for_itself(served: Served) -> None:
    whole = picture(300, 200, "JPEG")
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
    odd = [picture(1, 1), picture(20_000, 10), whole[: len(whole) // 2], svg, b"", whole]
    photos = detect(served, *odd).json()["photos"]
    assert [photo["error"] is None for photo in photos[2:]] == [False, False, False, True]
    assert all(photo["error"] or photo["count"] >= 0 for photo in photos)
    assert photos[0]["width_px"] == 1


def test_a_new_champion_without_a_failed_request(served: Served, drawn_dataset: Path) -> None:
    photo = next((drawn_dataset / "images").iterdir()).read_bytes()
    second = served.published.with_name("champion.versions") / "2"
    write_info(second, read_info(second).model_copy(update={"threshold": 0.9}))
    versions: list[str] = []
    failed: list[int] = []
    enough = threading.Event()

    def ask() -> None:
        while not enough.is_set():
            response = detect(served, photo)
            if response.status_code != 200:
                failed.append(response.status_code)
            else:
                versions.append(response.json()["model_version"])

    asking = threading.Thread(target=ask)
    asking.start()
    link = served.published.with_name("new")
    link.symlink_to("champion.versions/2", target_is_directory=True)
    link.replace(served.published)
    for _ in range(600):
        if versions and versions[-1] == "2":
            break
        time.sleep(0.1)
    enough.set()
    asking.join()
    assert failed == []
    assert versions[-1] == "2"
    assert versions == sorted(versions)  # never back to the old one
    time.sleep(1)
    logged = {
        v["model_version"]: v["photos"] for v in PredictionLog(served.log_url).model_versions()
    }
    assert logged["2"] == versions.count("2")
