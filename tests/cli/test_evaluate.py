"""``sparrow evaluate MODEL DATA``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sparrow.cli.main import main


@pytest.fixture
def model(write_small_model: Callable[..., Path], tmp_path: Path) -> Path:
    return write_small_model(tmp_path / "model")


def test_it_prints_every_number_with_its_interval(
    model: Path, drawn_dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(model), str(drawn_dataset)]) == 0
    printed = capsys.readouterr()
    assert "test-detector version unpublished, threshold 0.500" in printed.out
    assert "24 photos in " in printed.out
    for name in ("f2_iou50", "precision", "recall", "ap50_95", "count_mae", "false_count_empty"):
        (line,) = [line for line in printed.out.splitlines() if line.startswith(name + " ")]
        assert " to " in line
    assert "scored 24 of 24 photos" in printed.err


def test_json_is_the_whole_evaluation(
    model: Path, drawn_dataset: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", str(model), str(drawn_dataset), "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert values["n_photos"] == 24
    assert len(values["per_photo"]["image"]) == 24
    assert values["headline"]["false_count_empty"][0] == 2.0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere", "DATA"], "model.json"),
        (["MODEL", "nowhere"], "nowhere"),
        (["MODEL", "DATA", "--classes", "owl"], "owl"),
    ],
)
def test_faults_in_plain_words(
    model: Path,
    drawn_dataset: Path,
    arguments: list[str],
    said: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    places = {"MODEL": str(model), "DATA": str(drawn_dataset)}
    assert main(["evaluate", *(places.get(word, word) for word in arguments)]) == 1
    error = capsys.readouterr().err
    assert said in error
    assert "Traceback" not in error
