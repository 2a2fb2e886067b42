"""The licence ledger that evaluation leaves in a model folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from sparrow.config import Config, with_values
from sparrow.data.formats.exchange import read_csv
from sparrow.inference.model_folder import LICENCES, read_info
from sparrow.pipeline.licences import pretrained_weights, write_ledger
from sparrow.registry.notice import read_ledger

MOBILENET = "fasterrcnn_mobilenet_v3_large_320_fpn"


def test_it_is_one_of_the_folders_files(write_small_model, drawn_dataset, tmp_path: Path) -> None:
    folder, dataset = write_small_model(tmp_path / "model"), read_csv(drawn_dataset)
    assert read_ledger(folder) is None
    dataset.images["split"] = ["train"] * 20 + ["test"] * 4
    config = with_values(Config(), {"model.weights": "none"})
    for shown in ((), ("Photo a.jpg by Ann",)):  # a step that is run again writes it again
        write_ledger(config, dataset, folder, shown)
        ledger = read_ledger(folder)
        assert ledger is not None
        assert ledger.shown == shown
        assert sum(ledger.photos["train"].values()) == 20
        assert LICENCES in read_info(folder).files  # its hash is checked with the others


@pytest.mark.parametrize("weights", ["coco", "imagenet"])
def test_weights_of_torchvision_come_with_its_licence(weights: str) -> None:
    start, licence, text = pretrained_weights(weights, MOBILENET)
    assert start == weights
    assert "BSD 3-Clause" in licence
    assert text is not None
    assert text.startswith("BSD 3-Clause License")


def test_weights_of_lite0_come_with_the_licence_of_their_package() -> None:
    start, licence, text = pretrained_weights("imagenet", "fasterrcnn_efficientnet_lite0_fpn")
    assert start == "imagenet"
    assert "Apache License 2.0" in licence
    assert "torchvision" not in licence
    assert text is not None
    assert "Apache License" in text


def test_a_file_of_this_machine_is_not_named() -> None:
    assert pretrained_weights("none", MOBILENET)[0] == "none"
    start, licence, text = pretrained_weights("/home/ann/backbone.pth", MOBILENET)
    assert (start, text) == ("a file", None)
    assert "not recorded" in licence
