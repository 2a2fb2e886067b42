from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from sparrow.cli import exchange, generate


def _run(*words: str | Path) -> int:
    parser = argparse.ArgumentParser()
    subparsers = parser.add_subparsers(required=True)
    generate.register(subparsers)
    exchange.register(subparsers)
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
    assert told[2].startswith("2 photos with ")


@pytest.mark.parametrize(
    "words",
    [
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
