"""The kind of photos that a model learnt from, measured and put into its folder."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sparrow.data.split.groups import group_numbers
from sparrow.data.tables import Dataset
from sparrow.evaluation.fit_distribution import fit_training_distribution
from sparrow.evaluation.training_distribution import TrainingDistribution
from sparrow.images import decode_photo
from sparrow.inference.model_folder import read_info
from sparrow.photo_texture import photo_texture
from sparrow.portable import usable_cores
from sparrow.progress import Progress

MOST_PHOTOS = 2000  # five for each statistic; more change the limit by less than their groups do


def write_training_distribution(
    dataset: Dataset, folder: Path, seed: int, progress: Progress | None = None
) -> TrainingDistribution | None:
    """Fit on training and validation photos, and write it into a model folder.

    Args:
        dataset: split, and in groups.
        folder: of the model; where the photos are too few it gets no file.
        seed: draws the photos where there are more than ``MOST_PHOTOS``.
        progress: called with (done, total) photos.

    Raises:
        ImageError: a photo cannot be read.
        ModelFolderError: the folder is not a whole model.
    """
    known = dataset.images[dataset.images["split"] != "test"]
    if len(known) > MOST_PHOTOS:
        rows = np.random.default_rng(seed).choice(len(known), MOST_PHOTOS, replace=False)
        known = known.iloc[np.sort(rows)]
    files = [dataset.image_path(name) for name in known["image"]]
    textures = _textures(files, read_info(folder, verify=False).decoded_for_px, progress)
    distribution = fit_training_distribution(textures, group_numbers(known))
    if distribution is not None:
        distribution.save(folder)
    return distribution


def _textures(
    files: list[Path], sides_px: tuple[int, int] | None, progress: Progress | None
) -> NDArray[np.float32]:
    """[N, D] statistics of N photos, decoded as ``decode_photo`` does for ``sides_px``."""

    def measure(file: Path) -> NDArray[np.float32]:
        return photo_texture(decode_photo(file, sides_px=sides_px).pixels)

    rows = []
    with ThreadPoolExecutor(usable_cores()) as threads:
        for row in threads.map(measure, files):
            rows.append(row)
            if progress:
                progress(len(rows), len(files))
    return np.array(rows, dtype=np.float32).reshape(len(rows), -1)
