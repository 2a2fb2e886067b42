"""Photos decoded once and kept at the network's size, in one memory-mapped file.

The file is keyed by the photos' content and the size asked for, so that epochs, trials, workers
and later runs over the same data decode nothing again.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sparrow.atomic_file import atomic_file, write_atomic
from sparrow.config import ModelConfig
from sparrow.data.tables import XYXY, Dataset
from sparrow.images import RgbImage, read_image, resize_to_fit
from sparrow.progress import Progress

FORMAT = "2"  # of the cache's files; what others wrote is decoded anew

_in_use: dict[Path, int] = {}  # held until the process ends, so that nobody deletes it


@dataclass(frozen=True, eq=False)
class DetectionSet:
    """Photos at the network's size with their boxes, indexable by position.

    Attributes:
        images: photo names.
        pixels: uint8, all photos one after the other, a memory map.
        offsets: where each photo starts in ``pixels``.
        sizes_px: [N, 2] height, width at the network's size.
        scales: [N, 2] network size over photo size, x and y.
        boxes_xyxy: float32 [M, 4] for each photo, pixels at the network's size.
        labels: int64 [M] for each photo, 1-based index into the class names.
    """

    images: tuple[str, ...]
    pixels: NDArray[np.uint8]
    offsets: np.ndarray
    sizes_px: np.ndarray
    scales: np.ndarray
    boxes_xyxy: tuple[np.ndarray, ...]
    labels: tuple[np.ndarray, ...]

    def __len__(self) -> int:
        return len(self.images)

    def photo(self, index: int) -> RgbImage:
        """uint8 [height, width, 3] at the network's size."""
        height, width = self.sizes_px[index]
        start = self.offsets[index]
        return self.pixels[start : start + height * width * 3].reshape(height, width, 3)

    def sample(self, index: int) -> tuple[Tensor, Tensor, Tensor]:
        """Image uint8 [3, H, W], boxes float32 [M, 4], labels int64 [M]."""
        image = torch.from_numpy(self.photo(index).copy()).permute(2, 0, 1)
        boxes = torch.from_numpy(self.boxes_xyxy[index])
        return image, boxes, torch.from_numpy(self.labels[index])

    def first(self, count: int) -> DetectionSet:
        """The first ``count`` photos only (a tuning trial's smaller diet)."""
        return DetectionSet(
            self.images[:count],
            self.pixels,
            self.offsets[:count],
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
    """Open the cache of these photos at this size, decoding them if it is not there yet.

    Raises:
        ImageError: a photo cannot be read (the checks would have said so before).
    """
    pixels_path = _ensure_cache(dataset, config, cache_dir, progress)
    listed = json.loads(pixels_path.with_suffix(".json").read_text())["sizes"]
    sizes = np.asarray(listed, dtype=np.int64).reshape(-1, 2)
    areas = sizes.prod(axis=1) * 3
    offsets = np.concatenate([[0], np.cumsum(areas)[:-1]]) if len(areas) else areas
    originals = dataset.images[["height_px", "width_px"]].to_numpy(dtype=float)
    scales = (sizes / originals)[:, ::-1]  # x, y
    label_of = {name: i + 1 for i, name in enumerate(class_names)}
    boxes, labels = [], []
    for rows, scale in zip(dataset.boxes_by_image().values(), scales, strict=True):
        boxes.append((rows[XYXY].to_numpy(dtype=float) * np.tile(scale, 2)).astype(np.float32))
        labels.append(rows["label"].map(label_of).to_numpy(dtype=np.int64))
    return DetectionSet(
        tuple(dataset.images["image"]),
        # A file of no bytes cannot be mapped.
        np.memmap(pixels_path, np.uint8, "r") if len(areas) else np.zeros(0, np.uint8),
        offsets,
        sizes,
        scales,
        tuple(boxes),
        tuple(labels),
    )


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


def _ensure_cache(
    dataset: Dataset, config: ModelConfig, cache_dir: Path, progress: Progress | None
) -> Path:
    sides = (config.min_side_px, config.max_side_px)
    digest = hashlib.sha256(repr((FORMAT, sides)).encode())
    for sha256 in dataset.images["sha256"]:
        digest.update(sha256.encode())
    path = cache_dir / f"photos-{digest.hexdigest()[:16]}.bin"
    if _use(path):
        return path
    cache_dir.mkdir(parents=True, exist_ok=True)
    sizes, content = [], hashlib.sha256()
    with atomic_file(path) as partial:
        with partial.open("wb") as file:
            for i, image in enumerate(dataset.images["image"]):
                pixels = resize_to_fit(read_image(dataset.image_path(image)), *sides)
                data = np.ascontiguousarray(pixels).data
                content.update(data)
                file.write(data)
                sizes.append(pixels.shape[:2])
                if progress:
                    progress(i + 1, len(dataset.images))
        # The index first: whoever sees the photos must find their sizes.
        index = {"sizes": sizes, "sha256": content.hexdigest()}
        write_atomic(path.with_suffix(".json"), json.dumps(index))
    if not _use(path):
        raise OSError(f"{path}: what was just written does not come back; check the disk")
    return path


def _use(path: Path) -> bool:
    """Hold a cache file for as long as this process lives, if it is there and whole.

    A damaged one is deleted, and said: what is in it can be decoded again.
    """
    if path in _in_use and path.exists():
        return True
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return False
    fcntl.flock(handle, fcntl.LOCK_SH)  # several processes read it: `filelock` has no such lock
    with open(handle, "rb", closefd=False) as file:
        whole = hashlib.file_digest(file, "sha256").hexdigest() == _index(path).get("sha256")
    if whole and path.exists():  # it may be deleted, as over its budget, while this process waits
        os.utime(path)  # what was used longest ago goes first
        _in_use[path] = handle
        return True
    os.close(handle)
    if not whole:
        print(f"{path}: damaged; the photos are decoded again", flush=True)
        path.unlink(missing_ok=True)
    return False


def _index(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.with_suffix(".json").read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
