from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import pytest

from sparrow.cli import export, generate, imports


def _run(*words: str | Path) -> int:
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers(required=True)
    generate.register(subparsers)
    export.register(subparsers)
    imports.register(subparsers)
    args = parser.parse_args([str(word) for word in words])
    return int(args.func(args))


def test_generate_export_import(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw, out, new = tmp_path / "raw", tmp_path / "out", tmp_path / "new"
    sheet = tmp_path / "sheet.jpg"
    assert _run("generate", "--photos", 2, "--into", raw, "--contact-sheet", sheet) == 0
    assert sheet.is_file()
    assert _run("export", "voc", "--from", raw, "--to", out) == 0
    assert (out / "NOTICE").is_file()
    assert _run("import", "voc", out, "--into", new, "--new") == 0
    assert (new / "bboxes" / "new_bounding_boxes.csv").is_file()
    told = capsys.readouterr().out.splitlines()
    assert told[0] == f"2 photos drawn into {raw}"
    assert told[2].startswith("read as voc: 2 label files")
    assert told[3].startswith("2 photos with ")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for both tests: the same photos are measured once."""
    return tmp_path_factory.mktemp("prepared")


def test_export_in_parts_splits_as_a_run_does(
    tmp_path: Path, drawn_dataset: Path, prepared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from sparrow.config import make_config
    from sparrow.data.checks.run import check_dataset
    from sparrow.data.split.assignments import save_assignments
    from sparrow.pipeline.split import split_as_run

    raw, file = tmp_path / "raw", tmp_path / "config.yaml"
    shutil.copytree(drawn_dataset, raw)
    file.write_text(f"name: two\ndata: {{root: {raw}, prepared: {prepared}}}\n")
    words = ("export", "yolo", "--split", "--config", file, "--to")
    assert _run(*words, tmp_path / "before") == 0
    assert not (raw / "history").exists()  # an export settles no split
    assert capsys.readouterr().out.startswith("train: ")
    config = make_config({"data": {"root": str(raw), "prepared": str(prepared)}})
    dataset = split_as_run(config, check_dataset(raw, config.data).dataset).dataset
    for split, part in (("train", "train"), ("validation", "val"), ("test", "test")):
        exported = {path.name for path in (tmp_path / "before" / "images" / part).iterdir()}
        assert exported == set(dataset.subset(split).images["image"]) != set()
    # Once a run has split them, photos stay where they are, whatever the config says now.
    save_assignments(dataset)
    assert _run(*words, tmp_path / "after", "--set", "seed=5") == 0
    parts = [
        sorted(str(path.relative_to(tmp_path / out)) for path in (tmp_path / out).rglob("*.jpg"))
        for out in ("before", "after")
    ]
    assert parts[0] == parts[1]


def test_export_in_parts_says_which_photos_take_no_part(
    tmp_path: Path, drawn_dataset: Path, prepared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = (drawn_dataset / "image_info.csv").read_text().splitlines()
    raw = tmp_path / "raw"
    shutil.copytree(drawn_dataset, raw)
    lines[1] = lines[1].rpartition(",")[0] + ",mine"
    (raw / "image_info.csv").write_text("\n".join(lines) + "\n")
    keys = (
        f"data.prepared={prepared}",
        "data.licenses=null",
        f"split.licenses=['{lines[2].rpartition(',')[2]}']",
    )
    options = [word for key in keys for word in ("--set", key)]
    words = ("export", "csv", "--split", "--from", raw, "--to", tmp_path / "out")
    assert _run(*words, *options) == 0
    assert "1 photos take no part" in capsys.readouterr().out
    assert len(list((tmp_path / "out" / "images").iterdir())) == 23


@pytest.mark.parametrize(
    "words",
    [
        ("export", "csv", "--split", "--from", "nowhere", "--to", "out"),
        ("generate", "--photos", "0", "--into", "raw"),
        ("generate", "--photos", "1", "--into", "raw", "--classes", "ostrich"),
        ("import", "coco", "nowhere", "--into", "raw"),
        ("export", "csv", "--from", "nowhere", "--to", "out"),
    ],
)
def test_errors_are_one_line_and_an_exit_code(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert _run(*words) == 1
    assert capsys.readouterr().err.startswith(f"sparrow {words[0]}: ")
    assert list(tmp_path.iterdir()) == []
