"""The inference: requests that are given up, and answers while the log is away."""

from __future__ import annotations

import logging
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from starlette.testclient import TestClient

from service.inference_service import InferenceService
from service.settings import Settings
from service.uploads import Upload
from sparrow.config import ServiceConfig
from sparrow.database import StoreError
from sparrow.predictions.log import LogAwayError, UnknownPredictionError

pytestmark = pytest.mark.slow  # all of the file together


@contextmanager
def serving(model: Path, home: Path) -> Iterator[InferenceService]:
    url = f"sqlite:///{home}/log.db?timeout=0.1"
    limits = ServiceConfig(threads=1, keep_folder=str(home / "kept"))
    inference = InferenceService(Settings(model.resolve(), False, limits, url, None))
    yield inference
    inference.close()


@pytest.fixture
def inference(small_model: Path, tmp_path: Path) -> Iterator[InferenceService]:
    with serving(small_model, tmp_path) as inference:
        yield inference


@pytest.fixture
def real(model_folder: Path, tmp_path: Path) -> Iterator[InferenceService]:
    """Counts for as long as a network does: long enough to be given up meanwhile."""
    with serving(model_folder, tmp_path) as inference:
        yield inference


@pytest.fixture
def upload(photos: list[Path]) -> Upload:
    return Upload("a.jpg", photos[0].read_bytes())


class Lock:
    """Another process's lock on the log."""

    def __init__(self, url: str) -> None:
        path = url.removeprefix("sqlite:///").split("?")[0]
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.execute("BEGIN IMMEDIATE")

    def release(self) -> None:
        self._connection.close()


def until(true: Callable[[], Any]) -> None:
    for _ in range(600):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come true")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://me:s3cret@127.0.0.1:9/log", "refused"),
        ("sqlite:////proc/1/nowhere/log.db", "No such file|Permission"),
        ("sqlite:////dev/null/log.db", "File exists|Not a directory"),
        ("sqlite:///{}/text.db", "file is not a database"),
    ],
)
def test_a_log_that_cannot_be_opened_is_one_sentence(
    small_model: Path, tmp_path: Path, url: str, words: str
) -> None:
    (tmp_path / "text.db").write_text("no database, " * 100)
    settings = Settings(small_model.resolve(), False, ServiceConfig(), url.format(tmp_path), None)
    with pytest.raises(StoreError, match=words) as caught:
        InferenceService(settings)
    assert "s3cret" not in str(caught.value)
    assert "stores.prediction_log" in str(caught.value)


@pytest.mark.parametrize("named", ["elsewhere", "/absolute", None])
@pytest.mark.parametrize("server", [True, False])
def test_where_photos_wait(
    named: str | None,
    server: bool,
    small_model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setattr("service.inference_service.started_in", lambda: tmp_path / "home")
    limits = ServiceConfig(
        keep_folder=str(tmp_path / "kept"),
        spill_folder=named and named.replace("/", f"{tmp_path}/"),
    )
    url = f"sqlite:///{tmp_path}/data/log.db"
    if server:
        url = f"{request.getfixturevalue('postgres')}/postgres"
    inference = InferenceService(Settings(small_model.resolve(), False, limits, url, None))
    place = inference._writer._spill.path.parent
    inference.close()
    unnamed = tmp_path / "home" / ".sparrow" if server else tmp_path / "data"
    known = {"elsewhere": tmp_path / "home" / "elsewhere", "/absolute": tmp_path / "absolute"}
    assert place == known.get(str(named), unnamed)


@pytest.mark.parametrize("when", ["at once", "while it is counted", "while it waits"])
def test_a_request_that_is_given_up_leaves_no_error(
    real: InferenceService, upload: Upload, when: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    ahead = [real.submit(upload, "api", real.counter) for _ in range(2)]
    mine = real.submit(upload, "api", real.counter)
    if when == "while it is counted":
        wait(ahead)
    if when == "while it waits":
        wait(ahead[:1])
    assert mine.cancel() or mine.done()
    later = real.submit(upload, "api", real.counter)
    assert later.result(60).counted.record.error is None
    wait(ahead)
    real._workers.close()
    # concurrent.futures logs what its callbacks raise, such as an InvalidStateError.
    assert caplog.records == []
    assert real._writer.flush()
    assert real.log.summary()["photos"] in (3, 4)  # mine only if it was begun


def test_many_requests_given_up_at_random_moments(
    real: InferenceService, upload: Upload, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    futures = [real.submit(upload, "api", real.counter) for _ in range(30)]
    threads = [
        threading.Thread(target=lambda f=f, i=i: (time.sleep(i / 100), f.cancel()))  # type: ignore[misc]
        for i, f in enumerate(futures)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait(futures)
    real._workers.close()
    assert caplog.records == []
    answered = [future.result().counted.record.id for future in futures if not future.cancelled()]
    assert real._writer.flush()
    assert real.log.summary()["photos"] >= len(answered)


def test_feedback_on_a_photo_that_waits_is_refused_not_unknown(
    inference: InferenceService, upload: Upload
) -> None:
    lock = Lock(inference.settings.prediction_log)
    record = inference.submit(upload, "api", inference.counter).result(60).counted.record
    for name in (record.id, "f" * 32):  # nobody knows yet which of them exists
        with pytest.raises(LogAwayError):
            inference.add_feedback(name, 3, wrong=False)
    until(lambda: not inference.log_is_healthy)
    lock.release()
    until(lambda: inference.log_is_healthy)
    inference.add_feedback(record.id, 3, wrong=False)
    with pytest.raises(UnknownPredictionError):
        inference.add_feedback("f" * 32, 3, wrong=False)


def test_over_http_the_log_that_is_away_is_a_503_and_nothing_is_lost(
    client: TestClient, log_url: str, photos: list[Path]
) -> None:
    files = [("photos", ("a.jpg", photos[0].read_bytes(), "image/jpeg"))]
    assert client.get("/readyz").status_code == 200
    # Feedback on an unknown photo waits until those of the tests before are in the log.
    unknown = {"prediction_id": "f" * 32, "true_count": 3}
    assert client.post("/feedback", json=unknown).status_code == 404
    lock = Lock(log_url)
    answer = client.post("/detect", files=files)
    assert answer.status_code == 200  # counting goes on
    name = answer.json()["photos"][0]["prediction_id"]
    refused = client.post("/feedback", json={"prediction_id": name, "true_count": 3})
    assert refused.status_code == 503
    assert int(refused.headers["retry-after"]) > 0
    assert refused.json() == {"error": "the feedback was not stored; try again later"}
    until(lambda: client.get("/readyz").status_code == 503)
    assert client.get("/livez").status_code == 200  # a restart would not help
    assert REGISTRY.get_sample_value("sparrow_log_away") == 1
    assert REGISTRY.get_sample_value("sparrow_log_waiting") == 1
    lock.release()
    until(lambda: client.get("/readyz").status_code == 200)
    taken = client.post("/feedback", json={"prediction_id": name, "true_count": 3})
    assert taken.status_code == 200
    assert (
        client.post("/feedback", json={"prediction_id": "f" * 32, "wrong": True}).status_code == 404
    )


@pytest.mark.parametrize("size", [1_100_000, 1_500_000, 1_900_000])
def test_a_large_form_needs_no_room_on_a_disk(
    client: TestClient,
    small_disk: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
    photos: list[Path],
    size: int,
) -> None:
    """It stays in memory, within the limits of a request."""
    monkeypatch.setattr(tempfile, "tempdir", str(small_disk("uploads", 0.01)))
    sent = photos[0].read_bytes().ljust(size, b"\0")  # a photo with something behind its end
    answer = client.post("/detect", files=[("photos", ("a.jpg", sent, "image/jpeg"))])
    assert answer.status_code == 200
    assert answer.json()["photos"][0]["error"] is None


def test_over_http_a_log_that_was_removed_is_made_anew_and_seen(
    client: TestClient, log_url: str, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.inference_service.REPLACED_SECONDS", 5.0)
    from service.app import inference

    # It is the log of all tests that ask this service: the next may ask /readyz.
    monkeypatch.setattr(inference(), "_replaced_at", float("-inf"))
    replaced = REGISTRY.get_sample_value("sparrow_log_replaced_total") or 0
    files = [("photos", ("a.jpg", photos[0].read_bytes(), "image/jpeg"))]
    before = client.post("/detect", files=files).json()["photos"][0]["prediction_id"]
    said = {"prediction_id": before, "true_count": 3}
    assert client.post("/feedback", json=said).status_code == 200
    path = Path(log_url.removeprefix("sqlite:///"))
    for name in ("", "-wal", "-shm"):
        Path(f"{path}{name}").unlink(missing_ok=True)
    until(lambda: client.get("/readyz").status_code == 503)
    assert REGISTRY.get_sample_value("sparrow_log_replaced_total") == replaced + 1
    assert path.is_file()
    assert client.post("/feedback", json=said).status_code == 200
    after = client.post("/detect", files=files).json()["photos"][0]["prediction_id"]
    said = {"prediction_id": after, "true_count": 3}
    assert client.post("/feedback", json=said).status_code == 200
