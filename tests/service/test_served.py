"""The service as people start it: `bentoml serve` in a process of its own, over HTTP."""

from __future__ import annotations

import io
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from sparrow.inference.model_folder import read_info, write_info
from sparrow.predictions.log import PredictionLog

pytestmark = pytest.mark.slow


def detect(served: Any, *contents: bytes) -> httpx.Response:
    files = [("photos", (f"{i}.jpg", content, "image/jpg")) for i, content in enumerate(contents)]
    return served.client.post("/detect", files=files)


def figures(served: Any) -> dict[str, float]:
    lines = served.client.get("/metrics").text.splitlines()
    pairs = [line.rsplit(" ", 1) for line in lines if line and not line.startswith("#")]
    return {name: float(value) for name, value in pairs}


def test_metrics_count_what_happened(served: Any, drawn_dataset: Path) -> None:
    photo = next((drawn_dataset / "images").iterdir()).read_bytes()
    before = figures(served)
    answer = detect(served, photo, b"text").json()
    assert answer["photos"][1]["error"] is not None
    version = answer["model_version"]  # another test exchanges it
    after = figures(served)
    for name in (
        f'sparrow_photos_total{{model_version="{version}",outcome="counted",source="api"}}',
        f'sparrow_photos_total{{model_version="{version}",outcome="unreadable_photo",source="api"}}',
        'sparrow_requests_total{path="/detect",status="200"}',
    ):
        assert after[name] - before.get(name, 0) == 1


def test_page_and_api_description_come_from_here_alone(served: Any) -> None:
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


def test_odd_photos_are_answered_each_for_itself(served: Any) -> None:
    whole = picture(300, 200, "JPEG")
    svg = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
    odd = [picture(1, 1), picture(20_000, 10), whole[: len(whole) // 2], svg, b"", whole]
    photos = detect(served, *odd).json()["photos"]
    assert [photo["error"] is None for photo in photos[2:]] == [False, False, False, True]
    assert all(photo["error"] or photo["count"] >= 0 for photo in photos)
    assert photos[0]["width_px"] == 1


def logged_of(served: Any, version: str) -> int:
    rows = PredictionLog(served.log_url).model_versions()
    return sum(int(row["photos"]) for row in rows if row["model_version"] == version)


def test_a_new_champion_without_a_failed_request(served: Any, drawn_dataset: Path) -> None:
    photo = next((drawn_dataset / "images").iterdir()).read_bytes()
    second = served.published.with_name("champion.versions") / "2"
    write_info(second, read_info(second).model_copy(update={"threshold": 0.9}))
    before = logged_of(served, "2")  # another test may have served it
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
            time.sleep(0.05)  # the other processes of the tests work too

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
    assert logged_of(served, "2") - before == versions.count("2")
