"""The whole circle on drawn photos, with the real pieces and over HTTP; `make test-circle`.

A champion trained on summer photos serves; winter comes; the monitor sees drift; the review queue
is labelled (the true boxes of the drawn photos stand in for the person); the labels come back
through import and intake; drift starts a training, whose candidate passes the gate; the running
service takes it up; and it is better in winter.

One run took 18 minutes on two cores; F2 on winter photos went from 0.392 to 0.571.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml

from monitoring.drill.served import get, send, served
from sparrow.cli.main import main
from sparrow.config import Config, make_config
from sparrow.data.formats.coco import read_coco, write_coco
from sparrow.data.formats.exchange import read_csv
from sparrow.data.split.groups import with_groups
from sparrow.data.synthetic.generate import LICENSE, SOURCE, generate_dataset
from sparrow.data.synthetic.settings import SyntheticSettings
from sparrow.data.tables import XYXY, Dataset
from sparrow.detections import Detections
from sparrow.evaluation.evaluate import evaluate
from sparrow.evaluation.matching import flatten

ROOT = Path(__file__).resolve().parents[2]
TRAIN, MONITOR = ROOT / "flows" / "train.py", ROOT / "flows" / "monitor.py"
GAIN = 0.10  # of F2 on winter photos that nobody trained on

CIRCLE: dict[str, Any] = {
    "name": "circle",
    "data": {
        "root": "raw", "new": "new", "rejected": "rejected", "prepared": "prepared",
        "generate": {"photos": 260, "seed": 41},
    },
    "split": {"test_fraction": 0.3, "validation_fraction": 0.12, "tries": 50},
    "model": {
        "architecture": "fasterrcnn_mobilenet_v3_large_320_fpn",
        "weights": "none",
        "freeze_batch_norm": False,
        "min_side_px": 192,
        "max_side_px": 288,
        "anchor_sizes_px": [28, 48, 72, 112, 160],
    },
    "augmentation": {"horizontal_flip": 0.5, "colour_jitter": 0.0},
    "training": {"epochs": 10, "batch_size": 4, "learning_rate": 0.0006},
    "tuning": {"trials": 0},
    "evaluation": {"bootstrap_samples": 200},
    # A short training: the bars for a first champion are not what is tried here.
    "promotion": {"min_f_beta": 0.0, "max_false_count_empty": 200.0},
    "service": {"keep_fraction": 1.0},
    "monitoring": {"windows": [25, 100]},
}  # fmt: skip
WINTER_PHOTOS = 120  # of the new season, that the service is sent
HELD_OUT_PHOTOS = 80  # of the same season, that are only measured on
AGAIN = ("model.weights=.sparrow/champion/weights.safetensors", "training.epochs=6")


@pytest.mark.circle
def test_a_new_season_leads_to_a_better_champion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    clock = Clock()
    set_up(tmp_path)
    winter, held_out = draw_winter(tmp_path)
    clock.told("drawn")
    run(TRAIN)
    clock.told("first champion trained")
    with served(Path(".sparrow/champion"), Path("circle.yaml"), Path("service.txt")) as url:
        send(url, [(n, winter.image_path(n).read_bytes()) for n in winter.images["image"]])
        clock.told("served")
        assert "drift" in run(MONITOR, expected=3)
        clock.told("drift seen")
        label_review_queue(winter)
        clock.told("labelled")
        before = f2_through(url, held_out)
        settings = [
            word for one in (*AGAIN, "monitoring.on_drift=train") for word in ("--set", one)
        ]
        assert "Training was started" in run(MONITOR, *settings, expected=3)
        wait_for_version(url, "2")
        clock.told("retrained, promoted, taken up")
        after = f2_through(url, held_out)
    print(f"F2 in winter {before:.3f} -> {after:.3f}")
    log = Path(".sparrow/monitoring/alerts.jsonl").read_text().splitlines()
    assert [json.loads(line)["state"] for line in log] == ["drift", "drift"]
    assert after - before >= GAIN, (before, after)


def environment(home: Path) -> dict[str, str]:
    return {
        "METAFLOW_USER": "test",
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(home),
        "BENTOML_HOME": str(home / "bentoml"),
        "OMP_NUM_THREADS": "2",
        "OPENBLAS_NUM_THREADS": "2",
    }


def set_up(home: Path) -> Config:
    (home / ".metaflow").mkdir()
    (home / "circle.yaml").write_text(yaml.safe_dump(CIRCLE))
    return make_config(CIRCLE)


def draw_winter(home: Path) -> tuple[Dataset, Dataset]:
    generate_dataset(home / "winter", SyntheticSettings(WINTER_PHOTOS, 42, season="winter"))
    generate_dataset(home / "held-out", SyntheticSettings(HELD_OUT_PHOTOS, 43, season="winter"))
    return read_csv(home / "winter"), read_csv(home / "held-out")


def run(flow: Path, *options: str, expected: int = 0) -> str:
    """A flow by its command line; what it printed."""
    command = [sys.executable, str(flow), "--config", "config", "circle.yaml", "run", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == expected, said[-6000:]
    return said


def f2_through(url: str, dataset: Dataset) -> float:
    """F2 at IoU 0.5 of what the service answers, at its own threshold."""
    names = list(dataset.images["image"])
    answers = send(url, [(name, dataset.image_path(name).read_bytes()) for name in names])
    found = {
        name: Detections(answer["boxes"], answer["scores"], [1] * len(answer["scores"]))
        for name, answer in zip(names, answers, strict=True)
    }
    config = make_config(CIRCLE)
    flat = flatten(with_groups(dataset), found, config.data.classes)
    # At 0: the service has cut at its own threshold already.
    return evaluate(flat, 0.0, config.evaluation).f_beta.value


def label_review_queue(winter: Dataset) -> None:
    """`sparrow review`, the person's work, and the way back into ``data.new``."""
    rights = ["--author", "unknown", "--source", SOURCE, "--license", LICENSE]
    config = ["--config", "circle.yaml"]
    queue = ["--into", "queue", "--photos", "100", "--random-empty", "20"]
    assert main(["review", *config, *queue, *rights]) == 0
    correct(Path("queue"), winter)
    assert main(["missed", "queue"]) == 0
    assert main(["import", "coco", "queue", "--new", "--into", "new"]) == 0


def correct(queue: Path, truth: Dataset) -> None:
    """What a careful person makes of the boxes: the true ones."""
    listed = pd.read_csv(queue / "queue.csv")
    sent_as = dict(zip(listed["image"], listed["sent_as"], strict=True))
    drawn = read_coco(queue / "instances.json")
    boxes = truth.boxes_by_image()
    corrected = [boxes[sent_as[name]].assign(image=name) for name in drawn.images["image"]]
    everything = pd.concat(corrected, ignore_index=True)[["image", "label", *XYXY]]
    write_coco(Dataset(queue, drawn.images, everything), queue / "instances.json")


def wait_for_version(url: str, version: str, patience_s: float = 3600) -> None:
    """Until the running service answers with it."""
    output = Path(".sparrow/monitoring/retraining.log")
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        if get(f"{url}/model")["version"] == version:
            return
        said = output.read_text()
        assert "Traceback" not in said, said[-4000:]
        assert "Not promoted" not in said, said[-4000:]
        time.sleep(1)
    raise AssertionError(output.read_text()[-4000:])


class Clock:
    """Says how long each part took."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def told(self, what: str) -> None:
        now = time.monotonic()
        print(f"{what}: {now - self._last:.0f} s", flush=True)
        self._last = now
