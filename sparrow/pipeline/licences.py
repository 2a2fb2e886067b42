"""The licence ledger of a trained model, written into its folder."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from sparrow.atomic_file import write_atomic
from sparrow.config import Config
from sparrow.data.licence_ledger import make_ledger
from sparrow.data.tables import Dataset
from sparrow.inference.model_folder import LICENCES, read_info, write_info
from sparrow.inference.pretrained_licence import (
    TRAINED_ON,
    starting_licence,
)
from sparrow.lite0 import LITE0, PACKAGE


def write_ledger(config: Config, dataset: Dataset, folder: Path, shown: Sequence[str]) -> None:
    """Write ``licences.json``, and renew the folder's hashes.

    Args:
        config: of the training.
        dataset: of the training, with its split.
        folder: of the model.
        shown: attribution of each photo that the folder's pages show.
    """
    ledger = make_ledger(
        dataset, shown, pretrained_weights(config.model.weights, config.model.architecture)
    )
    info = read_info(folder)  # before its hash of an earlier ledger is wrong
    write_atomic(folder / LICENCES, ledger.model_dump_json(indent=1) + "\n")
    write_info(folder, info)


def pretrained_weights(weights: str, architecture: str) -> tuple[str, str, str | None]:
    """What a training started from, the licence of that, and the licence's text if it is known.

    Args:
        weights: ``model.weights`` of the config. Of a file, the path is not told.
        architecture: ``model.architecture`` of the config.
    """
    licence = starting_licence(weights, architecture)
    if weights in TRAINED_ON:
        return weights, licence, _text(PACKAGE if architecture == LITE0 else "torchvision")
    return "none" if weights == "none" else "a file", licence, None


def _text(package: str) -> str | None:
    try:
        return distribution(package).read_text("LICENSE")
    except PackageNotFoundError:
        return None
