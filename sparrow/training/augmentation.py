"""Random changes of training photos, pixels and boxes together (torchvision transforms v2)."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from sparrow.config import AugmentationConfig

MIN_BOX_SIDE_PX = 4.0  # of what a crop leaves of a box; less is too small to recognise


class Rain(torch.nn.Module):
    """Bright slanted streaks over a darkened photo."""

    def forward(self, sample: dict[str, Tensor]) -> dict[str, Tensor]:
        """Sample with streaks drawn into ``sample["image"]`` (uint8 [3, H, W])."""
        image = sample["image"]
        height, width = image.shape[-2:]
        drops = torch.zeros(1, 1, height, width)
        drops.masked_fill_(torch.rand(drops.shape) > 0.996, 255.0)
        length = 9
        slant = int(torch.randint(-3, 4, ()).item())
        kernel = torch.zeros(1, 1, length, length)
        for row in range(length):
            column = length // 2 + round(slant * (row / (length - 1) - 0.5))
            kernel[0, 0, row, column] = 0.6
        streaks = torch.nn.functional.conv2d(drops, kernel, padding=length // 2)[0]
        rained = (image.float() * 0.85 + streaks).clamp(0, 255).to(torch.uint8)
        return {**sample, "image": tv_tensors.wrap(rained, like=image)}


class ScaleJitter(torch.nn.Module):
    """The whole photo, smaller or larger."""

    def __init__(self, scale_range: tuple[float, float]) -> None:
        super().__init__()
        self.low, self.high = scale_range

    def forward(self, sample: dict[str, Tensor]) -> dict[str, Tensor]:
        """Sample resized by one factor drawn between low and high."""
        factor = self.low + (self.high - self.low) * torch.rand(()).item()
        height, width = sample["image"].shape[-2:]
        size = [max(32, round(height * factor)), max(32, round(width * factor))]
        resized: dict[str, Tensor] = v2.Resize(size, antialias=True)(sample)
        return resized


class KernelBlur(torch.nn.Module):
    """A blur whose kernel has another side each time."""

    def __init__(self, kernels_px: tuple[int, int], gaussian: bool) -> None:
        """Odd sides from .. to; Gaussian as OpenCV derives it from the side, or a plain average."""
        super().__init__()
        self.sides_px, self.gaussian = range(kernels_px[0], kernels_px[1] + 1, 2), gaussian

    def forward(self, sample: dict[str, Tensor]) -> dict[str, Tensor]:
        """Sample with ``sample["image"]`` (uint8 [3, H, W]) blurred by a side drawn here."""
        side = self.sides_px[int(torch.randint(len(self.sides_px), ()).item())]
        image = sample["image"]
        if self.gaussian:
            sigma = 0.3 * ((side - 1) * 0.5 - 1) + 0.8
            blurred = v2.functional.gaussian_blur(image, [side, side], [sigma, sigma])
        else:
            edge = side // 2
            framed = torch.nn.functional.pad(image.float(), [edge] * 4, mode="reflect")
            averaged = torch.nn.functional.avg_pool2d(framed, side, stride=1)
            blurred = averaged.round().clamp(0, 255).to(torch.uint8)
        return {**sample, "image": tv_tensors.wrap(blurred, like=image)}


def make_blur(config: AugmentationConfig) -> torch.nn.Module:
    """The blur of a photo that gets one: Gaussian, or for a fraction of them a plain average."""
    gaussian: torch.nn.Module = v2.GaussianBlur(5, sigma=(0.5, 2.0))
    if config.blur_kernels_px is not None:
        gaussian = KernelBlur(config.blur_kernels_px, gaussian=True)
    if config.box_blur == 0:
        return gaussian
    average = KernelBlur(config.box_blur_kernels_px, gaussian=False)
    return v2.RandomChoice([gaussian, average], p=[1 - config.box_blur, config.box_blur])


def make_augmentation(config: AugmentationConfig) -> v2.Transform:
    """The transform of one training photo; whatever has probability 0 is not in it."""
    changes: list[tuple[float, torch.nn.Module]] = [
        (config.crop, v2.RandomIoUCrop(min_scale=0.5)),
        (config.scale_jitter, ScaleJitter(config.scale_range)),
        (config.horizontal_flip, v2.RandomHorizontalFlip(1.0)),
        (config.vertical_flip, v2.RandomVerticalFlip(1.0)),
        (config.colour_jitter, v2.ColorJitter(0.5, 0.5, 0.5, 0.0)),
        (config.rain, Rain()),
        (config.blur, make_blur(config)),
    ]
    chosen = [v2.RandomApply([change], p) for p, change in changes if p > 0]
    return v2.RandomApply([v2.Compose(chosen or [v2.Identity()])], config.probability)


def augment(
    image: Tensor, boxes_xyxy: Tensor, labels: Tensor, transform: v2.Transform, seed: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Apply ``transform`` with its own random numbers.

    Args:
        image: uint8 [3, H, W].
        boxes_xyxy: float32 [N, 4] in its pixels.
        labels: int64 [N].
        transform: from ``make_augmentation``.
        seed: decides every random choice, whatever was drawn before.

    Returns:
        image, boxes and labels; a box of which a crop left next to nothing is gone.
    """
    sample = {
        "image": tv_tensors.Image(image),
        "boxes": tv_tensors.BoundingBoxes(
            boxes_xyxy, format="XYXY", canvas_size=(image.shape[1], image.shape[2])
        ),
        "labels": labels,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        changed = transform(sample)
    boxes, kept = _clip(changed["boxes"].as_subclass(Tensor), *changed["image"].shape[-2:])
    return changed["image"].as_subclass(Tensor), boxes[kept], changed["labels"][kept]


def _clip(boxes_xyxy: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Boxes within their photo, [N, 4], and which of them are still large enough, bool [N]."""
    # Resizing by a fraction rounds: without this a box may end a fraction of a pixel outside.
    limits = torch.tensor([width, height] * 2, dtype=boxes_xyxy.dtype)
    boxes = torch.minimum(boxes_xyxy.clamp(min=0), limits)
    sides = (boxes[:, 2:] - boxes[:, :2]).clamp(min=0)
    return boxes, (sides >= MIN_BOX_SIDE_PX).all(dim=1)
