"""Several processes that train one network together: ``training.world_size`` or ``torchrun``.

Torch's launcher starts them, or they are the tasks of a parallel step of the flow. The batches of
an optimizer step are shared out among the processes and their gradients added up, so that the step
is the same whether one process takes all of its batches or each of several takes some: a batch's
random numbers follow from its number in the epoch. What differs is the running statistics of
normalisation that is not frozen: each process sees its own, and they are averaged.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address
from zlib import crc32

import torch
from torch import Tensor, distributed, nn
from torch.distributed.rendezvous import rendezvous

# The port of a training's first process: below those that Linux assigns by itself, and another for
# each training, so that two trainings on one machine stay apart.
FIRST_PORT, PORTS = 20_000, 10_000
RENDEZVOUS = timedelta(minutes=10)  # all of them decode the photos first
CPU = torch.device("cpu")
COLLECTIVE_TIMEOUT = timedelta(hours=2)  # while the first one validates


class RendezvousError(RuntimeError):
    """Not all processes arrived; the message says how many were expected, and where."""


@dataclass(frozen=True)
class World:
    """This process among those that train together, and the device it trains on."""

    rank: int = 0
    size: int = 1
    device: torch.device = CPU

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


def choose_device(name: str) -> torch.device:
    """``auto`` takes the GPU where there is one; of several, each process its own."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)))
    return torch.device(name)


def set_rank_environment(rank: int, size: int, address: str, key: str) -> None:
    """Set the variables that torch's launcher sets, for a process that another launcher started.

    Args:
        rank: of this process, 0 for the first.
        size: how many processes there are; with one, nothing is set.
        address: of the first's machine, as the others reach it.
        key: of the training, the same in all processes: decides the port of the first one.
    """
    if size == 1:
        return
    one_machine = ip_address(address).is_loopback
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank if one_machine else 0),
        "WORLD_SIZE": str(size),
        "MASTER_ADDR": address,
        "MASTER_PORT": str(FIRST_PORT + crc32(key.encode()) % PORTS),
    }


def join_world(device: torch.device) -> World:
    """This process's rank, as the launcher's variables say; alone where there was no launcher.

    Raises:
        RendezvousError: not all processes arrived.
    """
    if "WORLD_SIZE" not in os.environ:
        return World(device=device)
    if not distributed.is_initialized():
        _rendezvous("nccl" if device.type == "cuda" else "gloo")
    return World(distributed.get_rank(), distributed.get_world_size(), device)


def _rendezvous(backend: str) -> None:
    try:
        store, rank, size = next(rendezvous("env://", timeout=RENDEZVOUS))
    except distributed.DistStoreError as error:
        raise RendezvousError(
            f"the {os.environ['WORLD_SIZE']} processes of this training did not meet within "
            f"{RENDEZVOUS}; the log of the one that is missing says why, or its machine cannot "
            f"reach {os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        ) from error
    distributed.init_process_group(
        backend, store=store, rank=rank, world_size=size, timeout=COLLECTIVE_TIMEOUT
    )
