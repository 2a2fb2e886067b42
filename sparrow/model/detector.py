"""Build a torchvision detector from config, with weights from COCO, ImageNet, a file or none.

Photos come in already scaled to the network's input size (``sparrow.images.resize_to_fit``), so
that training, evaluation and serving see the same pixels; the network only normalises and pads.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision.models import get_model, get_model_weights
from torchvision.models._api import WeightsEnum
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FasterRCNN, FastRCNNPredictor
from torchvision.models.detection.rpn import RPNHead
from torchvision.models.detection.transform import GeneralizedRCNNTransform
from torchvision.ops.misc import FrozenBatchNorm2d

from sparrow.config import ModelConfig

COCO_CLASSES = 91
ASPECT_RATIOS = (0.5, 1.0, 2.0)
BODY = "backbone.body."  # how names of backbone tensors begin in a detector
BATCHES = "num_batches_tracked"  # a counter of BatchNorm that frozen statistics do without
BACKBONES = {"mobilenet": "mobilenet_v3_large", "resnet50": "resnet50"}


class WeightsError(RuntimeError):
    """Starting weights that cannot be had; the message says where to put which file."""


class NormalizeOnly(GeneralizedRCNNTransform):
    """torchvision's transform without its resizing, which happened when the photo was read."""

    def resize(
        self, image: Tensor, target: dict[str, Tensor] | None = None
    ) -> tuple[Tensor, dict[str, Tensor] | None]:
        """The photo and its boxes as they are."""
        return image, target


def build_detector(config: ModelConfig, n_classes: int, *, load_weights: bool = True) -> FasterRCNN:
    """A detector for ``n_classes`` kinds of object (background not counted).

    Args:
        config: architecture, starting weights and sampling numbers.
        n_classes: kinds of object, at least 1.
        load_weights: False builds the same modules without fetching starting weights, for a
            state dict that is loaded right after.

    Raises:
        WeightsError: the starting weights are neither on disk nor to be downloaded, or do not fit.
    """
    coco = config.weights == "coco" and load_weights
    model = get_model(
        config.architecture,
        weights=None,
        weights_backbone=None,  # weights=None alone still downloads a backbone
        num_classes=COCO_CLASSES if coco else n_classes + 1,
        rpn_pre_nms_top_n_train=config.rpn_pre_nms_top_n,
        rpn_pre_nms_top_n_test=config.rpn_pre_nms_top_n,
        rpn_post_nms_top_n_train=config.rpn_post_nms_top_n,
        rpn_post_nms_top_n_test=config.rpn_post_nms_top_n,
        rpn_batch_size_per_image=config.rpn_batch_size_per_image,
        rpn_score_thresh=config.rpn_score_threshold,
        box_batch_size_per_image=config.box_batch_size_per_image,
        box_positive_fraction=config.box_positive_fraction,
        box_nms_thresh=config.box_nms_iou,
        box_detections_per_img=config.box_detections_per_image,
    )
    _set_anchors(model, config)
    model.transform = NormalizeOnly(
        config.min_side_px,
        config.max_side_px,
        model.transform.image_mean,
        model.transform.image_std,
    )
    if config.frozen_normalisation:
        _freeze_normalisation(model.backbone.body)
    else:
        _quicken_normalisation(model)
    if load_weights:
        load_starting_weights(model, config)
    if coco:
        features = model.roi_heads.box_predictor.cls_score.in_features
        model.roi_heads.box_predictor = FastRCNNPredictor(features, n_classes + 1)
    freeze_backbone(model, config.trainable_backbone_layers)
    return model


def load_starting_weights(model: FasterRCNN, config: ModelConfig) -> None:
    """Fill ``model`` with the weights that ``config.weights`` names (see ``build_detector``).

    A head for other classes or anchors starts afresh; the backbone must be there as a whole, under
    its name in a detector or in torchvision's classifiers.
    """
    if config.weights == "none":
        return
    if config.weights == "coco":
        state = _download(get_model_weights(config.architecture).DEFAULT)
    elif config.weights == "imagenet":
        backbone = next(b for key, b in BACKBONES.items() if key in config.architecture)
        state = _download(get_model_weights(backbone).DEFAULT)
    else:
        state = _read_state_dict(Path(config.weights))
    own = model.state_dict()
    named = {
        name if name in own else BODY + name.removeprefix("features."): value
        for name, value in state.items()
    }
    fitting = {k: v for k, v in named.items() if k in own and own[k].shape == v.shape}
    if not fitting:
        raise WeightsError(
            f"{config.weights}: none of its {len(state)} tensors fits {config.architecture}; "
            f"expected keys such as {next(iter(own))!r}, found {next(iter(state), 'nothing')!r}"
        )
    missing = [k for k in own if k.startswith(BODY) and k not in fitting and BATCHES not in k]
    if missing:
        raise WeightsError(
            f"{config.weights}: {len(missing)} tensors of the backbone of {config.architecture} "
            f"are not in it or of another shape, first {missing[0]!r}"
        )
    model.load_state_dict(fitting, strict=False)


def freeze_backbone(model: FasterRCNN, trainable_layers: int) -> None:
    """Let only the last ``trainable_layers`` stages of the backbone learn (torchvision's rule).

    MobileNetV3 has 6 stages, each starting where the resolution halves; ResNet has 5.
    """
    names = [name for name, _ in model.backbone.body.named_children()]
    blocks = [block for _, block in model.backbone.body.named_children()]
    if "layer4" in names:
        first_of_stage = [0, *(names.index(f"layer{i}") for i in (1, 2, 3, 4))]
    else:
        halving = [i for i, block in enumerate(blocks) if getattr(block, "_is_cn", False)]
        first_of_stage = [0, *halving, len(blocks) - 1]
    n_stages = len(first_of_stage)
    kept = min(trainable_layers, n_stages)
    first_trained = len(blocks) if kept == 0 else first_of_stage[n_stages - kept]
    for block in blocks[:first_trained]:
        block.requires_grad_(False)


def _set_anchors(model: FasterRCNN, config: ModelConfig) -> None:
    sizes = config.anchor_sizes_px
    levels = len(model.rpn.anchor_generator.sizes)
    if "mobilenet" in config.architecture:
        per_level = (sizes,) * levels  # every size on every level, as torchvision does
    elif len(sizes) == levels:
        per_level = tuple((size,) for size in sizes)
    else:
        raise ValueError(
            f"model.anchor_sizes_px: {config.architecture} has {levels} pyramid levels and needs "
            f"one size for each, found {len(sizes)}"
        )
    model.rpn.anchor_generator = AnchorGenerator(per_level, (ASPECT_RATIOS,) * levels)
    n_anchors = model.rpn.anchor_generator.num_anchors_per_location()[0]
    if model.rpn.head.cls_logits.out_channels != n_anchors:
        model.rpn.head = RPNHead(model.backbone.out_channels, n_anchors)


def _freeze_normalisation(module: nn.Module) -> None:
    """Replace BatchNorm by constants: small batches would only spoil pre-trained statistics."""
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            frozen = FrozenBatchNorm2d(child.num_features)
            frozen.load_state_dict(child.state_dict(), strict=False)
            setattr(module, name, frozen)
        else:
            _freeze_normalisation(child)


def _quicken_normalisation(model: nn.Module) -> None:
    """MobileNetV3's momentum of 0.01 is meant for 600 epochs; a short training needs 0.1."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.1


def _download(weights: WeightsEnum) -> Mapping[str, Tensor]:
    name = weights.url.rsplit("/", 1)[-1]
    # Where torch.hub looks and downloads to.
    path = Path(torch.hub.get_dir()) / "checkpoints" / name
    if path.is_file():
        return _read_state_dict(path)
    try:
        return weights.get_state_dict(progress=True, check_hash=True)
    except (OSError, RuntimeError) as error:  # no network, no disk; or another file than promised
        raise WeightsError(
            f"the weights {weights} are not on this machine and could not be downloaded "
            f"({error}). Put the file {name} (from {weights.url}) into {path.parent}, or set "
            "model.weights to none (train from scratch) or to the path of a state dict."
        ) from error


def _read_state_dict(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise WeightsError(
            f"model.weights: there is no file {path}; expected coco, imagenet, none or the path "
            "of a state dict (.safetensors, .pth)"
        )
    try:
        if path.suffix == ".safetensors":
            state: Any = load_file(path)
        else:
            # weights_only: a pickle that holds anything but tensors is refused.
            state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise WeightsError(f"model.weights: {path} is not a plain state dict ({error})") from error
    if isinstance(state, dict):
        state = state.get("model", state)
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise WeightsError(f"model.weights: {path} is not a plain state dict (names -> tensors)")
    return state
