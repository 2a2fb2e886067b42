"""The exported engine computes what the network computes, or the export fails."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sparrow.export.onnx import ExportError, check_parity, export_engine, load_network
from sparrow.inference.model_folder import ENGINE


@pytest.fixture(scope="module")
def network(trained, config):
    return load_network(trained.weights_path, config.model, 1, config.evaluation.min_score)


@pytest.fixture(scope="module")
def exported(network, task, tmp_path_factory):
    return export_engine(network, task.photos.photo(0), tmp_path_factory.mktemp("exported"))


def test_a_loaded_network_is_ready_to_predict(network, config):
    assert not network.training
    assert network.roi_heads.score_thresh == config.evaluation.min_score


def test_network_and_engine_agree_on_photos_of_every_shape(network, exported, task):
    assert exported.name == ENGINE
    rng = np.random.default_rng(0)
    shapes = [(96, 96, 3), (144, 96, 3), (96, 131, 3)]
    photos = [task.validation.photo(i) for i in range(3)]
    photos += [rng.integers(0, 256, shape, dtype=np.uint8) for shape in shapes]
    parity = check_parity(network, exported, photos)
    assert parity["share"] >= 0.95
    assert parity["median_score_difference"] < 1e-5
    assert parity["detections"] > 0


def test_no_photos_agree_by_default(network, exported):
    assert check_parity(network, exported, []) == {
        "detections": 0.0, "share": 1.0, "median_score_difference": 0.0,
    }  # fmt: skip


def test_another_network_is_told(exported, task, fresh):
    torch.manual_seed(99)
    other = fresh().eval()
    other.roi_heads.score_thresh = 0.05
    with torch.no_grad():  # sure of everything, which the exported one is not
        other.roi_heads.box_predictor.cls_score.bias[1] += 5
    with pytest.raises(ExportError, match="agrees with the network on only"):
        check_parity(other, exported, [task.validation.photo(0)])
