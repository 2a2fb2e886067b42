"""``sparrow data``: each action does its work on files and says what it did."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sparrow.cli.data import register
from sparrow.config import DataConfig
from sparrow.data.checks.run import check_dataset
from sparrow.data.ingest.ingest import ingest_new


def run(data_config: DataConfig, *arguments: str) -> int:
    parser = argparse.ArgumentParser()
    register(parser.add_subparsers())
    path = Path(data_config.root).parent / "config.yaml"
    path.write_text(json.dumps({"data": data_config.model_dump(mode="json")}))
    chosen = parser.parse_args(["data", *arguments, "--config", str(path)])
    return int(chosen.func(chosen))


def test_check_reports_what_is_wrong(
    data_config: DataConfig, photos: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    photos.write()
    assert run(data_config, "check") == 0
    assert "6 photos, 6 boxes, nothing to complain about" in capsys.readouterr().out
    photos.info.loc[1, "Number_HSparrows"] = 3
    photos.write()
    page, report = tmp_path / "page.html", tmp_path / "report.json"
    assert run(data_config, "check", "--html", str(page), "--json", str(report)) == 1
    assert "image_info.csv row 3: photo001.png" in capsys.readouterr().out
    assert json.loads(report.read_text())["findings"][0]["rule"] == "count-wrong"
    text = page.read_text()
    assert "count-wrong" in text
    assert text.count("data:image/jpeg;base64") == 1


def test_from_intake_to_log_and_back(
    data_config: DataConfig, photos: Any, new: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    photos.write()
    new.write()
    assert run(data_config, "log") == 0
    assert "no version" in capsys.readouterr().out
    assert run(data_config, "ingest") == 0
    assert capsys.readouterr().out.startswith("4 photos taken in, 0 corrected, 0 known already;")
    assert run(data_config, "log", "--json") == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (first["photos"], second["photos"]) == (6, 10)
    assert run(data_config, "restore", first["version"]) == 0
    assert run(data_config, "log") == 0
    assert capsys.readouterr().out.count("\n") == 4  # restored, and three lines of the log


def test_pages_are_written(data_config: DataConfig, photos: Any, new: Any, tmp_path: Path) -> None:
    photos.info["Author"] = list("abcdef")
    photos.write()
    new.write()
    ingest_new(data_config)
    page = tmp_path / "page.html"
    assert run(data_config, "explore", "--to", str(page)) == 0
    text = page.read_text()
    assert text.count("data:image/png;base64") == 9  # eight figures, one sheet
    assert text.count("<li>Photo photo") == 10  # every photo of the sheet is credited
    assert run(data_config, "split-report", "--to", str(page)) == 0
    text = page.read_text()
    assert "No author, no near-duplicate picture and no visit" in text
    assert "by a (Flickr), CC0" in text


@pytest.mark.parametrize("shares", [(0.12, 0.08), (0.25, 0.2), (0.4, 0.2), (0.1, 0.3)])
def test_a_split_as_the_config_asks_for_is_no_fault(
    data_config: DataConfig,
    photos: Any,
    capsys: pytest.CaptureFixture[str],
    shares: tuple[float, float],
) -> None:
    photos.info["Author"] = list("abcdef")
    photos.write()
    test, validation = (
        f"split.{n}_fraction={v}" for n, v in zip(("test", "validation"), shares, strict=True)
    )
    assert run(data_config, "drift", "--set", test, "--set", validation) == 0
    assert "too few photos" in capsys.readouterr().out  # six of them say nothing about drift


def test_the_old_name_of_the_split_report_is_refused_with_the_new_one(
    data_config: DataConfig,
) -> None:
    with pytest.raises(ValueError, match="called `sparrow data split-report` now"):
        run(data_config, "certificate", "--to", "page.html")


def test_authors_whose_days_had_to_be_parted_are_no_fault(
    data_config: DataConfig,
    photos: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    photos.info["Author"] = list("aaabbb")
    photos.write()
    checked = check_dataset(Path(data_config.root), data_config).dataset
    days = [f"2026-05-0{day}T06:30:00" for day in range(1, 7)]
    dated = replace(checked, images=checked.images.assign(taken_at=days))
    monkeypatch.setattr("sparrow.cli.data_reports._raw", lambda config: dated)
    assert run(data_config, "drift") == 0
    assert "authors: 2, too few to keep each in one split" in capsys.readouterr().out
