"""What the page's script is told when a visitor opens the page."""

from __future__ import annotations

from pathlib import Path

from service.inference_service import InferenceService
from service.page_sightings import Json
from service.page_visit import MAX_SHOWN
from sparrow.inference.model_folder import ModelInfo
from sparrow.inference.remarks import DRAWN
from sparrow.photo_names import PHOTO_SUFFIXES
from sparrow.predictions.count_words import number_in_words

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.jpg"))


def start(inference: InferenceService) -> Json:
    """Limits, the model's classes and threshold, and what this service can do."""
    settings, info = inference.settings, inference.counter.info
    limits = settings.limits
    folder = limits.page_folder
    return {
        "max_photos": MAX_SHOWN,
        "max_photo_mb": limits.max_request_mb,
        "max_photos_at_once": limits.max_photos,
        "suffixes": list(PHOTO_SUFFIXES),
        "classes": list(info.class_names),
        "threshold": info.threshold,
        "lowest_score": info.min_score,
        "most": most_in_words(info),
        "warning": DRAWN if info.learnt_from_drawings else "",
        "examples": [{"name": path.stem.replace("-", " "), "path": str(path)} for path in EXAMPLES],
        "folder": None if folder is None else Path(folder).name or folder,
        "tiles": {"offered": limits.max_tiles > 0, "on": settings.tiles.tiles is not None},
        "keeps": inference.keeps_photos,
        "keep_days": limits.keep_days,
    }


def most_in_words(info: ModelInfo) -> str:
    """How many objects a model finds in one photo at most, in a sentence."""
    if info.max_objects is None:
        return "How many it finds in a photo at most is not recorded."
    return (
        f"It finds at most {info.max_objects} in one photo: a count that reaches "
        f"{info.max_objects} is shown as “{number_in_words(info.max_objects, minimum=True)}”."
    )
