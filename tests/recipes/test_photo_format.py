"""The recipe "a photo format": the command line lists it, and a set of it is imported."""

from __future__ import annotations

import json

import pytest
from PIL import Image


def test_it_reads_a_set(follow, tmp_path, capsys):
    recipe = follow("A photo format")
    assert recipe.files == (
        "sparrow/data/formats/jsonlines.py",
        "sparrow/data/formats/__init__.py",
    )
    from sparrow.cli.main import main
    from sparrow.data.formats.exchange import read_csv

    (tmp_path / "set" / "images").mkdir(parents=True)
    lines = [
        {"photo": "a.jpg", "boxes": [["house_sparrow", 10, 20, 50, 60]]},
        {"photo": "b.jpg", "boxes": []},
    ]
    for line, colour in zip(lines, ("green", "blue"), strict=True):
        Image.new("RGB", (80, 64), colour).save(tmp_path / "set" / "images" / line["photo"])
    labels = tmp_path / "set" / "labels.jsonl"
    labels.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    command = ["import", str(tmp_path / "set"), "--into", str(tmp_path / "raw")]
    assert main(command) == 0
    assert "2 photos with 1 boxes (house_sparrow 1)" in capsys.readouterr().out
    dataset = read_csv(tmp_path / "raw")
    assert dataset.images["image"].tolist() == ["a.jpg", "b.jpg"]
    assert dataset.boxes.iloc[:, 2:].to_numpy().tolist() == [[10, 20, 50, 60]]
    labels.write_text(json.dumps({"photo": "../c.jpg", "boxes": []}))
    command[-1] = str(tmp_path / "other")
    assert main(command) == 1
    assert "described but not there: '../c.jpg'" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["export", "jsonlines", "--to", str(tmp_path / "out")])  # it has no writer
