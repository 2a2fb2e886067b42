"""Build a torchvision detector from config, by its name in torchvision's registry.

Photos come in already at the network's input size (``sparrow.photo_scale.resize_to_fit``), so that
training, evaluation and serving see the same pixels; the network only normalises and pads.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import get_model, mobilenet_v3_large
from torchvision.models.detection import FCOS, RetinaNet
from torchvision.models.detection._utils import retrieve_out_channels
from torchvision.models.detection.anchor_utils import AnchorGenerator, DefaultBoxGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RPNHead
from torchvision.models.detection.ssd import SSD
from torchvision.models.detection.ssdlite import SSDLiteHead, _mobilenet_extractor
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops.misc import FrozenBatchNorm2d

from sparrow.config import ModelConfig
from sparrow.detectors.efficientnet_lite import FIRST_OF_LAYERS, EfficientNetLite0
from sparrow.detectors.lite_detector import make_lite_detector
from sparrow.detectors.pretrained_weights import (
    SSD_SPLIT,
    has_full_tail,
    load_starting_weights,
    read_starting_weights,
)
from sparrow.lite0 import LITE0

ASPECT_RATIOS = (0.5, 1.0, 2.0)
NEVER = -20.0  # as a logit: a probability of 2e-9


class NormalizeOnly(GeneralizedRCNNTransform):
    """torchvision's transform without its resizing, which happened when the photo was read."""

    def resize(
        self, image: Tensor, target: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, dict[str, Tensor] | None]:
        """The photo and its boxes as they are."""
        return image, target


class PixelBoxes(DefaultBoxGenerator):
    """SSD's default boxes with sides in pixels.

    torchvision's are shares of the padded batch, so that a photo's boxes would depend on its
    neighbours; and it writes that size into an exported engine as a constant.
    """

    def __init__(self, sizes_px: tuple[int, ...]) -> None:
        # Its rule needs the size after the last one: the steps between its sizes are equal.
        after_last = 2 * sizes_px[-1] - sizes_px[-2]
        scales = [float(size) for size in (*sizes_px, after_last)]
        super().__init__([[2, 3] for _ in sizes_px], scales=scales, clip=False)

    def forward(self, image_list: ImageList, feature_maps: list[Tensor]) -> list[Tensor]:
        """[N, 4] xyxy in pixels of the padded batch, once for each photo."""
        height, width = image_list.tensors.shape[-2:]
        grids = [feature_map.shape[-2:] for feature_map in feature_maps]
        boxes = self._grid_default_boxes(grids, [height, width]).to(feature_maps[0].device)
        size = torch.stack([torch.as_tensor(width), torch.as_tensor(height)]).to(boxes.device)
        centre, half = boxes[:, :2] * size, boxes[:, 2:] / 2
        return [torch.cat([centre - half, centre + half], 1)] * len(image_list.image_sizes)


def build_detector(
    config: ModelConfig, n_classes: int, state: Mapping[str, Tensor] | None = None
) -> Any:
    """A detector for ``n_classes`` kinds of object (background, label 0, not counted).

    Args:
        config: architecture, starting weights and sampling numbers.
        n_classes: kinds of object, at least 1.
        state: a trained detector's tensors, taken as they are in place of the starting weights.

    Raises:
        WeightsError: the starting weights are neither on disk nor to be downloaded, or do not fit.
    """
    start = read_starting_weights(config) if state is None else state
    model = _make(config, n_classes + 1, has_full_tail(start))
    transform = model.transform
    model.transform = NormalizeOnly(
        config.min_side_px, config.max_side_px, transform.image_mean, transform.image_std
    )
    if config.freeze_batch_norm:
        _freeze_batch_norm(_body(model))
    else:
        _speed_up_batch_norm(model)
    if state is not None:
        model.load_state_dict(state)
    elif config.weights != "none":
        load_starting_weights(model, start, config)
    freeze_backbone(model, config.trainable_backbone_layers)
    return model


def build_seeded_detector(config: ModelConfig, n_classes: int, seed: int) -> nn.Module:
    """The detector a training starts from: the same for the same seed, in every process."""
    torch.manual_seed(seed)
    return build_detector(config, n_classes)


def build_trained_detector(config: ModelConfig, n_classes: int, weights: Path) -> nn.Module:
    """The detector whose tensors a safetensors file holds, ready to learn on."""
    model: nn.Module = build_detector(config, n_classes, load_file(weights))
    return model


def freeze_backbone(model: nn.Module, trainable_layers: int) -> None:
    """Let only the last ``trainable_layers`` stages of the backbone learn (torchvision's rule).

    MobileNetV3 and EfficientNet-Lite0 have 6 stages, each starting where the resolution halves, and
    the last; ResNet has 5.
    """
    blocks, first_of_stage = backbone_blocks(model)
    n_stages = len(first_of_stage)
    kept = min(trainable_layers, n_stages)
    first_trained = len(blocks) if kept == 0 else first_of_stage[n_stages - kept]
    for block in blocks[:first_trained]:
        block.requires_grad_(False)


def backbone_blocks(model: Any) -> tuple[list[nn.Module], list[int]]:
    """The backbone's blocks in order, and the position of the first one of each stage."""
    if isinstance(model, SSD):
        early, late = _body(model)
        cut = nn.ModuleList([early[SSD_SPLIT], late[0]])
        blocks = [*early[:SSD_SPLIT], cut, *late[1:]]
        halving = [*(i for i, b in enumerate(blocks) if getattr(b, "_is_cn", False)), SSD_SPLIT]
        return blocks, [0, *halving, len(blocks) - 1]
    if isinstance(_body(model), EfficientNetLite0):
        return list(_body(model).stages), list(FIRST_OF_LAYERS)
    names = [name for name, _ in _body(model).named_children()]
    blocks = list(_body(model).children())
    if "layer4" in names:
        return blocks, [0, *(names.index(f"layer{i}") for i in (1, 2, 3, 4))]
    halving = [i for i, block in enumerate(blocks) if getattr(block, "_is_cn", False)]
    return blocks, [0, *halving, len(blocks) - 1]


def _make(config: ModelConfig, n_outputs: int, full_tail: bool) -> Any:  # torchvision has no types
    if config.architecture.startswith("fasterrcnn"):
        return _make_rcnn(config, n_outputs)
    # weights=None alone still downloads a backbone.
    model = get_model(
        config.architecture, weights=None, weights_backbone=None, num_classes=n_outputs
    )
    model.nms_thresh = config.box_nms_iou
    model.detections_per_img = config.box_detections_per_image
    sizes = config.anchor_sizes_px
    if isinstance(model, SSD):
        model.anchor_generator = PixelBoxes(sizes)
        if full_tail:
            _restore_tail(model, n_outputs)
    if isinstance(model, RetinaNet):
        # Three octaves from each size up (RetinaNet's paper, section 4).
        octaves = tuple(tuple(int(size * 2 ** (i / 3)) for i in range(3)) for size in sizes)
        model.anchor_generator = AnchorGenerator(octaves, (ASPECT_RATIOS,) * len(sizes))
    if isinstance(model, RetinaNet | FCOS):
        _silence_background(model.head.classification_head.cls_logits, n_outputs)
    return model


def _make_rcnn(config: ModelConfig, n_outputs: int) -> Any:
    sizes, numbers = config.anchor_sizes_px, _rcnn_numbers(config)
    if config.architecture == LITE0:
        return make_lite_detector(n_outputs, sizes, numbers)
    model = get_model(
        config.architecture, weights=None, weights_backbone=None, num_classes=n_outputs, **numbers
    )
    levels = len(model.rpn.anchor_generator.sizes)
    # On MobileNet's pyramid every size on every level, as torchvision does; ResNet's: one on each.
    on_all = "mobilenet" in config.architecture
    per_level = (sizes,) * levels if on_all else tuple((size,) for size in sizes)
    model.rpn.anchor_generator = AnchorGenerator(per_level, (ASPECT_RATIOS,) * levels)
    n_anchors = model.rpn.anchor_generator.num_anchors_per_location()[0]
    if model.rpn.head.cls_logits.out_channels != n_anchors:
        model.rpn.head = RPNHead(model.backbone.out_channels, n_anchors)
    return model


def _rcnn_numbers(config: ModelConfig) -> dict[str, Any]:
    return {
        "rpn_pre_nms_top_n_train": config.rpn_pre_nms_top_n,
        "rpn_pre_nms_top_n_test": config.rpn_pre_nms_top_n,
        "rpn_post_nms_top_n_train": config.rpn_post_nms_top_n,
        "rpn_post_nms_top_n_test": config.rpn_post_nms_top_n,
        "rpn_batch_size_per_image": config.rpn_batch_size_per_image,
        "rpn_score_thresh": config.rpn_score_threshold,
        "box_batch_size_per_image": config.box_batch_size_per_image,
        "box_positive_fraction": config.box_positive_fraction,
        "box_nms_thresh": config.box_nms_iou,
        "box_detections_per_img": config.box_detections_per_image,
    }


def _body(model: Any) -> Any:
    return model.backbone.features if isinstance(model, SSD) else model.backbone.body


def _restore_tail(model: SSD, n_outputs: int) -> None:
    """The MobileNetV3 that ImageNet's weights fit, in place of the one with a reduced tail."""
    norm = partial(nn.BatchNorm2d, eps=0.001, momentum=0.03)
    model.backbone = _mobilenet_extractor(mobilenet_v3_large(norm_layer=norm), 6, norm)
    channels = retrieve_out_channels(model.backbone, (320, 320))
    anchors = model.anchor_generator.num_anchors_per_location()
    model.head = SSDLiteHead(channels, anchors, n_outputs, norm)


def _silence_background(logits: Any, n_outputs: int) -> None:
    """RetinaNet and FCOS score every label, background's 0 too, which no photo ever trains."""
    with torch.no_grad():
        logits.bias.view(-1, n_outputs)[:, 0] = NEVER


def _freeze_batch_norm(module: nn.Module) -> None:
    """Replace BatchNorm by constants: small batches would only spoil pre-trained statistics."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            frozen = FrozenBatchNorm2d(child.num_features, eps=child.eps)
            frozen.load_state_dict(child.state_dict(), strict=False)
            setattr(module, name, frozen)
        else:
            _freeze_batch_norm(child)


def _speed_up_batch_norm(model: nn.Module) -> None:
    """MobileNetV3's momentum of 0.01 is meant for 600 epochs; a short training needs 0.1."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.1
