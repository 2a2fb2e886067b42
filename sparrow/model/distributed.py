"""Several processes that train one network together, started by torch's launcher (``torchrun``).

The batches of one step are shared out among the processes and their gradients added up, so that a
step is the same whether one process takes all of its batches or each of several takes some: every
batch draws its random numbers from its own place in the epoch. What differs is the running
statistics of normalisation that is not frozen: each process sees its own, and they are averaged.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, distributed, nn


@dataclass(frozen=True)
class World:
    """This process among those that train together."""

    rank: int = 0
    size: int = 1

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all processes, in place."""
        if self.size > 1:
            distributed.all_reduce(values)
        return values

    def from_first(self, values: Tensor) -> Tensor:
        """What the first process has, in place."""
        if self.size > 1:
            distributed.broadcast(values, 0)
        return values

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Give every process the sum of all gradients; one without a batch has none of its own."""
        if self.size == 1:
            return
        learning = [parameter for parameter in parameters if parameter.requires_grad]
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in learning]
        flat = self.sum(torch.cat([grad.reshape(-1) for grad in grads]))
        parts = flat.split([grad.numel() for grad in grads])
        for parameter, part in zip(learning, parts, strict=True):
            parameter.grad = part.view(parameter.shape)

    def average_statistics(self, model: nn.Module) -> None:
        """One state of normalisation for all processes."""
        if self.size == 1:
            return
        for buffer in model.buffers():
            if buffer.is_floating_point():
                self.sum(buffer).div_(self.size)


def join_world(device: str) -> World:
    """This process's place, as the launcher's variables say; alone where there was no launcher."""
    if "WORLD_SIZE" not in os.environ:
        return World()
    if not distributed.is_initialized():
        distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    return World(distributed.get_rank(), distributed.get_world_size())
