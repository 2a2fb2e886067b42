"""What an earlier commit made is served, monitored and rolled back by this one.

``make_sample.py`` made the sample and wrote down what that commit made of it. Values have to arrive
under whatever name they have today.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from compatibility.renamed import today, with_names_of_today

from sparrow.config import Config, get_key, stored_config

ROOT = Path(__file__).parents[2]


def run(config: Config, *arguments: str) -> int:
    """The command line on the sample's stores."""
    from sparrow.cli.main import main

    Path("config.yaml").write_text(json.dumps(config.model_dump(mode="json")))
    return main([*arguments, "--config", "config.yaml"])


def read_log(config: Config) -> Any:
    """All of the prediction log."""
    from sparrow.predictions.log import PredictionLog
    from sparrow.predictions.window import read_window

    with closing(PredictionLog(config.stores.prediction_log)) as log:
        return read_window(log)


@pytest.mark.parametrize("version", [1, 2])
def test_a_published_model_counts_as_it_did(
    home: Path, expected: dict[str, Any], version: int
) -> None:
    from sparrow.inference.counter import PhotoCounter

    link = home / ".sparrow" / "champion"
    assert link.resolve().name == "2"
    model = PhotoCounter(link.resolve().with_name(str(version)))
    model.try_out()
    counted, _ = model.count((home / "photo.jpg").read_bytes(), "photo.jpg", "cli")
    record, wanted = counted.record, expected["versions"][str(version)]
    assert [record.count, record.count_low, record.count_high] == wanted["count"]
    assert [box.score for box in record.boxes] == wanted["scores"]
    assert len(record.boxes) > 0  # else nothing was compared
    assert (record.model_name, record.model_version) == (expected["config"]["name"], str(version))


def test_the_library_loads_the_champion(home: Path, expected: dict[str, Any]) -> None:
    import sparrow

    photo = sparrow.load("champion").count("photo.jpg")
    assert [photo.count, photo.low, photo.high] == expected["versions"]["2"]["count"]


def test_the_old_log_is_read(config: Config, expected: dict[str, Any]) -> None:
    from sparrow.predictions.hours import sums_by_interval
    from sparrow.predictions.log import PredictionLog
    from sparrow.predictions.log_tables import hours_table
    from sparrow.predictions.photo_filter import ALL_PHOTOS

    window = read_log(config)
    assert len(window.photos) == 121
    with closing(PredictionLog(config.stores.prediction_log)) as log:  # upgraded by now
        assert log.has(hours_table)
        sums = sums_by_interval(log, ALL_PHOTOS)[0]
    assert (sums["photos"], sums["errors"], sums["boxes"]) == (121, 1, len(window.boxes))
    assert sums["score"] == pytest.approx(window.boxes["score"].sum())
    assert sums["brightness"] == pytest.approx(window.photos["brightness"].sum())
    assert window.photos["error"].dropna().tolist() == ["unreadable_photo"]
    assert window.feedback["true_count"].dropna().tolist() == [2, 3]
    old = expected["answer_of_version_1"]["photos"][0]
    row = window.photos.set_index("id").loc[old["prediction_id"]]
    assert (row["model_version"], row["count"]) == ("1", old["count"])
    boxes = window.boxes[window.boxes["prediction_id"] == old["prediction_id"]]
    assert boxes["score"].tolist() == old["scores"]


@pytest.mark.slow
def test_the_service_answers_as_it_did_and_writes_on_in_the_old_log(
    home: Path, config: Config, expected: dict[str, Any]
) -> None:
    before = read_log(config)
    command = [sys.executable, str(Path(__file__).with_name("serve_once.py")), "photo.jpg", "2"]
    # Other tests of this process may have named their own model.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("SPARROW_")}
    environment["PYTHONPATH"] = str(ROOT)
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    assert (answer["model_name"], answer["model_version"]) == (config.name, "2")
    photo, wanted = answer["photos"][0], expected["versions"]["2"]
    assert photo["scores"] == wanted["scores"]
    assert [photo["count"], photo["count_low"], photo["count_high"]] == wanted["count"]
    assert "50% of the photos" in done.stderr  # as settings.yaml beside the model says

    after = read_log(config)
    assert set(after.photos["id"]) == {*before.photos["id"], photo["prediction_id"]}
    assert len(after.boxes) == len(before.boxes) + len(photo["boxes"])
    assert len(after.feedback) == len(before.feedback) + 1


def test_settings_beside_the_champion_hold(home: Path, expected: dict[str, Any]) -> None:
    from sparrow.cli.project import find_project

    found = find_project(None)
    assert found.name == expected["config"]["name"]
    assert found.service.max_photos == 7
    assert get_key(found, today("service.keep_share")) == 0.5


def test_the_monitor_comes_to_the_same_verdict(
    home: Path, config: Config, expected: dict[str, Any]
) -> None:
    from monitoring.run import detect_drift, observe_production

    observed = observe_production(config, None)
    assert (observed.model.version, observed.n_photos) == ("2", 120)
    assert observed.set_aside == ""
    verdict, wanted = detect_drift(config, observed).to_dict(), expected["verdict"]
    for name in ("state", "model_name", "model_version", "n_photos", "since", "until"):
        assert verdict[name] == wanted[name]
    assert verdict["state"] == "ok"
    changes = {change["column"]: change for change in verdict["changes"]}
    for before in wanted["changes"]:
        change = changes[before["column"].replace("error_share", "error_fraction")]
        for name in ("reference", "current"):
            assert change[name] == pytest.approx(before[name]), before["column"]
        # Since then box shape is compared too: of the same sampled pairs at least as many reach a
        # strength, and few more.
        p_value, p_before = change["p_value"], before["p_value"]
        assert (p_value is None) == (p_before is None), before["column"]
        if p_value is not None:
            assert p_before - 1e-9 <= p_value <= 1.2 * p_before + 0.01, before["column"]
        assert (change["drifted"], change["photos"]) == (before["drifted"], before["photos"])


def test_the_monitor_shows_the_verdict_of_before(home: Path, config: Config) -> None:
    from monitoring.page import MonitoringReport, report_html
    from monitoring.run import detect_drift, observe_production, past_verdicts

    past = past_verdicts(Path(config.stores.monitoring), config.name)
    assert [one["state"] for one in past] == ["ok"]
    observed = observe_production(config, None)
    verdict = detect_drift(config, observed)
    report = MonitoringReport(
        verdict, observed.window, observed.n_photos, observed.trend, past, home, False
    )
    assert "2024-02-02" in report_html(report)


def test_the_champion_before_comes_back_from_the_old_store(
    home: Path, config: Config, expected: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    from sparrow.registry.registry import Registry

    champion = home / ".sparrow" / "champion"
    shutil.rmtree(champion.resolve().with_name("1"))  # so it has to be fetched
    assert run(config, "rollback", "--why", "a test") == 0
    assert champion.resolve().name == "1"
    registry = Registry(config.stores, config.name)
    assert registry.fetch(1) == champion.resolve()
    for alias, number in (("champion", 1), ("previous", 2)):
        aliased = registry.aliased(alias)
        assert aliased is not None
        assert aliased.number == number
    for version in registry.versions():
        assert version.tags == expected["versions"][str(version.number)]["tags"]

    *before, last = registry.history()
    assert [vars(entry) for entry in before] == expected["history"]
    assert (last.number, last.from_version, last.to_version) == (3, 2, 1)
    capsys.readouterr()
    assert run(config, "history") == 0  # 1, if the chain of the old entries' hashes were broken
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines[:2]] == [e["at"] for e in expected["history"]]
    assert lines[2].endswith("rollback: a test (forced)")


# As it is imported, MLflow warns of the type hints of its own classes.
@pytest.mark.filterwarnings("ignore:.*Any type hint is inferred as AnyType")
@pytest.mark.parametrize("version", [1, 2])
def test_mlflow_loads_a_registered_version(
    home: Path, config: Config, expected: dict[str, Any], version: int
) -> None:
    import mlflow

    from sparrow.registry.tracking import make_client

    make_client(config.stores)
    model = mlflow.pyfunc.load_model(f"models:/{config.name}/{version}")
    found = model.predict([str(home / "photo.jpg")]).drop(columns="photo")
    assert found.to_dict("records") == expected["versions"][str(version)]["pyfunc"]


@pytest.mark.parametrize("version", [1, 2])
def test_the_config_of_a_model_is_one_of_today(
    home: Path, expected: dict[str, Any], version: int
) -> None:
    from sparrow.inference.model_folder import read_info

    info = read_info((home / ".sparrow" / "champion").resolve().with_name(str(version)))
    config, before = stored_config(info.config), expected["config"]
    values = config.model_dump(mode="json")
    for section, old in before.items():
        for name, value in old.items() if isinstance(old, dict) else ():
            if f"{section}.{name}" == "tuning.space":
                value = with_names_of_today(value)
            key = today(f"{section}.{name}")
            assert values[section][key.removeprefix(f"{section}.")] == value, key
    assert (config.name, config.seed) == (before["name"], before["seed"])
    # What a model is registered with is the same for all that learned alike, and stays so when it
    # is written by today's names.
    again = stored_config(config.of_the_training())
    assert again.content_hash() == config.content_hash()
    trained_at = datetime.fromisoformat(info.trained_at)
    assert trained_at == datetime(2024, 1, 1, tzinfo=UTC)
    wanted = expected["versions"][str(version)]["info"]
    for name in ("class_names", "threshold", "metrics", "count_model", "equal_recall", "files"):
        assert info.model_dump(mode="json")[name] == wanted[name], name
