"""The detector, how its photos are changed, and how it is trained."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from sparrow.config.base import MAX_SIDE_PX, Count, Fraction, Section, Unit
from sparrow.config.names import (
    OPTIMIZERS,
    SCHEDULES,
    OptimizerName,
    Parameters,
    ScheduleName,
    refuse_idle,
)

Kernels = tuple[Count, Count]  # smallest and largest side, px
MAX_KERNEL_PX = 63  # the smallest photo after a crop has sides of 32, mirrored at its edges

# Architectures whose pyramid takes one anchor size for each of so many levels.
ANCHOR_LEVELS = {
    "fasterrcnn_efficientnet_lite0_fpn": 4,
    "fasterrcnn_resnet50_fpn_v2": 5,
    "retinanet_resnet50_fpn_v2": 5,
    "ssdlite320_mobilenet_v3_large": 6,
}


class ModelConfig(Section):
    """The detector. Defaults of the proposal and RoI numbers suit two CPU cores.

    The keys from ``rpn_pre_nms_top_n`` to ``box_positive_fraction`` are for the Faster R-CNNs only.
    """

    architecture: Literal[
        "fasterrcnn_efficientnet_lite0_fpn",
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
    # MobileNet's pyramids take every size on every level; ResNet's, SSDlite's and Lite0's one
    # for each level (RetinaNet: and two more up to its double, Lite0: one); FCOS has none.
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
    blur_kernels_px: Kernels | None = None  # Gaussian, odd sides from .. to; null: 5, mild
    box_blur: Unit = 0.0  # of the blurred photos: a plain average in place of the Gaussian ...
    box_blur_kernels_px: Kernels = (3, 9)  # ... over squares of odd sides from .. to
    crop: Unit = 0.0  # of at least half of each side, keeping every box's visible part honest
    scale_jitter: Unit = 0.0  # probability of a zoom between scale_range
    scale_range: tuple[float, float] = (0.75, 1.33)

    @model_validator(mode="after")
    def _kernels_are_odd(self) -> Self:
        for name in ("blur_kernels_px", "box_blur_kernels_px"):
            low, high = getattr(self, name) or (3, 3)
            if low % 2 == 0 or high % 2 == 0 or not 3 <= low <= high <= MAX_KERNEL_PX:
                raise ValueError(
                    f"{name}: expected two odd sides from 3 to {MAX_KERNEL_PX}, the smaller one "
                    f"first, such as [11, 21]; found [{low}, {high}]"
                )
        return self


class TrainingConfig(Section):
    """The training loop."""

    epochs: Count = 15
    # A run, the number of a version, or a folder of either: go on from there with its weights,
    # optimizer, schedule and best score, for `epochs` more. Its settings of training hold.
    continue_from: str | int | None = None
    batch_size: Count = 8
    # "adamw", "adam" and "sgd" take weight_decay and momentum from here. A class of torch.optim,
    # such as RMSprop, takes optimizer_parameters, and is else as PyTorch has it.
    optimizer: OptimizerName = "adamw"
    optimizer_parameters: Parameters = Field(default_factory=dict)
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3  # of any optimizer: its lr
    weight_decay: Annotated[float, Field(ge=0)] = 1e-4
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9  # sgd only
    # "cosine", "step", "linear" (to 0 at the end) and "none" follow the steps. A class of
    # torch.optim.lr_scheduler, such as LinearLR, takes schedule_parameters and means what it means
    # there; OneCycleLR is given the training's steps, and learning_rate as max_lr.
    schedule: ScheduleName = "cosine"
    schedule_parameters: Parameters = Field(default_factory=dict)
    step_epochs: Count = 2  # step only: every so many epochs ...
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.1  # ... the rate is multiplied by this
    # Of all steps; the four schedules of Sparrow's own only.
    warmup_fraction: Annotated[float, Field(ge=0, lt=1)] = 0.1
    # Of the validation photos, for the best epoch and in tuning. Precision, recall and F-beta at
    # the threshold where F-beta is best, average precision over all; at evaluation.iou.
    choose_by: Literal["f_beta", "precision", "recall", "ap"] = "f_beta"
    gradient_accumulation_steps: Count = (
        1  # batches to one step of the optimizer; several processes share them
    )
    clip_norm: Annotated[float, Field(gt=0)] | None = 10.0  # of all gradients together; null: off
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = 0.0  # 0: off
    patience_epochs: Count | None = None  # stop after so many epochs without a better score
    world_size: Count = 1  # tasks that train together, each on its own batches of a step
    threads: Count = 2  # of each process
    workers: Annotated[int, Field(ge=0)] = 0  # processes that change photos ahead of a fast device
    device: Literal["auto", "cpu", "cuda"] = "auto"

    @model_validator(mode="after")
    def _keys_apply(self) -> Self:
        if self.optimizer in OPTIMIZERS:
            why = f"{self.optimizer} takes weight_decay and momentum; its class takes parameters"
            refuse_idle(self, {"optimizer_parameters": why})
        else:
            why = f"parameters of {self.optimizer} are in optimizer_parameters"
            refuse_idle(self, {"weight_decay": why, "momentum": why})
        if self.schedule in SCHEDULES:
            why = f"{self.schedule!r} is not a class of torch.optim.lr_scheduler"
            refuse_idle(self, {"schedule_parameters": why})
        else:
            why = f"parameters of {self.schedule} are in schedule_parameters"
            refuse_idle(self, {"step_epochs": why, "gamma": why})
            if self.warmup_fraction:
                why = f"{self.schedule} is what PyTorch has under that name, and has no warm-up"
                refuse_idle(self, {"warmup_fraction": why})
        return self

    @model_validator(mode="after")
    def _every_process_has_batches(self) -> Self:
        if self.gradient_accumulation_steps % self.world_size:
            raise ValueError(
                f"gradient_accumulation_steps ({self.gradient_accumulation_steps} batches a step) "
                f"must be a multiple of world_size ({self.world_size}), the processes that "
                f"share them: set gradient_accumulation_steps to {self.world_size}"
            )
        return self
