"""Training photos in the epoch's order, randomly changed, as batches."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from sparrow.config import AugmentationConfig
from sparrow.training.augmentation import augment, make_augmentation
from sparrow.training.dataset import DetectionSet

Sample = tuple[Tensor, Tensor, Tensor]  # image uint8 [3, H, W], boxes float32 [N, 4], labels [N]


class AugmentedPhotos(torch.utils.data.Dataset[Sample]):
    """The photos of one epoch: how a photo is changed follows from its index and the epoch."""

    def __init__(self, photos: DetectionSet, config: AugmentationConfig, seed: int) -> None:
        """Of ``photos``, changed as ``config`` says; ``seed`` is the epoch's."""
        self._photos, self._seed = photos, seed
        self._transform = make_augmentation(config)

    def __len__(self) -> int:
        return len(self._photos)

    def __getitem__(self, index: int) -> Sample:
        return augment(*self._photos.sample(index), self._transform, derive_seed(self._seed, index))

    def load(self, order: Sequence[np.ndarray], workers: int) -> Iterator[list[Sample]]:
        """The batches of ``order``; ``workers`` processes make them ahead, 0 makes them in turn."""
        loader = torch.utils.data.DataLoader(
            self,
            batch_sampler=[indices.tolist() for indices in order],
            num_workers=workers,
            collate_fn=list,
        )
        return iter(loader)


def derive_seed(*numbers: int) -> int:
    """One seed out of several numbers, different for different ones."""
    seed = 0
    for number in numbers:
        seed = (seed * 1_000_003 + number + 1) % (2**63)
    return seed
