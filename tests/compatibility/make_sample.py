# ruff: noqa: I001 its modules are those of the earlier commit
"""Makes ``made_by_55232ce.tar.xz`` and ``expected.json``: stores and models of an earlier commit.

It was run once, with the code of commit 55232ce, whose modules have other names than today's:

    git clone . /tmp/before && git -C /tmp/before checkout 55232ce
    PYTHONPATH=/tmp/before:/tmp/before/flows python tests/compatibility/make_sample.py \
        /tmp/made-before tests/compatibility

The sample is a working folder: two registered versions of a model of a few kilobytes, of which the
second is champion, with the logs, a study and a verdict. Everything in it was written by the steps
of that commit's flows, by its service and its tuning. ``expected.json`` holds what that commit made
of it. A file of the sample is never changed; another commit's sample is another archive.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import save_file
from sample_engine import write_engine
from sample_study import NAME, make_config, tune

COMMIT = "55232ce"
# What is added to the photo's brightness (0..1) to make each box's score, by version.
SCORES = {1: (0.4, 0.2, 0.05, -0.1), 2: (0.45, 0.25, 0.1, 0.0)}
TRAINED_AT = "2024-01-01T00:00:00+00:00"  # in the past of every clock
FIRST_PHOTO = datetime(2024, 2, 1, 12, tzinfo=UTC)
PHOTOS, LOGGED = 60, 120
STATE = Path(".sparrow")


def write_model(config: Any, dataset: Any, number: int, folder: Path) -> None:
    """As training leaves it: before it was evaluated."""
    from train_stages import _model_info

    from sparrow.model.folder import ENGINE, WEIGHTS, write_info
    from sparrow.model.weights_header import classes_metadata

    folder.mkdir(parents=True)
    write_engine(folder / ENGINE, SCORES[number])
    weights = {"weight": np.full(1, number, np.float32)}
    save_file(weights, folder / WEIGHTS, metadata=classes_metadata(config.data.classes))
    info = _model_info(config, dataset, 0.5)
    parity = {"max_score_difference": 0.0}
    more = {"trained_at": TRAINED_AT, "git_commit": COMMIT, "engine_parity": parity}
    write_info(folder, info.model_copy(update=more))


def train_and_promote(config: Any, dataset: Any, number: int, best: dict[str, Any]) -> None:
    """A run of the flow from its trained model on."""
    from evaluate_stages import evaluate_model
    from release_stages import promote
    from train_stages import Trained, _start_run

    from sparrow.release.tracking import end_run, log_epoch, log_numbers, make_client

    work_dir, key = STATE / "runs" / str(number), f"Train/{number}"
    write_model(config, dataset, number, work_dir / "model")
    client = make_client(config.stores)
    run_id = _start_run(client, config, dataset, work_dir, key)
    log_epoch(client, run_id, 1, {"loss": 0.5, "validation_f_beta": 0.25})
    log_numbers(client, run_id, {"best_epoch": 1})
    end_run(client, run_id)
    scored = evaluate_model(config, dataset, work_dir / "model")
    trained = Trained(str(work_dir / "model"), run_id, (), 1, best, None)
    promotion = promote(config, dataset, trained, scored.evaluation, 1.0, key, forced=True)
    assert promotion.champion_version == number


def split(config: Any, root: Path) -> Any:
    """The drawn photos, checked and split."""
    from sparrow.data.checks import check_dataset
    from sparrow.data.generate import generate_dataset
    from sparrow.data.sides import keep_sides, read_sides
    from sparrow.data.split import split_dataset

    generate_dataset(root, photos=PHOTOS, seed=1)
    dataset = check_dataset(root, config.data).dataset
    bits = config.data.near_duplicate_bits
    result = split_dataset(dataset, config.split, bits, config.seed, read_sides(root))
    keep_sides(result.dataset)
    return result.dataset


def brightest(folder: Path) -> Path:
    """The photo in which the models find most."""
    from PIL import Image, ImageStat

    def brightness(path: Path) -> float:
        with Image.open(path) as photo:
            return ImageStat.Stat(photo.convert("L")).mean[0]

    return max(sorted(folder.iterdir()), key=brightness)


def serve_once(photo: Path) -> dict[str, Any]:
    """What the service answers; it logs into the working folder's log."""
    script = Path(__file__).resolve().with_name("serve_once.py")
    command = [sys.executable, str(script), str(photo), "2"]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def log_photos(config: Any, root: Path) -> None:
    """Photos that the champion counted, a minute apart; one of them was broken."""
    from sparrow.counter import Counter
    from sparrow.data.generate import generate_dataset
    from sparrow.prediction_log import PredictionLog

    generate_dataset(root, photos=LOGGED, seed=2)
    counter, log = Counter(STATE / "champion"), PredictionLog(config.stores.prediction_log)
    contents = [path.read_bytes() for path in sorted((root / "images").iterdir())]
    contents[LOGGED // 2] = b"this is no photo"
    records = []
    for number, content in enumerate(contents):
        record = counter.count(content, f"{number}.jpg", "api")[0].record
        time = FIRST_PHOTO + timedelta(minutes=number)
        records.append(replace(record, time=time, latency_ms=20.0))
    log.append(records)
    log.add_feedback(records[-1].id, 3)
    log.add_feedback(records[-2].id, wrong=True)
    log.close()


def monitor(config: Any) -> dict[str, Any]:
    """What ``flows/monitor.py`` came to; of its files the verdict and the alerts are kept."""
    from monitor_stages import judge_production, observe_production, respond_to, write_findings

    observed = observe_production(config, None)
    verdict = judge_production(config, observed)
    folder = STATE / "monitoring" / "2024-02-02T00-00-00-000000"
    write_findings(config, observed, verdict, FIRST_PHOTO + timedelta(days=1), folder)
    (folder / "index.html").unlink()
    (folder / "report.html").unlink()
    respond_to(config, verdict)
    return verdict.to_dict()


def look(config: Any, photo: Path) -> dict[str, Any]:
    """What this commit says of one photo, by counter and by pyfunc, and of each version."""
    import mlflow

    from sparrow.counter import Counter
    from sparrow.model.folder import read_info
    from sparrow.release.registry import Registry

    registry, seen = Registry(config.stores, NAME), {}
    for version in registry.versions():
        folder = registry.published_folder(version.number)
        record = Counter(folder).count(photo.read_bytes(), photo.name, "cli")[0].record
        loaded = mlflow.pyfunc.load_model(f"models:/{NAME}/{version.number}")
        seen[str(version.number)] = {
            "info": read_info(folder).model_dump(mode="json"),
            "tags": version.tags,
            "count": [record.count, record.count_low, record.count_high],
            "scores": [box.score for box in record.boxes],
            "pyfunc": loaded.predict([str(photo)]).drop(columns="photo").to_dict("records"),
        }
    return {"versions": seen, "history": [vars(entry) for entry in registry.history()]}


def pack(archive: Path) -> None:
    """The state, its databases without their empty pages and what waits in their logs."""
    shutil.rmtree(STATE / "runs")  # the registry holds the models
    for database in STATE.glob("*.db"):
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.execute("VACUUM")
    with tarfile.open(archive, "w:xz", preset=9) as file:
        file.add(STATE)
        file.add("photo.jpg")


def main() -> None:
    """Make all of it in an empty folder."""
    home, output = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    home.mkdir(parents=True)
    os.chdir(home)
    os.environ["METAFLOW_USER"] = "ada"
    config = make_config()
    best = tune(config)
    from sparrow.config import with_values

    tuned = with_values(config, best)
    dataset = split(tuned, Path("data/raw"))
    shutil.copy(brightest(Path("data/raw/images")), "photo.jpg")
    train_and_promote(tuned, dataset, 1, best)
    answer = serve_once(Path("photo.jpg"))
    train_and_promote(tuned, dataset, 2, best)
    log_photos(config, Path("data/logged"))
    expected = {
        "root": str(home),
        "best_values": best,
        "config": tuned.of_the_training(),
        "space": config.model_dump(mode="json")["tuning"]["space"],
        "answer_of_version_1": answer,
        "verdict": monitor(config),
        **look(config, Path("photo.jpg")),
    }
    (output / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")
    pack(output / f"made_by_{COMMIT}.tar.xz")


if __name__ == "__main__":
    main()
