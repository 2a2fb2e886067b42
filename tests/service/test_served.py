"""The service as people start it: `bentoml serve` in a process of its own, over HTTP."""

from __future__ import annotations

import io
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from sparrow.config import StoresConfig
from sparrow.inference.model_folder import read_info, write_info
from sparrow.predictions.log import PredictionLog
from sparrow.regular_file import sha256_of

pytestmark = pytest.mark.slow

NAME = "test-detector"
SOON_S = 60.0


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


@dataclass
class Asked:
    """What a client that never stops asking is told."""

    statuses: list[int] = field(default_factory=list)
    answers: list[tuple[str, float]] = field(default_factory=list)  # version, threshold

    def wait_for(self, version: str) -> None:
        """Until a version answers; it must within ``SOON_S``."""
        started = time.monotonic()
        while not self.answers or self.answers[-1][0] != version:
            assert time.monotonic() - started < SOON_S, f"version {version} does not answer"
            time.sleep(0.02)


@contextmanager
def under_load(served: Any, photo: bytes) -> Iterator[Asked]:
    asked, enough = Asked(), threading.Event()

    def ask() -> None:
        while not enough.is_set():
            response = served.client.post("/detect", files=[("photos", ("a.jpg", photo))])
            asked.statuses.append(response.status_code)
            if response.status_code == 200:
                told = response.json()
                asked.answers.append((told["model_version"], told["threshold"]))
            time.sleep(0.05)  # the other processes of the tests work too

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield asked
    finally:
        enough.set()
        asking.join()


def test_a_new_champion_without_a_failed_request(served: Any, drawn_dataset: Path) -> None:
    photo = next((drawn_dataset / "images").iterdir()).read_bytes()
    second = served.published.with_name("champion.versions") / "2"
    write_info(second, read_info(second).model_copy(update={"threshold": 0.9}))
    before = logged_of(served, "2")  # another test may have served it
    with under_load(served, photo) as asked:
        link = served.published.with_name("new")
        link.symlink_to("champion.versions/2", target_is_directory=True)
        link.replace(served.published)
        asked.wait_for("2")
    assert set(asked.statuses) == {200}
    versions = [version for version, _ in asked.answers]
    assert versions == sorted(versions)  # never back to the old one
    time.sleep(1)
    assert logged_of(served, "2") - before == versions.count("2")


@pytest.fixture(scope="module")
def registry(served: Any, empty_mlflow: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A registry that publishes to where the service looks; both its folders are registered."""
    from sparrow.registry.registry import Registry
    from sparrow.registry.tracking import make_client, start_run

    root = tmp_path_factory.mktemp("stores")
    shutil.copy(empty_mlflow, root)
    stores = StoresConfig(
        tracking=f"sqlite:///{root}/mlflow.db",
        artifacts=str(root / "artifacts"),
        promotion_log=f"sqlite:///{root}/promotions.db",
        champion=str(served.published),
    )
    run = start_run(make_client(stores), NAME, stores.artifacts, root / "note")
    registry = Registry(stores, NAME)
    versions = served.published.with_name("champion.versions")
    second = versions / "2"
    write_info(second, read_info(second).model_copy(update={"threshold": 0.9}))
    for number in ("1", "2"):
        made = registry.register(versions / number, run, f"run/{number}", {})
        assert str(made.number) == number
    return registry


def sums(folder: Path) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in sorted(folder.iterdir())}


def test_a_rollback_is_served_within_seconds_and_no_request_fails(
    served: Any, registry: Any, drawn_dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METAFLOW_USER", "ada")
    photo = next((drawn_dataset / "images").iterdir()).read_bytes()
    registry.promote(1, "the first")
    before, threshold = sums(served.published), read_info(served.published).threshold
    with under_load(served, photo) as asked:
        asked.wait_for("1")
        registry.promote(2, "looks better")
        asked.wait_for("2")
        # The old folder is gone from this machine: what comes back is the registry's.
        shutil.rmtree(served.published.with_name("champion.versions") / "1")
        registry.rollback("it sees nothing")
        asked.wait_for("1")
    assert set(asked.statuses) == {200}
    assert asked.answers[-1] == ("1", pytest.approx(threshold))
    assert ("2", pytest.approx(0.9)) in asked.answers
    assert sums(served.published) == before
    story = [
        (entry.who, entry.from_version, entry.to_version, entry.why) for entry in registry.history()
    ]
    assert story == [
        ("ada", None, 1, "the first"),
        ("ada", 1, 2, "looks better"),
        ("ada", 2, 1, "rollback: it sees nothing"),
    ]
