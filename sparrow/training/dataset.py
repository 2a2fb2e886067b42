"""Photos at the network's size with their boxes, and the batches of an epoch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from sparrow.config import ModelConfig
from sparrow.data.tables import XYXY, Dataset
from sparrow.images import RgbImage
from sparrow.progress import Progress
from sparrow.training.decoded_photos import decode_photos


@dataclass(frozen=True, eq=False)
class DetectionSet:
    """Photos at the network's size with their boxes, indexable by position.

    Attributes:
        images: photo names.
        pixels: uint8 [height, width, 3] of each photo, memory-mapped.
        sizes_px: [N, 2] height, width at the network's size.
        scales: [N, 2] network size over photo size, x and y.
        boxes_xyxy: float32 [M, 4] for each photo, pixels at the network's size.
        labels: int64 [M] for each photo, 1-based index into the class names.
    """

    images: tuple[str, ...]
    pixels: tuple[RgbImage, ...]
    sizes_px: np.ndarray
    scales: np.ndarray
    boxes_xyxy: tuple[np.ndarray, ...]
    labels: tuple[np.ndarray, ...]

    def __len__(self) -> int:
        return len(self.images)

    def photo(self, index: int) -> RgbImage:
        """uint8 [height, width, 3] at the network's size."""
        return self.pixels[index]

    def sample(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        """Image uint8 [3, H, W], boxes float32 [M, 4], labels int64 [M]."""
        image = torch.from_numpy(self.photo(index).copy()).permute(2, 0, 1)
        boxes = torch.from_numpy(self.boxes_xyxy[index])
        return image, boxes, torch.from_numpy(self.labels[index])

    def first(self, count: int) -> DetectionSet:
        """The first ``count`` photos only (a tuning trial's smaller diet)."""
        return DetectionSet(
            self.images[:count],
            self.pixels[:count],
            self.sizes_px[:count],
            self.scales[:count],
            self.boxes_xyxy[:count],
            self.labels[:count],
        )


def load_detection_set(
    dataset: Dataset,
    class_names: Sequence[str],
    config: ModelConfig,
    cache_dir: Path,
    progress: Progress | None = None,
) -> DetectionSet:
    """The photos at the network's size; those that ``cache_dir`` does not hold yet are decoded.

    Raises:
        ImageError: a photo cannot be read (the checks would have said so before).
    """
    contents = list(dataset.images["sha256"])
    paths = dict(zip(contents, map(dataset.image_path, dataset.images["image"]), strict=True))
    decoded = decode_photos(paths, (config.min_side_px, config.max_side_px), cache_dir, progress)
    pixels = tuple(decoded[sha256] for sha256 in contents)
    sizes = np.array([photo.shape[:2] for photo in pixels], dtype=np.int64).reshape(-1, 2)
    originals = dataset.images[["height_px", "width_px"]].to_numpy(dtype=float)
    scales = (sizes / originals)[:, ::-1]  # x, y
    boxes, labels = _scaled_boxes(dataset, scales, class_names)
    return DetectionSet(tuple(dataset.images["image"]), pixels, sizes, scales, boxes, labels)


def _scaled_boxes(
    dataset: Dataset, scales: np.ndarray, class_names: Sequence[str]
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Boxes at the network's size and 1-based labels of each photo."""
    label_of = {name: i + 1 for i, name in enumerate(class_names)}
    boxes, labels = [], []
    for rows, scale in zip(dataset.boxes_by_image().values(), scales, strict=True):
        boxes.append((rows[XYXY].to_numpy(dtype=float) * np.tile(scale, 2)).astype(np.float32))
        labels.append(rows["label"].map(label_of).to_numpy(dtype=np.int64))
    return tuple(boxes), tuple(labels)


def batches(sizes_px: np.ndarray, batch_size: int, seed: int, epoch: int) -> Iterator[np.ndarray]:
    """Indices of one epoch's batches, shuffled; a batch holds photos of one orientation.

    Photos in a batch are padded to the largest, and landscape beside portrait would be padded most.
    The order depends on ``seed`` and ``epoch`` alone.
    """
    rng = np.random.default_rng([seed, epoch])
    order = rng.permutation(len(sizes_px))
    portrait = sizes_px[order, 0] > sizes_px[order, 1]
    chunks = []
    for group in (order[~portrait], order[portrait]):
        chunks += [group[i : i + batch_size] for i in range(0, len(group), batch_size)]
    for i in rng.permutation(len(chunks)):
        yield chunks[i]
