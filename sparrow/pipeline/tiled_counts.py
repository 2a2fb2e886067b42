"""The count models for photos that are seen in tiles, fitted on validation photos seen likewise."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sparrow.config import Config
from sparrow.data.split.groups import group_numbers
from sparrow.data.tables import Dataset
from sparrow.detections import Detections
from sparrow.evaluation.calibration import effective_number, fit_with_needed
from sparrow.evaluation.class_calibration import fit_class_count_models, least_photos
from sparrow.evaluation.matching import FlatDetections, flatten
from sparrow.images import read_image
from sparrow.inference.engine import Engine
from sparrow.inference.model_folder import ModelInfo
from sparrow.inference.tile_choice import TileChoice, parse_tiles
from sparrow.inference.tile_plan import plan_tiles
from sparrow.inference.tiled_count import TiledCount
from sparrow.inference.tiled_detection import detect_in_tiles
from sparrow.pipeline.predict import each_photo, served_at_once
from sparrow.progress import Progress


def with_tiled_count(
    config: Config,
    info: ModelInfo,
    folder: Path,
    held_out: Dataset,
    progress: Progress | None = None,
) -> ModelInfo:
    """A model's description with the count models for ``evaluation.tiles``.

    Args:
        config: says which tiles, if any.
        info: of the model, with its operating threshold.
        folder: of the model.
        held_out: validation photos; those that get no tiles are left out.
        progress: called with (done, total) photos.

    Returns:
        Without such models where too few independent photos get tiles for an interval.
    """
    choice = TileChoice(parse_tiles(config.evaluation.tiles))
    photos, fitted = tiled_photos(info, held_out, choice), None
    if len(photos.images) >= least_photos(config.evaluation.count_confidence):
        detections = _detect(config, info, folder, photos, progress)
        fitted = _fit(config, info, flatten(photos, detections, config.data.classes))
    return info.model_copy(update={"tiled_count": fitted})


def _fit(config: Config, info: ModelInfo, flat: FlatDetections) -> TiledCount | None:
    """None where the photos are worth too few independent ones."""
    fitted_for = flat, info.threshold, config.evaluation
    model, needed = fit_with_needed(*fitted_for)
    independent = effective_number(needed, group_numbers(flat.photos))
    if independent < least_photos(config.evaluation.count_confidence):
        return None
    of_class = fit_class_count_models(*fitted_for)
    return TiledCount(
        tiles=parse_tiles(config.evaluation.tiles),
        count_model=model.to_dict(),
        class_count_models={name: own.to_dict() for name, own in of_class.items()} or None,
    )


def tiled_photos(info: ModelInfo, dataset: Dataset, choice: TileChoice) -> Dataset:
    """The photos of a set that get tiles, with their boxes."""
    images = dataset.images
    sizes = zip(images["width_px"], images["height_px"], strict=True)
    large = [plan_tiles(info, int(w), int(h), choice) is not None for w, h in sizes]
    chosen = images[np.array(large, dtype=bool)].reset_index(drop=True)
    boxes = dataset.boxes[dataset.boxes["image"].isin(chosen["image"])].reset_index(drop=True)
    return Dataset(dataset.root, chosen, boxes)


def _detect(
    config: Config, info: ModelInfo, folder: Path, photos: Dataset, progress: Progress | None
) -> dict[str, Detections]:
    """Detections by photo name."""
    engine = Engine(folder, threads=1)
    choice = TileChoice(parse_tiles(config.evaluation.tiles))

    def detect(name: str) -> Detections:
        image = read_image(photos.image_path(name))
        plan = plan_tiles(info, image.shape[1], image.shape[0], choice)
        if plan is None:  # its table says another size
            return engine.detect(image)
        return detect_in_tiles(
            image, engine.detect, plan, info.threshold, info.max_objects
        ).detections

    return each_photo(photos, detect, served_at_once(config), progress)
