"""Faster R-CNN on EfficientNet-Lite0: torchvision's parts, made narrow enough for a processor."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from torch import Tensor, nn
from torchvision.models.detection import FasterRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from sparrow.detectors.efficientnet_lite import PYRAMID_CHANNELS, EfficientNetLite0

# As the weights of EfficientNet-Lite were trained: (value - 127) / 128, of 0..255 (tensorflow/tpu).
MEAN, STD = [127 / 255] * 3, [128 / 255] * 3
# Of the pyramid and of the box head. torchvision's 256 and 1,024 take three times the processor
# time of the whole body (docs/benchmarks.md, "The default network").
CHANNELS, HIDDEN = 96, 512
POOLED = 7  # cells along each side of a pooled box, as in torchvision
ROOT_2 = 2**0.5


class _Backbone(nn.Module):
    """The body and its pyramid, at strides 8, 16, 32 and 64."""

    def __init__(self) -> None:
        super().__init__()
        self.body = EfficientNetLite0()
        self.fpn = FeaturePyramidNetwork(list(PYRAMID_CHANNELS), CHANNELS, LastLevelMaxPool())
        self.out_channels = CHANNELS

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        maps: OrderedDict[str, Tensor] = self.fpn(self.body(x))
        return maps


def make_lite_detector(
    n_outputs: int, anchor_sizes_px: tuple[int, ...], numbers: dict[str, Any]
) -> FasterRCNN:
    """The detector with random weights.

    Args:
        n_outputs: classes, background included.
        anchor_sizes_px: one for each of the four levels; each also has 1.41 times it.
        numbers: torchvision's names of the proposal and RoI numbers, with their values.
    """
    sizes = tuple((size, round(size * ROOT_2)) for size in anchor_sizes_px)
    return FasterRCNN(
        _Backbone(),
        rpn_anchor_generator=AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * len(sizes)),
        box_roi_pool=MultiScaleRoIAlign(["0", "1", "2"], POOLED, sampling_ratio=2),
        box_head=TwoMLPHead(CHANNELS * POOLED**2, HIDDEN),
        box_predictor=FastRCNNPredictor(HIDDEN, n_outputs),
        image_mean=MEAN,
        image_std=STD,
        **numbers,
    )
