"""One step of the optimizer over one or several batches."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sparrow.detectors.prediction import to_float
from sparrow.training.augmented_dataset import Sample
from sparrow.training.checkpoint import TrainingState
from sparrow.training.distributed import World


class LossNotFiniteError(RuntimeError):
    """A loss that is infinite or no number; the message names the batch."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Photos that go through the network together."""

    samples: list[Sample]
    names: list[str]  # of the photos
    seed: int  # of what the network draws itself: which of its proposals are looked at
    fraction: float  # of the step's photos


def make_optimizer_step(
    state: TrainingState,
    batches: Iterable[Batch],
    rate: float | None,
    clip_norm: float | None,
    world: World,
) -> dict[str, float]:
    """Change the network once, along the gradients of this process's batches and all others'.

    Args:
        state: whose network changes.
        batches: of this process.
        rate: the learning rate; None where a scheduler of PyTorch's has set it.
        clip_norm: the longest that all gradients together may be; None: any.
        world: this process among the others.

    Returns:
        This process's part of each loss: its batches' sum, each by its fraction of the photos.

    Raises:
        LossNotFiniteError: in every process, whichever of them met it.
    """
    if rate is not None:
        for group in state.optimizer.param_groups:
            group["lr"] = rate
    state.optimizer.zero_grad(set_to_none=True)
    sums, fault = _add_gradients(state.model, batches, world.device)
    if world.sum(torch.tensor(float(bool(fault)), device=world.device)) > 0:
        raise LossNotFiniteError(fault or "the loss is not finite in another process, see its log.")
    world.sum_gradients(state.model.parameters())
    if clip_norm is not None:
        nn.utils.clip_grad_norm_(state.model.parameters(), clip_norm)
    state.optimizer.step()
    if state.ema is not None:
        state.ema.update_parameters(state.model)
    return sums


def _add_gradients(
    model: nn.Module, batches: Iterable[Batch], device: torch.device
) -> tuple[dict[str, float], str]:
    """Each loss summed over the batches, and what is wrong with the first that is not finite."""
    sums: dict[str, float] = {}
    for batch in batches:
        losses = _losses(model, batch, device)
        total = torch.stack(list(losses.values())).sum()
        if not torch.isfinite(total):
            return sums, _explain(batch, losses)
        (total * batch.fraction).backward()
        for name, value in losses.items():
            sums[name] = sums.get(name, 0.0) + value.item() * batch.fraction
    return sums, ""


def _losses(model: nn.Module, batch: Batch, device: torch.device) -> dict[str, Tensor]:
    torch.manual_seed(batch.seed)
    images = [to_float(image.to(device)) for image, _, _ in batch.samples]
    targets = [
        {"boxes": boxes.to(device), "labels": labels.to(device)}
        for _, boxes, labels in batch.samples
    ]
    with torch.autocast("cuda", torch.bfloat16, enabled=device.type == "cuda"):
        losses: dict[str, Tensor] = model(images, targets)
    return losses


def _explain(batch: Batch, losses: dict[str, Tensor]) -> str:
    values = ", ".join(f"{name} {value.item():.3g}" for name, value in losses.items())
    photos = "; ".join(
        f"{name} with boxes {[[round(x, 1) for x in box] for box in boxes.tolist()]}"
        for name, (_, boxes, _) in zip(batch.names, batch.samples, strict=True)
    )
    return (
        f"the loss is not finite ({values}) on the batch of {photos} (pixels after augmentation). "
        "Try a smaller training.learning_rate."
    )
