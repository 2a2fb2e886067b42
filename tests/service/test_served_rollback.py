"""The way back: the registry's rollback, while the running service is being asked over HTTP."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sparrow.config import StoresConfig
from sparrow.inference.model_folder import read_info, write_info
from sparrow.regular_file import sha256_of

pytestmark = pytest.mark.slow

NAME = "test-detector"
SOON_S = 30.0


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
