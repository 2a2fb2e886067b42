"""torchvision's detectors as they were trained on COCO, counting a person's own classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torchvision.models import get_model_weights
from torchvision.ops import batched_nms

from sparrow.config import ModelConfig
from sparrow.detectors.build import build_detector
from sparrow.detectors.pretrained_weights import WeightsError, read_starting_weights

N_LABELS = 91  # of torchvision's detectors, background and numbers that COCO left out included
# The numbers of torchvision's own models, which their weights were measured with.
NUMBERS = {"box_nms_iou": 0.5, "box_detections_per_image": 100}
SIDES = {"fasterrcnn_mobilenet_v3_large_320_fpn": (320, 640)}  # else 800 and 1333
PROPOSALS = {"fasterrcnn_mobilenet_v3_large_320_fpn": 150}  # else 1000
PROPOSAL_SCORE = 0.05  # of MobileNet's


class CountedClasses(nn.Module):
    """A detector whose boxes carry a person's labels; others are dropped.

    Several of its labels may become one. Boxes of them at one place are then one object: of those
    that overlap more than the detector's own limit, the best is kept.
    """

    def __init__(
        self, detector: nn.Module, labels: Sequence[Sequence[int]], nms_iou: float
    ) -> None:
        """Args:
        labels: for each class that is put out, the detector's labels that count as it.
        nms_iou: 0..1.
        """
        super().__init__()
        self.detector, self.nms_iou = detector, nms_iou
        table = torch.zeros(N_LABELS, dtype=torch.int64)
        for number, taken in enumerate(labels, 1):
            table[list(taken)] = number
        self.table: Tensor
        self.register_buffer("table", table)

    def forward(self, images: list[Tensor]) -> list[dict[str, Tensor]]:
        """float32 photos [3, H, W], one at a time, as every detector takes them."""
        output = self.detector(images)[0]
        labels = self.table[output["labels"]]
        taken = torch.where(labels > 0)[0]
        boxes, scores, labels = output["boxes"][taken], output["scores"][taken], labels[taken]
        kept = batched_nms(boxes, scores, labels, self.nms_iou)
        return [{"boxes": boxes[kept], "labels": labels[kept], "scores": scores[kept]}]


def coco_config(architecture: str, weights: str) -> ModelConfig:
    """The config of a detector as torchvision builds it for COCO.

    Args:
        weights: ``coco``, or the path of a state dict.
    """
    numbers: dict[str, object] = dict(NUMBERS)
    if architecture.startswith("fasterrcnn"):
        proposals = PROPOSALS.get(architecture, 1000)
        numbers |= {"rpn_pre_nms_top_n": proposals, "rpn_post_nms_top_n": proposals}
    if "mobilenet" in architecture:
        numbers["rpn_score_threshold"] = PROPOSAL_SCORE
    sides = SIDES.get(architecture, (800, 1333))
    values = {"architecture": architecture, "weights": weights, **numbers}
    return ModelConfig.model_validate({**values, "min_side_px": sides[0], "max_side_px": sides[1]})


def read_coco_weights(config: ModelConfig) -> Mapping[str, Tensor]:
    """The state dict, downloaded by torchvision where ``config.weights`` is ``coco``.

    Raises:
        WeightsError: there is none; or it is not of this detector with COCO's classes.
    """
    try:
        state = read_starting_weights(config)
    except WeightsError as error:
        if config.weights == "coco":
            raise
        # torch's own words fill a page, and advise to trust the file.
        what = "is no plain state dict" if Path(config.weights).is_file() else "does not exist"
        raise WeightsError(
            f"{config.weights} {what}; expected names with tensors, as in the file "
            f"{weights_file(config.architecture).name} that torchvision downloads"
        ) from error
    own = build_detector(config.model_copy(update={"weights": "none"}), N_LABELS - 1).state_dict()
    wrong = next((n for n in own if n not in state or own[n].shape != state[n].shape), None)
    if wrong is not None:
        shape = list(state[wrong].shape) if wrong in state else "nothing"
        raise WeightsError(
            f"{config.weights}: these are not the COCO weights of {config.architecture}: expected "
            f"{wrong} of the shape {list(own[wrong].shape)}, found {shape}"
        )
    return {name: state[name] for name in own}


def build_coco_detector(config: ModelConfig, state: Mapping[str, Tensor]) -> nn.Module:
    """The detector of a state dict, with COCO's labels, ready to predict."""
    detector: nn.Module = build_detector(config, N_LABELS - 1, state)
    return detector.eval()


def coco_labels(architecture: str) -> dict[str, int]:
    """torchvision's number of each COCO class."""
    names = get_model_weights(architecture).DEFAULT.meta["categories"]
    return {name: number for number, name in enumerate(names)}


def weights_file(architecture: str) -> Path:
    """Where torchvision looks for the weights, and downloads them to."""
    return Path(torch.hub.get_dir()) / "checkpoints" / weights_url(architecture).rpartition("/")[2]


def weights_url(architecture: str) -> str:
    """Where torchvision publishes the weights."""
    return str(get_model_weights(architecture).DEFAULT.url)


def is_published(architecture: str, sha256: str) -> bool:
    """Whether a file is the one that torchvision publishes: its name ends with its hash's begin."""
    return sha256.startswith(weights_file(architecture).stem.rpartition("-")[2])
