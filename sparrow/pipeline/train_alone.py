"""A training without a flow, MLflow or a registry: photos in, a model folder out."""

from __future__ import annotations

import tempfile
from pathlib import Path

from sparrow.config import Config
from sparrow.data.split.split import split_dataset
from sparrow.data.tables import Dataset
from sparrow.pipeline.trained_folder import MODEL


def split_alone(config: Config, dataset: Dataset) -> Dataset:
    """A set with its column ``split``: train, validation or test; nothing is written.

    Raises:
        DataError: there are too few authors or days to fill three splits.
    """
    bits = config.data.near_duplicate_bits
    return split_dataset(dataset, config.split, bits, config.seed).dataset


def train_alone(config: Config, dataset: Dataset, folder: Path) -> None:
    """Train a detector on a split set and write its model folder.

    Args:
        config: as a run's, tuned or not; its stores are not used.
        dataset: of ``split_alone``.
        folder: to make.

    Raises:
        ValueError: ``folder`` holds something.
        TrainingError: there is nothing to learn from, or the loss is not finite.
    """
    from sparrow.detectors.build import build_seeded_detector
    from sparrow.pipeline.train import export_trained
    from sparrow.training.loop import train
    from sparrow.training.task import load_task

    if folder.exists() and any(folder.iterdir()):
        raise ValueError(f"{folder} is not empty; name a folder to make")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as name:
        place = Path(name)
        data = config.data.model_copy(update={"prepared": str(place / "prepared")})
        config = config.model_copy(update={"data": data})
        (place / "checkpoints").mkdir()
        task = load_task(config, dataset)
        model = build_seeded_detector(config.model, len(config.data.classes), config.seed)
        result = train(model, task, place / "checkpoints")
        export_trained(config, dataset, task, result, place)
        (place / MODEL).replace(folder)  # where an empty folder is, too
