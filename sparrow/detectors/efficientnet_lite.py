"""EfficientNet-Lite0: a body whose layers keep their accuracy in 8-bit integers.

EfficientNet-B0 (Tan and Le 2019, table 1) without squeeze-and-excitation and with ReLU6 in place of
swish, as Google published it for processors that count in integers (tensorflow/tpu,
models/official/efficientnet/lite). Written here because torchvision does not have it.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops.misc import FrozenBatchNorm2d

EPSILON = 0.001  # of its BatchNorm


class Stage(NamedTuple):
    """Blocks of one width; only the first of them may halve the resolution."""

    widening: int
    channels: int
    blocks: int
    stride: int
    kernel: int


STEM_CHANNELS = 32
STAGES = (
    Stage(1, 16, 1, 1, 3),
    Stage(6, 24, 2, 2, 3),
    Stage(6, 40, 2, 2, 5),
    Stage(6, 80, 3, 2, 3),
    Stage(6, 112, 3, 1, 5),
    Stage(6, 192, 4, 2, 5),
    Stage(6, 320, 1, 1, 3),
)
# Positions, the stem being 0, of the stages that the pyramid is built on: strides 8, 16 and 32.
PYRAMID_STAGES = (3, 5, 7)
PYRAMID_CHANNELS = tuple(STAGES[position - 1].channels for position in PYRAMID_STAGES)
# Where the resolution halves, and the last stage: what `trainable_backbone_layers` counts.
FIRST_OF_LAYERS = (0, 2, 3, 4, 6, 7)


class ConvNorm(nn.Module):
    """A convolution and its normalisation: one operation where the normalisation is constant."""

    def __init__(self, n_in: int, n_out: int, kernel: int, stride: int = 1, groups: int = 1):
        super().__init__()
        before = (kernel - stride) // 2
        after = kernel - stride - before
        # TensorFlow's padding, which the weights were trained with: more of it after than before.
        self.edge = (before, after, before, after) if before != after else None
        padding = 0 if self.edge else before
        self.conv = nn.Conv2d(n_in, n_out, kernel, stride, padding, groups=groups, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(n_out, EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """float32 [B, C, H, W] -> [B, channels, H / stride, W / stride]."""
        if self.edge:
            x = F.pad(x, self.edge)
        if not isinstance(self.norm, FrozenBatchNorm2d):
            normalised: Tensor = self.norm(self.conv(x))
            return normalised
        # The same numbers; a training step takes half the time (docs/benchmarks.md, "The body").
        conv, norm = self.conv, self.norm
        scale = norm.weight * torch.rsqrt(norm.running_var + norm.eps)
        weight = conv.weight * scale.reshape(-1, 1, 1, 1)
        bias = norm.bias - norm.running_mean * scale
        return F.conv2d(x, weight, bias, conv.stride, conv.padding, groups=conv.groups)


class Block(nn.Module):
    """Widen, look around in each channel by itself, narrow; plus what came in where that fits."""

    def __init__(self, n_in: int, stage: Stage, stride: int) -> None:
        super().__init__()
        wide = n_in * stage.widening
        layers: list[nn.Module] = []
        if stage.widening != 1:
            layers += [ConvNorm(n_in, wide, 1), nn.ReLU6(inplace=True)]
        layers += [
            ConvNorm(wide, wide, stage.kernel, stride, groups=wide),
            nn.ReLU6(inplace=True),
            ConvNorm(wide, stage.channels, 1),
        ]
        self.layers = nn.Sequential(*layers)
        self.adds = stride == 1 and n_in == stage.channels

    def forward(self, x: Tensor) -> Tensor:
        """float32 [B, C, H, W] -> [B, channels, H / stride, W / stride]."""
        out: Tensor = self.layers(x)
        return x + out if self.adds else out


class EfficientNetLite0(nn.Module):
    """The body: feature maps at strides 8, 16 and 32 with 40, 112 and 320 channels."""

    def __init__(self) -> None:
        super().__init__()
        stem = nn.Sequential(ConvNorm(3, STEM_CHANNELS, 3, 2), nn.ReLU6(inplace=True))
        stages, n_in = [stem], STEM_CHANNELS
        for stage in STAGES:
            strides = (stage.stride, *[1] * (stage.blocks - 1))
            blocks = []
            for stride in strides:
                blocks.append(Block(n_in, stage, stride))
                n_in = stage.channels
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """float32 [B, 3, H, W], sides divisible by 32 -> maps by name, the finest first ("0")."""
        maps: OrderedDict[str, Tensor] = OrderedDict()
        for position, stage in enumerate(self.stages):
            x = stage(x)
            if position in PYRAMID_STAGES:
                maps[str(len(maps))] = x
        return maps
