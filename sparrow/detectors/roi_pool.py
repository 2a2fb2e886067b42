"""RoIAlign as matrix products: the same numbers as torchvision's, in a third of the time on a CPU.

Bilinear samples on a grid are separable, so pooling a box is one product with the rows of the
feature map and one with its columns. That is worth it on the small maps of the mobile networks
(stride 32: a photo of 400 px has 13 cells a side). ONNX Runtime's own operator visits each of the
2.5 million values of 200 boxes by itself, and the merging of levels copies them once more;
torchvision's gradient does so in one thread, a third of a training step. By hand because measured:
a training step is 1.4 times as fast, a detection takes 83 ms in place of 122 (docs/benchmarks.md,
"What made training from scratch work" and the engine's table).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.models.detection.faster_rcnn import TwoMLPHead
from torchvision.ops import MultiScaleRoIAlign
from torchvision.ops.poolers import _setup_scales

MAX_CELLS = 600  # of a feature map: the products' work grows with them, RoIAlign's does not


def with_fast_pooling(model: nn.Module) -> nn.Module:
    """A copy of a Faster R-CNN for export, its boxes pooled by ``MatrixRoiPool``.

    A network whose head is not two plain layers is handed back as it is.
    """
    if _plain_heads(model) is None:
        return model
    model = copy.deepcopy(model)
    heads: Any = model.roi_heads
    pool: MultiScaleRoIAlign = heads.box_roi_pool
    heads.box_roi_pool = MatrixRoiPool(pool)
    # The pooled values come with the channels last; the layer after them is turned likewise.
    first: nn.Linear = heads.box_head.fc6
    weight = first.weight.detach().unflatten(1, (-1, *pool.output_size))  # [out, C, rows, columns]
    first.weight = nn.Parameter(weight.permute(0, 2, 3, 1).flatten(1).contiguous())
    return model


@contextmanager
def quick_pooling(model: nn.Module, device: torch.device) -> Iterator[None]:
    """Let a Faster R-CNN pool its boxes by ``TrainingRoiPool`` within the block.

    On a CPU: a GPU has a fast operator, and mixed precision would round the products.
    """
    heads = _plain_heads(model)
    if device.type != "cpu" or heads is None:
        yield
        return
    pool = heads.box_roi_pool
    heads.box_roi_pool = TrainingRoiPool(pool)
    try:
        yield
    finally:
        heads.box_roi_pool = pool


def _plain_heads(model: nn.Module) -> Any | None:
    """The heads of a Faster R-CNN with two plain layers; None for every other detector.

    ResNet's v2 has convolutions there, and maps so fine that the products would fill the memory.
    """
    heads: Any = getattr(model, "roi_heads", None)
    return heads if heads is not None and isinstance(heads.box_head, TwoMLPHead) else None


class TrainingRoiPool(nn.Module):
    """What ``MultiScaleRoIAlign`` computes, with a gradient that uses all threads."""

    def __init__(self, pool: MultiScaleRoIAlign) -> None:
        super().__init__()
        self.pool, self._matrix = pool, MatrixRoiPool(pool)

    def forward(
        self,
        features: dict[str, Tensor],
        boxes_xyxy: list[Tensor],
        image_shapes: list[tuple[int, int]],
    ) -> Tensor:
        """Maps ([B, C, H, W] by name), a photo's boxes each -> float32 [N, C, rows, columns]."""
        largest = max(feature[0, 0].numel() for feature in features.values())
        if largest > MAX_CELLS:
            pooled: Tensor = self.pool(features, boxes_xyxy, image_shapes)
            return pooled
        return torch.cat(
            [
                self._matrix({name: maps[i : i + 1] for name, maps in features.items()}, [boxes],
                             image_shapes)
                for i, boxes in enumerate(boxes_xyxy)
            ]
        ).permute(0, 3, 1, 2)  # fmt: skip


class MatrixRoiPool(nn.Module):
    """What ``MultiScaleRoIAlign`` computes for one photo, as float32 [N, rows, columns, C]."""

    def __init__(self, pool: MultiScaleRoIAlign) -> None:
        super().__init__()
        self.pool = pool

    def forward(
        self,
        features: dict[str, Tensor],
        boxes_xyxy: list[Tensor],
        image_shapes: list[tuple[int, int]],
    ) -> Tensor:
        """One photo's maps ([1, C, H, W] by name), boxes ([N, 4] px) and (height, width)."""
        pool = self.pool
        maps = [features[name] for name in pool.featmap_names if name in features]
        if pool.scales is None or pool.map_levels is None:
            pool.scales, pool.map_levels = _setup_scales(
                maps, image_shapes, pool.canonical_scale, pool.canonical_level
            )
        (boxes,) = boxes_xyxy
        if pool.map_levels.k_min == pool.map_levels.k_max:  # every box belongs to the first map
            return self._pool(maps[0][0], boxes * pool.scales[0])
        levels = pool.map_levels([boxes])
        rows = [torch.where(levels == level)[0] for level in range(len(maps))]
        pooled = [
            self._pool(feature[0], boxes[row] * scale)
            for feature, row, scale in zip(maps, rows, pool.scales, strict=True)
        ]
        return torch.cat(pooled)[torch.argsort(torch.cat(rows))]

    def _pool(self, feature: Tensor, boxes: Tensor) -> Tensor:
        """Feature map [C, H, W] and boxes [N, 4] in its cells -> [N, rows, columns, C]."""
        n_rows, n_columns = self.pool.output_size
        down = self._weights(boxes[:, 1], boxes[:, 3], feature[0, :, 0], n_rows)  # [N, rows, H]
        across = self._weights(boxes[:, 0], boxes[:, 2], feature[0, 0], n_columns)
        cells = feature.permute(1, 2, 0)  # [H, W, C]
        strips = down.flatten(0, 1) @ cells.flatten(1)  # [N * rows, W * C]
        strips = strips.reshape(-1, n_rows, cells.shape[1], cells.shape[2])
        return across.unsqueeze(1) @ strips  # [N, 1, columns, W] @ [N, rows, W, C]

    def _weights(self, low: Tensor, high: Tensor, line: Tensor, bins: int) -> Tensor:
        """How much each cell of a line counts in each bin of a box: [N, bins, cells].

        As in torchvision's ``roi_align`` (aligned=False): a box is at least one cell wide, samples
        more than a cell outside are 0, others are drawn to the border.
        """
        grid = torch.cumsum(torch.ones_like(line), 0) - 1  # 0, 1, 2, … as many as there are cells
        per_bin = self.pool.sampling_ratio
        places = (torch.arange(bins * per_bin) + 0.5) / per_bin  # in bins
        width = torch.clamp(high - low, min=1.0) / bins
        at = low.unsqueeze(1) + places * width.unsqueeze(1)  # [N, bins * per_bin], in cells
        inside = (at >= -1.0) & (at <= grid[-1] + 1)
        at = torch.minimum(at.clamp(min=0.0), grid[-1])
        hats = torch.relu(1 - (at.unsqueeze(2) - grid).abs()) * inside.unsqueeze(2)
        return hats.unflatten(1, (bins, per_bin)).mean(2)
