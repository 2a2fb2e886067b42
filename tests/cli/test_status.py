"""`sparrow status` from files alone."""

from __future__ import annotations

import fcntl
import json
import os
import shutil

import pytest

from sparrow.cli.main import main
from sparrow.cli.status import collect_status, describe
from sparrow.config import StoresConfig
from sparrow.inference.model_folder import ENGINE
from sparrow.storage.run_lock import LINK

REPORT = {
    "run": "12",
    "state": "finished",
    "finished_at": "2026-01-01T00:00:00+00:00",
    "data_version": "0123456789abcdef",
    "metrics": {"f2": [0.8125, 0.75, 0.875], "false_count_empty": [None, None, None]},
    "threshold": 0.31,
    "decision": {"reason": "Promoted: no champion yet."},
    "bento": "m:v1-01234567",
}


@pytest.fixture
def stores(tmp_path):
    return StoresConfig(runs=str(tmp_path / "runs"), champion=str(tmp_path / "champion"))


@pytest.fixture
def config(tmp_path, stores):
    """A YAML file that points to the stores."""
    path = tmp_path / "config.yaml"
    path.write_text(json.dumps({"stores": stores.model_dump(mode="json")}))
    return str(path)


def report(tmp_path, name, values, at):
    folder = tmp_path / "runs" / name
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(json.dumps(values))
    os.utime(folder / "report.json", (at, at))


def publish(tmp_path, model_folder):
    versions = tmp_path / "champion.versions"
    shutil.copytree(model_folder, versions / "4")
    (tmp_path / "champion").symlink_to("champion.versions/4", target_is_directory=True)


def test_nothing_has_run(config, stores, capsys):
    assert collect_status(stores) == {"run": None, "champion": None}
    assert main(["status", "--config", config]) == 1
    assert "No run yet. Start one: python flows/train.py run" in capsys.readouterr().out
    assert main(["status", "--json", "--config", config]) == 1
    found = json.loads(capsys.readouterr().out)
    assert (found["run"], found["champion"]) == (None, None)
    assert {use["what"] for use in found["room"]} >= {"runs", "decoded photos", "published models"}


def test_the_newest_run_and_the_champion(tmp_path, config, model_folder, capsys):
    report(tmp_path, "11", {**REPORT, "run": "11"}, 2_000)
    report(tmp_path, "12", REPORT, 3_000)
    report(tmp_path, "9", {**REPORT, "run": "9"}, 1_000)
    publish(tmp_path, model_folder)
    assert main(["status", "--config", config]) == 0
    text = capsys.readouterr().out
    assert "Run 12 on data version 0123456789abcdef" in text
    assert "0.812" in text  # the score, and its interval
    assert "0.750 to   0.875" in text
    assert "false_count_empty" in text
    assert "–" in text  # not measured
    assert "Decision: Promoted: no champion yet." in text
    assert "Bento: m:v1-01234567" in text
    assert "Champion: test-detector version 4, threshold" in text
    assert main(["status", "--json", "--config", config]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["run"] == REPORT
    assert found["champion"]["version"] == 4
    assert 0 <= found["champion"]["threshold"] <= 1


def test_a_run_that_did_not_finish(tmp_path, stores):
    report(tmp_path, "12", {"run": "12", "state": "running"}, 1_000)
    assert describe(collect_status(stores)) == [
        "Run 12 did not finish; go on with: python flows/train.py resume",
        "Champion: none",
    ]


def test_a_run_under_way_is_not_one_that_was_left(tmp_path, stores):
    report(tmp_path, "12", {"run": "12", "state": "unfinished"}, 1_000)
    lock = tmp_path / "x.lock"
    lock.touch()
    (tmp_path / "runs" / "12" / LINK).symlink_to(lock)
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        assert describe(collect_status(stores))[0] == "Run 12 is under way"
    assert describe(collect_status(stores))[0].startswith("Run 12 did not finish")


def test_a_champion_without_a_run_is_shown(tmp_path, stores, model_folder):
    publish(tmp_path, model_folder)
    lines = describe(collect_status(stores))
    assert lines[0].startswith("No run yet")
    assert lines[1].startswith("Champion: test-detector version 4")


def test_a_folder_put_there_by_hand_has_no_number(tmp_path, stores, model_folder):
    shutil.copytree(model_folder, tmp_path / "champion")
    assert collect_status(stores)["champion"]["version"] is None
    assert "version unknown" in describe(collect_status(stores))[-1]


def test_a_damaged_champion_is_told(tmp_path, config, model_folder, capsys):
    publish(tmp_path, model_folder)
    (tmp_path / "champion" / ENGINE).unlink()
    assert main(["status", "--config", config]) == 1
    assert "engine.onnx is missing" in capsys.readouterr().err
