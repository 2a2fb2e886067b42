"""The detector, how its photos are changed, and how it is trained."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sparrow.config.base import MAX_SIDE_PX, Count, Fraction, Section, Unit

# Architectures whose pyramid takes one anchor size for each of so many levels.
ANCHOR_LEVELS = {
    "fasterrcnn_resnet50_fpn_v2": 5,
    "retinanet_resnet50_fpn_v2": 5,
    "ssdlite320_mobilenet_v3_large": 6,
}


class ModelConfig(Section):
    """The detector. Defaults of the proposal and RoI numbers suit two CPU cores.

    The keys from ``rpn_pre_nms_top_n`` to ``box_positive_fraction`` are for the Faster R-CNNs only.
    """

    architecture: Literal[
        "fasterrcnn_mobilenet_v3_large_fpn",
        "fasterrcnn_mobilenet_v3_large_320_fpn",
        "fasterrcnn_resnet50_fpn_v2",
        "retinanet_resnet50_fpn_v2",
        "fcos_resnet50_fpn",
        "ssdlite320_mobilenet_v3_large",
    ] = "fasterrcnn_mobilenet_v3_large_fpn"
    weights: str = "coco"  # coco | imagenet | none | path of a state dict (whole or backbone)
    trainable_backbone_layers: Annotated[int, Field(ge=0, le=6)] = 6
    freeze_batch_norm: bool = True  # false when training from scratch
    min_side_px: Annotated[int, Field(ge=64, le=MAX_SIDE_PX)] = (
        320  # photos are scaled to this short side ...
    )
    max_side_px: Annotated[int, Field(ge=64, le=MAX_SIDE_PX)] = (
        640  # ... unless the long side would exceed this
    )
    # MobileNet's pyramids take every size on every level; ResNet's and SSDlite's one for each level
    # (RetinaNet: and two more up to its double); FCOS has no anchors.
    anchor_sizes_px: Annotated[tuple[Count, ...], Field(min_length=1)] = (32, 64, 128, 256, 512)
    rpn_pre_nms_top_n: Count = 400
    rpn_post_nms_top_n: Count = 200
    rpn_batch_size_per_image: Count = 128
    rpn_score_threshold: Unit = 0.0
    box_batch_size_per_image: Count = 64  # RoIs sampled per photo; torchvision's default is 512
    box_positive_fraction: Fraction = 0.4
    box_nms_iou: Unit = 0.4
    box_detections_per_image: Count = 120

    @model_validator(mode="after")
    def _sides_in_order(self) -> Self:
        if self.max_side_px < self.min_side_px:
            raise ValueError(
                f"max_side_px ({self.max_side_px}) must not be below min_side_px "
                f"({self.min_side_px})"
            )
        return self

    @model_validator(mode="after")
    def _keys_apply(self) -> ModelConfig:
        idle: tuple[str, ...] = ()
        if not self.architecture.startswith("fasterrcnn"):
            idle = tuple(name for name in type(self).model_fields if name.startswith("rpn_"))
            idle += ("box_batch_size_per_image", "box_positive_fraction")
        if self.architecture.startswith("fcos"):
            idle += ("anchor_sizes_px",)
        for name in idle:
            if getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(
                    f"{name} does not apply to {self.architecture}; leave it out "
                    f"(found {getattr(self, name)})"
                )
        levels = ANCHOR_LEVELS.get(self.architecture)
        if levels and len(self.anchor_sizes_px) != levels:
            raise ValueError(
                f"anchor_sizes_px: {self.architecture} has {levels} pyramid levels and needs one "
                f"size for each, found {len(self.anchor_sizes_px)}"
            )
        return self


class AugmentationConfig(Section):
    """Random changes of the training photos, boxes included; 0 switches one off."""

    probability: Unit = 0.8  # of changing a photo at all
    horizontal_flip: Unit = 0.5
    vertical_flip: Unit = 0.0
    colour_jitter: Unit = 0.7
    rain: Unit = 0.0
    blur: Unit = 0.0
    crop: Unit = 0.0  # of at least half of each side, keeping every box's visible part honest
    scale_jitter: Unit = 0.0  # probability of a zoom between scale_range
    scale_range: tuple[float, float] = (0.75, 1.33)


class TrainingConfig(Section):
    """The training loop."""

    epochs: Count = 15
    batch_size: Count = 8
    optimizer: Literal["adamw", "adam", "sgd"] = "adamw"
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9  # sgd only
    schedule: Literal["cosine", "step", "linear", "none"] = "cosine"
    step_epochs: Count = 2  # step only: every so many epochs ...
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.1  # ... the rate is multiplied by this
    warmup_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.1  # of all steps
    gradient_accumulation_steps: Count = (
        1  # batches to one step of the optimizer; several processes share them
    )
    clip_norm: Annotated[float, Field(gt=0)] = 10.0
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0  # 0: off
    patience_epochs: Count | None = None  # stop after so many epochs without a better score
    world_size: Count = 1  # tasks that train together, each on its own batches of a step
    threads: Count = 2  # of each process
    workers: Annotated[int, Field(ge=0)] = 0  # processes that change photos ahead of a fast device
    device: Literal["auto", "cpu", "cuda"] = "auto"

    @model_validator(mode="after")
    def _every_process_has_batches(self) -> Self:
        if self.gradient_accumulation_steps % self.world_size:
            raise ValueError(
                f"gradient_accumulation_steps ({self.gradient_accumulation_steps} batches a step) "
                f"must be a multiple of world_size ({self.world_size}), the processes that "
                f"share them: set gradient_accumulation_steps to {self.world_size}"
            )
        return self
