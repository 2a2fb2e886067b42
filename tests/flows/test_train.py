"""The whole flow on a tiny config: once through, and once more with nothing changed."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import subprocess
import sys
from contextlib import chdir, redirect_stdout
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from directory_map import differences

from sparrow.cli.main import main
from sparrow.config import StoresConfig
from sparrow.inference.model_folder import read_info
from sparrow.predictions.window import read_reference
from sparrow.registry.registry import Registry
from sparrow.registry.tracking import make_client

ROOT = Path(__file__).resolve().parents[2]
FLOW = ROOT / "flows" / "train.py"

NAME = "tiny-detector"
SECRET = "canary-77f1c0"  # in two addresses that only the environment holds
TINY = {
    "name": NAME,
    "data": {
        "root": "raw",
        "new": "new",
        "rejected": "rejected",
        "prepared": "prepared",
        "generate": {"photos": 30, "seed": 3},
    },
    "split": {"test_fraction": 0.3, "validation_fraction": 0.2, "tries": 20},
    "model": {
        "architecture": "fasterrcnn_mobilenet_v3_large_320_fpn",
        "weights": "none",
        "freeze_batch_norm": False,
        "min_side_px": 96,
        "max_side_px": 128,
        "box_batch_size_per_image": 16,
    },
    "training": {"epochs": 2, "batch_size": 4, "threads": 1},
    "tuning": {
        "trials": 2,
        "epochs": 1,
        "photos": 8,
        "threads": 1,
        "space": {"training.learning_rate": {"low": 0.0005, "high": 0.002, "log": True}},
    },
    "evaluation": {"bootstrap_samples": 100, "iou": 0.45, "also_iou": [0.5]},
    "stores": {"prediction_log": "${SPARROW_TEST_LOG}", "tuning": "${SPARROW_TEST_STUDY}"},
    # A detector of two epochs finds nothing: the absolute bars would stop the first champion.
    "promotion": {"min_f_beta": 0.0, "max_false_count_empty": 200.0},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Working directory of all runs: stores, data and ``.metaflow`` lie below it."""
    home = tmp_path_factory.mktemp("home")
    (home / ".metaflow").mkdir()
    (home / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    return home


def environment(home: Path) -> dict[str, str]:
    return {
        **os.environ,
        "METAFLOW_USER": "test",
        "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(home),
        "BENTOML_HOME": str(home / "bentoml"),
        "SPARROW_TEST_LOG": f"sqlite:///{home}/{SECRET}.db",
        "SPARROW_TEST_STUDY": f"sqlite:///{home}/{SECRET}-study.db",
    }


def status(home: Path) -> dict[str, Any]:
    said = io.StringIO()
    with chdir(home), redirect_stdout(said):
        assert main(["status", "--json"]) == 0
    return json.loads(said.getvalue())


def stores(home: Path) -> StoresConfig:
    """Those of all runs, by whole paths: MLflow keeps a relative one open for other tests."""
    whole = StoresConfig().model_dump_json().replace(".sparrow/", f"{home}/.sparrow/")
    return StoresConfig.model_validate_json(whole)


def registered_versions(home: Path) -> list[int]:
    return [version.number for version in Registry(stores(home), NAME).versions()]


@pytest.fixture(scope="module")
def first_run(home: Path) -> Any:
    """The run through Metaflow's Runner."""
    from metaflow import Runner

    with Runner(
        str(FLOW),
        show_output=False,
        env=environment(home),
        cwd=str(home),
        config_value=[("config", TINY)],
    ).run() as running:
        assert running.status == "successful", running.stdout[-4000:] + running.stderr[-4000:]
        return {step: running.run[step].task for step in ("evaluate", "promote", "bundle", "end")}


@pytest.mark.slow
def test_what_only_the_environment_says_is_written_nowhere(home: Path, first_run: Any) -> None:
    """Model, registry, Bento, cards, Metaflow values, logs, settings beside the champion."""
    assert (home / f"{SECRET}-study.db").is_file()  # it was used
    holding = []
    for path in home.rglob("*"):
        if not path.is_file() or path.name.startswith(SECRET):
            continue
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            content = gzip.decompress(content)
        if SECRET.encode() in content:
            holding.append(path.relative_to(home))
    assert holding == []
    beside = (
        home / ".sparrow" / "champion.versions" / "tiny-detector" / "settings.yaml"
    ).read_text()
    assert "${SPARROW_TEST_LOG}" in beside
    info = json.loads((home / ".sparrow" / "champion" / "model.json").read_text())
    assert not {"stores", "service"} & set(info["config"])
    (inside,) = (home / "bentoml" / "bentos").glob("tiny-detector/*/src/settings.yaml")
    assert yaml.safe_load(inside.read_text())["version"] == "1"


@pytest.mark.slow
def test_a_run_ends_with_a_champion_a_bento_and_a_report(home: Path, first_run: Any) -> None:
    found = status(home)
    assert found["run"]["state"] == "finished"
    assert found["champion"]["version"] == 1  # the first candidate passes the absolute bars
    assert found["run"]["bento"].startswith("tiny-detector:v1-")
    run_id = first_run["evaluate"].pathspec.split("/")[1]
    (run,) = (home / ".metaflow" / "Train" / run_id / "_meta").glob("*_self.json")
    assert "champion" in json.loads(run.read_text())["tags"]
    (notice,) = (home / "bentoml" / "bentos").glob("tiny-detector/*/src/NOTICE")
    assert "known authors: CC0" in notice.read_text()
    assert "Photos shown in model/card.html" in notice.read_text()
    for split in ("train", "validation", "test"):
        (table,) = home.rglob(f"prepared/{split}.csv")
        assert len(pd.read_csv(table)) > 0
    assert len(found["run"]["metrics"]["f2_iou50"]) == 3  # value, low, high
    # The threshold that serves is the one that was chosen on validation photos and then evaluated.
    assert found["champion"]["threshold"] == found["run"]["threshold"]
    pages = home / ".sparrow" / "runs" / found["run"]["run"] / "data"
    for page in ("raw/report.html", "split/split-report.html", "split/drift.json"):
        assert (pages / page).is_file()
    photos = [path.name for path in (home / ".sparrow" / "champion").iterdir()]
    assert {"weights.safetensors", "engine.onnx", "model.json", "reference.parquet"} <= set(photos)
    # Chances that a detection is a bird are those of the overlap that the scores use.
    info = read_info(home / ".sparrow" / "champion")
    assert info.count_model is not None
    assert info.count_model["iou"] == 0.45
    # The config names no class: those of the set were settled, and kept with it.
    settled = [home / "raw" / "history" / "classes.json", pages.parent / "classes.json"]
    assert [json.loads(path.read_text()) for path in settled] == [["house_sparrow"]] * 2
    assert info.class_names == ("house_sparrow",)
    # What tuning found, in the form of a config.
    best = yaml.safe_load(next((home / ".sparrow" / "runs").glob("*/best_params.yaml")).read_text())
    assert 0.0005 <= best["training"]["learning_rate"] <= 0.002


@pytest.mark.slow
def test_the_reference_is_what_the_champion_found_in_held_out_photos(
    home: Path, first_run: Any
) -> None:
    images = first_run["evaluate"]["dataset"].data.images
    held_out = images[images["split"] != "train"].set_index("image")
    folder = home / ".sparrow" / "champion"
    assert "reference.parquet" in read_info(folder).files  # its hash is checked with the others
    reference = read_reference(folder / "reference.parquet")
    photos = reference.photos.set_index("file_name")
    assert set(photos.index) == set(held_out.index)
    assert photos["sharpness"].to_dict() == pytest.approx(held_out["sharpness"].to_dict())
    groups = pd.factorize(held_out.loc[photos.index, "group"])[0]
    assert photos["group"].tolist() == groups.tolist()  # the split's own
    counts = held_out.loc[photos.index, "n_boxes"].tolist()
    assert reference.feedback["true_count"].tolist() == counts


@pytest.mark.slow
def test_both_cards_are_kept_where_they_are_looked_for(home: Path, first_run: Any) -> None:
    champion = home / ".sparrow" / "champion"
    card = (champion / "card.md").read_text()
    assert card.startswith("# tiny-detector\n")
    info = json.loads((champion / "model.json").read_text())
    assert f"| operating threshold | {info['threshold']:.3f} |" in card
    assert {"card.md", "card.html"} <= info["files"].keys()  # written before the hashes were
    shown = first_run["evaluate"]["model_card"].data  # what Metaflow's card shows
    assert card.split("## Curves")[0].replace("(example.jpg)", "(figures/example.jpg)") in (
        shown.markdown
    )
    assert {"figures/example.jpg", "figures/loss-by-epoch.png"} <= shown.files.keys()
    assert "example.jpg" in info["files"]
    assert "<h1>tiny-detector</h1>" in (champion / "card.html").read_text()
    data_card = next((home / ".sparrow" / "runs").glob("*/cards/dataset-card.md")).read_text()
    assert f"`{info['data_version']}`" in data_card
    client = make_client(stores(home))
    version = client.get_model_version_by_alias(NAME, "champion")
    run = client.get_run(version.run_id)
    places = [client.list_artifacts(run.info.run_id, place) for place in ("cards", "figures")]
    tags, metrics = version.tags, run.data.metrics
    files = {file.path for place in places for file in place}
    assert tags["data_version"] == info["data_version"]
    assert tags["git_commit"] == info["git_commit"]
    run_id = first_run["evaluate"].pathspec.split("/")[1]
    assert tags["metaflow_run"] == run_id
    assert len(tags["config"]) == 12
    assert metrics["test_f2_iou50"] == info["metrics"]["f2_iou50"][0]
    assert metrics["test_latency_ms"] > 0
    assert {"cards/card.html", "cards/dataset-card.md", "figures/reliability.png"} <= files
    assert {"cards/report.html", "cards/report.md", "cards/model-card.html"} <= files
    story = (home / ".sparrow" / "runs" / run_id / "cards" / "report.md").read_text()
    assert "| version | 1, champion |" in story
    for picture in re.findall(r"\]\((figures/[^)]+)\)", story):
        assert (home / ".sparrow" / "runs" / run_id / "cards" / picture).is_file()
    report = json.loads((home / ".sparrow" / "runs" / run_id / "report.json").read_text())
    latency = report["decision"]["gates"][3]
    assert latency["name"] == "latency"
    assert latency["actual"] == f"{metrics['test_latency_ms']:.0f} ms"
    size = report["decision"]["gates"][2]
    engine_mb = (champion / "engine.onnx").stat().st_size / 1e6
    assert (size["name"], size["actual"]) == ("size", f"{engine_mb:.1f} MB")
    assert f"| engine | ONNX, {engine_mb:.0f} MB" in card


@pytest.mark.slow
def test_the_map_of_directories_is_true(home: Path, first_run: Any) -> None:
    places = {
        "data/demo/": "",
        "~/bentoml/": "bentoml/",
        ".sparrow/predictions.db": f"{SECRET}.db",
        ".sparrow/optuna.db": f"{SECRET}-study.db",
    }
    unsaid, empty = differences(home, NAME, places)
    assert [file for file in unsaid if file != "tiny.yaml"] == []
    assert empty == []


@pytest.mark.slow
def test_the_run_lasted_from_its_first_step_on_though_it_was_tagged_since(first_run: Any) -> None:
    """Metaflow notes another time of creation with each tag of a run, such as the champion's."""
    said = first_run["end"].stdout
    seconds = [
        float(own) for own in re.findall(r"^[a-z_]+ +([\d.]+)s +[\d.]+s$", said, re.MULTILINE)
    ]
    (in_all,) = re.findall(r"^in all +([\d.]+)s, of it ([\d.]+)s outside", said, re.MULTILINE)
    assert len(seconds) >= 12
    assert float(in_all[0]) == pytest.approx(sum(seconds) + float(in_all[1]), rel=0.05)


@pytest.mark.slow
def test_the_splits_share_no_author(first_run: Any) -> None:
    images = first_run["evaluate"]["dataset"].data.images
    sides = images.groupby("author")["split"].nunique()
    assert (sides == 1).all()


@pytest.mark.slow
def test_the_same_run_again_takes_over_all_but_the_promotion(home: Path, first_run: Any) -> None:
    champion = (home / ".sparrow" / "champion" / "weights.safetensors").read_bytes()
    before = registered_versions(home)
    command = [sys.executable, str(FLOW), "--config", "config", "tiny.yaml", "run"]
    again = subprocess.run(
        command, cwd=home, env=environment(home), capture_output=True, text=True, check=False
    )
    assert again.returncode == 0, again.stdout[-4000:] + again.stderr[-2000:]
    found = status(home)["run"]
    steps = [json.loads(line)["step"] for line in read_lines(home / ".sparrow/runs" / found["run"])]
    assert steps == ["promote", "bundle", "end"]
    assert "version 1 is the champion and stands" in found["decision"]["reason"]
    assert registered_versions(home) == before
    assert (home / ".sparrow" / "champion" / "weights.safetensors").read_bytes() == champion


@pytest.mark.slow
def test_every_key_that_a_step_reads_is_declared(home: Path, first_run: Any) -> None:
    """Else a change of it would take over what it should have made anew."""
    run_id = first_run["evaluate"].path_components[1]
    script = (
        "from metaflow import Flow, namespace; namespace(None); import json, sys;"
        f"sys.path[:0] = [{str(ROOT / 'flows')!r}, {str(ROOT)!r}];"
        "from reuse import STAGES, read_records;"
        "undeclared = {f'{run.id} {step}': record.undeclared for run in Flow('Train').runs()"
        " for step, record in read_records(run).items()};"
        f"recorded = {{f'{run_id} {{step}}' for stage in STAGES for step in stage.steps}};"
        "assert recorded <= undeclared.keys(), undeclared;"
        "print(json.dumps({step: keys for step, keys in undeclared.items() if keys}))"
    )
    command = [sys.executable, "-c", script]
    found = subprocess.run(
        command, cwd=home, env=environment(home), capture_output=True, text=True, check=False
    )
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout.splitlines()[-1]) == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("trainin.epochs=3", "Did you mean 'training'?"),
        ("training.epochs=three", "training.epochs: Input should be a valid integer"),
        ("data.root=nowhere", "nowhere"),
    ],
)
def test_a_fault_of_input_is_a_message_without_traceback(
    tmp_path: Path, override: str, expected: str
) -> None:
    (tmp_path / ".metaflow").mkdir()
    config = {**TINY, "data": {**TINY["data"], "generate": None}}
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(config))
    command = [sys.executable, str(FLOW), "--config", "config", "tiny.yaml", "run"]
    failed = subprocess.run(
        [*command, "--set", override],
        cwd=tmp_path,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    said = failed.stdout + failed.stderr
    assert failed.returncode != 0
    assert expected in said
    assert "Traceback" not in said


def read_lines(run_dir: Path) -> list[str]:
    return (run_dir / "steps.jsonl").read_text().splitlines()
