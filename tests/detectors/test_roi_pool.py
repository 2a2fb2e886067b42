"""Pooling by matrix products gives torchvision's numbers, wherever a box lies."""

from __future__ import annotations

import pytest
import torch
from torchvision.models.detection.faster_rcnn import TwoMLPHead
from torchvision.ops import MultiScaleRoIAlign

from sparrow.config import ModelConfig
from sparrow.detectors.build import build_detector
from sparrow.detectors.roi_pool import (
    MAX_CELLS,
    MatrixRoiPool,
    TrainingRoiPool,
    quick_pooling,
    with_fast_pooling,
)

BOXES = torch.tensor(
    [
        [0, 0, 640, 384],  # the whole photo
        [100, 50, 180, 300],
        [31.5, 17.25, 33.0, 18.0],  # less than a cell
        [600, 350, 640, 384],  # at the edge
        [-80, -90, 20, 10],  # more than a cell outside: samples there count as 0
        [500, 300, 900, 700],
        [10, 10, 10, 10],  # empty
    ],
    dtype=torch.float32,
)


# Strides by level: both maps at 32 as in the mobile networks, one map, and a pyramid of two.
@pytest.mark.parametrize("strides", [(32, 32), (32,), (16, 32)])
def test_it_agrees_with_torchvision(strides: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    names = [str(i) for i in range(len(strides))]
    features = {
        name: torch.randn(1, 6, 384 // stride, 640 // stride)
        for name, stride in zip(names, strides, strict=True)
    }
    pool = MultiScaleRoIAlign(names, output_size=7, sampling_ratio=2)
    shapes = [(384, 640)]
    expected = pool(features, [BOXES], shapes)  # [N, C, rows, columns]
    found = MatrixRoiPool(MultiScaleRoIAlign(names, 7, 2))(features, [BOXES], shapes)
    torch.testing.assert_close(found, expected.permute(0, 2, 3, 1), rtol=1e-5, atol=1e-5)
    empty = MatrixRoiPool(pool)(features, [BOXES[:0]], shapes)
    assert empty.shape == (0, 7, 7, 6)


# 48 x 80 cells are more than the products are worth: those go to torchvision.
@pytest.mark.parametrize("cells", [(12, 20), (48, 80)])
def test_training_gets_torchvisions_values_and_gradients(cells: tuple[int, int]) -> None:
    torch.manual_seed(1)
    assert (cells[0] * cells[1] > MAX_CELLS) == (cells == (48, 80))
    values = torch.randn(2, 5, *cells)
    shapes = [(384, 640)] * 2
    boxes = [BOXES, BOXES[:0]]  # of the second photo no box is looked at
    theirs, ours = values.clone().requires_grad_(), values.clone().requires_grad_()
    pool = MultiScaleRoIAlign(["0", "1"], output_size=7, sampling_ratio=2)  # no map is called 1
    expected = pool({"0": theirs, "pool": values[:, :, ::2, ::2]}, boxes, shapes)
    found = TrainingRoiPool(MultiScaleRoIAlign(["0", "1"], 7, 2))(
        {"0": ours, "pool": values[:, :, ::2, ::2]}, boxes, shapes
    )
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)
    weight = torch.randn_like(expected)
    (expected * weight).sum().backward()
    (found * weight).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("architecture", "sizes_px", "changed"),
    [
        ("fasterrcnn_mobilenet_v3_large_320_fpn", (32, 64), True),
        ("ssdlite320_mobilenet_v3_large", (32, 64, 96, 128, 192, 256), False),
    ],
)
def test_only_networks_with_boxes_to_pool_are_changed(
    architecture: str, sizes_px: tuple[int, ...], changed: bool
) -> None:
    config = ModelConfig(architecture=architecture, weights="none", anchor_sizes_px=sizes_px)  # type: ignore[arg-type]
    model = build_detector(config, 1)
    names = set(model.state_dict())
    with quick_pooling(model, torch.device("cpu")):
        assert any(isinstance(one, TrainingRoiPool) for one in model.modules()) == changed
        assert set(model.state_dict()) == names
    assert not any(isinstance(one, TrainingRoiPool) for one in model.modules())
    with quick_pooling(model, torch.device("cuda")):
        assert not any(isinstance(one, TrainingRoiPool) for one in model.modules())


def test_a_copy_for_export_finds_the_same_and_the_network_stays_as_it_was() -> None:
    config = ModelConfig(weights="none", min_side_px=96, max_side_px=144)
    torch.manual_seed(2)
    network = build_detector(config, 1).eval()
    network.roi_heads.score_thresh = 0.05
    copied = with_fast_pooling(network)
    photo = torch.rand(3, 96, 128)
    with torch.no_grad():
        ours, theirs = copied([photo])[0], network([photo])[0]
    torch.testing.assert_close(ours["scores"], theirs["scores"], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(ours["boxes"], theirs["boxes"], rtol=1e-4, atol=1e-2)
    assert isinstance(network.roi_heads.box_roi_pool, MultiScaleRoIAlign)
    assert isinstance(network.roi_heads.box_head, TwoMLPHead)
