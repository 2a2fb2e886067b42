"""What the page's script is told when a visitor opens the page."""

from __future__ import annotations

from pathlib import Path

from service.inference_service import InferenceService
from service.page_sightings import Json
from service.page_visit import MAX_SHOWN
from sparrow.class_nouns import listed
from sparrow.inference.model_folder import ModelInfo
from sparrow.inference.remarks import warning_of
from sparrow.photo_names import PHOTO_SUFFIXES
from sparrow.predictions.count_words import number_in_words

MOST_CLASSES = 8  # by name
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
        "counts": what_in_words(info),
        "warning": warning_of(info),
        "examples": [{"name": path.stem.replace("-", " "), "path": str(path)} for path in EXAMPLES],
        "folder": None if folder is None else Path(folder).name or folder,
        "tiles": {"offered": limits.max_tiles > 0, "on": settings.tiles.tiles is not None},
        "keeps": inference.keeps_photos,
        "keep_days": limits.keep_days,
    }


def what_in_words(info: ModelInfo) -> str:
    """What a model counts, in a sentence."""
    named, more = info.class_names[:MOST_CLASSES], len(info.class_names) - MOST_CLASSES
    others = f" and {more} other kinds" if more > 0 else ""
    return f"This model counts {listed(named, info.plurals)}{others}."


def most_in_words(info: ModelInfo) -> str:
    """How many objects a model finds in one photo at most, in a sentence."""
    if info.max_objects is None:
        return "How many the model finds in a photo at most is not recorded."
    return (
        f"The model finds at most {info.max_objects} in one photo: a count that reaches "
        f"{info.max_objects} is shown as “{number_in_words(info.max_objects, minimum=True)}”."
    )
