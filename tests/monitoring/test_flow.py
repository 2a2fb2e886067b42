"""``flows/monitor.py`` as people run it: the verdict as exit status and files, faults in a line."""

from __future__ import annotations

import gzip
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from PIL import Image

from sparrow.inference.model_folder import INFO, REFERENCE, read_info, write_info
from sparrow.predictions.log import PredictionLog
from sparrow.predictions.window import write_reference

FLOW = Path(__file__).resolve().parents[2] / "flows" / "monitor.py"


@pytest.fixture
def home(model_folder: Path, tmp_path: Path, photos: Any) -> Path:
    """A working folder with a published champion that has a reference; no log yet."""
    (tmp_path / ".metaflow").mkdir()
    champion = tmp_path / ".sparrow" / "champion.versions" / "1"
    champion.mkdir(parents=True)
    info = read_info(model_folder, verify=False)
    for name in info.files:
        (champion / name).symlink_to(model_folder.resolve() / name)
    records = photos(120, seed=1, name=info.name, version="unpublished")
    counts = [one.n_detections for one in records]
    write_reference(champion / REFERENCE, records, list(range(120)), counts)
    write_info(champion, info)
    assert (champion / INFO).is_file()
    (tmp_path / ".sparrow" / "champion").symlink_to("champion.versions/1")
    return tmp_path


def run(
    home: Path, *arguments: str, before: tuple[str, ...] = (), **variables: str
) -> subprocess.CompletedProcess[str]:
    variables |= {"METAFLOW_USER": "test", "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(home)}
    return subprocess.run(
        [sys.executable, str(FLOW), *before, "run", *arguments],
        cwd=home,
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def log_photos(home: Path, records: list[Any]) -> None:
    log = PredictionLog(f"sqlite:///{home}/.sparrow/predictions.db")
    log.append(records)
    log.close()


def of_the_model(photo: Any) -> Any:
    """The same with its boxes of the class that the model knows."""
    return replace(photo, boxes=tuple(replace(b, label="house_sparrow") for b in photo.boxes))


@pytest.fixture
def events() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The address of a web server, and what was posted to it."""
    posted: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/metaflow-event", posted
        server.shutdown()


def result(home: Path, step: str, name: str) -> object:
    """A stored value of the one run, read as Metaflow wrote it, without our classes."""
    (listed,) = (home / ".metaflow" / "Monitor").glob(f"[0-9]*/{step}/*/0.data.json")
    sha = json.loads(listed.read_text())["objects"][name]
    data = home / ".metaflow" / "Monitor" / "data" / sha[:2] / sha
    return pickle.loads(gzip.decompress(data.read_bytes()))


@pytest.mark.slow
def test_night_ends_with_status_3_a_page_a_report_a_verdict_and_an_event(
    home: Path, photos: Any, events: tuple[str, list[dict[str, Any]]]
) -> None:
    model = {"name": "test-detector", "version": "1"}
    days = photos(60, seed=2, **model)
    nights = photos(40, seed=3, first=60, brightness=0.15, **model)
    days, nights = ([of_the_model(x) for x in some] for some in (days, nights))
    now = datetime.now(UTC)
    recent = [replace(x, time=x.time - days[0].time + now - timedelta(hours=2)) for x in nights]
    days = [replace(x, time=x.time - days[0].time + now - timedelta(hours=2)) for x in days]
    log_photos(home, [*days, *recent])
    kept = home / ".sparrow" / "photos"
    kept.mkdir()
    Image.new("RGB", (640, 480), (20, 20, 40)).save(kept / f"{recent[-1].id}.photo", "JPEG")

    config = yaml.safe_load((FLOW.parents[1] / "configs" / "demo.yaml").read_text())
    config |= {"cluster": {"event": "drift", "every_step": {"retries": 0}}}
    (home / "own.yaml").write_text(yaml.safe_dump(config))
    address, published = events
    done = run(
        home, "--set", "monitoring.window_days=1.0", "--set", "monitoring.windows=[25, 100]",
        before=("--config", "config", "own.yaml"), METAFLOW_ARGO_EVENTS_WEBHOOK_URL=address,
    )  # fmt: skip
    assert result(home, "end", "exit_status") == 3
    assert [event["name"] for event in published] == ["mfns.sparrow.user.test.drift"]
    assert published[0]["payload"]["set"] == '["checks.accept=[new-drift]"]'
    assert done.returncode == 3, done.stdout[-3000:] + done.stderr[-3000:]
    assert "Brightness (0 to 1) fell" in done.stdout
    (folder,) = (home / ".sparrow" / "monitoring").glob("2*")
    verdict = json.loads((folder / "verdict.json").read_text())
    assert verdict["state"] == "drift"
    assert verdict["model_version"] == "1"
    assert verdict["n_photos"] == 100
    assert verdict["changes"][0]["column"] == "brightness"
    began = datetime.fromisoformat(verdict["changes"][0]["since"])
    assert abs(began - recent[0].time) < timedelta(minutes=5)
    page = (folder / "index.html").read_text()
    for heading in ("What changed, since when", "Show me", "Trend", "All that was looked at"):
        assert f"<h2>{heading}</h2>" in page
    assert page.count('src="data:image/jpeg') == 1  # the photo that was kept
    assert "http" not in page.replace("http://www.w3.org", "")  # nothing is fetched
    report = (folder / "report.html").read_text()
    assert "max-T over columns and windows" in report


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "there is no prediction log at sqlite:///.sparrow/predictions.db"),
        (("--model-version", "7"), "no published version 7"),
    ],
)
def test_a_fault_is_a_message_without_traceback(
    home: Path, arguments: tuple[str, ...], expected: str
) -> None:
    done = run(home, *arguments)
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert expected in said
    assert "Traceback" not in said
    assert not (home / ".sparrow" / "predictions.db").exists()
